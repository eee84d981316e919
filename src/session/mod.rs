//! The life of a profile in use: leases of shells, one helper that follows them, and the gate between the two.
//!
//! # Protocol
//!
//! A *lease* is a file named by a pid; it says which process uses the profile. The *helper* is one process per profile that holds
//! `session.lock` exclusively for as long as it lives. The *gate* is a lock held for moments by whoever changes the picture:
//!
//! - A shell that joins: gate → write the lease → is `session.lock` held? If not: make the tree, start a helper, wait until it holds it → open
//!   the gate.
//! - A helper that sees no live lease, or the word of `clauth stop`: gate → look again → none: let go of `session.lock`, then of the gate, and exit.
//!
//! Both look and act under the gate, so a joining shell either finds a helper that will see its lease, or starts one. `session.lock` is only ever
//! tried by others, shared and under the gate. A starter that was killed leaves a gate that is open and a helper that does not hold its lock yet;
//! the next shell starts another, and the one that finds the lock held leaves the session to the one that holds it. Lock order: state lock →
//! gate → the client's own locks. Lock files are never deleted.
//!
//! A lease is removed by its own shell when it leaves, and by the helper when its process is gone. A process is named by its pid and start time, so a pid
//! that passed on is never mistaken.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;

use crate::io::{self, FileLock};
use crate::layout::{Layout, Writable};
use crate::name::ProfileName;

pub mod helper;
mod join;
mod lease;
mod start;

pub use join::{Trouble, join, leave_all_but};
pub use lease::{Holder, Lease};
pub use start::Lifetime;

/// Knows where one profile's session lies: per kernel boot and pid namespace.
#[derive(Debug, Clone)]
pub struct Session {
    directory: PathBuf,
}

impl Session {
    /// Returns the session of a profile.
    pub fn new(layout: &Layout, name: &ProfileName) -> Self {
        Self { directory: layout.run().join(name) }
    }

    /// Returns the sessions of this profile in other pid namespaces and of earlier boots: the processes of a container cannot be seen from here, nor ours
    /// from there, but the locks can.
    pub fn elsewhere(layout: &Layout, name: &ProfileName) -> Vec<Self> {
        let others = fs::read_dir(layout.runs()).into_iter().flatten().flatten().map(|run| run.path()).filter(|run| *run != layout.run());
        others.map(|run| Self { directory: run.join(name) }).filter(|session| session.directory.is_dir()).collect()
    }

    /// Where all of it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The lock held for moments by whoever joins or retires.
    pub fn gate(&self) -> PathBuf {
        self.directory.join("gate.lock")
    }

    /// The lock that the helper holds while it lives.
    pub fn lock(&self) -> PathBuf {
        self.directory.join("session.lock")
    }

    /// The directory of leases.
    pub fn leases(&self) -> PathBuf {
        self.directory.join("leases")
    }

    /// Wakes the helper, to look for a command's word.
    pub fn wake(&self) -> Result<()> {
        let word = self.leases().join(format!(".{}", std::process::id()));
        io::write(&word, b"look\n")?;
        io::remove(&word)
    }

    /// The word that tells the helper to finish, whoever still uses the profile.
    pub fn stop_word(&self) -> PathBuf {
        self.directory.join("stop")
    }

    /// Who the helper is, for people to read: written beside the lock, since a locked file cannot be read on Windows.
    pub fn helper(&self) -> PathBuf {
        self.directory.join("helper")
    }

    /// What the helper could not do and would still do, a line each.
    pub fn troubles(&self) -> PathBuf {
        self.directory.join("troubles")
    }

    /// What the helper had to say.
    pub fn log(&self) -> PathBuf {
        self.directory.join("helper.log")
    }
}

/// How long the sessions of another boot are kept: their logs may be asked for, and a home on a network is used by more than one machine.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Removes the sessions of earlier boots in which nothing happened for a month and nobody holds a lock. What fails is left to the next helper.
fn forget_earlier_boots(layout: Writable<'_>) {
    let boot = |run: &Path| Some(run.file_name()?.to_str()?.rsplit_once('-')?.0.to_owned());
    let runs = fs::read_dir(layout.runs()).into_iter().flatten().flatten().map(|run| run.path());
    for run in runs.filter(|run| boot(run).is_some() && boot(run) != boot(layout.run())) {
        if is_over(&run) {
            let _ = fs::remove_dir_all(&run);
        }
    }
}

/// Whether nothing at and below a path changed for a month, and no lock there is held.
fn is_over(path: &Path) -> bool {
    let Ok(meta) = fs::symlink_metadata(path) else { return false };
    let is_old = meta.modified().is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age > KEPT));
    let is_free = path.extension().is_none_or(|ending| ending != "lock") || FileLock::is_held(path).is_ok_and(|is_held| !is_held);
    is_old && is_free && (!meta.is_dir() || fs::read_dir(path).is_ok_and(|entries| entries.flatten().all(|entry| is_over(&entry.path()))))
}
