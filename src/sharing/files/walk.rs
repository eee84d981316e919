//! One look at a path and what follows from it. Start with [`Mirror::visit`].

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::names_below::{holds_logs, is_never_carried, is_transcript, session_directory};
use super::record::{Kind, Record, group, key, stat_hash};
use super::side::{Entry, Stat, look};
use super::transfer::set_modified;
use super::{Mirror, Watcher};
use crate::io;
use crate::sharing::decide::{Decision, Found, Side, decide};
use crate::sys::{self, Interest, Listing};

/// A lock that was not touched for so long is not held.
const PHANTOM: Duration = Duration::from_secs(60);

/// How soon a file that changed during a look is looked at again.
pub(super) const SOON: Duration = Duration::from_millis(100);

/// A version of a file, as far as a look tells: the one that was agreed on, or another one of that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Agreed,
    New(Side, u64),
}

/// What stands where a directory was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Same,
    /// On one side at least it is another directory.
    Another,
    Missing,
}

impl Mirror {
    /// Looks at a path on both sides, brings it together, and what lies below it.
    pub(super) fn visit(&mut self, relative: &Path, watcher: &mut dyn Watcher) {
        let entries = Side::BOTH.map(|side| look(&self.sides.path(side, relative)));
        self.visit_entries(relative, entries, None, watcher);
    }

    /// Like [`Mirror::visit`], where a listing has told what stands there, and on which device each of the listed directories lies.
    fn visit_entries(&mut self, relative: &Path, entries: [Entry; 2], around: Option<[u64; 2]>, watcher: &mut dyn Watcher) {
        if relative.file_name().is_some_and(is_never_carried) {
            let paths = Side::BOTH.map(|side| self.sides.path(side, relative));
            if let Some(error) = paths.iter().find_map(|path| self.sides.take_up(path, relative).err()) {
                self.fail(relative, &error);
            }
            if self.is_beginning {
                for path in &paths {
                    remove_phantom_lock(path);
                }
            }
            return;
        }
        let settled = match entries {
            [Entry::Absent, Entry::Absent] => {
                self.forget(relative);
                Ok(true)
            }
            [own @ (Entry::Directory(_) | Entry::Absent), hub @ (Entry::Directory(_) | Entry::Absent)] => {
                self.visit_directory(relative, [own.directory(), hub.directory()], around, watcher)
            }
            [Entry::File(_) | Entry::Absent | Entry::Other, Entry::File(_) | Entry::Absent | Entry::Other]
            | [Entry::Link(_) | Entry::Absent, Entry::Link(_) | Entry::Absent] => self.visit_file(relative, entries, watcher),
            _ if self.leads_across(relative) => Ok(true),
            _ if entries.contains(&Entry::Other) => Err(anyhow::anyhow!("it cannot be read on one side, or is of a kind that is not carried")),
            _ => Err(anyhow::anyhow!("it is not the same kind of file in the profile and in {}, so both stay", self.sides.root(Side::Hub).display())),
        };
        match settled {
            Ok(true) => {
                self.troubles.remove(relative);
                self.retries.remove(&relative.to_path_buf());
            }
            Ok(false) => drop(self.troubles.remove(relative)),
            Err(error) => self.fail(relative, &error),
        }
    }

    /// Whether a file on both sides is still what was agreed on: most events about one are of this process's own work.
    pub(super) fn is_as_agreed(&self, relative: &Path) -> bool {
        let Some(record) = self.get(relative).filter(|record| record.kind != Kind::Directory) else { return false };
        let hash = |side| look(&self.sides.path(side, relative)).leaf().map(|stat| stat_hash(&self.base, stat));
        Side::BOTH.map(hash) == record.stats.map(Some)
    }

