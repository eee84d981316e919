//! Two JSON files kept in step: the profile's own and the hub's.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};

use super::merge::{self, Loss};
use super::{Deletions, Kind, State, settings};
use crate::claude_code::LIMIT;
use crate::error::Mistake;
use crate::io::ClientLock;
use crate::{io, sys};

/// Names the two files that are kept in step, and the state they last agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The profile's own file.
    pub own: PathBuf,
    /// The hub's.
    pub hub: PathBuf,
    /// The agreed state: what is shared of it.
    pub base: PathBuf,
    /// What they are.
    pub kind: Kind,
    /// The log of the hub's values that the profile's won over. They can be secrets (an MCP server's key), so they are written nowhere else.
    pub losses: PathBuf,
    /// Deletions that wait for the user's word.
    pub deletions: Deletions,
}

impl Pair {
    /// The name of both files.
    fn file(&self) -> String {
        self.own.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The state that a pass is about to make the agreed one.
    fn intended(&self) -> PathBuf {
        self.base.with_extension("next")
    }
}

/// What came of one pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Where values of the hub's lost against the profile's, as JSON pointers.
    pub lost: Vec<String>,
    /// Top-level keys whose deletion waits for the user's word.
    pub held: Vec<String>,
    /// Why the files were left as they are, if they were.
    pub left: Option<String>,
    /// Whether a lock was the reason: no event tells when a lock that nobody holds any more has gone stale.
    pub is_locked: bool,
}

/// Brings the two files together: three ways, key by key, each keeping the order of its own keys and its own account's.
///
/// A file is written under the client's lock, after both were read again, and only when its bytes change. Killed at any point it loses nothing:
/// the agreed state is written last, so the next pass sees the same differences again, and the intended one first, so that it can tell what this
/// pass wrote from what somebody wrote since.
pub fn sync(pair: &Pair) -> Result<Report> {
    let mut texts = match Texts::read(pair)? {
        Ok(texts) => texts,
        Err(reason) => return Ok(Report::left(reason)),
    };
    let mut settled = match texts.merge(pair)? {
        Ok(settled) => settled,
        Err(reason) => return Ok(Report::left(reason)),
    };
    let mut locked = settled.differing();
    while settled.differing() != (false, false) {
        // The hub's first, always: two helpers that each held one would wait for the other's.
        let mut locks = Vec::new();
        for (file, _) in [(&pair.hub, locked.0), (&pair.own, locked.1)].into_iter().filter(|(_, is_wanted)| *is_wanted && pair.kind.is_locked()) {
            let Some(lock) = ClientLock::take(file)? else {
                return Ok(Report { is_locked: true, ..Report::left(format!("{} is locked by a client", file.display())) });
            };
            locks.push(lock);
        }
        let now = match Texts::read(pair)? {
            Ok(now) => now,
            Err(reason) => return Ok(Report::left(reason)),
        };
        if now != texts {
            settled = match now.merge(pair)? {
                Ok(settled) => settled,
                Err(reason) => return Ok(Report::left(reason)),
            };
            texts = now;
        }
        // All of it or nothing: of a pass that writes one side and not the other, what it wrote would look like that side's own change later.
        let (hub_differs, own_differs) = settled.differing();
        if (hub_differs && !locked.0) || (own_differs && !locked.1) {
            locked = (true, true);
            continue;
        }
        settled.intend(pair)?;
        settled.keep_losses(pair)?;
        if hub_differs {
            settled.hub.write(&io::resolved(&pair.hub))?;
        }
        if own_differs {
            settled.own.write(&pair.own)?;
        }
        break; // and let go of the locks: what follows waits for the disk, and is nobody else's
    }
    settled.agree(pair)?;
    Ok(settled.report)
}

/// Removes top-level keys from the profile's file, as its client would; the next pass tells the hub.
///
/// Returns whether it was done: somebody else can hold the client's lock for too long.
pub fn drop_keys(pair: &Pair, keys: &BTreeSet<String>) -> Result<bool> {
    let lock = if pair.kind.is_locked() { ClientLock::take(&pair.own)? } else { None };
    if pair.kind.is_locked() && lock.is_none() {
        return Ok(false);
    }
    if let Some(mut state) = read(&pair.own)?.map_err(Error::msg)? {
        state.retain(|key, _| !keys.contains(key) || pair.kind.is_kept(key));
        io::write(&pair.own, &io::pretty_json(&state)?)?;
    }
    Ok(true)
}

