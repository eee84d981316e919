//! What the two sides of the mirror last agreed on, kept between sessions.
//!
//! It is only ever a help: a lost or old manifest brings a removed file back, and never removes one. So nobody waits for it to reach the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::verdict::Agreed;
use crate::io;
use crate::sharing::sides::Identity;

/// Maps each relative path to what it meant on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: BTreeMap<PathBuf, Agreed>,
    is_changed: bool,
}

impl Manifest {
    /// Reads the manifest, a line of JSON for each path; what cannot be read counts as absent.
    pub fn load(file: &Path) -> Self {
        let text = fs::read(file).unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<(PathBuf, Identity, Identity)>(line).ok());
        Self { entries: lines.map(|(path, own, hub)| (path, Agreed { own, hub })).collect(), is_changed: false }
    }

    /// Writes the manifest if it changed since it was loaded or saved.
    pub fn save(&mut self, file: &Path) -> Result<()> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(());
        }
        let mut text = Vec::new();
        // A path that is not UTF-8 stays out: without an entry it is only ever given, never removed.
        for (path, agreed) in self.entries.iter().filter(|(path, _)| path.to_str().is_some()) {
            serde_json::to_writer(&mut text, &(path, agreed.own, agreed.hub)).context("could not write JSON")?;
            text.push(b'\n');
        }
        io::write(file, &text)
    }

    /// Returns what a path meant.
    pub fn get(&self, path: &Path) -> Option<Agreed> {
        self.entries.get(path).copied()
    }

    /// Notes what a path means now; `None`: nothing stands there.
    pub fn set(&mut self, path: &Path, agreed: Option<Agreed>) {
        let before = match agreed {
            Some(agreed) => self.entries.insert(path.into(), agreed),
            None => self.entries.remove(path),
        };
        self.is_changed |= before != agreed;
    }

    /// Returns the names directly inside a directory.
    pub fn names_in(&self, directory: &Path) -> Vec<PathBuf> {
        let after = self.entries.range::<Path, _>((std::ops::Bound::Excluded(directory), std::ops::Bound::Unbounded));
        let below = after.map(|(path, _)| path).take_while(|path| path.starts_with(directory));
        below.filter(|path| path.parent() == Some(directory)).cloned().collect()
    }
}
