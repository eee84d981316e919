//! Moving a login from one config directory to another, so that whoever is killed at whatever instant leaves exactly one.
//!
//! # Protocol
//!
//! Under the state lock and every lock that a client's refresh or save of the old login takes, with no client at either place:
//!
//! 1. The journal is written: the two places, and a hash of the login. It holds no token.
//! 2. The account's part of `.claude.json` is written at the new place, then the login, which is read back.
//! 3. At the old place the login is renamed aside, or the item of the Keychain emptied and marked. From this moment on the new one is the login, and
//!    nobody can take the other for one.
//! 4. The journal says so; what was set aside, and the account's part of the old `.claude.json`, are removed, then the journal.
//!
//! Every command looks for a journal before anything else, so that nothing enters a profile while two copies lie about. One that cannot be settled stops
//! nothing but the two places and the next transfer; `doctor` names it. One that was left is settled: a
//! login that was not set aside is still the old place's, whoever uses it by now, so what was written at the new one is taken away; one that was is
//! finished.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{Login, Place};
use crate::claude_code;
use crate::error::Mistake;
use crate::io::{self, ClientLock, Purpose};
use crate::layout::{Layout, Writable};
use crate::sys::HeldSignals;

/// More than any journal has, in bytes.
const LIMIT: usize = 64 * 1024;

/// How long to wait for a client's locks: no client runs, so they are those of a dead one.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a program outlives the clauth that started it: longer than clauth waits for one.
const AFTERMATH: Duration = Duration::from_millis(2500);

/// Longer than a transfer takes, whatever the Keychain does.
const LONGEST: Duration = Duration::from_secs(60);

/// What the journal holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Journal {
    from: Place,
    to: Place,
    /// Tells the login that is moved from any that came later.
    login: String,
    /// Where the old file goes before it goes away: beside what a link of the user's leads to. An item of the Keychain is emptied instead.
    aside: Option<PathBuf>,
    /// Whether it is known to have gone there.
    is_moved: bool,
    /// Why the account's part of the old state could not be removed, which is then all that remains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remains: Option<String>,
}

/// What became of a transfer that was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The login is at this old place, as if nothing had been done.
    Undone(PathBuf),
    /// The login is at this new place, and nowhere else.
    Finished(PathBuf),
}

/// A transfer that could not be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The config directories between which the login moves.
    pub places: [PathBuf; 2],
    /// Why the account's part of the old state stays, where that is all: the login is at the second place and nowhere else.
    pub remains: Option<String>,
}

/// Returns the transfer that could not be settled, if there is one.
pub fn unsettled(layout: &Layout) -> Option<Unsettled> {
    let text = io::read_regular(&layout.transfer(), LIMIT).ok()??;
    let journal: Journal = serde_json::from_slice(&text).ok()?;
    Some(Unsettled { places: [journal.from.directory, journal.to.directory], remains: journal.remains })
}

/// Moves the login of one place to another, which has none. The caller holds the state lock and knows that no client runs at either.
///
/// Returns why the account's part of the old state is still there, if it is: a file that is mounted cannot be replaced. The login has moved all the same.
pub fn transfer(layout: Writable<'_>, from: &Place, to: &Place) -> Result<Option<String>> {
    let moved = move_login(layout, from, to);
    if moved.is_err() {
        let _ = settle_at_once(layout, |_| true); // where that fails too, the next command tries again
    }
    moved
}

fn move_login(layout: Writable<'_>, from: &Place, to: &Place) -> Result<Option<String>> {
    let _signals = HeldSignals::hold().context("could not hold back signals")?;
    let _held = lock_login(from)?.ok_or_else(|| busy(from))?;
    let (old_state, new_state) = (from.lock()?.ok_or_else(|| busy(from))?, to.lock()?.ok_or_else(|| busy(to))?);
    let (credentials, login) = from.login(&layout)?;
    let account = from.account().map_err(|error| Mistake::BrokenLogin { reason: format!("{error:#}") })?;
    ensure!(!to.is_signed_in(&layout)?, "somebody has just signed in at {}", to.directory.display());
    let (old, new) = (from.store(&layout), to.store(&layout));
    let mut journal = Journal { from: from.clone(), to: to.clone(), login: fingerprint(&login), aside: old.aside()?, is_moved: false, remains: None };
    journal.write(layout)?;

    to.set_account(&new_state, &account)?;
    new.write(&credentials)?;
    // It is on the disk before the old one leaves it, on whichever file systems they lie.
    ensure!(new.read()?.as_ref() == Some(&credentials), "the login at {} is not what was written", to.directory.display());
    old.set_aside(journal.aside.as_deref(), &journal.login)?;
    journal.finish(layout, Some(&old_state))?;
    Ok(journal.remains)
}

/// Moves what one place knows of an account that has no login there, such as the key of a Console account: a key can be in two places for a moment.
pub fn transfer_account(from: &Place, to: &Place) -> Result<()> {
    let account = from.account()?;
    let (old_state, new_state) = (from.lock()?.ok_or_else(|| busy(from))?, to.lock()?.ok_or_else(|| busy(to))?);
    to.set_account(&new_state, &account)?;
    from.set_account(&old_state, &Map::new())
}

