//! Giving a whole file to the other side, so that nothing that stood there, or that somebody puts there meanwhile, is lost.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use xxhash_rust::xxh3::xxh3_64;

use super::log::{OPEN_END, last_bytes, tail, tail_of};
use super::names_below::is_log;
use super::side::{Entry, Sides, Stat, look, look_at_open, stat_of_open};
use crate::sharing::decide::Side;
use crate::{io, sys};

/// Files up to this size, in bytes, are read once and written once; larger ones are copied by the kernel, as clones where the file system can.
const SMALL: u64 = 256 * 1024;

/// The trash has a directory for each day since 1970.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a link leads that only tries what a file system can do.
pub const PROBE: &str = "nowhere";

/// What a transfer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it.
    Given(Given),
    /// One of the two changed meanwhile, so nothing was done: look again.
    Overtaken,
}

/// What was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// What was given.
    pub source: Stat,
    /// What was put there. Another process may have replaced that by now.
    pub target: Stat,
    /// The hash of its content.
    pub content: u64,
    /// The hash of its last bytes.
    pub end: u32,
    /// Whether it is a link.
    pub is_link: bool,
}

/// Stands for the content of a file that is too large to be hashed.
pub const UNKNOWN: u64 = 0;

/// What the caller knows of the file that will be replaced.
#[derive(Debug, Clone, Copy)]
pub struct Replaced {
    /// What stood there when the decision was made.
    pub stat: Stat,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a file that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It lost a conflict: it goes to `rescued/`.
    Rescue,
    /// It is the version that both sides had agreed on. It is dropped if its content still has this hash, or if that is [`UNKNOWN`].
    DropIf(u64),
    /// All of it is in the file that replaces it.
    Contained,
    /// It stays under its other names.
    Linked,
    /// Something of it is in no other file: it is kept for a while, as a removed file is.
    Trash,
}

impl Sides {
    /// Gives a name a file of its own, where its file has other names too. What is written into the old file later is some other side's.
    pub fn separate(&self, relative: &Path, side: Side, stat: Stat, ending: &str) -> Result<bool> {
        let path = self.path(side, relative);
        let separating = || format!("could not copy {}", path.display());
        let temp = io::temporary_ending(&path, ending);
        if self.prepare(&path, &temp, Some(&path), side.other()).with_context(separating)?.is_none() {
            let _ = sys::remove_file(&temp);
            return Ok(false);
        }
        self.place(&temp, &path, relative, Some(Replaced { stat, fate: Fate::Linked }))
    }

    /// Gives a file to the other side. `replaced` is what stands there, if something does.
    pub fn give(&self, relative: &Path, from: Side, ending: &str, replaced: Option<Replaced>) -> Result<Outcome> {
        let (source, target) = (self.path(from, relative), self.path(from.other(), relative));
        let giving = || format!("could not copy {} to {}", source.display(), target.display());
        let temp = io::temporary_ending(&target, ending);
        let Some(given) = self.prepare(&source, &temp, replaced.map(|_| &*target), from).with_context(giving)? else {
            let _ = sys::remove_file(&temp);
            return Ok(Outcome::Overtaken);
        };
        match self.place(&temp, &target, relative, replaced) {
            Ok(true) => Ok(Outcome::Given(given)),
            Ok(false) => Ok(Outcome::Overtaken),
            Err(error) => Err(error).with_context(giving),
        }
    }

