//! The epoch: one empty file in a directory, renamed from N to N+1 by every command that changes trust, profiles or settings.
//!
//! A shell that looked at epoch N asks the kernel whether `epoch/N` still exists: one `stat`, no process, no clock. The evaluation reads the
//! epoch before anything else, so a change made meanwhile is seen at the next prompt.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::layout::{Layout, Writable};
use crate::{io, sys};

/// What a shell can look at to know that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Epoch {
    /// This path exists as long as nothing changed.
    At(PathBuf),
    /// Nothing was ever written: this path does not exist as long as nothing changed.
    Never(PathBuf),
}

/// Reads the epoch; writes nothing.
pub fn read(layout: &Layout) -> Epoch {
    match newest(layout) {
        Some(number) => Epoch::At(layout.epoch().join(number.to_string())),
        None => Epoch::Never(layout.epoch()),
    }
}

/// Moves on when the user's settings were edited after the last epoch: an editor tells nobody else. Returns whether it did.
pub fn follow_settings(layout: Writable<'_>) -> Result<bool> {
    let edited = fs::metadata(layout.config()).and_then(|meta| meta.modified());
    edited.map_or(Ok(false), |edited| follow(layout, edited))
}

/// Moves on when a file that decides was written after the last epoch, given when. Returns whether it did: then all has to be looked at again.
///
/// The epoch's file is then as new as that file, so that each shell, which asks which of the two is newer, evaluates once.
pub fn follow(layout: Writable<'_>, edited: SystemTime) -> Result<bool> {
    let written = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let current = |number: u64| layout.epoch().join(number.to_string());
    if newest(&layout).and_then(|number| written(&current(number))).is_some_and(|epoch| epoch >= edited) {
        return Ok(false);
    }
    advance(layout)?;
    let Some(file) = newest(&layout).map(current) else { return Ok(false) };
    let stamp = edited.max(SystemTime::now());
    let stamped = fs::OpenOptions::new().write(true).open(&file).and_then(|file| file.set_modified(stamp));
    stamped.map(|()| true).with_context(|| format!("could not write {}", file.display()))
}

/// Moves on to the next epoch, after the change that it announces.
pub fn advance(layout: Writable<'_>) -> Result<()> {
    let directory = layout.epoch();
    io::create_dir(&directory)?;
    loop {
        let Some(number) = newest(&layout) else {
            let first = directory.join("0");
            match sys::create_private_file(&first) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                created => return created.map(drop).with_context(|| format!("could not create {}", first.display())),
            }
        };
        let next = directory.join((number + 1).to_string());
        match sys::rename(&directory.join(number.to_string()), &next) {
            Ok(()) => return Ok(()),
            // Another command was faster; its epoch may have been read before our change, so ours must follow it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("could not write {}", next.display())),
        }
    }
}

fn newest(layout: &Layout) -> Option<u64> {
    let entries = fs::read_dir(layout.epoch()).ok()?;
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).max()
}
