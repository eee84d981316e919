//! Doing what the plan says.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};

use super::Hub;
use super::names::{MADE_DIRECTORIES, MADE_FILES};
use super::plan::Step;
use crate::sys;

/// Makes what links need a target for. A hub that cannot be written keeps what it has, and what it lacks stays in the profile.
pub fn make_targets(hub: &Hub) {
    for (name, text) in MADE_FILES {
        let path = hub.directory.join(name);
        if fs::symlink_metadata(&path).is_err() {
            let _ = sys::create_private_file(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        }
    }
    for name in MADE_DIRECTORIES {
        let path = hub.directory.join(name);
        if fs::symlink_metadata(&path).is_err() {
            let _ = sys::create_private_dir(&path);
        }
    }
}

/// Does one step in a config directory.
pub fn step(config_dir: &Path, step: &Step) -> Result<()> {
    let (verb, name) = match step {
        Step::Link(name, _) | Step::Relink(name, _) => ("link", name),
        Step::Directory(name) => ("create", name),
        Step::Unlink(name) => ("remove", name),
    };
    let path = config_dir.join(name);
    let done = match step {
        Step::Link(_, target) => keep_existing(sys::symlink(target, &path)),
        Step::Relink(_, target) => relink(target, &path),
        Step::Directory(_) => keep_existing(sys::create_private_dir(&path)),
        Step::Unlink(_) => fs::remove_file(&path),
    };
    done.with_context(|| format!("could not {verb} {}", path.display()))
}

/// A running client can make the entry between the look and the step; then it is the client's.
fn keep_existing(made: io::Result<()>) -> io::Result<()> {
    made.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}

fn relink(target: &Path, link: &Path) -> io::Result<()> {
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let temp = link.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    sys::symlink(target, &temp)?;
    fs::rename(&temp, link)
}
