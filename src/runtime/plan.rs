//! From what is wanted and what is there to the steps between: pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::names::{self, Kind};

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Present {
    /// A symbolic link with this text.
    Link {
        /// Where it points.
        target: PathBuf,
        /// Whether nothing is there.
        dangles: bool,
    },
    /// Anything else: somebody's data.
    Real,
}

/// What should stand under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A link with this text.
    Link(PathBuf),
    /// A real directory.
    Directory,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a link where nothing is.
    Link(OsString, PathBuf),
    /// Make a link lead elsewhere, with no moment without one.
    Relink(OsString, PathBuf),
    /// Make a directory where nothing is.
    Directory(OsString),
    /// Remove a link of clauth's that leads nowhere.
    Unlink(OsString),
}

/// Returns what a config directory should hold, given the hub's entries; settings first.
pub fn wanted(hub: &BTreeMap<OsString, PathBuf>) -> Vec<(OsString, Wanted)> {
    let linked = hub.iter().filter(|(name, _)| names::kind(&name.to_string_lossy()) == Kind::Linked);
    let links = linked.map(|(name, target)| (name.clone(), Wanted::Link(target.clone())));
    let directories = names::MIRRORED.iter().map(|name| (OsString::from(name), Wanted::Directory));
    let mut wanted: Vec<_> = links.chain(directories).collect();
    wanted.sort_by_key(|(name, _)| name != OsStr::new("settings.json"));
    wanted
}

/// Returns the steps. What is real stays as it is: it is somebody's data, wherever it stands.
pub fn plan(wanted: &[(OsString, Wanted)], present: &BTreeMap<OsString, Present>, hub: &Path) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, wanted) in wanted {
        match (wanted, present.get(name)) {
            (Wanted::Link(target), None) => steps.push(Step::Link(name.clone(), target.clone())),
            (Wanted::Link(target), Some(Present::Link { target: now, .. })) if now != target => {
                steps.push(Step::Relink(name.clone(), target.clone()));
            }
            (Wanted::Directory, None) => steps.push(Step::Directory(name.clone())),
            (_, Some(_)) => {}
        }
    }
    for (name, state) in present {
        let is_wanted = wanted.iter().any(|(wanted, _)| wanted == name);
        if let Present::Link { target, dangles: true } = state
            && !is_wanted
            && target.starts_with(hub)
        {
            steps.push(Step::Unlink(name.clone()));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "/h/.claude";

    fn hub(names: &[&str]) -> BTreeMap<OsString, PathBuf> {
        names.iter().map(|name| (OsString::from(name), Path::new(HUB).join(name))).collect()
    }

    fn link(target: &str, dangles: bool) -> Present {
        Present::Link { target: target.into(), dangles }
    }

    fn steps(hub_names: &[&str], present: &[(&str, Present)]) -> Vec<Step> {
        let present = present.iter().map(|(name, state)| (OsString::from(name), state.clone())).collect();
        plan(&wanted(&hub(hub_names)), &present, Path::new(HUB))
    }

    fn mirrored() -> Vec<(&'static str, Present)> {
        names::MIRRORED.iter().map(|name| (*name, Present::Real)).collect()
    }

    #[test]
    fn an_empty_directory_gets_settings_first_and_no_private_name() {
        let steps = steps(&["agents", "settings.json", ".credentials.json", "projects", "sessions"], &[]);
        assert_eq!(steps[0], Step::Link("settings.json".into(), "/h/.claude/settings.json".into()));
        assert_eq!(steps[1], Step::Link("agents".into(), "/h/.claude/agents".into()));
        assert_eq!(steps[2..], names::MIRRORED.iter().map(|name| Step::Directory(name.into())).collect::<Vec<_>>());
    }

    #[test]
    fn a_right_directory_needs_nothing() {
        let mut present = mirrored();
        present.push(("agents", link("/h/.claude/agents", false)));
        present.push((".credentials.json", Present::Real));
        assert_eq!(steps(&["agents"], &present), []);
    }

    #[test]
    fn a_link_elsewhere_is_turned_and_a_real_entry_is_kept() {
        let mut present = mirrored();
        present.push(("agents", link("/old/agents", false)));
        present.push(("commands", Present::Real));
        assert_eq!(steps(&["agents", "commands"], &present), [Step::Relink("agents".into(), "/h/.claude/agents".into())]);
    }

    #[test]
    fn only_a_dangling_link_into_the_hub_is_removed() {
        let mut present = mirrored();
        present.push(("gone", link("/h/.claude/gone", true)));
        present.push(("mine", link("/elsewhere/mine", true)));
        present.push(("there", link("/h/.claude/private/there", false)));
        assert_eq!(steps(&[], &present), [Step::Unlink("gone".into())]);
    }
}
