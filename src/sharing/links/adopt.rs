//! Taking up what is real where a link belongs: somebody wrote it there, so it goes to the hub, and the link takes its place.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use super::Use;
use crate::sharing::depart;
use crate::sharing::sides::{Side, Sides, look};
use crate::{io, sys};

/// Adopts a file: a program cut the link by renaming its new version over it. The newer version becomes the hub's, the older one is rescued.
pub fn adopt_file(sides: &Sides, name: &Path, target: &Path) -> Result<()> {
    let own = sides.path(Side::Own, name);
    let adopting = || format!("could not move {} to {}", own.display(), target.display());
    match sides.share(&own, target) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        linked => linked.with_context(adopting)?,
    }
    let (Some(mine), Some(theirs)) = (look(&own).file(), look(target).file()) else { return Ok(()) };
    let differs = !mine.is_one_file_with(&theirs) && !io::is_same_content(&own, target);
    if differs && mine.modified >= theirs.modified {
        let temp = io::free_temporary(target);
        sides.duplicate(&own, &temp).with_context(adopting)?;
        sys::exchange(&temp, target).with_context(adopting)?;
        sides.drop_or_rescue(&temp, name, None)?;
    }
    let temp = io::free_temporary(&own);
    sys::symlink(target, &temp).with_context(adopting)?;
    // There is no moment without the name, and what stood there is in our hands, whatever it was.
    sys::exchange(&temp, &own).with_context(adopting)?;
    let is_in_hub = io::is_same_content(&temp, target);
    let taken_up = look(&temp).file().filter(|_| is_in_hub);
    sides.drop_or_rescue(&temp, name, taken_up.as_ref())
}

/// Adopts a directory that the hub lacks: it changes places with a link in one step. On another file system it waits for a quiet moment.
pub fn adopt_directory(sides: &Sides, name: &Path, use_: Use) -> Result<()> {
    let (own, hub) = (sides.path(Side::Own, name), sides.path(Side::Hub, name));
    let adopting = || format!("could not move {} to {}", own.display(), hub.display());
    match sys::link_directory(&hub, &hub) {
        // A link that leads to itself was left by an adoption that was killed.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && fs::read_link(&hub).is_ok_and(|target| target == hub) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        linked => linked.with_context(adopting)?,
    }
    match sys::exchange(&own, &hub) {
        // Another profile's helper was at it too, and was faster: its directory goes back to the hub, ours is merged when all is quiet.
        Ok(()) if !own.is_symlink() => sys::exchange(&own, &hub).with_context(adopting),
        Ok(()) => Ok(()),
        Err(error) => {
            sys::remove_file(&hub).with_context(adopting)?;
            match (error.kind(), use_) {
                (ErrorKind::CrossesDevices, Use::Quiet) => {
                    sys::create_private_dir(&hub).with_context(adopting)?;
                    merge_directory(sides, name, &hub)
                }
                (ErrorKind::CrossesDevices, Use::InUse) => Ok(()),
                _ => Err(error).with_context(adopting),
            }
        }
    }
}

/// Merges a directory into the hub's, file by file, and puts the link in its place. Only while nobody uses the profile: it is gone for a moment.
pub fn merge_directory(sides: &Sides, name: &Path, target: &Path) -> Result<()> {
    let own = sides.path(Side::Own, name);
    let mut files = Vec::new();
    depart::collect_files(&own, Path::new(""), &mut files)?;
    for file in files {
        let (from, to) = (own.join(&file), target.join(&file));
        if io::is_same_content(&from, &to) {
            sys::remove_file(&from).with_context(|| format!("could not remove {}", from.display()))?;
        } else if !io::relocate(&from, &to)? {
            sides.drop_or_rescue(&from, &name.join(&file), None)?;
        }
    }
    remove_empty_directories(&own).with_context(|| format!("could not remove {}", own.display()))?;
    sys::link_directory(target, &own).with_context(|| format!("could not link {}", own.display()))
}

pub fn remove_empty_directories(directory: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_empty_directories(&entry.path())?;
        }
    }
    fs::remove_dir(directory)
}