    /// Returns whether both sides are the same now, or are once what vanished has waited long enough.
    fn visit_directory(&mut self, relative: &Path, found: [Option<Stat>; 2], around: Option<[u64; 2]>, watcher: &mut dyn Watcher) -> Result<bool> {
        let record = self.get(relative).filter(|record| record.kind == Kind::Directory);
        if let [Some(own), Some(hub)] = found
            && own.identity == hub.identity
        {
            bail!("the profile's directory and that of {} are one place (a mount), so nothing is copied", self.sides.root(Side::Hub).display());
        }
        let hashes = found.map(|stat| stat.map(|stat| stat_hash(&self.base, stat)));
        if !self.is_deep && !self.unwatched.contains(relative) && record.is_some_and(|record| hashes == record.stats.map(Some)) {
            return Ok(true); // what happens in it is told by events of its own
        }
        let is_another = record.is_some_and(|record| is_another(hashes, record));
        // An earlier helper may have agreed on what is mounted there now.
        let may_be_mounted = record.is_none() || is_another || self.is_beginning;
        let is_mounted = may_be_mounted && Side::BOTH.into_iter().any(|side| self.is_mount(relative, side, found[side as usize], around));
        let was_mounted = if is_mounted { !self.mounted.insert(relative.into()) } else { may_be_mounted && self.mounted.remove(relative) };
        if is_another && (self.is_beginning || is_mounted || was_mounted) {
            // Another directory stands there than at the end of the last session, or a file system was mounted there: what was agreed on says nothing
            // about it.
            self.forget(relative);
            self.create_missing(relative, found)?;
        } else if found.contains(&None) && record.is_some() {
            if self.removals.is_held(relative) {
                return Ok(true);
            }
            if !self.is_carried(relative) {
                self.removals.note(relative);
                return Ok(true);
            }
            self.create_missing(relative, found)?;
        } else if found.contains(&None) {
            self.create_missing(relative, found)?;
        }
        let directories = Side::BOTH.map(|side| self.sides.path(side, relative));
        let Some(listings) = open_both(&directories)? else { return Ok(true) };
        let created = Side::BOTH.into_iter().find(|side| found[*side as usize].is_none());
        let interest = if holds_logs(relative) { Interest::Logs } else { Interest::Contents };
        let is_watched = self.is_watched(relative, record.is_none());
        if is_watched {
            for side in Side::BOTH.into_iter().filter(|side| Some(*side) != created) {
                watcher.watch_listing(relative, &directories[side as usize], &listings[side as usize], interest);
            }
            self.unwatched.remove(relative);
        }
        let [own, hub] = listings.each_ref().map(Listing::look);
        let looked = [own?, hub?];
        let opened = looked.map(|looked| Entry::from(looked).directory());
        let now = if found.contains(&None) { opened } else { found };
        let [Some(own), Some(hub)] = now else { return Ok(true) };
        self.set(relative, Some(Record { stats: [own, hub].map(|stat| stat_hash(&self.base, stat)), kind: Kind::Directory }));
        self.visit_names(relative, listings, [own, hub].map(|stat| stat.identity.0), watcher)?;
        if let Some(side) = created {
            if is_watched {
                self.watch_filled(relative, side, interest, watcher)?;
            }
            // The client's cleanup goes by the time of directories.
            let modified = looked[side.other() as usize].modified;
            let _ = sys::open_directory(&directories[side as usize]).and_then(|created| set_modified(&created, modified));
        }
        self.settle_directory(relative)?;
        Ok(true)
    }

    /// Whether a directory lies on another file system than the one around it.
    fn is_mount(&self, relative: &Path, side: Side, found: Option<Stat>, around: Option<[u64; 2]>) -> bool {
        let Some(found) = found else { return false };
        let look_around = || self.sides.path(side, relative).parent().and_then(|parent| look(parent).directory()).map(|stat| stat.identity.0);
        let around = around.map(|around| around[side as usize]).or_else(look_around);
        around.is_some_and(|around| around != found.identity.0)
    }

    /// Looks at the topmost directory above a path that is another one than was agreed on, with all that lies below it; false where there is none.
    ///
    /// Whoever looks at a path by itself asks this first: below another directory (a mount that came or went) what was agreed on says nothing, and a file
    /// given there would pass for agreed on when the first one is back.
    pub(super) fn visit_replaced_above(&mut self, relative: &Path, watcher: &mut dyn Watcher) -> bool {
        let above: Vec<&Path> = relative.ancestors().skip(1).filter(|path| path.components().next().is_some()).collect();
        // Whatever stands there in place of any of them, the last one is not the same either.
        if above.first().is_none_or(|parent| self.compare_directory(parent) == Some(Compared::Same)) {
            return false;
        }
        let Some(directory) = above.iter().rev().find(|directory| self.compare_directory(directory) == Some(Compared::Another)) else { return false };
        let is_deep = std::mem::replace(&mut self.is_deep, true);
        self.visit(directory, watcher);
        self.is_deep = is_deep;
        true
    }

    /// Compares a directory with what was agreed on; `None` where nothing was.
    fn compare_directory(&self, directory: &Path) -> Option<Compared> {
        let record = self.get(directory).filter(|record| record.kind == Kind::Directory)?;
        let found = Side::BOTH.map(|side| look(&self.sides.path(side, directory)).directory().map(|stat| stat_hash(&self.base, stat)));
        Some(match found {
            _ if is_another(found, record) => Compared::Another,
            [Some(_), Some(_)] => Compared::Same,
            _ => Compared::Missing,
        })
    }

