//! Private directories and files that are whole or absent.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sys;

/// Creates a directory of clauth's and its missing parents, each open to the user alone from the moment it exists.
pub fn create_dir(path: &Path) -> Result<()> {
    sys::create_private_dir(path).with_context(|| format!("could not create {}", path.display()))
}

/// Writes a file by temp and rename, open to the user alone; a reader sees the old text or the new, never a part.
///
/// Does nothing when the file holds these bytes already. It does not wait for the disk: a file whose loss matters after a power cut is
/// not written here.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_equal(path, bytes) {
        return Ok(());
    }
    let temp = temp_path(path);
    let written = write_new(&temp, bytes).and_then(|()| fs::rename(&temp, path));
    if written.is_err() {
        let _ = fs::remove_file(&temp);
    }
    written.with_context(|| format!("could not write {}", path.display()))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let created = match sys::create_private_file(path) {
        // Left by a process that was killed here and had our pid.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(path).and_then(|()| sys::create_private_file(path)),
        created => created,
    };
    created?.write_all(bytes)
}

fn is_equal(path: &Path, bytes: &[u8]) -> bool {
    let same_length = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == bytes.len() as u64);
    same_length && fs::read(path).is_ok_and(|present| present == bytes)
}

/// The name no other process uses: within one process, clauth writes a given file from one thread.
fn temp_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// Removes what killed processes left of files they were writing in a directory; the caller knows that nobody writes there now.
pub fn sweep(directory: &Path) {
    let is_temp = |name: &OsStr| name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(".tmp")).is_some();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten().filter(|entry| is_temp(&entry.file_name())) {
        let _ = fs::remove_file(entry.path()); // the next to retire tries again
    }
}

/// Reads at most `limit` bytes of a file; `None` when it is longer.
pub fn read_bounded(file: File, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}
