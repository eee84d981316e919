//! What a shell must look at, beside the files above it, to know that an answer still holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// One path that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// Nothing may appear there.
    Absent(PathBuf),
    /// The file must still exist, and not be written again.
    Unwritten(PathBuf),
}

/// Collects what decided, in the order in which it was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    paths: Vec<Watched>,
    newest: Option<SystemTime>,
}

impl Watch {
    /// Watches a file, whether it exists or not. To be called before the file is read: what changes meanwhile is then noticed.
    pub fn file(&mut self, path: &Path) {
        let watched = match fs::metadata(path) {
            Ok(meta) if !meta.is_file() => return, // `/dev/null` says nothing by its time
            Ok(meta) => {
                self.newest = self.newest.max(meta.modified().ok());
                Watched::Unwritten(path.into())
            }
            Err(_) => Watched::Absent(path.into()),
        };
        if !self.paths.contains(&watched) {
            self.paths.push(watched);
        }
    }

    /// Watches that nothing appears.
    pub fn absent(&mut self, path: PathBuf) {
        self.paths.push(Watched::Absent(path));
    }

    /// Watches what another one does, too.
    pub fn append(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.newest = self.newest.max(other.newest);
    }

    /// Returns what was watched.
    pub fn paths(&self) -> &[Watched] {
        &self.paths
    }

    /// Returns when the newest of the watched files was written.
    pub fn newest(&self) -> Option<SystemTime> {
        self.newest
    }
}
