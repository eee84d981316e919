//! Leases: which processes use a profile.

use std::fmt;
use std::fs;

use anyhow::{Context, Result};

use super::Session;
use crate::io;
use crate::sys;

/// More than any lease has, in bytes.
const LIMIT: usize = 256;

/// What kind of process uses a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A shell, through its prompt hook.
    Shell,
    /// A shell or script, through `clauth env`.
    Env,
    /// A program run by `clauth exec`.
    Exec,
    /// Claude Code, run by `clauth start`.
    Start,
    /// Claude Code, run by the shim.
    Shim,
    /// Claude Code, run by an editor through the wrapper.
    Editor,
    /// A sign-in, run by `clauth login`.
    Login,
    /// Claude Code, which outlived what started it: a session in the background.
    Client,
}

impl Holder {
    const NAMES: [(Self, &str); 8] = [
        (Self::Shell, "shell"),
        (Self::Env, "env"),
        (Self::Exec, "exec"),
        (Self::Start, "start"),
        (Self::Shim, "shim"),
        (Self::Editor, "editor"),
        (Self::Login, "login"),
        (Self::Client, "client"),
    ];
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(holder, _)| holder == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// Says that a process uses a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub pid: u32,
    /// When it started, in the kernel's own words.
    pub start: String,
    /// What it is.
    pub holder: Holder,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.holder, self.pid)
    }
}

impl Lease {
    /// Returns a lease for a process that runs now; `None` when there is none with that pid.
    pub fn of(pid: u32, holder: Holder) -> Option<Self> {
        Some(Self { pid, start: sys::start_time(pid)?, holder })
    }

    /// Reads the lease of a pid; `None` when there is none, or what lies there is not one or cannot be read.
    pub fn read(session: &Session, pid: u32) -> Option<Self> {
        Self::find(session, pid).ok().flatten()
    }

    /// The same, and an error where a lease may be that cannot be read now.
    pub fn find(session: &Session, pid: u32) -> Result<Option<Self>> {
        let file = session.leases().join(pid.to_string());
        // Whatever lies there, a FIFO too, must keep neither the helper nor a prompt waiting.
        match io::read_regular(&file, LIMIT) {
            Err(error) if !io::is_absence(&error) => Err(error).with_context(|| format!("could not read {}", file.display())),
            found => Ok(found.ok().flatten().and_then(|text| Self::parse(pid, &text))),
        }
    }

    fn parse(pid: u32, text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
        let (start, holder) = (words.next()?.to_owned(), words.next()?);
        let holder = Holder::NAMES.iter().find(|(_, name)| *name == holder)?.0;
        Some(Self { pid, start, holder })
    }

    /// Returns every pid that has a lease, live or not, or something in the place of one.
    pub fn pids(session: &Session) -> Result<Vec<u32>> {
        let directory = session.leases();
        let entries = fs::read_dir(&directory).with_context(|| format!("could not read {}", directory.display()))?;
        Ok(entries.flatten().filter_map(|entry| pid_of(&entry.file_name())).collect())
    }

    /// Returns every lease, live or not.
    pub fn all(session: &Session) -> Vec<Self> {
        Self::pids(session).into_iter().flatten().filter_map(|pid| Self::read(session, pid)).collect()
    }

    /// Returns the leases whose process still runs.
    pub fn live(session: &Session) -> Vec<Self> {
        Self::all(session).into_iter().filter(Self::is_live).collect()
    }

    /// Whether the very process still runs.
    pub fn is_live(&self) -> bool {
        sys::start_time(self.pid).as_deref() == Some(self.start.as_str())
    }

    /// Writes the lease; the caller holds the gate.
    pub fn write(&self, session: &Session) -> Result<()> {
        io::write(&session.leases().join(self.pid.to_string()), format!("{} {}\n", self.start, self.holder).as_bytes())
    }

    /// Removes the lease of a pid, if there is one.
    pub fn remove(session: &Session, pid: u32) -> Result<()> {
        io::remove(&session.leases().join(pid.to_string()))
    }
}

/// Returns the pid that a lease's file name is; temporary files have other names.
pub fn pid_of(name: &std::ffi::OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}
