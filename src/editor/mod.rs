//! Editors that start the client themselves, and the one setting in each by which they start clauth's wrapper or shim instead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::claude_code::editors::{ACP_EXECUTABLE, PROCESS_WRAPPER, Setting};
use crate::io;
use crate::layout::{Layout, Writable};

mod found;
pub mod settings;

pub use found::{found, known};
pub use settings::{Piece, Said};

/// The settings of both.
pub const SETTINGS: [&Setting; 2] = [&PROCESS_WRAPPER, &ACP_EXECUTABLE];

/// An editor of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// What people call it.
    pub name: &'static str,
    /// The setting by which it is told what to start.
    pub setting: &'static Setting,
    /// Its settings, those of its profiles after that.
    pub files: Vec<PathBuf>,
}

impl Editor {
    /// Whether it runs its program as `PROGRAM ARGS…`, without the client that it brings.
    pub fn needs_shim(&self) -> bool {
        *self.setting == ACP_EXECUTABLE
    }

    /// Returns what it should start.
    pub fn program(&self, layout: &Layout) -> PathBuf {
        if self.needs_shim() { layout.shim() } else { layout.wrapper() }
    }
}

/// What was done to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The piece that it differs by.
    pub piece: Piece,
    /// The directories that were made for it, the outermost first; `None` where the file was there.
    pub made: Option<Vec<PathBuf>>,
}

/// What was done to the files of editors, so that it can be taken back byte for byte.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record(BTreeMap<PathBuf, Done>);

/// More than any record has, in bytes.
const LIMIT: usize = 1024 * 1024;

impl Record {
    /// Reads it; what cannot be read counts as none.
    pub fn read(layout: &Layout) -> Self {
        let text = io::read_regular(&layout.editors(), LIMIT).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Returns what was done to a file.
    pub fn of(&self, file: &Path) -> Option<&Done> {
        self.0.get(file)
    }

    /// Returns the files.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }

    /// Notes what is done to a file, or `None` once it is taken back.
    pub fn note(&mut self, layout: Writable<'_>, file: &Path, done: Option<Done>) -> Result<()> {
        match done {
            Some(done) => drop(self.0.insert(file.into(), done)),
            None => drop(self.0.remove(file)),
        }
        if self.0.is_empty() { io::remove(&layout.editors()) } else { io::write(&layout.editors(), &io::pretty_json(self)?) }
    }
}
