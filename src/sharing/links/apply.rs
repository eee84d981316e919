//! Doing what the plan says.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context, Result};

use super::plan::Step;
use super::{Use, adopt};
use crate::claude_code::SETTINGS;
use crate::hub::Hub;
use crate::io::{exchange, free_temporary, temporary};
use crate::sharing::decide::Side;
use crate::sharing::files::Sides;
use crate::sharing::files::side::look;
use crate::sharing::names::{MADE_DIRECTORIES, MADE_FILES};
use crate::sys;

/// Makes what links need a target for. A hub that cannot be written keeps what it has, and what it lacks stays in the profile. A name that the profile
/// has a link to existed before: where it left the hub a moment ago, it may be on its way back.
pub fn make_targets(sides: &Sides, hub: &Hub) {
    for entry in fs::read_dir(&hub.directory).into_iter().flatten().flatten() {
        // An adoption of clauth 0.6 that was killed left a link to itself, in place of a directory.
        let is_file = MADE_FILES.iter().chain(&[SETTINGS]).any(|name| entry.file_name() == *name);
        if !is_file && fs::read_link(entry.path()).is_ok_and(|target| target == entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    let is_settling = super::is_settling(hub);
    let is_hole = |name: &str| is_settling && sides.root(Side::Own).join(name).is_symlink();
    for name in MADE_FILES.iter().filter(|name| !is_hole(name)) {
        let path = hub.directory.join(name);
        if fs::symlink_metadata(&path).is_err() {
            let _ = sys::create_private_file(&path);
        }
    }
    for name in MADE_DIRECTORIES.iter().filter(|name| !is_hole(name)) {
        let path = hub.directory.join(name);
        if fs::symlink_metadata(&path).is_err() {
            let _ = sys::create_lock_dir(&path);
        }
    }
}

/// Does one step; what needs a quiet moment waits for one.
pub fn step(sides: &Sides, step: &Step, use_: Use) -> Result<()> {
    let path = |name: &OsString| sides.path(Side::Own, Path::new(name));
    match step {
        Step::Link(name, target) => keep_existing(link(target, &path(name))).with_context(|| format!("could not link {}", path(name).display())),
        Step::Relink(name, target) => relink(sides, target, Path::new(name)),
        Step::Directory(name) => {
            keep_existing(sys::create_lock_dir(&path(name))).with_context(|| format!("could not create {}", path(name).display()))
        }
        Step::Unfold(name) => unfold(&path(name)).with_context(|| format!("could not create {}", path(name).display())),
        // A client can have put a file there since the look: that is not what is expected.
        Step::Unlink(name) => unlink(sides, &path(name), Path::new(name)),
        Step::AdoptFile(name, target) => adopt::adopt_file(sides, Path::new(name), target),
        Step::AdoptDirectory(name) => adopt::adopt_directory(sides, Path::new(name)),
        Step::MergeDirectory(name, target) if use_ == Use::Quiet => adopt::merge_directory(sides, Path::new(name), target),
        Step::MergeDirectory(..) => Ok(()),
    }
}

/// A running client can make the entry between the look and the step; then it is the client's.
fn keep_existing(made: io::Result<()>) -> io::Result<()> {
    made.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}

fn link(target: &Path, link: &Path) -> io::Result<()> {
    if target.is_dir() { sys::link_directory(target, link) } else { sys::symlink(target, link) }
}

fn unfold(link: &Path) -> io::Result<()> {
    let temp = temporary(link);
    sys::create_private_dir(&temp)?;
    exchange(&temp, link)?;
    sys::remove_file(&temp)
}

/// Removes a link; a file that a client has put in its place stays.
fn unlink(sides: &Sides, link: &Path, name: &Path) -> Result<()> {
    let Some(seen) = look(link).leaf().filter(|_| link.is_symlink()) else { return Ok(()) };
    let temp = free_temporary(link);
    match sys::rename_new(link, &temp) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        renamed => renamed.with_context(|| format!("could not remove {}", link.display()))?,
    }
    if look(&temp).leaf() != Some(seen) && sys::rename_new(&temp, link).is_ok() {
        return Ok(());
    }
    sides.drop_or_rescue(&temp, name, Some(seen))
}

fn relink(sides: &Sides, target: &Path, name: &Path) -> Result<()> {
    let link = sides.path(Side::Own, name);
    let before = look(&link).leaf().filter(|_| link.is_symlink());
    let temp = free_temporary(&link);
    self::link(target, &temp).and_then(|()| exchange(&temp, &link)).with_context(|| format!("could not link {}", link.display()))?;
    // What stood there is in our hands now, even if a client replaced the link since the look.
    sides.drop_or_rescue(&temp, name, before)
}
