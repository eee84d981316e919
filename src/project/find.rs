//! Finding the files that could bind a directory: upward, nearest first, by `stat` alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::io;
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
/// What this user may not look at (an ancestor without search permission) counts as absent, as it does for git and direnv. Where the disk fails, there is
/// no telling: that counts as a candidate, and reading it will say why.
pub fn candidates(start: &Path) -> impl Iterator<Item = Candidate> + '_ {
    let mut file = PathBuf::with_capacity(start.as_os_str().len() + BINDING.len() + 1); // one for all levels: this runs at prompts
    let mut is_candidate = move |directory: &Path| {
        file.clear();
        file.push(directory);
        file.push(BINDING);
        fs::symlink_metadata(&file).map_or_else(|error| !io::is_absence(&error), |_| true)
    };
    let levels = start.ancestors().enumerate().filter(move |(_, directory)| is_candidate(directory));
    levels.map(|(level, directory)| Candidate { directory: directory.into(), level })
}