    fn create_missing(&self, relative: &Path, found: [Option<Stat>; 2]) -> Result<()> {
        for side in Side::BOTH.into_iter().filter(|side| found[*side as usize].is_none()) {
            io::create_dir_below(self.sides.root(side), &self.sides.path(side, relative))?;
        }
        Ok(())
    }

    /// Whether a directory is watched: not those of sessions that are quiet, of which there can be thousands.
    fn is_watched(&mut self, relative: &Path, is_new: bool) -> bool {
        let Some(session) = session_directory(relative) else { return true };
        if !self.active.contains(&session) {
            let is_recent = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(is_recent);
            let places =
                || Side::BOTH.into_iter().flat_map(|side| [&session, &io::with_ending(&session, ".jsonl")].map(|path| self.sides.path(side, path)));
            if (!is_new || self.is_beginning) && !places().any(|path| is_recent(&path)) {
                return false;
            }
            self.active.insert(session);
        }
        true
    }

    /// Visits everything in a directory. A directory that cannot be listed has not lost its files.
    fn visit_names(&mut self, directory: &Path, listings: [Listing; 2], devices: [u64; 2], watcher: &mut dyn Watcher) -> Result<()> {
        let mut names: BTreeMap<OsString, [Entry; 2]> = BTreeMap::new();
        for (side, listing) in Side::BOTH.into_iter().zip(listings) {
            let listed = listing.entries().with_context(|| format!("could not list {}", self.sides.path(side, directory).display()))?;
            for (name, looked) in listed {
                names.entry(name).or_insert([Entry::Absent; 2])[side as usize] = looked.into();
            }
        }
        let mut known: BTreeSet<u64> = self.base.members(group(&self.base, directory)).into_iter().collect();
        for (name, entries) in names {
            let relative = directory.join(name);
            known.remove(&key(&self.base, &relative).member);
            self.visit_entries(&relative, entries, Some(devices), watcher);
        }
        for member in known {
            self.base.set(crate::sharing::base::Key { group: group(&self.base, directory), member }, None); // gone from both sides
        }
        Ok(())
    }

    /// Returns whether both sides are the same now; false when the file is looked at again later.
    fn visit_file(&mut self, relative: &Path, entries: [Entry; 2], watcher: &mut dyn Watcher) -> Result<bool> {
        let mut found = entries.map(Entry::leaf);
        if self.is_deep {
            self.count(found);
        }
        if let Some(is_settled) = self.visit_linked(relative, entries)? {
            return Ok(is_settled);
        }
        let record = self.get(relative).filter(|record| record.kind != Kind::Directory);
        if let [Some(own), Some(hub)] = found {
            let is_one = own.identity == hub.identity;
            let has_other_names = || Side::BOTH.iter().any(|side| sys::has_other_names(&self.sides.path(*side, relative)));
            if !is_transcript(relative)
                && (is_one || self.is_beginning)
                && has_other_names()
                && entries.iter().all(|entry| matches!(entry, Entry::File(_)))
            {
                if !self.split(relative, [own, hub])? {
                    return Ok(false);
                }
                found = Side::BOTH.map(|side| look(&self.sides.path(side, relative)).leaf());
            } else if is_one {
                return Ok(true); // a mount: one file with one name
            }
        }
        if !sys::DIRECTORIES_TELL_WRITES {
            for side in Side::BOTH {
                let path = self.sides.path(side, relative);
                if fs::metadata(&path).and_then(|meta| meta.modified()).is_ok_and(is_recent) {
                    watcher.watch(relative, &path, Interest::File);
                }
            }
        }
        let is_alone = found.contains(&None);
        let versions = Side::BOTH.map(|side| match (entries[side as usize], found[side as usize]) {
            (Entry::Directory(_) | Entry::Other, _) => Found::Unreadable,
            (_, Some(stat)) => Found::Is(self.version(relative, side, stat, record, is_alone)),
            (_, None) => Found::Absent,
        });
        let is_hole = record.is_some() && found.contains(&None) && !self.is_carried(relative);
        match decide(record.as_ref().map(|_| &Version::Agreed), &versions[0], &versions[1]) {
            Decision::Agree => {
                self.removals.settled(relative)?;
                Ok(true)
            }
            Decision::Wait => bail!("it is not a file, a directory or a link, or it cannot be read"),
            Decision::Remove(_) if self.removals.is_held(relative) => Ok(true),
            Decision::Remove(_) | Decision::Give(_) if is_hole => {
                self.removals.note(relative);
                Ok(true)
            }
            Decision::Remove(side) => {
                let Some(stat) = found[side as usize] else { return Ok(true) };
                self.assert_present()?;
                let is_done = self.sides.remove(relative, side, stat, &self.ending)?;
                if is_done {
                    self.set(relative, None);
                } else {
                    self.look_later(relative, SOON);
                }
                Ok(is_done)
            }
            Decision::Give(_) | Decision::Conflict if !found.contains(&None) && self.is_log(relative) => self.merge(relative, found, record),
            Decision::Give(from) => {
                if record.is_some() && found.contains(&None) {
                    // A change beats the removal of its directory too.
                    let target = self.sides.path(from.other(), relative);
                    io::create_dir_below(self.sides.root(from.other()), target.parent().unwrap_or(&target))?;
                }
                watcher.note_given();
                Ok(self.give_link(relative, from, found)? || self.give(relative, from, found, record)?)
            }
            Decision::Conflict => self.settle_conflict(relative, found),
        }
    }

