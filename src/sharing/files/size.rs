//! How much space files take: disk is the cost of files with one name each, where the file system cannot make clones.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::io;

/// How many files, and how much space they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// How many files.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
}

/// How much space the files of one profile take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// The files of its own.
    #[serde(flatten)]
    pub copies: Size,
    /// The transcripts that are hard links to those of `~/.claude`, and take none.
    #[serde(default)]
    pub links: Size,
}

/// The most that is read of the file, in bytes.
const LIMIT: usize = 4096;

impl Space {
    /// Reads what the last whole look has found.
    pub fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&io::read_regular(file, LIMIT).ok()??).ok()
    }

    /// Writes it down for `clauth status`.
    pub fn write(&self, file: &Path) -> Result<()> {
        io::create_parent(file)?;
        io::write(file, &io::json(self)?)
    }

    /// Counts a copy as a link from now on.
    pub fn link(&mut self, bytes: u64) {
        self.copies.remove(bytes);
        self.links.add(bytes);
    }

    /// Counts a link as a copy from now on.
    pub fn separate(&mut self, bytes: u64) {
        self.links.remove(bytes);
        self.copies.add(bytes);
    }
}

impl Size {
    /// Counts one more file.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} KB)", io::counted(self.files, "file"), self.bytes.div_ceil(1024))
    }
}
