//! The one place that decides what a prompt does.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::layout::Layout;

/// What a shell has loaded, by the value of its `CLAUDE_CONFIG_DIR` and not by any record of it: a record can be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// Nothing of clauth's: no value, or the user's own.
    Nothing,
    /// A profile's config directory, in whatever spelling.
    Profile(PathBuf),
    /// The value that makes `claude` refuse.
    Refusal,
}

impl Loaded {
    /// Looks at the value.
    pub fn from_value(layout: &Layout, value: Option<&OsStr>) -> Self {
        match value.map(Path::new) {
            Some(value) if value.starts_with(layout.refused()) => Self::Refusal,
            Some(value) if layout.owns(value.as_os_str()) => Self::Profile(value.into()),
            _ => Self::Nothing,
        }
    }
}

/// What a shell should have loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Nothing of clauth's.
    Nothing,
    /// This profile's config directory.
    Profile(&'a str),
    /// The value that makes `claude` refuse.
    Refusal,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Keep,
    /// Load a profile where none was.
    Enter,
    /// Load another profile.
    Switch,
    /// Go back to what the user had.
    Leave,
    /// Make `claude` refuse.
    Refuse,
}

/// Decides.
pub fn decide(loaded: &Loaded, wanted: Wanted<'_>) -> Action {
    match (loaded, wanted) {
        (Loaded::Nothing, Wanted::Nothing) | (Loaded::Refusal, Wanted::Refusal) => Action::Keep,
        // Spelled differently is another Keychain item on macOS: only the very same text is the same directory.
        (Loaded::Profile(present), Wanted::Profile(wanted)) if present.as_os_str() == wanted => Action::Keep,
        (Loaded::Profile(_), Wanted::Profile(_)) => Action::Switch,
        (Loaded::Nothing | Loaded::Refusal, Wanted::Profile(_)) => Action::Enter,
        (Loaded::Profile(_) | Loaded::Refusal, Wanted::Nothing) => Action::Leave,
        (Loaded::Nothing | Loaded::Profile(_), Wanted::Refusal) => Action::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_loaded_and_wanted_has_one_action() {
        let (work, home) = ("/p/work/runtime", "/p/home/runtime");
        let loaded = [Loaded::Nothing, Loaded::Profile(work.into()), Loaded::Refusal];
        let wanted = [Wanted::Nothing, Wanted::Profile(work), Wanted::Profile(home), Wanted::Refusal];
        let table = loaded.each_ref().map(|loaded| wanted.map(|wanted| decide(loaded, wanted)));
        assert_eq!(
            table,
            [
                [Action::Keep, Action::Enter, Action::Enter, Action::Refuse],
                [Action::Leave, Action::Keep, Action::Switch, Action::Refuse],
                [Action::Leave, Action::Enter, Action::Enter, Action::Keep],
            ]
        );
    }

    #[test]
    fn another_spelling_of_the_same_directory_is_another_directory() {
        let spelled = Loaded::Profile("/p/work/runtime/".into());
        assert_eq!(decide(&spelled, Wanted::Profile("/p/work/runtime")), Action::Switch);
    }
}
