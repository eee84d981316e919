//! Removing a profile as one transaction: it happens, or nothing did, or the next `clauth remove` or `clauth add` of the name finishes it.
//!
//! 1. The session ends under its own locks: this process holds the gate and the lock of the helper, here and in every other pid namespace, so no helper
//!    works for the profile and no shell joins it.
//! 2. Under the state lock `profile.toml` gets the name `removing.toml` (`profile::removal`). From here on no command finds the profile. Up to the end of
//!    step 4 the reverse rename undoes the removal, when a client turns out to run or something writes all the time.
//! 3. What the profile and ~/.claude last agreed on is forgotten on the disk. From here on a comparison of the two, whoever makes it, is a union: names that
//!    go below cannot pass for deletions.
//! 4. Shared files move to ~/.claude (`sharing::depart`), until a look finds none.
//! 5. The account's own files move to `rescued/`. Then links and empty directories are removed, and nothing else ever is.
//! 6. The removal is marked as over, and `removing.toml` and the empty directory go.
//!
//! Lock order: the profile's rotation lock → state lock → gate → session lock. Nobody is asked anything while one of them is held.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::account::{live_clients, refresh};
use crate::context::Context;
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io::{self, FileLock, epoch};
use crate::layout::{Layout, Writable};
use crate::name::ProfileName;
use crate::profile::{self, Profile, removal};
use crate::session::{Lease, Session};
use crate::sharing::depart::{Departure, forget_base, keep_if_present, remove_links_and_directories};

/// How long to wait for a helper that retires, which may have much to compare, and for another command.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often what appears while the directory is emptied is moved too.
const ROUNDS: u32 = 3;

/// How far a removal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The profile is there.
    Whole,
    /// A removal began and was interrupted.
    Begun,
    /// It was removed, and something was written under its path since.
    Over,
}

/// Names what is to be removed.
pub struct Subject {
    /// The profile, as far as it can be read.
    pub profile: Profile,
    /// How far its removal has come.
    pub stage: Stage,
}

impl Subject {
    /// Looks a profile up, or what an interrupted removal left of it.
    pub fn find(layout: &Layout, name: &ProfileName) -> Result<Self, Mistake> {
        match profile::load(layout, name) {
            Ok(profile) => Ok(Self { profile, stage: Stage::Whole }),
            Err(Mistake::RemovalUnfinished { .. }) => Ok(Self { profile: removal::load(layout, name), stage: Stage::Begun }),
            Err(Mistake::UnknownProfile { .. }) if removal::is_over(layout, name) && layout.profile(name).exists() => {
                Ok(Self { profile: removal::load(layout, name), stage: Stage::Over })
            }
            Err(mistake) => Err(mistake),
        }
    }
}

/// Finishes a removal of this name that was interrupted, and moves away what a client wrote to the path of a removed profile, so that a new profile gets
/// nothing of an old one. Does nothing for a name that has nothing of the kind.
pub fn finish(context: &Context, name: &ProfileName) -> Result<()> {
    let layout = context.layout.writable()?;
    let is_something_left = removal::has_begun(&layout, name) || removal::is_over(&layout, name) && layout.profile(name).exists();
    if !is_something_left || layout.profile_file(name).exists() {
        return Ok(());
    }
    let rescue = layout.rescue(name);
    remove(layout, &context.hub(&context.config()?)?, name, &rescue, false)?;
    io::say(format_args!("what was left of an earlier profile {name} is out of the way; files of its own are in {}", rescue.display()));
    Ok(())
}

/// Removes a profile. The user has agreed, and the caller holds no lock.
pub fn remove(layout: Writable<'_>, hub: &Hub, name: &ProfileName, rescue: &Path, deletes_login: bool) -> Result<()> {
    let subject = Subject::find(&layout, name)?;
    let profile = &subject.profile;
    let locks = if subject.stage == Stage::Whole { begin(layout, name)? } else { end_all_sessions(&layout, profile)? };
    let departure = Departure { config_dir: &profile.config_dir, hub, staging: &layout.leaving(name), rescue, deletes_login };
    let shared = forget_base(&layout.base(name), departure.config_dir).and_then(|()| departure.share());
    let reason = match shared {
        Ok(true) => None,
        Ok(false) => Some(in_use(name, "something that writes there").into()),
        Err(error) => Some(error),
    };
    match (reason, subject.stage) {
        (None, _) => {}
        (Some(reason), Stage::Whole) => return removal::undo(layout, name).and(Err(reason)),
        (Some(reason), _) => bail!(unfinished(name, &reason)),
    }
    for _ in 0..ROUNDS {
        let is_gone = departure.rescue().and_then(|()| Ok(departure.share()? && departure.clear()? && clear_rest(layout, &departure, name)?));
        if is_gone.map_err(|error| unfinished(name, &error))? {
            epoch::advance(layout)?;
            drop(locks);
            return Ok(());
        }
    }
    bail!(unfinished(name, &in_use(name, "something that writes there").into()))
}

/// Fails while a shell or a client uses the profile, or a helper in another pid namespace.
pub fn refuse_if_in_use(layout: &Layout, profile: &Profile, counts_clients: bool) -> Result<(), Mistake> {
    let is_followed = |session: Session| session.lock().exists() && FileLock::is_held(&session.lock()).unwrap_or(true);
    if Session::elsewhere(layout, &profile.name).into_iter().any(is_followed) {
        return Err(in_use(&profile.name, "a shell in another container"));
    }
    let clients = if counts_clients { live_clients(&profile.config_dir) } else { Vec::new() };
    let holders = Lease::live(&Session::new(layout, &profile.name)).into_iter().map(|lease| lease.to_string());
    let users: Vec<_> = holders.chain(clients.into_iter().map(|pid| format!("claude {pid}"))).collect();
    if users.is_empty() { Ok(()) } else { Err(Mistake::ProfileInUse { name: profile.name.to_string(), by: users.join(", ") }) }
}

