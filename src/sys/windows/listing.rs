//! Listing a directory by its path: while it is open, no directory around it can be renamed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::files::look_at;
use crate::sys::{Kind, Looked};

/// A directory that can be listed.
#[derive(Debug)]
pub struct Listing(PathBuf);

impl Listing {
    /// Names a directory that exists.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.metadata()?.is_dir() { Ok(Self(path.into())) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// Looks at the directory itself.
    pub fn look(&self) -> io::Result<Looked> {
        looked(&self.0)
    }

    /// Returns each name and what stands there, links not followed; names that vanish meanwhile are left out.
    pub fn entries(self) -> io::Result<Vec<(OsString, Looked)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            match looked(&entry.path()) {
                Ok(looked) => entries.push((entry.file_name(), looked)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => entries.push((entry.file_name(), Looked { kind: Kind::Other, identity: (0, 0), length: 0, modified: 0 })),
            }
        }
        Ok(entries)
    }
}

fn looked(path: &Path) -> io::Result<Looked> {
    let (meta, (volume, index, _)) = look_at(path)?;
    let kind = match meta.file_type() {
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_file() => Kind::File,
        kind if kind.is_symlink() => Kind::Link,
        _ => Kind::Other,
    };
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default();
    Ok(Looked { kind, identity: (volume, index), length: meta.len(), modified })
}
