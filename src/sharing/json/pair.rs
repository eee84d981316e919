//! Two JSON files kept in step: the profile's own and the hub's.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Error, Result};

use super::fingerprint::Fingerprints;
use super::memory::Memory;
use super::merge::{Agreed, Loss, Merged, Rules, merge};
use super::place::{Placed, place};
use super::seen::Seen;
use super::{Deletions, Kind, State, settings};
use crate::claude_code::LIMIT;
use crate::error::Mistake;
use crate::io::json::{Broken, Object};
use crate::io::{self, ClientLock};
use crate::sharing::base::between;
use crate::sharing::decide::Side;
use crate::sys;

/// How often both files are read anew in one pass because another program wrote one of them.
pub(super) const ROUNDS: usize = 20;

/// How long a name must be missing until it is made anew: a program that replaces a file may leave a moment without it.
const QUIET: Duration = Duration::from_secs(2);

/// Names the two files that are kept in step, and the state they last agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The profile's own file.
    pub own: PathBuf,
    /// The hub's.
    pub hub: PathBuf,
    /// Where clauth 0.6 kept the agreed state; the merge base is beside it.
    pub base: PathBuf,
    /// What they are.
    pub kind: Kind,
    /// The log of values that lost or were removed. They can be secrets (an MCP server's key), so they are written nowhere else.
    pub losses: PathBuf,
    /// Removals that wait for the user's word.
    pub deletions: Deletions,
}

impl Pair {
    /// The name of both files.
    fn file(&self) -> String {
        self.own.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Opens the merge base. It belongs to these two directories: in a copy of either, or one made anew, it is empty.
    fn memory(&self) -> Result<Memory> {
        let directory = |file: &Path| io::resolved(file.parent().unwrap_or(file));
        let owner = format!("json {}", between(&directory(&self.own), &directory(&self.hub)));
        let memory = Memory::open(&self.base.with_extension("agreed"), &owner, &self.base)?;
        Ok(if self.kind.is_clients_own() { memory } else { memory.doubting_echoes() })
    }
}

/// What came of one pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Where values of the hub's lost against the profile's, as JSON pointers.
    pub lost: Vec<String>,
    /// Where the profile's settings were edited, and an override counts instead, as JSON pointers.
    pub overridden: Vec<String>,
    /// Where members were removed, as JSON pointers.
    pub removed: Vec<String>,
    /// The names of members whose removal waits for the user's word.
    pub held: Vec<String>,
    /// Why the files were left as they are, if they were.
    pub left: Option<String>,
    /// Whether a lock was the reason: no event tells when a lock that nobody holds any more has gone stale.
    pub is_locked: bool,
}

