//! Moving one shared file to the hub, whoever writes to it: the protocol is told in `depart`.

use std::fs::{self, File};
use std::io::{self as stdio, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::depart::{collect_files, keep_if_present};
use super::lines::beyond;
use super::places;
use crate::{io, sys};

/// The most that is read of a log to merge it, in bytes; a larger one is kept beside.
const LOG_LIMIT: usize = 256 * 1024 * 1024;

/// How often a file that changes all the time is settled again before it is kept beside.
const TRIES: u32 = 8;

/// Knows between which directories files move.
pub struct Mover<'a> {
    /// Where the files lie.
    pub from: &'a Path,
    /// The hub.
    pub to: &'a Path,
    /// Where a file is while it is compared.
    pub staging: &'a Path,
    /// Where what differs from the hub's goes.
    pub rescue: &'a Path,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Somebody else removed it.
    Gone,
    /// The hub has all of it.
    Shared,
    /// The hub has something else under its name, so it is kept in `rescued/`.
    Rescued,
    /// Both sides are one place, so it stays.
    Stays,
}

impl Mover<'_> {
    /// Moves one file, named relative to both sides.
    pub fn carry(&self, relative: &Path) -> Result<Fate> {
        let (from, staged) = (self.from.join(relative), self.staging.join(relative));
        if places::is_moved_onto_itself(&from, &self.to.join(relative)) {
            return Ok(Fate::Stays);
        }
        if fs::symlink_metadata(&staged).is_ok() {
            self.settle(&staged, relative)?;
        }
        io::create_parent(&staged)?;
        match sys::rename_new(&from, &staged) {
            Ok(()) => self.settle(&staged, relative),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Fate::Gone),
            // The user keeps it on another disk: without the staging directory, a file that is written at this moment is still looked at again.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => self.settle(&from, relative),
            Err(error) => Err(error).with_context(|| format!("could not move {}", from.display())),
        }
    }

    /// Settles what a process that was killed has left in the staging directory.
    pub fn settle_left(&self) -> Result<()> {
        let mut left = Vec::new();
        collect_files(self.staging, Path::new(""), &mut left)?;
        left.iter().try_for_each(|relative| self.settle(&self.staging.join(relative), relative).map(drop))
    }

    fn settle(&self, held: &Path, relative: &Path) -> Result<Fate> {
        let target = self.to.join(relative);
        for _ in 0..TRIES {
            let Some(seen) = Seen::of(held)? else { return Ok(Fate::Gone) };
            match present(fs::symlink_metadata(&target)) {
                Ok(None) => match give(held, self.to, &target, &seen) {
                    Ok(true) => return Ok(Fate::Shared),
                    Ok(false) => continue, // somebody put something there, or wrote: looked at again
                    Err(_) => break,       // nothing can be put there: a file in the place of a directory, a full disk
                },
                Ok(Some(_)) if is_same(held, &target) || is_merged(held, &target) => {}
                _ => break,
            }
            match remove_unless_changed(held, &target, &seen)? {
                Removal::Done => return Ok(Fate::Shared),
                Removal::Changed => {}
                Removal::Open => break,
            }
        }
        keep_if_present(held, &self.rescue.join(relative))?;
        Ok(Fate::Rescued)
    }
}

/// Names a file and its content as far as a `stat` can tell.
#[derive(PartialEq, Eq)]
struct Seen {
    file: (u64, u64, u128),
    length: u64,
    modified: Option<SystemTime>,
}

impl Seen {
    /// Looks at a name, without following a link; `None` when nothing is there.
    fn of(path: &Path) -> Result<Option<Self>> {
        let looked_at = present(sys::look_at(path)).with_context(|| format!("could not look at {}", path.display()))?;
        Ok(looked_at.map(|(meta, file)| Self { file, length: meta.len(), modified: meta.modified().ok() }))
    }
}

/// What became of a file that is needed no more.
enum Removal {
    Done,
    /// It was written to since it was looked at.
    Changed,
    /// A process has it open for writing.
    Open,
}

fn remove_unless_changed(held: &Path, target: &Path, seen: &Seen) -> Result<Removal> {
    let Some(now) = Seen::of(held)? else { return Ok(Removal::Done) };
    // Another name of the hub's own file, as earlier versions shared it: whoever writes to it writes to the hub's.
    let is_hubs = Seen::of(target)?.is_some_and(|hubs| hubs.file == now.file);
    if !is_hubs {
        let is_link = fs::symlink_metadata(held).is_ok_and(|meta| meta.is_symlink());
        if !is_link && sys::is_being_written(held) {
            return Ok(Removal::Open);
        }
        if Seen::of(held)?.as_ref() != Some(seen) {
            return Ok(Removal::Changed);
        }
    }
    io::remove(held).map(|()| Removal::Done)
}