/// Writes the profile's settings anew, the user's edits in them included, with other overrides than the pair's.
///
/// A link is no copy yet, whatever it leads to; without a copy there are the agreed settings.
pub fn redress(pair: &Pair, overrides: &State) -> Result<()> {
    let base = read(&pair.base)?.ok().flatten().unwrap_or_default();
    let own = if pair.own.is_symlink() { None } else { read(&pair.own)?.map_err(Error::msg)? };
    let plain = own.map_or_else(|| base.clone(), |own| pair.kind.shared_of_own(&own, &base));
    io::write(&pair.own, &io::pretty_json(&settings::dress(&plain, overrides))?)
}

/// Holds the two files as they were read.
#[derive(PartialEq, Eq)]
struct Texts {
    own: Option<Vec<u8>>,
    hub: Option<Vec<u8>>,
}

impl Texts {
    /// Reads the two files; the inner error says why they cannot be merged now.
    fn read(pair: &Pair) -> Result<Result<Self, String>> {
        Ok(match (read_text(&pair.own)?, read_text(&pair.hub)?) {
            (Ok(own), Ok(hub)) => Ok(Self { own, hub }),
            (Err(reason), _) | (_, Err(reason)) => Err(reason),
        })
    }

    fn merge(&self, pair: &Pair) -> Result<Result<Settled, String>> {
        Ok(States::parse(self, pair)?.map(|states| states.merge(pair)))
    }
}

/// Holds what was read of a pair.
struct States {
    own: State,
    hub: State,
    base: State,
}

/// Holds what one file should say.
struct Target {
    state: State,
    differs: bool,
}

/// Holds what a pair should say.
struct Settled {
    own: Target,
    hub: Target,
    /// What they had agreed on.
    was: State,
    /// What they agree on now.
    base: State,
    report: Report,
    losses: Vec<Loss>,
}

impl States {
    /// Reads the agreed state, too; the inner error says why they cannot be merged now.
    fn parse(texts: &Texts, pair: &Pair) -> Result<Result<Self, String>> {
        let parse_one = |file, text: &Option<Vec<u8>>| text.as_deref().map(|text| parse(file, text)).transpose();
        let (own, hub) = match (parse_one(&pair.own, &texts.own), parse_one(&pair.hub, &texts.hub)) {
            (Ok(own), Ok(hub)) => (own, hub),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
        };
        for (file, state) in [(&pair.own, &own), (&pair.hub, &hub)] {
            if matches!(pair.kind, Kind::Settings { .. }) && state.as_ref().is_some_and(settings::redirects) {
                return Ok(Err(Mistake::SettingsRedirect { file: file.display().to_string() }.to_string()));
            }
        }
        let mut base = read(&pair.base)?.ok().flatten().unwrap_or_default();
        if let (Some(own), Some(hub), Some(intended)) = (&own, &hub, read(&pair.intended())?.ok().flatten()) {
            base = merge::resume(&base, &intended, &pair.kind.shared_of_own(own, &base), &pair.kind.shared_of_hub(hub));
        }
        Ok(match (own, hub) {
            (Some(own), Some(hub)) => Ok(Self { own, hub, base }),
            // A missing file is one that nobody wrote yet, not one that somebody emptied.
            (Some(own), None) => Ok(Self { hub: base.clone(), own, base }),
            (None, Some(hub)) if matches!(pair.kind, Kind::Settings { .. }) => Ok(Self { own: State::new(), base: State::new(), hub }),
            (None, _) => Err(format!("there is no {} yet", pair.own.display())),
        })
    }

    fn merge(self, pair: &Pair) -> Settled {
        let kind = &pair.kind;
        let (own, hub) = (kind.shared_of_own(&self.own, &self.base), kind.shared_of_hub(&self.hub));
        let mut merged = merge::merge(&self.base, &own, &hub, &BTreeSet::new());
        if !merged.held.is_empty() {
            merged = merge::merge(&self.base, &own, &hub, &pair.deletions.accepted(&pair.file()));
        }
        let mut own = Target::new(kind, &self.own, &kind.own(&merged.state));
        // A link would send the overrides to the hub.
        own.differs |= pair.own.is_symlink();
        Settled {
            own,
            hub: Target::new(kind, &self.hub, &merged.state),
            report: Report { lost: merged.losses.iter().map(|loss| loss.pointer.clone()).collect(), held: merged.held, ..Report::default() },
            losses: merged.losses,
            was: self.base,
            base: merged.state,
        }
    }
}

