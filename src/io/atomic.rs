//! Private directories and files that are whole or absent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::sys;

/// Creates a directory of clauth's and its missing parents, each open to the user alone from the moment it exists.
pub fn create_dir(path: &Path) -> Result<()> {
    sys::create_private_dir(path).with_context(|| format!("could not create {}", path.display()))
}

/// Writes a file by temp and rename, open to the user alone; a reader sees the old text or the new, never a part.
///
/// Does nothing when the file holds these bytes already. It does not wait for the disk.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, false)
}

/// The same, and the bytes are on the disk before the name is theirs: for what a power cut must not empty.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, true)
}

/// Writes a file of the user's by temp and rename, which others may read as far as its mode says, or that of a new file. A link stays, and what it leads to
/// is written.
pub fn write_public(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = &path.canonicalize().unwrap_or_else(|_| path.into());
    let temp = temporary(path);
    let written = write_public_new(&temp, bytes, fs::metadata(path).ok()).and_then(|()| fs::rename(&temp, path));
    if written.is_err() {
        let _ = fs::remove_file(&temp);
    }
    written.with_context(|| format!("could not write {}", path.display()))
}

fn write_public_new(path: &Path, bytes: &[u8], replaced: Option<fs::Metadata>) -> io::Result<()> {
    let mut file = File::create(path)?;
    if let Some(replaced) = replaced {
        file.set_permissions(replaced.permissions())?;
    }
    file.write_all(bytes)
}

/// Waits until the names in a directory are on the disk: after a power cut an old file could be there again, whole as it was.
pub fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory).and_then(|directory| directory.sync_all()).with_context(|| format!("could not write {}", directory.display()))
}

fn replace(path: &Path, bytes: &[u8], is_durable: bool) -> Result<()> {
    if is_equal(path, bytes) {
        return Ok(());
    }
    let temp = temporary(path);
    let written = write_new(&temp, bytes, is_durable).and_then(|()| patiently(|| fs::rename(&temp, path), sys::is_momentary));
    if written.is_err() {
        let _ = fs::remove_file(&temp);
    }
    written.with_context(|| format!("could not write {}", path.display()))
}

/// Tries again what fails because somebody looks into a file at this moment, six times in all within 750 ms. Only Windows knows such failures: a virus
/// scanner opens what was just written, and nobody can rename it for so long.
fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>, is_momentary: impl Fn(&io::Error) -> bool) -> io::Result<T> {
    for milliseconds in [25, 50, 100, 200, 375] {
        match attempt() {
            Err(error) if is_momentary(&error) => thread::sleep(Duration::from_millis(milliseconds)),
            done => return done,
        }
    }
    attempt()
}

fn write_new(path: &Path, bytes: &[u8], is_durable: bool) -> io::Result<()> {
    let created = match sys::create_private_file(path) {
        // Left by a process that was killed here and had our pid.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(path).and_then(|()| sys::create_private_file(path)),
        created => created,
    };
    let mut file = created?;
    file.write_all(bytes)?;
    if is_durable { file.sync_all() } else { Ok(()) }
}

fn is_equal(path: &Path, bytes: &[u8]) -> bool {
    let same_length = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == bytes.len() as u64);
    same_length && fs::read(path).is_ok_and(|present| present == bytes)
}

/// The longest name that file systems take, in bytes.
const NAME_MAX: usize = 255;

/// Returns the name beside a path under which clauth prepares what will take its place; no other process uses it, and within one process clauth
/// writes a given file from one thread.
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    let ending = format!(".{}.tmp", std::process::id());
    if name.len() + ending.len() > NAME_MAX {
        let text = name.to_string_lossy();
        let cut = (0..=NAME_MAX / 2).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or_default();
        name = text[..cut].into();
    }
    name.push(ending);
    path.with_file_name(name)
}

/// Reads a regular file whole; `None` when something else stands there, or it is over `limit` bytes. Never waits for a FIFO's writer.
pub fn read_regular(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let file = sys::open_for_reading(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { read_expecting(file, meta.len(), limit) } else { Ok(None) }
}

/// Returns what a path was prepared for, if its name is a temporary one of clauth's whose process is gone. Of a name that is no text or was cut the
/// answer is near, and no file.
pub fn left_for(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let (name, pid) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    let pid: u32 = pid.parse().ok()?;
    let is_at_work = pid != std::process::id() && sys::start_time(pid).is_some();
    (!name.is_empty() && !is_at_work).then(|| path.with_file_name(name))
}

/// Removes what processes that were killed left beside a file of clauth's own: it never was the file, and nobody else's data.
pub fn forget_unfinished(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten().filter(|entry| left_for(&entry.path()).is_some()) {
        let _ = fs::remove_file(entry.path()); // another process was faster, or the next session does it
    }
}

/// The same for one file, in a directory that is not clauth's: where the user keeps it elsewhere, beside that too.
pub fn forget_unfinished_of(file: &Path) {
    for file in [file.to_path_buf(), file.canonicalize().unwrap_or_default()] {
        let entries = file.parent().and_then(|directory| fs::read_dir(directory).ok()).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| left_for(&entry.path()).as_deref() == Some(&file)) {
            let _ = fs::remove_file(entry.path()); // another process was faster
        }
    }
}

/// Reads at most `limit` bytes of a file; `None` when it is longer.
pub fn read_bounded(file: File, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let expected = file.metadata().map_or(0, |meta| meta.len());
    read_expecting(file, expected, limit)
}

fn read_expecting(file: File, expected: u64, limit: usize) -> io::Result<Option<Vec<u8>>> {
    if expected > limit as u64 {
        return Ok(None); // none of it need be read for that
    }
    let expected = usize::try_from(expected).unwrap_or(limit);
    let mut bytes = Vec::with_capacity(expected + 1); // and one, to see the end without growing
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_for_a_moment_is_waited_for_and_nothing_else_is() {
        let attempts = |failures: usize, is_momentary: bool| {
            let mut count = 0;
            let outcome = patiently(
                || {
                    count += 1;
                    if count > failures { Ok(()) } else { Err(io::Error::from(io::ErrorKind::PermissionDenied)) }
                },
                |_| is_momentary,
            );
            (count, outcome.is_ok())
        };
        assert_eq!(attempts(0, true), (1, true));
        assert_eq!(attempts(3, true), (4, true));
        assert_eq!(attempts(1, false), (1, false));
        assert_eq!(attempts(99, true), (6, false));
    }
}