    /// Copies a file or link to a temporary name, with its time, and its mode or that of the file which it replaces; `None` when it changed meanwhile,
    /// or is gone.
    fn prepare(&self, source: &Path, temp: &Path, replaced: Option<&Path>, from: Side) -> std::io::Result<Option<Given>> {
        let before = look(source);
        if let Entry::Link(stat) = before {
            let link = self.translated(source, from)?;
            let _ = sys::remove_file(temp);
            if source.is_dir() {
                sys::link_directory(&link, temp)?;
            } else {
                sys::symlink(&link, temp)?;
            }
            let content = xxh3_64(link.as_os_str().as_encoded_bytes());
            return Ok(look(temp).leaf().map(|target| Given { source: stat, target, content, end: 0, is_link: true }));
        }
        let before = match before {
            Entry::File(stat) => stat,
            Entry::Absent => return Ok(None),
            _ => return Err(std::io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")),
        };
        let mut file = match sys::open_for_reading(source) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let clone = if before.length > SMALL { clone(&file, temp) } else { None };
        let is_clone = clone.is_some();
        let mut copy = clone.map_or_else(|| create(temp), Ok)?;
        let (content, end) = if before.length <= SMALL {
            let mut bytes = Vec::with_capacity(usize::try_from(before.length).unwrap_or_default());
            (&mut file).take(before.length).read_to_end(&mut bytes)?;
            bytes.truncate(bytes.len() - open_end(source, &bytes, before));
            if bytes.is_empty() && before.length > 0 {
                return Ok(None); // not a line of it is whole yet
            }
            copy.write_all(&bytes)?;
            (hash(&bytes), tail_of(&bytes))
        } else {
            if !is_clone {
                std::io::copy(&mut file, &mut copy)?;
            }
            let last = last_bytes(&mut file, before.length)?;
            let length = before.length - open_end(source, &last, before) as u64;
            copy.set_len(length)?;
            (UNKNOWN, tail(&mut file, length)?.unwrap_or_default())
        };
        // Another file if the name passed on before it was opened, and another time or length if it was written since the look.
        let (meta, after) = look_at_open(&file)?;
        if after != before {
            return Ok(None);
        }
        // A file that is replaced keeps its mode. Below clauth's home everything is the user's alone.
        let meta = replaced.and_then(|replaced| fs::metadata(replaced).ok()).unwrap_or(meta);
        sys::give_permissions(&copy, temp, &meta, from == Side::Hub)?;
        set_modified(&copy, before.modified)?;
        Ok(Some(Given { source: before, target: stat_of_open(&copy)?, content, end, is_link: false }))
    }

    /// A link to something inside one side becomes a link to the same place on the other side.
    fn translated(&self, link: &Path, from: Side) -> std::io::Result<PathBuf> {
        let target = fs::read_link(link)?;
        Ok(target.strip_prefix(self.root(from)).map_or_else(|_| target.clone(), |inside| self.root(from.other()).join(inside)))
    }

    /// What a link says, with its own side taken out: equal for two links that mean the same place.
    pub fn meaning(&self, link: &Path, side: Side) -> Option<u64> {
        let target = fs::read_link(link).ok()?;
        let inside = target.strip_prefix(self.root(side)).map(|inside| Path::new("/.side").join(inside));
        Some(xxh3_64(inside.unwrap_or(target).as_os_str().as_encoded_bytes()))
    }

    /// Puts a prepared file into its place; false when something else stands there than was decided on. Unless it returns true, the prepared file is gone,
    /// and what stood there stands there.
    pub fn place(&self, temp: &Path, target: &Path, relative: &Path, replaced: Option<Replaced>) -> Result<bool> {
        let Some(replaced) = replaced else {
            return match sys::rename_new(temp, target) {
                Ok(()) => Ok(true),
                Err(error) => {
                    sys::remove_file(temp)?;
                    if error.kind() == ErrorKind::AlreadyExists { Ok(false) } else { Err(error.into()) }
                }
            };
        };
        let prepared = look(temp).leaf();
        if let Err(error) = self.prepare_to_keep(relative, replaced.fate) {
            sys::remove_file(temp)?;
            return Err(error);
        }
        if let Err(error) = io::exchange(temp, target) {
            sys::remove_file(temp)?;
            return if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) { Ok(false) } else { Err(error.into()) };
        }
        if look(temp).leaf() == Some(replaced.stat) {
            let Err(error) = self.dispose(temp, relative, replaced) else { return Ok(true) };
            // What could not be kept is not given up: it goes back to its place, and what would have taken that is on the other side.
            io::exchange(temp, target)?;
            if look(temp).leaf() == prepared {
                sys::remove_file(temp)?;
            }
            return Err(error);
        }
        // Another process replaced or wrote it since the look: its version goes back, and the next look decides.
        io::exchange(temp, target)?;
        if look(temp).leaf() == prepared {
            sys::remove_file(temp)?;
        } else {
            self.rescue(temp, relative)?;
        }
        Ok(false)
    }

    /// Makes the directory where a file that is to be replaced will be kept: where that cannot be, nothing is touched.
    fn prepare_to_keep(&self, relative: &Path, fate: Fate) -> Result<()> {
        let directory = match fate {
            Fate::Rescue => self.rescue.join(relative),
            Fate::Trash => self.in_trash(relative)[0].clone(),
            Fate::Contained | Fate::DropIf(_) | Fate::Linked => return Ok(()),
        };
        let directory = directory.parent().unwrap_or(&self.rescue);
        sys::create_private_dir(directory).with_context(|| format!("could not make {}, where what is replaced is kept", directory.display()))
    }