impl Report {
    fn left(reason: String) -> Self {
        Self { left: Some(reason), ..Self::default() }
    }
}

impl Settled {
    /// Whether the hub's file should say something else, and whether the profile's should.
    fn differing(&self) -> (bool, bool) {
        (self.hub.differs, self.own.differs)
    }

    /// Writes down what is about to be agreed on.
    fn intend(&self, pair: &Pair) -> Result<()> {
        io::create_parent(&pair.base)?;
        // An earlier pass that wrote, and did not agree: what is known by its note must outlive it.
        if pair.intended().exists() {
            io::write_durably(&pair.base, &io::json(&self.was)?)?;
        }
        io::write(&pair.intended(), &io::json(&self.base)?)
    }

    /// Writes down what is about to be overwritten.
    fn keep_losses(&self, pair: &Pair) -> Result<()> {
        if self.losses.is_empty() {
            return Ok(());
        }
        let file = pair.file();
        let line = |loss: &Loss| serde_json::json!({"file": file, "pointer": loss.pointer, "value": loss.value}).to_string() + "\n";
        io::append(&pair.losses, self.losses.iter().map(line).collect::<String>().as_bytes())
    }

    fn agree(&self, pair: &Pair) -> Result<()> {
        // Keys whose deletion is held back are on both sides again, and so agreed.
        if !self.report.held.is_empty() {
            pair.deletions.hold(&pair.file(), &self.report.held)?;
        }
        io::create_parent(&pair.base)?;
        io::write_durably(&pair.base, &io::json(&self.base)?)?;
        let _ = fs::remove_file(pair.intended()); // as good as gone: it says the same now
        Ok(())
    }
}

impl Target {
    /// Returns a file's state with the agreed keys in it: its own account's keys and the order of its keys stay.
    fn new(kind: &Kind, present: &State, agreed: &State) -> Self {
        let mut state = State::new();
        for (key, value) in present {
            match agreed.get(key) {
                _ if kind.is_kept(key) => drop(state.insert(key.clone(), value.clone())),
                Some(agreed) => drop(state.insert(key.clone(), agreed.clone())),
                None => {}
            }
        }
        for (key, value) in agreed {
            if !present.contains_key(key) {
                state.insert(key.clone(), value.clone());
            }
        }
        Self { differs: state != *present, state }
    }

    fn write(&self, file: &Path) -> Result<()> {
        io::write(file, &io::pretty_json(&self.state)?)
    }
}

/// Reads a state; `None` when there is no such file, the inner error when what is there is not one.
fn read(file: &Path) -> Result<Result<Option<State>, String>> {
    Ok(read_text(file)?.and_then(|text| text.map(|text| parse(file, &text)).transpose()))
}

fn read_text(file: &Path) -> Result<Result<Option<Vec<u8>>, String>> {
    let reading = || format!("could not read {}", file.display());
    let opened = match sys::open_for_reading(file) {
        Err(error) if error.kind() == ErrorKind::NotFound && file.is_symlink() => return Ok(Err(format!("{} leads nowhere", file.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ok(None)),
        opened => opened.with_context(reading)?,
    };
    if !opened.metadata().with_context(reading)?.is_file() {
        return Ok(Err(format!("{} is not a regular file", file.display())));
    }
    let text = io::read_bounded(opened, LIMIT).with_context(reading)?;
    Ok(text.map(Some).ok_or_else(|| format!("{} is over {} MB", file.display(), LIMIT / 1024 / 1024)))
}

fn parse(file: &Path, text: &[u8]) -> Result<State, String> {
    // Where it ends says nothing, and another thing at each look while it is being written.
    let whole = |error: serde_json::Error| if error.is_eof() { "it ends too early".into() } else { error.to_string() };
    serde_json::from_slice(text).map_err(|error| format!("{} is not whole: {}", file.display(), whole(error)))
}
