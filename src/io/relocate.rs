//! Moving files without ever replacing one, and removing them.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use super::atomic::NAME_MAX;
use super::{aside, create_parent, free_temporary, with_ending};
use crate::sys;

/// Removes a file, if there is one.
pub fn remove(file: &Path) -> Result<()> {
    match sys::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(|| format!("could not remove {}", file.display())),
        _ => Ok(()),
    }
}

/// Moves a file into a directory that is there, between file systems too; false when something stands at the target, which is then untouched.
pub fn relocate(from: &Path, to: &Path) -> Result<bool> {
    let moving = || format!("could not move {} to {}", from.display(), to.display());
    match sys::rename_new(from, to) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(_) => {}
    }
    match copy_new(from, to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        copied => copied.with_context(moving)?,
    }
    sys::remove_file(from).with_context(moving)?;
    Ok(true)
}

/// Exchanges two names, so that each is whole at every moment. On a file system that cannot exchange in one step, `other` is missing for an instant;
/// nothing is ever replaced that somebody puts there in it.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    match sys::exchange(one, other) {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        exchanged => return exchanged,
    }
    let aside = aside(other);
    sys::rename_new(other, &aside)?;
    if let Err(error) = sys::rename_new(one, other) {
        let _ = sys::rename_new(&aside, other); // where another process was faster, it stays aside, and goes to `rescued/` later
        return Err(error);
    }
    sys::rename_new(&aside, one)
}

/// Moves a file to a place of safety; where something stands there, or the name is too long for it, to one beside it.
pub fn keep(from: &Path, to: &Path) -> Result<()> {
    create_parent(to)?;
    let mut free = to.to_path_buf();
    while !relocate(from, &free)? {
        let time = UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        free = shortened(to, &format!("+{time}"));
    }
    Ok(())
}

/// Returns the path, or one with as many `+` behind it as it takes that nothing stands there.
pub fn unused(path: PathBuf) -> PathBuf {
    let mut free = path;
    while fs::symlink_metadata(&free).is_ok() {
        free = with_ending(&free, "+");
    }
    free
}

/// Returns a path with this behind its name, of which so much is left as file systems take.
fn shortened(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    if name.len() + ending.len() <= NAME_MAX {
        return with_ending(path, ending);
    }
    let text = name.to_string_lossy();
    let cut = (0..=NAME_MAX - ending.len()).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or_default();
    path.with_file_name(format!("{}{ending}", &text[..cut.min(text.len())]))
}

/// Copies to a name that did not exist, the time of the last write included. The name is there when all of the file is. A link is copied as one.
pub fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let temp = free_temporary(to);
    let copied = copy(from, &temp).and_then(|()| sys::rename_new(&temp, to));
    if copied.is_err() {
        let _ = sys::remove_file(&temp);
    }
    copied
}

/// Copies to a name under which nobody looks for a whole file.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Ok(target) = fs::read_link(from) {
        let leads_to_directory = from.is_dir();
        return if leads_to_directory { sys::link_directory(&target, to) } else { sys::symlink(&target, to) };
    }
    let mut source = sys::open_for_reading(from)?;
    let meta = source.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut target = sys::create_private_file(to)?;
    io::copy(&mut source, &mut target)?;
    // The time from before the copying: what was written meanwhile is newer than the copy.
    target.set_modified(meta.modified()?)?;
    target.sync_all()
}

/// Whether two paths are regular files with the same bytes. A link is none: it must not pass for the file that it leads to.
pub fn is_same_content(one: &Path, other: &Path) -> bool {
    let (Ok((one_meta, one_file)), Ok((other_meta, other_file))) = (sys::look_at(one), sys::look_at(other)) else { return false };
    if !one_meta.is_file() || !other_meta.is_file() || one_meta.len() != other_meta.len() {
        return false;
    }
    if one_file == other_file {
        return true;
    }
    match (sys::open_for_reading(one), sys::open_for_reading(other)) {
        (Ok(one), Ok(other)) => {
            let (one, other) = (io::BufReader::new(one).bytes(), io::BufReader::new(other).bytes());
            one.map(io::Result::ok).eq(other.map(io::Result::ok))
        }
        _ => false,
    }
}