    /// Lets go of a file that was replaced, unless something of it would be lost with it.
    pub fn dispose(&self, path: &Path, relative: &Path, replaced: Replaced) -> Result<()> {
        if replaced.fate == Fate::Linked && sys::has_other_names(path) {
            return sys::remove_file(path).with_context(|| format!("could not remove {}", path.display()));
        }
        // What a process writes into it later would be lost with it.
        if sys::is_being_written(path) {
            return self.rescue(path, relative);
        }
        let is_dispensable = match replaced.fate {
            Fate::Trash => return self.throw_away(path, relative),
            Fate::Rescue | Fate::Linked => false,
            Fate::Contained => true,
            Fate::DropIf(_) if path.is_symlink() => true, // a link holds nothing
            Fate::DropIf(content) => content == UNKNOWN || content_of(path) == Some(content),
        };
        // Once more: a process that has it open may have written to it while its content was read.
        if is_dispensable && look(path).leaf() == Some(replaced.stat) {
            return sys::remove_file(path).with_context(|| format!("could not remove {}", path.display()));
        }
        self.rescue(path, relative)
    }

    /// Removes a file that is what the caller expected; any other goes to `rescued/`.
    pub fn drop_or_rescue(&self, path: &Path, relative: &Path, expected: Option<Stat>) -> Result<()> {
        if expected.is_some() && look(path).leaf() == expected {
            return sys::remove_file(path).with_context(|| format!("could not remove {}", path.display()));
        }
        self.rescue(path, relative)
    }

    /// Moves what lost a conflict to `rescued/`.
    pub fn rescue(&self, path: &Path, relative: &Path) -> Result<()> {
        io::keep(path, &self.rescue.join(relative))
    }

    /// Removes a file by moving it to the trash; false when it is not what was decided on, and it stays then.
    pub fn remove(&self, relative: &Path, side: Side, expected: Stat, ending: &str) -> Result<bool> {
        let path = self.path(side, relative);
        let temp = io::temporary_ending(&path, ending);
        self.prepare_to_keep(relative, Fate::Trash)?;
        match sys::rename_new(&path, &temp) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            renamed => renamed.with_context(|| format!("could not remove {}", path.display()))?,
        }
        if look(&temp).leaf() != Some(expected) {
            if sys::rename_new(&temp, &path).is_err() {
                self.rescue(&temp, relative)?;
            }
            return Ok(false);
        }
        let Err(error) = self.throw_away(&temp, relative) else { return Ok(true) };
        let _ = sys::rename_new(&temp, &path); // where something else stands by now, it stays beside it and is taken up later
        Err(error)
    }

    /// Moves a file to the trash, by day.
    fn throw_away(&self, path: &Path, relative: &Path) -> Result<()> {
        let [kept, _] = self.in_trash(relative);
        if io::is_same_content(path, &kept) { Ok(sys::remove_file(path)?) } else { io::keep(path, &kept) }
    }

    /// Returns where a file goes that is removed today, and where it went yesterday.
    fn in_trash(&self, relative: &Path) -> [PathBuf; 2] {
        let today = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() / DAY.as_secs();
        [today, today - 1].map(|day| self.trash.join(day.to_string()).join(relative))
    }

    /// Whether a file was carried into the trash lately, for another profile: then its removal is decided on.
    pub fn is_in_trash(&self, path: &Path, relative: &Path) -> bool {
        self.in_trash(relative).iter().any(|kept| io::is_same_content(path, kept))
    }

    /// Takes what was removed at a path out of the trash again: the client has purged it.
    pub fn forget_removed(&self, relative: &Path) -> Result<()> {
        for kept in self.in_trash(relative) {
            if kept.is_dir() {
                fs::remove_dir_all(&kept).with_context(|| format!("could not remove {}", kept.display()))?;
            } else {
                io::remove(&kept)?;
            }
        }
        Ok(())
    }

    /// Takes up what a process that was killed left under a temporary name. What made room for a moment goes back, what is in the file that stands
    /// there is dropped, and so is what was not begun to be filled. Anything else goes to `rescued/`.
    pub fn take_up(&self, path: &Path, relative: &Path) -> Result<()> {
        let Some(named) = io::left_for(path) else { return Ok(()) };
        let relative = relative.with_file_name(named.file_name().unwrap_or_default());
        match look(path) {
            Entry::File(stat) if stat.length == 0 && !io::is_aside(path) || self.is_elsewhere(path, &named, &relative) => {
                sys::remove_file(path).with_context(|| format!("could not remove {}", path.display()))
            }
            Entry::Link(_) if fs::read_link(path).is_ok_and(|target| target == Path::new(PROBE) || target.starts_with(self.root(Side::Hub))) => {
                Ok(sys::remove_file(path)?)
            }
            Entry::File(_) | Entry::Link(_) if look(&named) == Entry::Absent && sys::rename_new(path, &named).is_ok() => Ok(()),
            Entry::File(_) | Entry::Link(_) => self.rescue(path, &relative),
            // Made to take the place of a link, and empty; or a directory that was making room.
            Entry::Directory(_) => fs::remove_dir(path).or_else(|_| sys::rename_new(path, &named)).or(Ok(())),
            Entry::Other | Entry::Absent => Ok(()),
        }
    }

    /// Whether what has a temporary name is also elsewhere: at the beginning of a file, or under another name of the same file.
    fn is_elsewhere(&self, path: &Path, named: &Path, relative: &Path) -> bool {
        let places = [self.path(Side::Own, relative), self.path(Side::Hub, relative), named.into()];
        let has_other_name = || look(named) != Entry::Absent && places.iter().any(|place| sys::same_file(path, place));
        places.iter().any(|place| is_beginning_of(path, place)) || has_other_name()
    }

    /// Takes up what was left in one directory.
    pub fn take_up_in(&self, directory: &Path) -> Vec<anyhow::Error> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| self.take_up(&entry.path(), Path::new(&entry.file_name())).err()).collect()
    }
}

