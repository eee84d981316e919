//! Deletions that wait for the user's word: too many at once, which is what a client looks like that starts afresh after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::io;

/// The most that is read of a list, in bytes.
const LIMIT: usize = 1024 * 1024;

/// Top-level keys by the name of their file.
pub type Keys = BTreeMap<String, BTreeSet<String>>;

/// Knows where held deletions of one profile are written down, and where those that the user accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletions {
    /// Of this profile.
    pub held: PathBuf,
    /// Of all profiles: what may go from one may go from the hub and, by way of it, from each.
    pub accepted: PathBuf,
}

impl Deletions {
    /// Returns what is held.
    pub fn held(&self) -> Keys {
        read(&self.held)
    }

    /// Whether something is held that the user has not accepted.
    pub fn are_waiting(&self) -> bool {
        self.held().iter().any(|(file, keys)| !keys.is_subset(&self.accepted(file)))
    }

    /// Returns the keys of one file that may go in any number.
    pub fn accepted(&self, file: &str) -> BTreeSet<String> {
        read(&self.accepted).remove(file).unwrap_or_default()
    }

    /// Notes keys that are held.
    pub fn hold(&self, file: &str, keys: &[String]) -> Result<()> {
        add(&self.held, &Keys::from([(file.to_owned(), keys.iter().cloned().collect())]))
    }

    /// From now on everything that is held may be deleted.
    pub fn accept(&self) -> Result<()> {
        add(&self.accepted, &self.held())
    }

    /// Holds nothing any more.
    pub fn let_go(&self) -> Result<()> {
        write(&self.held, &Keys::new())
    }
}

fn read(file: &Path) -> Keys {
    let text = io::read_regular(file, LIMIT).ok().flatten();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn add(file: &Path, keys: &Keys) -> Result<()> {
    let mut all = read(file);
    for (file, keys) in keys {
        all.entry(file.clone()).or_default().extend(keys.iter().cloned());
    }
    write(file, &all)
}

fn write(file: &Path, keys: &Keys) -> Result<()> {
    io::create_parent(file)?;
    io::write(file, &io::json(keys)?)
}
