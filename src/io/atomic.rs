//! Private directories and files that are whole or absent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use xxhash_rust::xxh3;

use crate::sys;

/// The most that is read of a text that a person wrote, in bytes.
const TEXT_LIMIT: usize = 16 * 1024 * 1024;

/// Creates a directory of clauth's and its missing parents, each open to the user alone from the moment it exists.
pub fn create_dir(path: &Path) -> Result<()> {
    sys::create_private_dir(path).with_context(|| format!("could not create {}", path.display()))
}

/// The same for the directory that a file is to lie in.
pub fn create_parent(file: &Path) -> Result<()> {
    file.parent().map_or(Ok(()), create_dir)
}

/// Creates a directory and its missing parents below one that must be there: what was moved away is never made anew in its old place.
pub fn create_dir_below(root: &Path, directory: &Path) -> Result<()> {
    let below = directory.ancestors().take_while(|above| *above != root && above.starts_with(root));
    let missing: Vec<&Path> = below.take_while(|above| !above.is_dir()).collect();
    missing.into_iter().rev().try_for_each(|directory| match sys::create_lock_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).with_context(|| format!("could not create {}", directory.display())),
        _ => Ok(()),
    })
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

/// The same, and its name is on the disk when this returns, too: else an old file could be there again after a power cut, whole as it was.
pub fn write_for_good(path: &Path, bytes: &[u8]) -> Result<()> {
    write_durably(path, bytes)?;
    let directory = path.parent().unwrap_or(path);
    sys::sync_directory(directory).with_context(|| format!("could not write {}", directory.display()))
}

/// Returns where a path leads through links of the user's (dotfiles kept elsewhere): what is written there must not take a link's place. The path itself
/// where that cannot be told.
pub fn resolved(path: &Path) -> PathBuf {
    sys::physical(path).unwrap_or_else(|_| path.into())
}

/// Writes a file of the user's by temp and rename, which others may read as far as its mode says, or that of a new file. A link stays, and what it leads to
/// is written.
pub fn write_public(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = &resolved(path);
    forget_unfinished_of(path);
    let temp = temporary(path);
    let written = write_public_new(&temp, bytes, fs::metadata(path).ok()).and_then(|()| sys::rename(&temp, path));
    if written.is_err() {
        let _ = sys::remove_file(&temp);
    }
    written.with_context(|| format!("could not write {}", path.display()))
}

fn write_public_new(path: &Path, bytes: &[u8], replaced: Option<fs::Metadata>) -> io::Result<()> {
    // In a directory that may be anybody's: through a link that waits there under this name, another file would be written.
    let mut file = create_new(path, |path| File::options().write(true).create_new(true).open(path))?;
    if let Some(replaced) = replaced {
        file.set_permissions(replaced.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all() // nobody but the user could write it again after a power cut
}

fn replace(path: &Path, bytes: &[u8], is_durable: bool) -> Result<()> {
    replace_by(sys::rename, path, bytes, is_durable)
}

fn replace_by(rename: impl FnOnce(&Path, &Path) -> io::Result<()>, path: &Path, bytes: &[u8], is_durable: bool) -> Result<()> {
    if is_equal(path, bytes) {
        return Ok(());
    }
    let temp = temporary(path);
    let written = write_new(&temp, bytes, is_durable).and_then(|()| rename(&temp, path));
    if written.is_err() {
        let _ = sys::remove_file(&temp);
    }
    written.with_context(|| format!("could not write {}", path.display()))
}

fn write_new(path: &Path, bytes: &[u8], is_durable: bool) -> io::Result<()> {
    let mut file = create_new(path, sys::create_private_file)?;
    file.write_all(bytes)?;
    if is_durable { file.sync_all() } else { Ok(()) }
}

fn create_new(path: &Path, create: impl Fn(&Path) -> io::Result<File>) -> io::Result<File> {
    match create(path) {
        // Left by a process that was killed here and had our pid.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => sys::remove_file(path).and_then(|()| create(path)),
        created => created,
    }
}

fn is_equal(path: &Path, bytes: &[u8]) -> bool {
    let same_length = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == bytes.len() as u64);
    same_length && fs::read(path).is_ok_and(|present| present == bytes)
}

/// Whether a regular file has just this text; it is not read whole for that.
pub fn holds(path: &Path, text: &[u8]) -> Result<bool> {
    let reading = || format!("could not read {}", path.display());
    let mut file = match sys::open_for_reading(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.with_context(reading)?,
    };
    let meta = file.metadata().with_context(reading)?;
    if !meta.is_file() || meta.len() != text.len() as u64 {
        return Ok(false);
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut rest = text;
    loop {
        let count = file.read(&mut buffer).with_context(reading)?;
        if count == 0 {
            return Ok(rest.is_empty());
        }
        match rest.strip_prefix(&buffer[..count]) {
            Some(behind) => rest = behind,
            None => return Ok(false),
        }
    }
}

/// Returns the path with this behind its name.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut longer = path.to_path_buf();
    longer.as_mut_os_string().push(ending);
    longer
}

/// The longest name that file systems take, in bytes.
pub(super) const NAME_MAX: usize = 255;

/// Returns the name beside a path under which clauth prepares what will take its place; no other process uses it, and within one process clauth
/// writes a given file from one thread.
pub fn temporary(path: &Path) -> PathBuf {
    temporary_ending(path, &own_ending())
}

/// Returns the ending of this process's temporary names. It names the process for good, so that a name that another program made is never mistaken for
/// one of clauth's, and one of a process in another container never for that of a dead one.
pub fn own_ending() -> String {
    format!(".clauth-{}-{}.tmp", here(), std::process::id())
}

/// Marks the temporary name of something that made room for a moment.
const ASIDE: &str = ".aside";

/// Like [`temporary`], for what makes room for a moment and is put back by the next session if this process is killed.
pub fn aside(path: &Path) -> PathBuf {
    temporary_ending(path, &own_ending().replace(".tmp", &format!("{ASIDE}.tmp")))
}

/// Whether a name is one of [`aside`].
pub fn is_aside(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&format!("{ASIDE}.tmp")))
}

