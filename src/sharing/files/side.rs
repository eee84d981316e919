//! The two sides of everything shared, and what a look at a name tells.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::sharing::decide::Side;
use crate::sharing::link_mode::LinkMode;
use crate::sys::{self, Kind, Looked};

/// What one `lstat` tells about a file, a link or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The device and inode number: equal for two names of one file. Never compared with those of another time or another name's file system.
    pub identity: (u64, u64),
    /// The length in bytes; 0 for a directory.
    pub length: u64,
    /// When it was last written, in nanoseconds since 1970; 0 for a directory.
    pub modified: u64,
}

/// What stands under one name on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// A directory.
    Directory(Stat),
    /// A regular file.
    File(Stat),
    /// A symbolic link: it is carried as one.
    Link(Stat),
    /// A FIFO, a socket, a device, or something that could not be looked at.
    Other,
}

impl Entry {
    /// Returns what is known of a file or a link.
    pub fn leaf(self) -> Option<Stat> {
        if let Self::File(stat) | Self::Link(stat) = self { Some(stat) } else { None }
    }

    /// Returns what is known of a directory.
    pub fn directory(self) -> Option<Stat> {
        if let Self::Directory(stat) = self { Some(stat) } else { None }
    }
}

impl From<Looked> for Entry {
    fn from(looked: Looked) -> Self {
        let Looked { identity, length, modified, .. } = looked;
        match looked.kind {
            Kind::Directory => Self::Directory(Stat { identity, length: 0, modified: 0 }),
            Kind::File => Self::File(Stat { identity, length, modified }),
            Kind::Link => Self::Link(Stat { identity, length, modified }),
            Kind::Other => Self::Other,
        }
    }
}

/// Looks at a name without following a link.
pub fn look(path: &Path) -> Entry {
    let (meta, identity) = match sys::look_at(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Entry::Absent,
        Err(_) => return Entry::Other, // something may be there
    };
    let stat = stat_of(&meta, identity);
    match meta.file_type() {
        kind if kind.is_dir() => Entry::Directory(Stat { length: 0, modified: 0, ..stat }),
        kind if kind.is_file() => Entry::File(stat),
        kind if kind.is_symlink() => Entry::Link(stat),
        _ => Entry::Other,
    }
}

/// Returns what an open file is.
pub fn stat_of_open(file: &fs::File) -> io::Result<Stat> {
    look_at_open(file).map(|(_, stat)| stat)
}

/// Like [`stat_of_open`], with all that the system tells.
pub fn look_at_open(file: &fs::File) -> io::Result<(fs::Metadata, Stat)> {
    let (meta, identity) = sys::look_at_open(file)?;
    let stat = stat_of(&meta, identity);
    Ok((meta, stat))
}

fn stat_of(meta: &fs::Metadata, (device, inode, _): (u64, u64, u128)) -> Stat {
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default();
    Stat { identity: (device, inode), length: meta.len(), modified }
}

/// Knows both sides and where what they lose goes.
#[derive(Debug, Clone)]
pub struct Sides {
    own: PathBuf,
    hub: PathBuf,
    /// Where the losers of conflicts go.
    pub rescue: PathBuf,
    /// Where removed files go.
    pub trash: PathBuf,
    /// How top-level names are shared.
    pub mode: LinkMode,
    /// Where a top-level name of the hub lies, while all that lies below it is looked at.
    top: Option<(OsString, PathBuf)>,
}

impl Sides {
    /// Names a profile's config directory, the hub, and the directories for what loses and for what is removed.
    pub fn new(own: &Path, hub: &Path, rescue: PathBuf, trash: PathBuf, mode: LinkMode) -> Self {
        Self { own: own.into(), hub: hub.into(), rescue, trash, mode, top: None }
    }

    /// Looks up where the top-level name above a path lies, once for many paths; the caller forgets it by [`Sides::forget_top`] before it waits.
    pub fn look_up_top(&mut self, relative: &Path) {
        self.top = None;
        self.top = relative.iter().next().map(|name| (name.into(), self.path(Side::Hub, Path::new(name))));
    }

    /// Forgets that again: the user can point a link elsewhere.
    pub fn forget_top(&mut self) {
        self.top = None;
    }

    /// Returns one side's own directory.
    pub fn root(&self, side: Side) -> &Path {
        match side {
            Side::Own => &self.own,
            Side::Hub => &self.hub,
        }
    }

    /// Returns where a relative path lies on one side. A top-level name of the hub that the user keeps elsewhere (stow, another disk) lies where the
    /// hub's own link leads.
    pub fn path(&self, side: Side, relative: &Path) -> PathBuf {
        let mut below = relative.components();
        let Some(name) = below.next().filter(|_| side == Side::Hub) else { return self.root(side).join(relative) };
        let mut path = match &self.top {
            Some((known, top)) if name.as_os_str() == known => top.clone(),
            _ => {
                let top = self.hub.join(name);
                if top.is_symlink() { sys::physical(&top).unwrap_or(top) } else { top }
            }
        };
        let below = below.as_path();
        if !below.as_os_str().is_empty() {
            path.push(below);
        }
        path
    }
}
