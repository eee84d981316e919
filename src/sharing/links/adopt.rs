//! Taking up what is real where a link belongs: somebody wrote it there, so it goes to the hub, and the link takes its place.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use crate::sharing::decide::Side;
use crate::sharing::depart;
use crate::sharing::files::Sides;
use crate::sharing::files::side::look;
use crate::sharing::files::transfer::PROBE;
use crate::{io, sys};

/// Adopts a file: a program cut the link by renaming its new version over it. The newer version becomes the hub's, the older one is rescued.
pub fn adopt_file(sides: &Sides, name: &Path, target: &Path) -> Result<()> {
    let own = sides.path(Side::Own, name);
    let adopting = || format!("could not move {} to {}", own.display(), target.display());
    match io::copy_new(&own, target) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        copied => copied.with_context(adopting)?,
    }
    let (Some(mine), Some(theirs)) = (look(&own).leaf(), look(target).leaf()) else { return Ok(()) };
    let differs = !io::is_same_content(&own, target);
    if differs && mine.modified >= theirs.modified {
        let temp = io::free_temporary(target);
        io::copy(&own, &temp).with_context(adopting)?;
        io::exchange(&temp, target).with_context(adopting)?;
        sides.drop_or_rescue(&temp, name, None)?;
    }
    let temp = io::free_temporary(&own);
    sys::symlink(target, &temp).with_context(adopting)?;
    // There is no moment without the name, and what stood there is in our hands, whatever it was.
    io::exchange(&temp, &own).with_context(adopting)?;
    let is_in_hub = io::is_same_content(&temp, target);
    let taken_up = look(&temp).leaf().filter(|_| is_in_hub);
    sides.drop_or_rescue(&temp, name, taken_up)
}

/// Adopts a directory that the hub lacks: it changes places with a link in one step, where the file system can.
pub fn adopt_directory(sides: &Sides, name: &Path) -> Result<()> {
    let (own, hub) = (sides.path(Side::Own, name), sides.path(Side::Hub, name));
    let adopting = || format!("could not move {} to {}", own.display(), hub.display());
    if !can_exchange(&own, &hub) {
        return move_directory(sides, name, &own, &hub).with_context(adopting);
    }
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
            Err(error).with_context(adopting)
        }
    }
}

/// Moves a directory to the hub where the two cannot change places: it is copied there, a link takes its place, and what was written meanwhile is merged.
fn move_directory(sides: &Sides, name: &Path, own: &Path, hub: &Path) -> Result<()> {
    let copy = io::free_temporary(hub);
    copy_directories(own, &copy)?;
    let mut files = Vec::new();
    depart::collect_files(own, Path::new(""), &mut files)?;
    for file in &files {
        let to = copy.join(file);
        to.parent().map_or(Ok(()), sys::create_private_dir)?;
        if !io::is_same_content(&own.join(file), &to) {
            io::copy_new(&own.join(file), &to)?;
        }
    }
    if let Err(error) = sys::rename_new(&copy, hub) {
        fs::remove_dir_all(&copy)?; // copies of our own
        return if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error.into()) };
    }
    let moved = io::free_temporary(own);
    sys::link_directory(hub, &moved)?;
    io::exchange(&moved, own)?;
    empty_into(sides, name, &moved, hub)
}

/// Makes every directory that lies in another one, the empty ones too: a program that has just made one is about to write there.
fn copy_directories(from: &Path, to: &Path) -> std::io::Result<()> {
    sys::create_private_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_directories(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Asks the file system whether names beside these two can change places, by doing it with names that nobody looks at.
fn can_exchange(own: &Path, hub: &Path) -> bool {
    let temps = [own, hub].map(io::free_temporary);
    let is_done = temps.iter().all(|temp| sys::symlink(Path::new(PROBE), temp).is_ok()) && sys::exchange(&temps[0], &temps[1]).is_ok();
    for temp in &temps {
        let _ = sys::remove_file(temp);
    }
    is_done
}

/// Merges a directory into the hub's, file by file, and puts the link in its place. Only while nobody uses the profile: it is gone for a moment.
pub fn merge_directory(sides: &Sides, name: &Path, target: &Path) -> Result<()> {
    let own = sides.path(Side::Own, name);
    empty_into(sides, name, &own, target)?;
    sys::link_directory(target, &own).with_context(|| format!("could not link {}", own.display()))
}

/// Moves every file of a directory into another one and removes it; what stands there in another version stays, and ours goes to `rescued/`.
fn empty_into(sides: &Sides, name: &Path, own: &Path, target: &Path) -> Result<()> {
    let mut files = Vec::new();
    depart::collect_files(own, Path::new(""), &mut files)?;
    for file in files {
        let (from, to) = (own.join(&file), target.join(&file));
        io::create_dir_below(target, to.parent().unwrap_or(target))?;
        if io::is_same_content(&from, &to) {
            sys::remove_file(&from).with_context(|| format!("could not remove {}", from.display()))?;
        } else if !io::relocate(&from, &to)? {
            sides.drop_or_rescue(&from, &name.join(&file), None)?;
        }
    }
    remove_empty_directories(own).with_context(|| format!("could not remove {}", own.display()))
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
