//! What lies in a config directory, and how it leaves: what was shared goes to the hub, what was the account's to `rescued/`.
//!
//! A client, an editor or a script may write at any moment, so no file is removed from under its name:
//!
//! 1. A shared file is first renamed into a staging directory of clauth's. Whoever opens the old path from now on makes a new file, which the next round
//!    finds; whoever has the file open goes on writing to the staged one.
//! 2. The staged file is settled: it moves to the hub if the hub lacks it; it is dropped if the hub has the same bytes; a log (`*.jsonl`) that differs
//!    gives the hub the lines that it lacks, and is dropped; anything else that differs goes to `rescued/`, and the hub's file stays.
//! 3. "Dropped" means: looked at again, unchanged since it was read, and open for writing nowhere. A file that changed is settled again, and one that
//!    some process has open goes to `rescued/`, where what that process writes later is kept.
//!
//! Each step leaves every byte under some name, so a killed one is begun again from whatever is there: the staging directory first.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::json;
use super::links::{Present, survey};
use super::names::{self, Kind};
use super::settle::{Fate, Mover, present};
use crate::claude_code::{CREDENTIALS, SETTINGS};
use crate::error::Mistake;
use crate::hub::Hub;
use crate::{io, sys};

/// How often shared files are looked for again before something counts as writing there all the time.
const ROUNDS: u32 = 12;

/// After this time the same counts, if it has been looked twice: a large history takes time, and what is added to it does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much longer the pause before each of these rounds is than the one before.
const PAUSE: Duration = Duration::from_millis(10);

/// Holds what really lies in a config directory, links aside, as paths relative to it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Files of names that profiles share: history, plans, …
    pub shared: Vec<PathBuf>,
    /// Files of the account's own, and its settings, which may have overrides in them.
    pub private: Vec<PathBuf>,
    /// Whether a login lies there.
    pub has_login: bool,
}

/// Looks at what lies in a config directory; one that does not exist is empty.
pub fn inventory(config_dir: &Path) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    if !config_dir.exists() {
        return Ok(inventory);
    }
    for (name, state) in survey(config_dir)? {
        if matches!(state, Present::Link { .. }) {
            continue;
        }
        if name == CREDENTIALS {
            inventory.has_login = true;
            continue;
        }
        if name == names::TOKEN {
            continue; // clauth's own
        }
        let is_shared = matches!(names::kind(&name.to_string_lossy()), Kind::Linked | Kind::Mirrored);
        collect_files(config_dir, Path::new(&name), if is_shared { &mut inventory.shared } else { &mut inventory.private })?;
    }
    Ok(inventory)
}

/// Lists the files at and below a path, relative to `base`. What vanishes meanwhile is left out.
pub fn collect_files(base: &Path, relative: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let path = base.join(relative);
    let looking = || format!("could not look at {}", path.display());
    let Some(meta) = present(fs::symlink_metadata(&path)).with_context(looking)? else { return Ok(()) };
    if !meta.is_dir() {
        files.push(relative.into());
        return Ok(());
    }
    for entry in present(fs::read_dir(&path)).with_context(looking)?.into_iter().flatten() {
        collect_files(base, &relative.join(entry.with_context(looking)?.file_name()), files)?;
    }
    Ok(())
}

/// Knows where a config directory that is to be emptied lies, and where what is in it goes.
pub struct Departure<'a> {
    /// The config directory.
    pub config_dir: &'a Path,
    /// What is shared goes there.
    pub hub: &'a Hub,
    /// Where a shared file is while it is compared: on the file system of the config directory.
    pub staging: &'a Path,
    /// What is the account's, or differs from the hub's, goes there.
    pub rescue: &'a Path,
    /// Whether the login is removed instead of kept.
    pub deletes_login: bool,
}

