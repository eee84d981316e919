//! Files as a client, a user or another program writes, replaces and ages them, and what becomes of them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::patience::came_true;
use super::{system, wait_until};

/// Returns every file and link below a directory, sorted; what vanishes meanwhile is left out.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(_) => files.push(entry.path()),
            Err(_) => {}
        }
    }
    files
}

/// Returns a directory and everything below it; links are not followed.
pub(crate) fn everything_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.is_symlink() {
            found.extend(everything_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Returns a file's text; `None` when there is none.
pub(crate) fn text(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a file in place, and makes the directories above it.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Replaces a file as the client does: by a new one that is renamed over it.
pub(crate) fn replace(path: &Path, text: impl AsRef<[u8]>) {
    let temp = path.with_file_name(format!("{}.tmp.1a2b", path.file_name().unwrap().to_string_lossy()));
    let created = |path: &Path| fs::metadata(path).and_then(|meta| meta.created()).ok();
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    // Of two versions that the kernel's clock cannot tell apart, either may pass for the newer.
    wait_until("the new version is the newer", || {
        let _ = fs::remove_file(&temp); // of the turn before
        write(&temp, &text);
        created(&temp).or_else(|| modified(&temp)) > modified(path)
    });
    system::rename(&temp, path);
}

/// Makes a FIFO: nothing that anybody should wait for.
pub(crate) fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Appends to a file, as the client does to a transcript.
pub(crate) fn append(path: &Path, text: &str) {
    File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Makes a file or a directory look as if it had been written some seconds ago.
pub(crate) fn age(path: &Path, seconds: u64) {
    system::age(path, Duration::from_secs(seconds));
}

/// Whether paths lead to one file.
pub(crate) fn is_one_file(paths: &[PathBuf]) -> bool {
    paths.windows(2).all(|pair| system::is_one_file(&pair[0], &pair[1]))
}

/// Waits until each of these files has this text.
pub(crate) fn wait_for_text(paths: &[PathBuf], expected: &str) {
    let is_so = || paths.iter().all(|path| text(path).as_deref() == Some(expected));
    let found = || paths.iter().map(|path| (path, text(path))).collect::<Vec<_>>();
    assert!(came_true(is_so), "these do not all say {expected:?}: {:#?}", found());
}

/// Waits until nothing stands at any of these paths.
pub(crate) fn wait_for_end_of(paths: &[PathBuf]) {
    wait_until(&format!("{paths:?} are gone"), || paths.iter().all(|path| fs::symlink_metadata(path).is_err()));
}