/// Ends the session and makes the profile unknown to every command. Returns the locks that keep everybody out.
fn begin(layout: Writable<'_>, name: &ProfileName) -> Result<Vec<FileLock>> {
    let profile = profile::load(&layout, name)?;
    let Some(rotation) = FileLock::exclusive_within(&layout.rotation_lock(name), PATIENCE)? else {
        bail!(in_use(name, "a refresh of its login"));
    };
    refresh::finish(layout, name, &profile.config_dir)?; // what is kept of a login is one that is good
    // A helper that retires can take its time, and nobody should wait for the state lock meanwhile.
    drop(end_all_sessions(&layout, &profile)?);
    let Some(state) = FileLock::exclusive_within(&layout.state_lock(), PATIENCE)? else {
        bail!(in_use(name, "another clauth command that adds or removes a profile"));
    };
    let profile = profile::load(&layout, name)?;
    let mut locks = end_session(&layout, &profile, PATIENCE / 10)?;
    refuse_if_in_use(&layout, &profile, true)?;
    removal::begin(layout, &state, name)?;
    drop((state, rotation)); // a refresh that waited for it looks for the profile first
    // Whoever joined in a container that had no session when the locks were taken has looked for the profile before it became unknown: its gate or its helper
    // is found now.
    let elsewhere = refuse_if_in_use(&layout, &profile, true).map_err(anyhow::Error::from).and_then(|()| end_sessions_elsewhere(&layout, name));
    match elsewhere {
        Ok(elsewhere) => locks.extend(elsewhere),
        Err(reason) => return removal::undo(layout, name).and(Err(reason)),
    }
    Ok(locks)
}

/// Waits until no helper works for the profile, here and in other pid namespaces, and keeps every other one out, and every shell that would join.
fn end_all_sessions(layout: &Layout, profile: &Profile) -> Result<Vec<FileLock>> {
    let mut locks = end_session(layout, profile, PATIENCE)?;
    locks.extend(end_sessions_elsewhere(layout, &profile.name)?);
    Ok(locks)
}

/// The same for this pid namespace.
fn end_session(layout: &Layout, profile: &Profile, patience: Duration) -> Result<Vec<FileLock>> {
    let session = Session::new(layout, &profile.name);
    io::create_dir(&session.leases())?;
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(gate) = FileLock::exclusive_within(&session.gate(), left)? else {
            bail!(in_use(&profile.name, "a shell that joins or leaves it at this moment"));
        };
        if let Some(helper) = FileLock::exclusive_unless_held(&session.lock())? {
            return Ok(vec![helper, gate]); // dropped in this order: whoever opens the gate next finds the session free
        }
        refuse_if_in_use(layout, profile, false)?;
        if left.is_zero() {
            bail!(in_use(&profile.name, "its helper, which does not end (`clauth stop` ends it)"));
        }
        drop(gate); // a helper that retires takes it to look for leases once more
        thread::sleep(Duration::from_millis(10));
    }
}

/// The same for all other pid namespaces, where nobody is waited for.
fn end_sessions_elsewhere(layout: &Layout, name: &ProfileName) -> Result<Vec<FileLock>> {
    let mut locks = Vec::new();
    for session in Session::elsewhere(layout, name) {
        for lock in [session.gate(), session.lock()] {
            let Some(lock) = FileLock::exclusive_unless_held(&lock)? else {
                bail!(in_use(name, "a shell in another container"));
            };
            locks.push(lock);
        }
    }
    Ok(locks)
}

/// Empties the profile's own directory, too: what is clauth's goes, anything else is kept. Returns whether nothing is left.
fn clear_rest(layout: Writable<'_>, departure: &Departure<'_>, name: &ProfileName) -> Result<bool> {
    let (directory, journal) = (layout.profile(name), layout.removing(name));
    for lock_or_note in [layout.rotation_lock(name), layout.room(name), layout.spent(name), layout.importing(name)] {
        if lock_or_note.is_file() {
            io::remove(&lock_or_note)?;
        }
    }
    io::forget_unfinished(&directory);
    if departure.deletes_login && layout.anthropic(name).exists() {
        let console = layout.anthropic(name);
        fs::remove_dir_all(&console).with_context(|| format!("could not remove {}", console.display()))?;
    }
    for entry in fs::read_dir(&directory).into_iter().flatten() {
        let path = entry.with_context(|| format!("could not list {}", directory.display()))?.path();
        // What is in the config directory now came since it was emptied, and is the next round's.
        if path == journal || path == departure.config_dir || path == departure.staging {
            continue;
        }
        let is_tree = path.is_dir() && !path.is_symlink();
        if !is_tree || !remove_links_and_directories(&path)? {
            keep_if_present(&path, &departure.rescue.join("profile").join(path.file_name().unwrap_or_default()))?;
        }
    }
    removal::mark_over(layout, name)?;
    if departure.deletes_login || removal::says_nothing(&layout, name) {
        io::remove(&journal)?;
    } else {
        keep_if_present(&journal, &departure.rescue.join("profile.toml"))?;
    }
    remove_links_and_directories(&directory)
}

fn in_use(name: &ProfileName, by: &str) -> Mistake {
    Mistake::ProfileInUse { name: name.to_string(), by: by.into() }
}

/// Says why the removal goes on later.
fn unfinished(name: &ProfileName, reason: &anyhow::Error) -> Mistake {
    let reason = reason.downcast_ref::<Mistake>().map_or_else(|| format!("{reason:#}"), |mistake| mistake.parts().0);
    Mistake::RemovalUnfinished { name: name.to_string(), why: format!(" ({reason})") }
}
