//! From what is wanted and what is there to the steps between: pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::sharing::names::{self, Kind};

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
    /// A file: somebody's data.
    File,
    /// A directory: somebody's data.
    Directory,
    /// A FIFO, a socket, a device.
    Other,
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
    /// Turn a link to the hub into a real directory, which the mirror fills, with no moment without the name.
    Unfold(OsString),
    /// Remove a link into the hub that leads nowhere, or has a name that no profile shares.
    Unlink(OsString),
    /// Take up a file that stands where a link to this target belongs.
    AdoptFile(OsString, PathBuf),
    /// Take up a directory that the hub lacks.
    AdoptDirectory(OsString),
    /// Merge a directory into the hub's, when nobody uses the profile.
    MergeDirectory(OsString, PathBuf),
}

impl Step {
    /// Whether what is there is not as a session left it; what the hub has gained or lost since is no more than news.
    pub fn is_mending(&self) -> bool {
        !matches!(self, Self::Link(..) | Self::Directory(_) | Self::Unlink(_))
    }

    /// Whether it is about a name that vanished, perhaps only for a moment.
    pub fn is_about_a_hole(&self) -> bool {
        matches!(self, Self::Unlink(_) | Self::Directory(_))
    }

    /// The name that it is about.
    pub fn name(&self) -> &OsStr {
        match self {
            Self::Link(name, _)
            | Self::Relink(name, _)
            | Self::AdoptFile(name, _)
            | Self::MergeDirectory(name, _)
            | Self::Directory(name)
            | Self::Unfold(name)
            | Self::Unlink(name)
            | Self::AdoptDirectory(name) => name,
        }
    }
}

/// Returns what a config directory should hold, given the hub's entries.
pub fn wanted(hub: &BTreeMap<OsString, PathBuf>) -> Vec<(OsString, Wanted)> {
    let linked = hub.iter().filter(|(name, _)| matches!(names::kind(&name.to_string_lossy()), Kind::Linked | Kind::Unknown));
    let links = linked.map(|(name, target)| (name.clone(), Wanted::Link(target.clone())));
    let directories = names::MIRRORED.iter().map(|name| (OsString::from(name), Wanted::Directory));
    links.chain(directories).collect()
}

/// Returns the steps. What is real where a link belongs is somebody's data: it is taken up, never replaced.
pub fn plan(wanted: &[(OsString, Wanted)], present: &BTreeMap<OsString, Present>, hub: &Path) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, wanted) in wanted {
        match (wanted, present.get(name)) {
            (Wanted::Link(target), None) => steps.push(Step::Link(name.clone(), target.clone())),
            (Wanted::Link(target), Some(Present::Link { target: now, .. })) if now != target => {
                steps.push(Step::Relink(name.clone(), target.clone()));
            }
            // What a client made under a name that nobody knows stays in its profile, whatever the hub has.
            (Wanted::Link(_), Some(Present::File | Present::Directory)) if names::kind(&name.to_string_lossy()) == Kind::Unknown => {}
            (Wanted::Link(target), Some(Present::File)) => steps.push(Step::AdoptFile(name.clone(), target.clone())),
            (Wanted::Link(target), Some(Present::Directory)) => steps.push(Step::MergeDirectory(name.clone(), target.clone())),
            (Wanted::Directory, Some(Present::Link { target, .. })) if target.starts_with(hub) => steps.push(Step::Unfold(name.clone())),
            (Wanted::Directory, None) => steps.push(Step::Directory(name.clone())),
            (_, Some(_)) => {}
        }
    }
    for (name, state) in present.iter().filter(|(name, _)| !wanted.iter().any(|(wanted, _)| wanted == *name)) {
        let kind = names::kind(&name.to_string_lossy());
        let is_linked = kind == Kind::Linked;
        match state {
            // A name that was shared before it was known to be private, too: whoever made the link, it is one for all profiles.
            Present::Link { target, dangles } if target.starts_with(hub) && (*dangles || kind == Kind::Private) && !names::is_identity(name) => {
                steps.push(Step::Unlink(name.clone()));
            }
            Present::File if is_linked => steps.push(Step::AdoptFile(name.clone(), hub.join(name))),
            Present::Directory if is_linked => steps.push(Step::AdoptDirectory(name.clone())),
            _ => {}
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
        names::MIRRORED.iter().map(|name| (*name, Present::Directory)).collect()
    }

    #[test]
    fn an_empty_directory_gets_links_and_no_private_name() {
        let steps = steps(&["agents", "settings.json", ".credentials.json", "projects", "sessions"], &[]);
        assert_eq!(steps[0], Step::Link("agents".into(), "/h/.claude/agents".into()));
        assert_eq!(steps[1..], names::MIRRORED.iter().map(|name| Step::Directory(name.into())).collect::<Vec<_>>());
    }

    #[test]
    fn a_right_directory_needs_nothing() {
        let mut present = mirrored();
        present.push(("agents", link("/h/.claude/agents", false)));
        present.push((".credentials.json", Present::File));
        assert_eq!(steps(&["agents"], &present), []);
    }

    #[test]
    fn a_link_elsewhere_is_turned() {
        let mut present = mirrored();
        present.push(("agents", link("/old/agents", false)));
        assert_eq!(steps(&["agents"], &present), [Step::Relink("agents".into(), "/h/.claude/agents".into())]);
    }

    #[test]
    fn what_is_real_where_a_link_belongs_is_taken_up() {
        let mut present = mirrored();
        present.extend([("CLAUDE.md", Present::File), ("commands", Present::Directory), ("themes", Present::Directory), ("loop.md", Present::File)]);
        present.extend([("unknown", Present::Directory), ("unknown.md", Present::File), ("of-hub.md", Present::File)]);
        present.extend([("sessions", Present::Directory), ("my.token", Present::File), ("pipe", Present::Other)]);
        assert_eq!(
            steps(&["CLAUDE.md", "commands", "of-hub.md"], &present),
            [
                Step::AdoptFile("CLAUDE.md".into(), "/h/.claude/CLAUDE.md".into()),
                Step::MergeDirectory("commands".into(), "/h/.claude/commands".into()),
                Step::AdoptFile("loop.md".into(), "/h/.claude/loop.md".into()),
                Step::AdoptDirectory("themes".into()),
            ]
        );
    }

    #[test]
    fn only_a_dangling_link_into_the_hub_is_removed() {
        let mut present = mirrored();
        present.push(("gone", link("/h/.claude/gone", true)));
        present.push(("mine", link("/elsewhere/mine", true)));
        present.push(("there", link("/h/.claude/private/there", false)));
        assert_eq!(steps(&[], &present), [Step::Unlink("gone".into())]);
    }

    #[test]
    fn a_private_name_is_no_link_into_the_hub() {
        let mut present = mirrored();
        present.extend([("sessions", link("/h/.claude/sessions", false)), (".credentials.json", link("/h/.claude/.credentials.json", false))]);
        present.push(("backups", link("/elsewhere", false)));
        assert_eq!(steps(&["sessions"], &present), [Step::Unlink("sessions".into())]);
    }
}