/// Why a pass ends early.
enum Stop {
    /// The files stay as they are for now.
    Left(String),
    /// A client holds the lock of this file.
    Locked(PathBuf),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Brings the two files together: three ways, member by member, each keeping its layout and its own account's keys.
///
/// A file is written under the client's lock, and settings by an exchange as well, after both were read again, and only when it has to say something
/// else. Killed at any point it loses nothing; how, says the merge base.
pub fn sync(pair: &Pair) -> Result<Report> {
    sync_unless(pair, &mut Seen::default())
}

/// Like [`sync`], and does nothing while both files are as the last pass that knew of `seen` left them.
pub fn sync_unless(pair: &Pair, seen: &mut Seen) -> Result<Report> {
    let mut report = Report::default();
    if pair.kind.is_clients_own() && seen.is_still_so(pair) {
        return Ok(report);
    }
    for _ in 0..ROUNDS {
        match pass(pair, seen, &mut report) {
            Ok(Placed::AsMeant) => return Ok(report),
            Ok(Placed::Otherwise) => {}
            Err(Stop::Left(reason)) => return Ok(Report { left: Some(reason), ..report }),
            Err(Stop::Locked(file)) => {
                return Ok(Report { left: Some(format!("{} is locked by a client", file.display())), is_locked: true, ..report });
            }
            Err(Stop::Failed(error)) => return Err(error),
        }
    }
    Ok(Report { left: Some(format!("{} is being written all the time", pair.own.display())), ..report })
}

fn pass(pair: &Pair, seen: &mut Seen, report: &mut Report) -> Result<Placed, Stop> {
    let mut texts = Texts::read(pair)?;
    // Looked at before the lock, which is a change of the directory too.
    let vanished = || Stop::Left(format!("there is no {} at this moment", pair.hub.display()));
    if texts.hub.is_none() && !has_been_quiet(&pair.hub) {
        let is_empty = |own: &[u8]| Object::document(own).is_ok_and(|own| own.members.is_empty());
        let has_nothing_to_give = !pair.kind.is_clients_own() && texts.own.as_deref().is_none_or(is_empty);
        return if has_nothing_to_give { Ok(Placed::AsMeant) } else { Err(vanished()) };
    }
    if texts.own.is_none() && pair.kind.is_clients_own() {
        Object::document(texts.hub.as_deref().unwrap_or(EMPTY)).map_err(|broken| Stop::Left(not_whole(&pair.hub, broken).to_string()))?;
        return Err(Stop::Left(format!("there is no {} yet", pair.own.display())));
    }
    let mut memory = pair.memory()?;
    if pair.kind.is_clients_own() && texts.are_known(&memory) {
        seen.note(pair, memory.fingerprints, texts.hashes(memory.fingerprints));
        return Ok(Placed::AsMeant);
    }
    let mut settled = texts.settle(pair, &memory)?;
    let mut locks = Vec::new();
    let mut locked = settled.differing();
    while settled.differing() != (false, false) {
        locks.clear();
        // The hub's first, always: two helpers that each held one would wait for the other's.
        for (file, is_wanted) in [(&pair.hub, locked.0), (&pair.own, locked.1)] {
            if is_wanted {
                locks.push(ClientLock::take_soon(file)?.ok_or_else(|| Stop::Locked(file.clone()))?);
            }
        }
        if !texts.are_still_there(pair)? {
            let had_hub = texts.hub.is_some();
            texts = Texts::read(pair)?;
            if had_hub && texts.hub.is_none() {
                return Err(vanished());
            }
            settled = texts.settle(pair, &memory)?;
        }
        // All of it or nothing: a side that was written without the other would look as if somebody had changed it.
        let (hub_differs, own_differs) = settled.differing();
        if (hub_differs && !locked.0) || (own_differs && !locked.1) {
            locked = (true, true);
            continue;
        }
        break;
    }
    let placed = settled.apply(pair, &texts, &mut memory, seen, locks)?;
    report.lost.extend(settled.0.losses.into_iter().map(|loss| loss.pointer));
    report.overridden.extend(settled.1.into_iter().map(|edit| edit.pointer));
    report.removed.extend(settled.0.removals.into_iter().map(|removal| removal.pointer));
    report.held.extend(settled.0.held);
    Ok(placed)
}

/// Writes the profile's settings anew, the user's edits in them included, with other overrides than the pair's.
///
/// A link is no copy yet, whatever it leads to. Where the hub's settings cannot be read, there are only the overrides, and nothing is agreed on.
pub fn redress(pair: &Pair, overrides: &State) -> Result<()> {
    let Kind::Settings { overrides: worn } = &pair.kind else { return Ok(()) };
    let hub = read(&pair.hub).ok().flatten().filter(|text| Object::document(text).is_ok());
    if hub.is_none() {
        pair.memory()?.forget()?;
    }
    let hub = hub.unwrap_or_else(|| EMPTY.into());
    let own = if pair.own.is_symlink() { None } else { read(&pair.own)? };
    let broken = |broken| not_whole(&pair.own, broken);
    let plain = own.as_ref().map_or_else(|| Ok(hub.clone()), |own| settings::undressed(own, worn, &hub)).map_err(broken)?;
    let dressed = settings::dressed(&plain, overrides).map_err(broken)?;
    match &own {
        Some(own) => place(&pair.own, Some(own), &dressed, false).map(drop),
        None => io::write(&pair.own, &dressed),
    }
}

/// Has what was agreed on outlive the machine's next start. To be called when a session ends.
pub fn save(pair: &Pair) -> Result<()> {
    pair.memory()?.save()
}

/// Whether two files hold the same members with the same values, however they are laid out; one that does not exist holds none.
pub fn say_the_same(one: &Path, other: &Path) -> bool {
    let texts = [one, other].map(|file| read(file).map(|text| text.unwrap_or_else(|| EMPTY.into())));
    matches!(texts, [Ok(one), Ok(other)] if Fingerprints::fresh().are_equal(&one, &other))
}

/// Whether settings say all of these overrides; `None` where they are not whole.
pub fn wears(file: &Path, overrides: &State) -> Option<bool> {
    let text = read(file).ok()??;
    settings::dressed(&text, overrides).ok().map(|dressed| Fingerprints::fresh().are_equal(&dressed, &text))
}

/// What stands for a file that nobody wrote yet.
const EMPTY: &[u8] = b"{}";

/// Holds the two files as they were read.
struct Texts {
    own: Option<Vec<u8>>,
    hub: Option<Vec<u8>>,
    hashes: OnceCell<[u64; 2]>,
}

impl Texts {
    fn read(pair: &Pair) -> Result<Self, Stop> {
        Ok(Self { own: read_text(&pair.own)?, hub: read_text(&pair.hub)?, hashes: OnceCell::new() })
    }

