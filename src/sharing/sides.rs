//! The two sides of everything shared: a profile's config directory and the hub.
//!
//! Here a file is given from one side to the other, or removed, so that whatever it replaces is known: what is not what the caller expected, because
//! somebody wrote at that moment, or because both sides had something new, goes to `rescued/`.

use std::fs;
use std::io::{self as stdio, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

use super::link_mode::LinkMode;
use crate::{io, sys};

/// Names a file's content as far as a `stat` can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The file system.
    pub device: u64,
    /// The file.
    pub inode: u64,
    /// When it was born, in nanoseconds: an inode number is used again, and often at once. 0 where the file system does not say.
    pub born: u128,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written, in nanoseconds.
    pub modified: u128,
}

impl Identity {
    /// Whether both names lead to one file.
    pub fn is_one_file_with(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// When the first of it can have been written, in nanoseconds.
    pub fn begun(&self) -> u128 {
        if self.born == 0 { self.modified } else { self.born }
    }

    /// Whether this is still the very file that was agreed on: by itself where the sides are linked (it may have grown since), and by its content
    /// where they are copies.
    pub fn is_as_agreed(&self, agreed: &Self, are_linked: bool) -> bool {
        let is_same_file = self.is_one_file_with(agreed) && self.born == agreed.born;
        is_same_file && if are_linked { self.born != 0 } else { (self.length, self.modified) == (agreed.length, agreed.modified) }
    }
}

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The profile.
    Own,
    /// The hub.
    Hub,
}

impl Side {
    /// Returns the other side.
    pub fn other(self) -> Self {
        if self == Self::Own { Self::Hub } else { Self::Own }
    }
}

/// What stands under one name on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// A directory.
    Directory(Identity),
    /// A file, or a link: it is carried across as one.
    File(Identity),
    /// A FIFO, a socket, a device, or what cannot be looked at: nobody's to carry across.
    Other,
}

/// What the caller saw of a file that it gives and of what it replaces.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// What is given; `None` where nobody looked, and it is to be given whatever it is.
    pub given: Option<Identity>,
    /// What stands in its place.
    pub replaced: Option<Identity>,
    /// Whether that is needed no more.
    pub is_dispensable: bool,
}

impl Seen {
    fn dispensable(&self) -> Option<Identity> {
        self.replaced.filter(|_| self.is_dispensable)
    }

    /// Whether what was found in the place is somebody's newer file that was not there when the caller looked.
    fn is_overtaken_by(&self, found: Option<Identity>) -> bool {
        let is_new = |found: &Identity| !self.replaced.is_some_and(|replaced| replaced.is_one_file_with(found));
        self.given.zip(found.filter(is_new)).is_some_and(|(given, found)| found.modified > given.modified)
    }
}

/// Knows both sides, where losers go, and how files are shared.
#[derive(Debug, Clone)]
pub struct Sides {
    own: PathBuf,
    hub: PathBuf,
    rescue: PathBuf,
    /// How files are shared.
    pub mode: LinkMode,
}

impl Sides {
    /// Names a profile's config directory, the hub, and the directory for what loses.
    pub fn new(own: &Path, hub: &Path, rescue: PathBuf, mode: LinkMode) -> Self {
        Self { own: own.into(), hub: hub.into(), rescue, mode }
    }

    /// Returns one side's own directory.
    pub fn root(&self, side: Side) -> &Path {
        match side {
            Side::Own => &self.own,
            Side::Hub => &self.hub,
        }
    }

    /// Returns where a relative path lies on one side. What the user keeps elsewhere (stow, another disk) is where the hub's own link leads.
    pub fn path(&self, side: Side, relative: &Path) -> PathBuf {
        if side == Side::Own {
            return self.own.join(relative);
        }
        let path = self.hub.join(relative);
        let is_link = relative.parent() == Some(Path::new("")) && path.is_symlink();
        if is_link { sys::physical(&path).unwrap_or(path) } else { path }
    }

