//! Listing a directory through its descriptor: its path is resolved once, and each name in it by one step.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, statat};
use rustix::io::Errno;

use crate::sys::{Kind, Looked};

/// An open directory that can be listed, whatever becomes of its name.
#[derive(Debug)]
pub struct Listing(OwnedFd);

impl Listing {
    /// Opens a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Looks at the directory itself.
    pub fn look(&self) -> io::Result<Looked> {
        Ok(looked(&fstat(&self.0)?))
    }

    /// Returns each name and what stands there, links not followed; names that vanish meanwhile are left out.
    pub fn entries(self) -> io::Result<Vec<(OsString, Looked)>> {
        let mut directory = Dir::read_from(&self.0)?;
        let mut entries = Vec::new();
        while let Some(entry) = directory.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let looked = match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => looked(&stat),
                Err(Errno::NOENT) => continue,
                Err(_) => Looked { kind: Kind::Other, identity: (0, 0), length: 0, modified: 0 },
            };
            entries.push((OsStr::from_bytes(name.to_bytes()).into(), looked));
        }
        Ok(entries)
    }
}

impl AsFd for Listing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn looked(stat: &Stat) -> Looked {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Kind::Directory,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    };
    let modified = positive(stat.st_mtime).saturating_mul(1_000_000_000).saturating_add(positive(stat.st_mtime_nsec));
    Looked { kind, identity: (positive(stat.st_dev), positive(stat.st_ino)), length: positive(stat.st_size), modified }
}

/// Each system has these numbers in types of its own.
fn positive(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or_default()
}