/// Gives a file to the hub, which lacks it; false when the hub has one by now, or the file changed while it was copied to another file system.
fn give(held: &Path, hub: &Path, target: &Path, seen: &Seen) -> Result<bool> {
    io::create_dir_below(hub, target.parent().unwrap_or(hub))?;
    match sys::rename_new(held, target) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(_) => {}
    }
    match io::copy_new(held, target) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        copied => copied.with_context(|| format!("could not copy {} to {}", held.display(), target.display()))?,
    }
    Ok(matches!(remove_unless_changed(held, target, seen)?, Removal::Done))
}

/// Whether two names hold the same: bytes, or where a link leads.
fn is_same(one: &Path, other: &Path) -> bool {
    io::is_same_content(one, other) || fs::read_link(one).ok().zip(fs::read_link(other).ok()).is_some_and(|(one, other)| one == other)
}

/// Appends to the hub's log the lines that it lacks, as its own writers do: all at once, at the end. Again, it appends nothing. False where either is not a
/// log that can be merged.
fn is_merged(from: &Path, to: &Path) -> bool {
    if from.extension().is_none_or(|extension| extension != "jsonl") || is_link(from) || !to.is_file() {
        return false;
    }
    let (Ok(Some(own)), Ok(Some(theirs))) = (io::read_regular(from, LOG_LIMIT), io::read_regular(to, LOG_LIMIT)) else { return false };
    let missing = missing_lines(&own, &theirs);
    if missing.is_empty() {
        return true;
    }
    let appended = File::options().append(true).open(to).and_then(|mut log| log.write_all(&missing).and_then(|()| log.sync_all()));
    appended.is_ok() // a log that cannot be written stays as it is, and this one is kept beside
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Returns what one log has more of than the other: a line as often as it stands there more often, the last one too if it has no end yet.
fn missing_lines(own: &[u8], theirs: &[u8]) -> Vec<u8> {
    let mut missing = Vec::new();
    for line in beyond(lines(own), lines(theirs)) {
        missing.extend(line);
        missing.push(b'\n');
    }
    if !missing.is_empty() && theirs.last().is_some_and(|last| *last != b'\n') {
        missing.insert(0, b'\n');
    }
    missing
}

/// Returns the lines of a log that are not empty.
fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// Turns "nothing is there" into `None`.
pub fn present<T>(result: stdio::Result<T>) -> stdio::Result<Option<T>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        result => result.map(Some),
    }
}

/// Files that did not move to the hub.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The hub has something else under their names, so they are in `rescued/`.
    pub rescued: Vec<PathBuf>,
    /// The hub leads to them, so they are where they were.
    pub staying: Vec<PathBuf>,
}

/// Moves files to the hub.
pub fn carry_all(mover: &Mover<'_>, files: &[PathBuf]) -> Result<Kept> {
    mover.settle_left()?;
    let mut kept = Kept::default();
    for file in files {
        match mover.carry(file)? {
            Fate::Rescued => kept.rescued.push(file.clone()),
            Fate::Stays => kept.staying.push(file.clone()),
            Fate::Gone | Fate::Shared => {}
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::missing_lines;

    fn missing(own: &str, theirs: &str) -> String {
        String::from_utf8(missing_lines(own.as_bytes(), theirs.as_bytes())).unwrap()
    }

    #[test]
    fn a_log_gets_each_line_as_often_as_the_other_one_has_it_more() {
        for (own, theirs, expected) in [
            ("", "", ""),
            ("a\nb\n", "a\nb\n", ""),
            ("a\nb\nc\n", "a\nb\n", "c\n"),
            ("a\n", "a\nb\n", ""),
            ("a\na\nb\n", "a\n", "a\nb\n"),
            ("b\na\n", "a\nb\n", ""),
            ("a\nunfinished", "a\n", "unfinished\n"),
            ("a\nb\n", "a\npart", "\nb\n"),
            ("a\n\n\nb", "a\nb", ""),
        ] {
            assert_eq!(missing(own, theirs), expected, "{own:?} to {theirs:?}");
            let merged = format!("{theirs}{expected}");
            assert_eq!(missing(own, &merged), "", "again, nothing: {own:?} to {merged:?}");
        }
    }
}