    fn are_known(&self, memory: &Memory) -> bool {
        self.own.is_some() && self.hub.is_some() && memory.knows(self.hashes(memory.fingerprints))
    }

    /// Returns the hashes of both, of the profile's first.
    fn hashes(&self, fingerprints: Fingerprints) -> [u64; 2] {
        *self.hashes.get_or_init(|| [&self.own, &self.hub].map(|text| fingerprints.bytes(text.as_deref().unwrap_or_default())))
    }

    fn are_still_there(&self, pair: &Pair) -> Result<bool> {
        let is = |file: &Path, text: &Option<Vec<u8>>| match text {
            Some(text) => io::holds(file, text),
            None => Ok(fs::symlink_metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound)),
        };
        Ok(is(&pair.hub, &self.hub)? && is(&pair.own, &self.own)?)
    }

    /// Merges them, and says what each file should be.
    fn settle(&self, pair: &Pair, memory: &Memory) -> Result<Settled, Stop> {
        let hub = self.hub.as_deref().unwrap_or(EMPTY);
        // Settings that the profile does not have yet begin as the hub's, laid out as they are; a client's state begins with its account.
        let own = self.own.as_deref().unwrap_or(if pair.kind.is_clients_own() { EMPTY } else { hub });
        let whole = |file: &Path, broken| Stop::Left(not_whole(file, broken).to_string());
        let plain = match &pair.kind {
            Kind::ClaudeJson => None,
            Kind::Settings { overrides } => {
                for (file, text) in [(&pair.own, own), (&pair.hub, hub)] {
                    if let Some(variable) = settings::text_redirects(text).map_err(|broken| whole(file, broken))? {
                        return Err(Stop::Left(
                            Mistake::SettingsRedirect { file: file.display().to_string(), variable: variable.into() }.to_string(),
                        ));
                    }
                }
                Object::document(hub).map_err(|broken| whole(&pair.hub, broken))?;
                Some(settings::undressed(own, overrides, hub).map_err(|broken| whole(&pair.own, broken))?)
            }
        };
        // A missing file is one that nobody wrote yet, not one that somebody emptied.
        let nothing = BTreeMap::new();
        let agreed: &dyn Agreed = if self.own.is_none() || self.hub.is_none() { &nothing } else { memory };
        let merge_with = |accepted: &BTreeSet<String>| {
            let rules = Rules { fingerprints: memory.fingerprints, agreed, is_private: pair.kind.is_private(), accepted };
            let file = |side| if side == Side::Own { &pair.own } else { &pair.hub };
            merge(plain.as_deref().unwrap_or(own), hub, &rules).map_err(|(side, broken)| whole(file(side), broken))
        };
        let (mut merged, mut overridden) = (merge_with(&BTreeSet::new())?, Vec::new());
        let accepted = if merged.held.is_empty() { BTreeSet::new() } else { pair.deletions.accepted(&pair.file()) };
        if !accepted.is_empty() {
            merged = merge_with(&accepted)?;
        }
        if let (Kind::Settings { overrides }, Some(plain)) = (&pair.kind, plain) {
            let dressed = settings::dressed(&merged.own.unwrap_or(plain), overrides).map_err(|broken| whole(&pair.own, broken))?;
            // A link would send the overrides to the hub.
            let differs = self.own.is_none() || pair.own.is_symlink() || !memory.fingerprints.are_equal(&dressed, own);
            merged.own = differs.then_some(dressed);
            overridden = settings::overridden(own, overrides, hub).map_err(|broken| whole(&pair.own, broken))?;
        }
        Ok(Settled(merged, overridden))
    }
}

/// Holds what a pair should say: the new text of each file that has to change, and what is not in them. The latter are edits of what is overridden.
struct Settled(Merged, Vec<Loss>);

impl Settled {
    /// Whether the hub's file should say something else, and whether the profile's should.
    fn differing(&self) -> (bool, bool) {
        (self.0.hub.is_some(), self.0.own.is_some())
    }