/// A short name for this kernel boot and pid namespace.
fn here() -> String {
    format!("{:08x}", xxh3::xxh3_64(sys::boot_and_namespace().as_bytes()) >> 32)
}

/// Like [`temporary`], by an ending that the caller asked for once.
pub fn temporary_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    if name.len() + ending.len() > NAME_MAX {
        let text = name.to_string_lossy();
        let cut = (0..=NAME_MAX / 2).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or_default();
        name = text[..cut].into();
    }
    name.push(ending);
    path.with_file_name(name)
}

/// The same, and nothing stands there: what a process of our pid left there that was killed may be all that is left of a file.
pub fn free_temporary(path: &Path) -> PathBuf {
    let mut temp = temporary(path);
    for number in 1.. {
        if fs::symlink_metadata(&temp).is_err() {
            break;
        }
        temp = temporary(&with_ending(path, &format!("~{number}")));
    }
    temp
}

/// Whether an error says that nothing stands there, or nothing that this user can see; any other is no answer.
pub fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied | InvalidFilename)
}

/// Reads a regular file whole; `None` when something else stands there, or it is over `limit` bytes. Never waits for a FIFO's writer.
pub fn read_regular(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    measured(path)?.map_or(Ok(None), |(file, length)| read_expecting(file, length, limit))
}

/// Reads a regular file whole; `None` where there is nothing, and an error where something stands that is none, or is over `limit` bytes.
pub fn read_if_any(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    let found = match read_regular(path, limit) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.with_context(|| format!("could not read {}", path.display()))?,
    };
    let path = path.display();
    found.map(Some).with_context(|| format!("{path} is not a regular file of at most {} KB; look at it with `ls -l`", limit / 1024))
}

/// Reads a text that a person wrote; an error where something stands that is no regular file. Never waits for a FIFO's writer.
pub fn read_text(path: &Path) -> io::Result<String> {
    let text =
        read_regular(path, TEXT_LIMIT)?.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file of at most 16 MB"))?;
    String::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Opens a regular file of at most `limit` bytes, to be read in another way.
pub fn open_regular(path: &Path, limit: usize) -> io::Result<Option<File>> {
    Ok(measured(path)?.filter(|(_, length)| *length <= limit as u64).map(|(file, _)| file))
}

fn measured(path: &Path) -> io::Result<Option<(File, u64)>> {
    let file = sys::open_for_reading(path)?;
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, meta.len())))
}

/// Returns what a path was prepared for, if its name is a temporary one of clauth's whose process is gone. Of a name that is no text or was cut the
/// answer is near, and no file.
pub fn left_for(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let (name, process) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once(".clauth-")?;
    let (place, pid) = process.split_once('-')?;
    let pid: u32 = pid.strip_suffix(ASIDE).unwrap_or(pid).parse().ok()?;
    let is_at_work = if place == here() { pid != std::process::id() && sys::start_time(pid).is_some() } else { is_recent(path) };
    (!name.is_empty() && !is_at_work).then(|| path.with_file_name(name))
}

/// Whether a process of another container, which cannot be seen from here, may still be at work on it.
fn is_recent(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age < Duration::from_secs(24 * 60 * 60)))
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
    use crate::sys::patience::patiently;

    /// A rename as it is on Windows, where so many times somebody has the file open.
    fn hindered(mut times: u32) -> impl FnOnce(&Path, &Path) -> io::Result<()> {
        move |from, to| {
            patiently(
                |error| error.kind() == io::ErrorKind::PermissionDenied,
                || {
                    let is_hindered = times > 0;
                    times = times.saturating_sub(1);
                    if is_hindered { Err(io::ErrorKind::PermissionDenied.into()) } else { fs::rename(from, to) }
                },
            )
        }
    }

    #[test]
    fn a_directory_is_made_below_one_that_is_there_and_nowhere_else() {
        let root = std::env::temp_dir().join(format!("clauth-below-{}", std::process::id()));
        let inside = root.join("a/b");
        assert!(create_dir_below(&root, &inside).is_err() && !root.exists());
        fs::create_dir(&root).unwrap();
        create_dir_below(&root, &inside).unwrap();
        create_dir_below(&root, &inside).unwrap();
        create_dir_below(&root, &root).unwrap();
        assert!(inside.is_dir());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_write_waits_for_who_has_the_file_open_and_leaves_it_whole_where_that_is_in_vain() {
        let directory = std::env::temp_dir().join(format!("clauth-hindered-{}", std::process::id()));
        sys::create_private_dir(&directory).unwrap();
        let file = directory.join("file");
        let names = || fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        for (times, text) in [(0, "first"), (1, "second"), (3, "third")] {
            replace_by(hindered(times), &file, text.as_bytes(), true).unwrap();
            assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names()), (text, vec!["file".into()]));
        }
        let error = replace_by(hindered(u32::MAX), &file, b"fourth", true).unwrap_err();
        assert!(format!("{error:#}").starts_with(&format!("could not write {}", file.display())), "{error:#}");
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names()), ("third", vec!["file".into()]));
        fs::remove_dir_all(directory).unwrap();
    }
}
