//! The removal of a profile, as far as it concerns what a profile is.
//!
//! 1. *Begun*: `profile.toml` is renamed to `removing.toml`, in one step and on the disk. From this moment on no command finds the profile. A removal
//!    that cannot go on is undone by the reverse rename.
//! 2. Whoever removes it moves everything out of the directory (`sharing::depart`). Killed here, the next `clauth remove` or `clauth add` of this name
//!    goes on from whatever is left.
//! 3. *Over*: `removed/NAME` is written, and only then `removing.toml` and the directory go. The mark stays until a profile of this name is created: a
//!    client that still runs makes its config directory anew, which would look like a profile of clauth 0.5.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Profile, ProfileFile, directories};
use crate::io::{self, FileLock, epoch};
use crate::layout::{Layout, Writable};
use crate::name::ProfileName;
use crate::sys;

/// The most that is read of a `removing.toml`, in bytes.
const LIMIT: usize = 16 * 1024 * 1024;

/// Whether a removal of this profile began and is not over.
pub fn has_begun(layout: &Layout, name: &ProfileName) -> bool {
    exists(&layout.removing(name)) && !exists(&layout.profile_file(name))
}

/// Whether a profile of this name was removed, and none was created since.
pub fn is_over(layout: &Layout, name: &ProfileName) -> bool {
    exists(&layout.removed(name))
}

/// Returns the profiles whose removal began and is not over.
pub fn unfinished(layout: &Layout) -> Vec<ProfileName> {
    directories(layout).into_iter().filter(|name| has_begun(layout, name)).collect()
}

/// Returns the removed profiles under whose path something was written since.
pub fn remains(layout: &Layout) -> Vec<ProfileName> {
    let is_remains = |name: &ProfileName| is_over(layout, name) && !has_begun(layout, name) && !exists(&layout.profile_file(name));
    directories(layout).into_iter().filter(is_remains).collect()
}

/// Makes the profile unknown to every command. The caller knows that nobody uses it.
pub fn begin(layout: Writable<'_>, _state: &FileLock, name: &ProfileName) -> Result<()> {
    rename(&layout.profile_file(name), &layout.removing(name))?;
    epoch::advance(layout)
}

/// Makes it a profile again.
pub fn undo(layout: Writable<'_>, name: &ProfileName) -> Result<()> {
    rename(&layout.removing(name), &layout.profile_file(name))?;
    epoch::advance(layout)
}

/// Returns what `removing.toml` says; of one that cannot be read, only where the config directory lies.
pub fn load(layout: &Layout, name: &ProfileName) -> Profile {
    let text = io::read_regular(&layout.removing(name), LIMIT).ok().flatten().and_then(|text| String::from_utf8(text).ok());
    let file: Option<ProfileFile> = text.and_then(|text| toml::from_str(&text).ok());
    let file = file.filter(|file| layout.owns(file.config_dir.as_os_str()));
    let file = file.unwrap_or_else(|| ProfileFile::new(layout.runtime(name)));
    Profile {
        name: name.clone(),
        anthropic_dir: layout.anthropic(name),
        overrides: file.overrides(),
        has_api_key: file.api_key.is_some(),
        config_dir: file.config_dir,
    }
}

/// Whether `removing.toml` says nothing but where the config directory lies: it is as clauth made it.
pub fn says_nothing(layout: &Layout, name: &ProfileName) -> bool {
    let made = toml::to_string(&ProfileFile::new(layout.runtime(name)));
    made.is_ok_and(|made| fs::read(layout.removing(name)).is_ok_and(|text| text == made.as_bytes()))
}

/// Marks the removal as over; the caller has emptied the directory but for `removing.toml` and takes that away after this.
pub fn mark_over(layout: Writable<'_>, name: &ProfileName) -> Result<()> {
    let mark = layout.removed(name);
    io::create_parent(&mark)?;
    io::write_for_good(&mark, b"A profile of this name was removed.\n")
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    let renaming = || format!("could not rename {}", from.display());
    match sys::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound && exists(to) => {} // done before
        renamed => renamed.with_context(renaming)?,
    }
    sys::sync_directory(from.parent().unwrap_or(from)).with_context(renaming)
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
