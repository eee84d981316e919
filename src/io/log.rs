//! A private log that stays small.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};

use super::{create_parent, with_ending};
use crate::sys;

/// The most that a log holds before it makes room, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Adds lines to a log. One that is full becomes `NAME.1`, in the place of the one before.
pub fn append(path: &Path, lines: &[u8]) -> Result<()> {
    let writing = || format!("could not write {}", path.display());
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.len() > LIMIT) {
        sys::rename(path, &with_ending(path, ".1")).with_context(writing)?;
    }
    create_parent(path)?;
    let opened = match sys::create_private_file(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::OpenOptions::new().append(true).open(path),
        created => created,
    };
    opened.and_then(|mut file| file.write_all(lines)).with_context(writing)
}