fn busy(place: &Place) -> Mistake {
    Mistake::LoginBusy { place: place.directory.display().to_string() }
}

/// Settles a transfer whose process was killed; `None` where there is nothing to settle, or not yet. The caller holds the state lock.
///
/// `has_client` tells whether a client runs in a config directory: somebody's who knows nothing of the transfer.
pub fn settle(layout: Writable<'_>, has_client: impl Fn(&Path) -> bool) -> Result<Option<Settled>> {
    if layout.keychain().is_some() {
        // What the dead one had told the Keychain may happen yet, and must not happen to what is settled.
        let written = fs::metadata(layout.transfer()).and_then(|meta| meta.modified());
        if written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age < LONGEST)) {
            thread::sleep(AFTERMATH);
        }
    }
    settle_at_once(layout, has_client)
}

fn settle_at_once(layout: Writable<'_>, has_client: impl Fn(&Path) -> bool) -> Result<Option<Settled>> {
    let file = layout.transfer();
    let Some(text) = io::read_if_any(&file, LIMIT)? else { return Ok(None) };
    let mut journal: Journal = serde_json::from_slice(&text).with_context(|| format!("could not read {}", file.display()))?;
    for place in [&journal.from, &journal.to] {
        io::forget_unfinished_of(&place.claude_json);
        io::forget_unfinished_of(place.store(&layout).file());
    }
    let is_moved = journal.is_moved || journal.from.store(&layout).is_aside(journal.aside.as_deref(), &journal.login)?;
    if !is_moved {
        return journal.undo(layout).map(|is_undone| is_undone.then_some(Settled::Undone(journal.from.directory)));
    }
    let old_state = if has_client(&journal.from.directory) { None } else { journal.from.lock()? };
    journal.finish(layout, old_state.as_ref())?;
    let is_finished = old_state.is_some() && journal.remains.is_none();
    Ok(is_finished.then_some(Settled::Finished(journal.to.directory)))
}

impl Journal {
    fn write(&self, layout: Writable<'_>) -> Result<()> {
        io::write_for_good(&layout.transfer(), &io::json(self)?)
    }

    /// Takes the old place's part away. Without its lock only what could be taken for a login goes, and the rest waits; so it does where the old state cannot
    /// be written, since the login is in one place by then.
    fn finish(&mut self, layout: Writable<'_>, old_state: Option<&ClientLock>) -> Result<()> {
        if !self.is_moved {
            self.is_moved = true;
            self.write(layout)?; // else, with nothing set aside any more, a later login there would look like this one
        }
        self.from.store(&layout).forget_aside(self.aside.as_deref(), &self.login)?;
        let Some(old_state) = old_state else { return Ok(()) };
        // One who has signed in there since then has an account of their own.
        let is_taken_away = if self.from.is_signed_in(&layout)? { Ok(()) } else { self.from.set_account(old_state, &Map::new()) };
        let remains = is_taken_away.err().map(|error| format!("{error:#}"));
        if remains.is_none() {
            self.remains = None;
            return io::remove(&layout.transfer());
        }
        self.remains = remains;
        self.write(layout)
    }

    /// Takes the new place's part away, but for a login that somebody made there meanwhile; false when a lock was not to be had.
    fn undo(&self, layout: Writable<'_>) -> Result<bool> {
        let store = self.to.store(&layout);
        let found = store.read()?.and_then(|credentials| credentials.login());
        if found.as_ref().is_some_and(|found| fingerprint(found) == self.login) {
            store.remove()?;
        }
        if !self.to.is_signed_in(&layout)? && self.to.directory.is_dir() {
            let Some(new_state) = self.to.lock()? else { return Ok(false) };
            self.to.set_account(&new_state, &Map::new())?;
        }
        io::remove(&layout.transfer())?;
        Ok(true)
    }
}

/// Takes every lock that a client takes for a refresh or a save of its login, in its order; `None` when one is held for too long.
fn lock_login(place: &Place) -> Result<Option<Vec<ClientLock>>> {
    let (inside, beside) = claude_code::refresh_locks(&place.directory, &io::resolved(&place.directory));
    let writing = claude_code::write_lock(&place.directory);
    let deadline = Instant::now() + PATIENCE;
    let locks = [(inside, Purpose::Refreshing), (beside, Purpose::Refreshing), (writing, Purpose::Writing)];
    locks.iter().map(|(lock, purpose)| ClientLock::wait(lock, *purpose, &|| Instant::now() > deadline)).collect()
}

/// Names a login without telling it: by what its next refresh needs, or by a token that has none.
fn fingerprint(login: &Login) -> String {
    let is_long_lived = login.refresh_token.reveal().is_empty();
    if is_long_lived { login.access_token.fingerprint() } else { login.refresh_token.fingerprint() }
}