impl Departure<'_> {
    /// Moves all shared files out, again and again until a look finds none; false when something writes new ones all the time.
    pub fn share(&self) -> Result<bool> {
        let mover = self.mover();
        let deadline = Instant::now() + PATIENCE;
        for round in 0..ROUNDS {
            if round > 1 && Instant::now() > deadline {
                break;
            }
            thread::sleep(PAUSE * round);
            // Made anew, it would take the place of the one that the user has put aside for a moment.
            ensure!(self.hub.directory.is_dir(), "{} is gone", self.hub.directory.display());
            mover.settle_left()?;
            let shared = inventory(self.config_dir)?.shared;
            if shared.is_empty() {
                return Ok(true);
            }
            for file in &shared {
                if mover.carry(file)? == Fate::Stays {
                    let [one, other] = [self.config_dir, &self.hub.directory].map(|side| side.join(file).display().to_string());
                    bail!(Mistake::OnePlace { one, other });
                }
            }
        }
        Ok(false)
    }

    /// Moves to `rescued/` what is the account's: its files, its login, and links of the user's that clauth has not made.
    pub fn rescue(&self) -> Result<()> {
        let inventory = inventory(self.config_dir)?;
        for file in &inventory.private {
            let (from, to) = (self.config_dir.join(file), self.rescue.join(file));
            if file == Path::new(SETTINGS) && json::say_the_same(&from, &self.hub.directory.join(file)) {
                io::remove(&from)?; // a copy without overrides, of which the hub has every edit
                continue;
            }
            keep_if_present(&from, &to)?;
        }
        let login = self.config_dir.join(CREDENTIALS);
        match (inventory.has_login, self.deletes_login) {
            (true, true) => io::remove(&login)?,
            (true, false) => keep_if_present(&login, &self.rescue.join(CREDENTIALS))?,
            (false, _) => {}
        }
        if !self.config_dir.exists() {
            return Ok(());
        }
        for (name, state) in survey(self.config_dir)? {
            let Present::Link { target, .. } = state else { continue };
            let in_hub = self.hub.directory.join(&name);
            let is_made =
                target.starts_with(&self.hub.directory) || target == self.hub.claude_json || sys::physical(&in_hub).is_ok_and(|made| made == target);
            if !is_made {
                keep_if_present(&self.config_dir.join(&name), &self.rescue.join(&name))?;
            }
        }
        Ok(())
    }

    /// Removes links and empty directories, and so the config directory itself; false when something else is there.
    pub fn clear(&self) -> Result<bool> {
        Ok(remove_links_and_directories(self.staging)? && remove_links_and_directories(self.config_dir)?)
    }

    fn mover(&self) -> Mover<'_> {
        Mover { from: self.config_dir, to: &self.hub.directory, staging: self.staging, rescue: self.rescue }
    }
}

/// Moves a file to a place of safety, open to the user alone; a file that is gone since is nobody's loss.
pub fn keep_if_present(from: &Path, to: &Path) -> Result<()> {
    if fs::symlink_metadata(from).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(());
    }
    if sys::is_private(from).is_ok_and(|is_private| !is_private) {
        sys::make_private(from).with_context(|| format!("could not change the permissions of {}", from.display()))?;
    }
    io::keep(from, to)
}

/// Removes the links below a directory, and every directory that is empty then, itself too. Anything else stays. Returns whether all of it is gone.
pub fn remove_links_and_directories(directory: &Path) -> Result<bool> {
    prune(directory, true)
}

/// Removes every empty directory below this one, itself too. Anything else stays, links too.
pub fn remove_empty_directories(directory: &Path) -> Result<bool> {
    prune(directory, false)
}

fn prune(path: &Path, with_links: bool) -> Result<bool> {
    let removing = || format!("could not remove {}", path.display());
    let Some(meta) = present(fs::symlink_metadata(path)).with_context(removing)? else { return Ok(true) };
    if meta.is_symlink() && with_links {
        return io::remove(path).map(|()| true);
    }
    if !meta.is_dir() {
        return Ok(false);
    }
    for entry in present(fs::read_dir(path)).with_context(removing)?.into_iter().flatten() {
        prune(&entry.with_context(removing)?.path(), with_links)?;
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(false),
        removed => present(removed).with_context(removing).map(|_| true),
    }
}

/// Forgets what a profile and the hub last agreed on: in one step, and on the disk when this returns. Without it the next comparison is a union.
pub fn forget_base(base: &Path, config_dir: &Path) -> Result<()> {
    let forgetting = || format!("could not remove {}", base.display());
    io::remove(&config_dir.join(names::TOKEN))?;
    let forgotten = io::with_ending(base, ".removed");
    empty(&forgotten)?; // of a process that was killed
    present(sys::rename(base, &forgotten)).with_context(forgetting)?;
    if let Some(parent) = base.parent().filter(|parent| parent.is_dir()) {
        sys::sync_directory(parent).with_context(forgetting)?;
    }
    empty(&forgotten)
}

/// Removes a directory of clauth's own notes, which hold nothing of the user's.
fn empty(notes: &Path) -> Result<()> {
    let mut files = Vec::new();
    collect_files(notes, Path::new(""), &mut files)?;
    for file in files {
        io::remove(&notes.join(file))?;
    }
    remove_links_and_directories(notes).map(drop)
}