    /// Whether the files below a directory are copies: what is written to one then has to be carried to the other.
    pub fn are_copies(&self, directory: &Path) -> bool {
        let device = |side| look(&self.path(side, directory)).directory().map(|identity| identity.device);
        self.mode == LinkMode::Copy || device(Side::Own) != device(Side::Hub)
    }

    /// Gives a file to the other side and returns what that then had; `None` when there was nothing to give any more, or nobody can say.
    ///
    /// The caller has looked at both: what else somebody puts there in this moment is for the next look, and not what was given. What stood there
    /// may be dropped only if the caller has said so; anything else is rescued, or stays if it is newer and nobody looked at it.
    pub fn give(&self, relative: &Path, from: Side, seen: &Seen) -> Result<Option<Identity>> {
        let (source, target) = (self.path(from, relative), self.path(from.other(), relative));
        let giving = || format!("could not link {} to {}", target.display(), source.display());
        match self.link(&source, &target) {
            Ok(()) => return Ok(linked(seen.given, look(&source).file(), look(&target).file())),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None), // gone since: its removal is an event of its own
            Err(_) => {}
        }
        let temp = io::free_temporary(&target);
        match self.duplicate(&source, &temp) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            duplicated => duplicated.with_context(giving)?,
        }
        let given = look(&temp).file();
        // After an exchange the temporary name holds whatever stood there, even if somebody replaced it a moment ago.
        let placed = match sys::rename_new(&temp, &target) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => sys::exchange(&temp, &target).map(|()| true),
            renamed => renamed.map(|()| false),
        };
        match placed {
            Ok(true) if seen.is_overtaken_by(look(&temp).file()) => {
                // Another profile's helper was faster and its file is newer: that one is the next look's.
                sys::exchange(&temp, &target).with_context(giving)?;
                self.drop_or_rescue(&temp, relative, given.as_ref()).map(|()| None)
            }
            Ok(true) => self.drop_or_rescue(&temp, relative, seen.dispensable().as_ref()).map(|()| given),
            Ok(false) => Ok(given),
            Err(error) => {
                let _ = sys::remove_file(&temp);
                Err(error).with_context(giving)
            }
        }
    }

    /// Makes a second name for a file, or a copy where that cannot be: another file system, one without links, too many links.
    pub fn share(&self, source: &Path, target: &Path) -> stdio::Result<()> {
        match self.link(source, target) {
            Err(error) if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => io::copy_new(source, target),
            linked => linked,
        }
    }

    /// The same under a temporary name, where a copy may be seen before it is whole.
    pub fn duplicate(&self, source: &Path, temp: &Path) -> stdio::Result<()> {
        match self.link(source, temp) {
            Err(error) if error.kind() != ErrorKind::NotFound => io::copy(source, temp),
            linked => linked,
        }
    }

    /// Whether a file of the hub's can have a second name in the profile: not on file systems like FAT. Between two of them copies are made anyway.
    pub fn can_hard_link(&self, name: &Path) -> bool {
        let temp = io::free_temporary(&self.path(Side::Own, name));
        let linked = fs::hard_link(self.path(Side::Hub, name), &temp);
        let _ = sys::remove_file(&temp);
        linked.is_ok() || self.are_copies(Path::new(""))
    }

    fn link(&self, source: &Path, target: &Path) -> stdio::Result<()> {
        if self.mode == LinkMode::Copy { Err(ErrorKind::Unsupported.into()) } else { fs::hard_link(source, target) }
    }

    /// Removes a file of one side.
    pub fn remove(&self, relative: &Path, side: Side, expected: Option<&Identity>) -> Result<()> {
        let path = self.path(side, relative);
        let temp = io::temporary(&path);
        match sys::rename(&path, &temp) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed.with_context(|| format!("could not remove {}", path.display()))?,
        }
        let is_another = look(&temp).file().zip(expected).is_some_and(|(now, expected)| !now.is_one_file_with(expected));
        if is_another && sys::rename_new(&temp, &path).is_ok() {
            return Ok(()); // put there since the caller looked, and nobody removed it
        }
        self.drop_or_rescue(&temp, relative, expected)
    }

    /// Removes a file that is what the caller expected; rescues any other, and one that was written to since, unless it has other names.
    pub fn drop_or_rescue(&self, path: &Path, relative: &Path, expected: Option<&Identity>) -> Result<()> {
        let is_as_expected = |now: Identity, expected: &Identity| now == *expected || (now.is_one_file_with(expected) && sys::has_other_names(path));
        if look(path).file().zip(expected).is_some_and(|(now, expected)| is_as_expected(now, expected)) {
            return sys::remove_file(path).with_context(|| format!("could not remove {}", path.display()));
        }
        io::keep(path, &self.rescue.join(relative))
    }

    /// Takes up what a process that was killed left under a temporary name: what has no other name goes to `rescued/`.
    pub fn take_up(&self, path: &Path, relative: &Path) -> Result<()> {
        let Some(named) = io::left_for(path) else { return Ok(()) };
        let relative = relative.with_file_name(named.file_name().unwrap_or_default());
        match look(path) {
            Entry::File(left) => {
                let is_named = look(&named).file().is_some_and(|named| named.is_one_file_with(&left)) || io::is_same_content(path, &named);
                let is_ours = fs::read_link(path).is_ok_and(|target| sys::paths::plain(&target).starts_with(&self.hub));
                self.drop_or_rescue(path, &relative, (is_named || is_ours).then_some(left).as_ref())
            }
            // Made to take a link's place, and empty; or, where names cannot be exchanged in one step, somebody's that was just making room.
            Entry::Directory(_) => fs::remove_dir(path).or_else(|_| sys::rename_new(path, &named)).or(Ok(())),
            Entry::Other | Entry::Absent => Ok(()),
        }
    }

    /// Takes up what was left in one directory.
    pub fn take_up_in(&self, directory: &Path) -> Vec<anyhow::Error> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| self.take_up(&entry.path(), Path::new(&entry.file_name())).err()).collect()
    }
}