/// Returns how many bytes a log has behind its last whole line, if its writer may be about to write the rest.
fn open_end(source: &Path, last: &[u8], stat: Stat) -> usize {
    let now = u64::try_from(UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
    let is_quiet = now.saturating_sub(stat.modified) > u64::try_from(OPEN_END.as_nanos()).unwrap_or(u64::MAX);
    if is_quiet || !is_log(source) {
        return 0;
    }
    last.len() - memchr::memrchr(b'\n', last).map_or(0, |place| place + 1)
}

/// Makes a file under a temporary name of this process, in place of one that an earlier process of the same number left.
pub fn create(temp: &Path) -> std::io::Result<File> {
    match sys::create_private_file(temp) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => sys::remove_file(temp).and_then(|()| sys::create_private_file(temp)),
        created => created,
    }
}

/// Makes a clone that can be written; `None` where it must be copied.
fn clone(file: &File, temp: &Path) -> Option<File> {
    let cloned = sys::clone_file(file, temp).and_then(|()| File::options().write(true).open(temp));
    if cloned.is_err() {
        let _ = sys::remove_file(temp);
    }
    cloned.ok()
}

/// Sets the time of the last write, in nanoseconds since 1970.
pub fn set_modified(file: &File, modified: u64) -> std::io::Result<()> {
    file.set_modified(UNIX_EPOCH + Duration::from_nanos(modified))
}

/// Hashes a content; never [`UNKNOWN`].
fn hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes).max(1)
}

/// Returns the hash of a small regular file.
pub fn content_of(path: &Path) -> Option<u64> {
    let length = usize::try_from(SMALL).ok()?;
    io::read_regular(path, length).ok()?.map(|bytes| hash(&bytes))
}

/// Whether all of one regular file is the beginning of another.
fn is_beginning_of(one: &Path, other: &Path) -> bool {
    let (Some(short), Some(long)) = (look(one).leaf(), look(other).leaf()) else { return false };
    if short.identity == long.identity || short.length > long.length {
        return false;
    }
    let (Ok(one), Ok(other)) = (sys::open_for_reading(one), sys::open_for_reading(other)) else { return false };
    let (one, other) = (std::io::BufReader::new(one).bytes(), std::io::BufReader::new(other).bytes());
    one.map(std::io::Result::ok).zip(other.map(std::io::Result::ok)).all(|(one, other)| one == other && one.is_some())
}
