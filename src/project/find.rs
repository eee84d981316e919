//! Finding the files that could bind a directory: upward, nearest first, by `stat` alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layout::BINDING;

/// Names a place where something called `.clauth.toml` stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The directory it stands in; canonical when the search began at a canonical one.
    pub directory: PathBuf,
    /// How many levels above the start: 0 is the start itself.
    pub level: usize,
}

impl Candidate {
    /// The file.
    pub fn file(&self) -> PathBuf {
        self.directory.join(BINDING)
    }
}

/// Returns every candidate from `start` up to the root, nearest first, lazily.
///
/// What cannot be looked at (an ancestor without search permission) counts as absent, as it does for git and direnv.
pub fn candidates(start: &Path) -> impl Iterator<Item = Candidate> + '_ {
    let levels = start.ancestors().enumerate();
    levels
        .filter(|(_, directory)| fs::symlink_metadata(directory.join(BINDING)).is_ok())
        .map(|(level, directory)| Candidate { directory: directory.into(), level })
}