    /// Returns which version of a file a side has. A log that stands on one side alone is what was agreed on even if it was touched since.
    pub(super) fn version(&self, relative: &Path, side: Side, stat: Stat, record: Option<Record>, is_alone: bool) -> Version {
        let hash = stat_hash(&self.base, stat);
        let is_agreed = record.is_some_and(|record| {
            let is_same_log = |agreed| self.sides.is_log_as_agreed(relative, side, stat, agreed);
            record.stats[side as usize] == hash || matches!(record.kind, Kind::Log(agreed) if is_alone && is_same_log(agreed))
        });
        if is_agreed { Version::Agreed } else { Version::New(side, hash) }
    }

    pub(super) fn agree(&mut self, relative: &Path, stats: [Stat; 2], kind: Kind) {
        let stats = stats.map(|stat| stat_hash(&self.base, stat));
        self.set(relative, Some(Record { stats, kind }));
    }

    pub(super) fn get(&self, relative: &Path) -> Option<Record> {
        self.base.get(key(&self.base, relative)).map(Record::from_bytes)
    }

    pub(super) fn set(&mut self, relative: &Path, record: Option<Record>) {
        self.base.set(key(&self.base, relative), record.map(Record::to_bytes));
    }

    /// Forgets what was agreed on at a path and below it.
    pub(super) fn forget(&mut self, relative: &Path) {
        self.set(relative, None);
        // The members of directories below are found by their names, where a side still has them; records of others never match anything again.
        for side in Side::BOTH {
            let path = self.sides.path(side, relative);
            if look(&path).directory().is_some() {
                for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                    self.forget(&relative.join(entry.file_name()));
                }
            }
        }
        for member in self.base.members(group(&self.base, relative)) {
            self.base.set(crate::sharing::base::Key { group: group(&self.base, relative), member }, None);
        }
        self.unwatched.retain(|path| !path.starts_with(relative));
        self.troubles.retain(|path, _| !path.starts_with(relative));
        self.retries.retain(|path| !path.starts_with(relative));
    }

    /// Whether one side has a link that leads to the other side's file: it must not replace what it leads to.
    fn leads_across(&self, relative: &Path) -> bool {
        let [own, hub] = Side::BOTH.map(|side| self.sides.path(side, relative));
        (own.is_symlink() || hub.is_symlink()) && sys::same_file(&own, &hub)
    }
}

/// Opens both directories for listing; `None` where one was removed since the look.
fn open_both(directories: &[PathBuf; 2]) -> Result<Option<[Listing; 2]>> {
    let mut listings = Vec::with_capacity(2);
    for directory in directories {
        match Listing::open(directory) {
            Err(error) if is_gone(&error) => return Ok(None),
            opened => listings.push(opened.with_context(|| format!("could not list {}", directory.display()))?),
        }
    }
    Ok(listings.try_into().ok())
}

/// Whether an error says that no directory stands there any more.
pub(super) fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Removes a lock that clauth 0.6 has copied and nobody holds: an empty directory that was not touched for a minute. Its holder touches it each few
/// seconds.
fn remove_phantom_lock(path: &Path) {
    let is_lock = path.extension().is_some_and(|ending| ending == "lock");
    let touched = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir).and_then(|meta| meta.modified().ok());
    if is_lock && touched.is_some_and(|touched| touched.elapsed().is_ok_and(|age| age > PHANTOM)) {
        let _ = fs::remove_dir(path); // one that is not empty is not a lock
    }
}

/// Whether a side has another directory than was agreed on.
fn is_another(hashes: [Option<u64>; 2], record: Record) -> bool {
    hashes.iter().zip(record.stats).any(|(hash, agreed)| hash.is_some_and(|hash| hash != agreed))
}

/// Whether a file was written within a day.
fn is_recent(modified: std::time::SystemTime) -> bool {
    modified.elapsed().is_ok_and(|age| age < super::transfer::DAY)
}