    /// Writes the files and what is known of them, in the order that the merge base asks for.
    fn apply(&self, pair: &Pair, texts: &Texts, memory: &mut Memory, seen: &mut Seen, locks: Vec<ClientLock>) -> Result<Placed, Stop> {
        let Some(hub) = self.0.hub.as_ref().or(texts.hub.as_ref()) else { return Ok(Placed::AsMeant) };
        let (span, members) = self.0.hub_members.clone();
        let was = Object { text: texts.hub.as_deref().unwrap_or(EMPTY), span, members };
        // Most of a new text is spelled as the old one.
        let agreed = if self.0.hub.is_some() { Object::document_like(hub, Some(&was)).map_err(|broken| not_whole(&pair.hub, broken))? } else { was };
        let hashes = texts.hashes(memory.fingerprints);
        let steps = memory.steps_to(&agreed, pair.kind.is_private(), &self.0.sources, hashes);
        if self.differing() != (false, false) {
            memory.intend(&steps)?;
            self.keep_losses(pair)?;
        }
        let hub_file = io::resolved(&pair.hub);
        for (side, file, text, before) in [(Side::Hub, &hub_file, &self.0.hub, &texts.hub), (Side::Own, &pair.own, &self.0.own, &texts.own)] {
            let Some(text) = text else { continue };
            if file.is_symlink() || before.is_none() {
                io::write(file, text)?;
            } else if place(file, before.as_deref(), text, pair.kind.is_clients_own() || side == Side::Own)? == Placed::Otherwise {
                memory.withdraw(side)?;
                return Ok(Placed::Otherwise);
            }
            memory.has_written(side)?;
        }
        drop(locks); // what follows may wait for the disk, and is nobody else's
        // What is held is on both sides again, and so agreed on.
        if !self.0.held.is_empty() {
            pair.deletions.hold(&pair.file(), &self.0.held)?;
        }
        let hash = |new: &Option<Vec<u8>>, old| new.as_ref().map_or(old, |text| memory.fingerprints.bytes(text));
        let hashes = [hash(&self.0.own, hashes[0]), hash(&self.0.hub, hashes[1])];
        memory.agree(&steps, hashes)?;
        seen.note(pair, memory.fingerprints, hashes);
        if !pair.kind.is_clients_own() {
            memory.save()?; // rare, and no helper's end waits for it
        }
        Ok(Placed::AsMeant)
    }

    /// Writes down what is about to be overwritten or removed.
    fn keep_losses(&self, pair: &Pair) -> Result<()> {
        let file = serde_json::Value::from(pair.file());
        let mut lines = Vec::new();
        for (losses, mark) in [
            (&self.0.losses, ""),
            (&self.0.removals, ",\"removed\":true"),
            (&self.0.replaced, ",\"replaced\":true"),
            (&self.1, ",\"overridden\":true"),
        ] {
            for loss in losses {
                lines.extend(
                    format!("{{\"file\":{file},\"pointer\":{}{mark},\"value\":", serde_json::Value::from(loss.pointer.as_str())).into_bytes(),
                );
                lines.extend_from_slice(&loss.value);
                lines.extend(b"}\n");
            }
        }
        if lines.is_empty() { Ok(()) } else { io::append(&pair.losses, &lines) }
    }
}

/// Whether nothing appeared or vanished beside a file for a while.
fn has_been_quiet(file: &Path) -> bool {
    let changed = file.parent().and_then(|directory| fs::metadata(directory).ok()?.modified().ok());
    changed.and_then(|changed| SystemTime::now().duration_since(changed).ok()).is_some_and(|quiet| quiet > QUIET)
}

pub(super) fn not_whole(file: &Path, broken: Broken) -> Error {
    Error::msg(format!("{} is not whole: {broken}", file.display()))
}

/// Reads a file; `None` when there is none.
pub(super) fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    read_text(file).map_err(|stop| match stop {
        Stop::Left(reason) => Error::msg(reason),
        Stop::Locked(file) => Error::msg(file.display().to_string()),
        Stop::Failed(error) => error,
    })
}

fn read_text(file: &Path) -> Result<Option<Vec<u8>>, Stop> {
    let reading = || format!("could not read {}", file.display());
    let opened = match sys::open_for_reading(file) {
        Err(error) if error.kind() == ErrorKind::NotFound && file.is_symlink() => {
            return Err(Stop::Left(format!("{} leads nowhere", file.display())));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(reading)?,
    };
    if !opened.metadata().with_context(reading)?.is_file() {
        return Err(Stop::Left(format!("{} is not a regular file", file.display())));
    }
    let text = io::read_bounded(opened, LIMIT).with_context(reading)?;
    text.map(Some).ok_or_else(|| Stop::Left(format!("{} is over {} MB", file.display(), LIMIT / 1024 / 1024)))
}