impl Entry {
    /// Returns the directory's identity.
    pub fn directory(self) -> Option<Identity> {
        if let Self::Directory(identity) = self { Some(identity) } else { None }
    }

    /// Returns the file's identity.
    pub fn file(self) -> Option<Identity> {
        if let Self::File(identity) = self { Some(identity) } else { None }
    }
}

/// Returns what was given, after a link was made of it: by what stood there before, and by what stands at both names now, where others may be at work.
fn linked(before: Option<Identity>, source: Option<Identity>, target: Option<Identity>) -> Option<Identity> {
    let is_same = |one: Option<Identity>, other: Option<Identity>| one.zip(other).is_some_and(|(one, other)| one.is_one_file_with(&other));
    // Before and after: so it was in between, and whoever replaced or removed the new name did so to a file that both sides had.
    if is_same(before, source) {
        return source;
    }
    target.filter(|_| is_same(before, target) || is_same(source, target))
}

/// Looks at a name without following a link: a link is carried across as a link.
pub fn look(path: &Path) -> Entry {
    let (meta, (device, inode, born)) = match sys::look_at(path) {
        Ok(looked_at) => looked_at,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Entry::Absent,
        // Something may be there: nobody's to remove, and nothing to put anything in the place of.
        Err(_) => return Entry::Other,
    };
    let kind = meta.file_type();
    if kind.is_dir() {
        // A directory's length and time change with what is in it, which is looked at by itself.
        return Entry::Directory(Identity { device, inode, born, length: 0, modified: 0 });
    }
    if !kind.is_file() && !kind.is_symlink() {
        return Entry::Other;
    }
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |time| time.as_nanos());
    Entry::File(Identity { device, inode, born, length: meta.len(), modified })
}
