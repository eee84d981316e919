//! Removals: when a name that vanished on one side may go on the other side too.
//!
//! 1. A name that vanished is noted. Nothing happens before a quiet time: many programs replace a file by removing it and making it again, and whoever
//!    takes all of clauth away (`rm -rf ~/.clauth`) does not mean the history.
//! 2. Then all that was noted is looked at together. A handful is carried across, into the trash. More than that, or a side that became empty, is
//!    held: it stays where it is and does not come back where it went, until the user decides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::io;
use crate::sharing::decide::Side;

/// How long nothing must have vanished before anything is done about what did.
pub const QUIET: Duration = Duration::from_secs(1);

/// How long the client's own purge may take to remove what it purges.
const PURGE: Duration = Duration::from_secs(10);

/// The most that is read of a list of held removals, in bytes.
const LIMIT: usize = 64 * 1024 * 1024;

/// What the user wants of removals that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// They go on the other side too.
    Accept,
    /// They come back.
    Restore,
}

/// What is held, as it is written down: paths relative to the config directory, and on which side each one is gone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Held {
    /// What is gone from the profile.
    pub own: BTreeSet<String>,
    /// What is gone from `~/.claude`.
    pub hub: BTreeSet<String>,
    /// How many files that is.
    pub files: usize,
    /// The user's word, for the helper to act on.
    pub answer: Option<Answer>,
}

impl Held {
    /// Reads what is held; nothing where that cannot be read.
    pub fn read(file: &Path) -> Self {
        let text = io::read_regular(file, LIMIT).ok().flatten();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Writes it down.
    pub fn write(&self, file: &Path) -> Result<()> {
        if self.is_empty() { io::remove(file) } else { io::write_durably(file, &io::json(self)?) }
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.hub.is_empty()
    }

    fn names(&mut self, gone_from: Side) -> &mut BTreeSet<String> {
        if gone_from == Side::Own { &mut self.own } else { &mut self.hub }
    }

    fn has(&self, relative: &Path) -> bool {
        relative.to_str().is_some_and(|path| self.own.contains(path) || self.hub.contains(path))
    }
}

/// Knows what vanished.
#[derive(Debug)]
pub struct Removals {
    noted: BTreeSet<PathBuf>,
    newest: Instant,
    file: PathBuf,
    held: Held,
    /// What the client has purged, and when.
    purged: BTreeMap<PathBuf, Instant>,
}

impl Removals {
    /// Takes up what earlier sessions held.
    pub fn open(file: PathBuf) -> Self {
        Self { noted: BTreeSet::new(), newest: Instant::now(), held: Held::read(&file), file, purged: BTreeMap::new() }
    }

    /// Notes a name that vanished on one side.
    pub fn note(&mut self, relative: &Path) {
        if self.noted.insert(relative.into()) {
            self.newest = Instant::now();
        }
    }

    /// Forgets what was noted.
    pub fn forget_noted(&mut self) {
        self.noted.clear();
    }

    /// How long what was noted still has to wait, if anything was.
    pub fn wait(&self) -> Option<Duration> {
        (!self.noted.is_empty()).then(|| QUIET.saturating_sub(self.newest.elapsed()))
    }

    /// Takes what was noted, to be decided on.
    pub fn take(&mut self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut self.noted)
    }

    /// Whether a removal waits for the user's word.
    pub fn is_held(&self, relative: &Path) -> bool {
        !self.held.is_empty() && relative.ancestors().any(|path| self.held.has(path))
    }

    /// Holds removals of so many files.
    pub fn hold(&mut self, gone: &BTreeMap<PathBuf, Side>, files: usize) -> Result<()> {
        for (path, side) in gone {
            // A name that is not UTF-8 cannot be written down: it is noted again by the next look.
            if let Some(path) = path.to_str() {
                self.held.names(*side).insert(path.into());
            }
        }
        self.held.files += files;
        self.held.write(&self.file)
    }

    /// Returns what is held, in words; `None` when nothing is.
    pub fn complaint(&self) -> Option<String> {
        (!self.held.is_empty()).then(|| {
            let sides = [("the profile", &self.held.own), ("~/.claude", &self.held.hub)];
            let gone: Vec<&str> = sides.iter().filter(|(_, names)| !names.is_empty()).map(|(side, _)| *side).collect();
            let example = self.held.own.iter().chain(&self.held.hub).next().map_or("", String::as_str);
            format!(
                "held: {} vanished from {} at once (such as {example}), so the other copies stay; run `clauth removals accept` to remove them too, or `clauth \
                 removals restore` to get them back",
                io::counted(self.held.files, "file"),
                gone.join(" and ")
            )
        })
    }

    /// Reads the user's word and ends the holding; returns the names, to be looked at.
    pub fn answered(&mut self) -> Option<(Answer, BTreeSet<PathBuf>)> {
        if self.held.is_empty() {
            return None;
        }
        let answer = Held::read(&self.file).answer?;
        let held = std::mem::take(&mut self.held);
        Some((answer, held.own.into_iter().chain(held.hub).map(PathBuf::from).collect()))
    }

    /// Writes down that nothing is held any more.
    pub fn ended(&self) -> Result<()> {
        self.held.write(&self.file)
    }

    /// Forgets held names that are settled in another way: those on which both sides agree again.
    pub fn settled(&mut self, relative: &Path) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let Some(path) = relative.to_str() else { return Ok(()) };
        if !(self.held.own.remove(path) || self.held.hub.remove(path)) {
            return Ok(());
        }
        self.held.files = self.held.files.saturating_sub(1);
        self.held.write(&self.file)
    }

    /// Whether just this name is held, and not only as part of a directory.
    pub fn is_held_by_name(&self, relative: &Path) -> bool {
        self.held.has(relative)
    }

    /// Holds what is still missing from a held directory that stands on both sides again.
    pub fn hold_inside(&mut self, directory: &Path, missing: &BTreeMap<PathBuf, Side>) -> Result<()> {
        if let Some(path) = directory.to_str() {
            self.held.own.remove(path);
            self.held.hub.remove(path);
        }
        self.hold(missing, 0)
    }

    /// Notes that a directory was purged by the client. If its removal is held already, that ends.
    pub fn note_purged(&mut self, relative: &Path) {
        self.purged.retain(|_, since| since.elapsed() < PURGE);
        self.purged.insert(relative.into(), Instant::now());
        for names in [&mut self.held.own, &mut self.held.hub] {
            let (purged, held) = std::mem::take(names).into_iter().partition(|name| Path::new(name).starts_with(relative));
            *names = held;
            self.noted.extend(BTreeSet::into_iter(purged).map(PathBuf::from));
        }
    }

    /// Whether a path was purged by the client.
    pub fn is_purged(&self, relative: &Path) -> bool {
        relative.ancestors().any(|path| self.purged.get(path).is_some_and(|since| since.elapsed() < PURGE))
    }
}
