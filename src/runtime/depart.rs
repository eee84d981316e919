//! Emptying a config directory before its profile is removed: what was shared goes to the hub, what was the account's to `rescued/`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::names::{self, Kind};
use super::{Hub, Present, survey};
use crate::sys;

/// The file that holds a login.
const LOGIN: &str = ".credentials.json";

/// Holds what really lies in a config directory, links aside, as paths relative to it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Files of names that profiles share: history, plans, …
    pub shared: Vec<PathBuf>,
    /// Files of the account's own.
    pub private: Vec<PathBuf>,
    /// Whether a login lies there.
    pub has_login: bool,
}

/// Looks at what lies in a config directory; one that was never made is empty.
pub fn inventory(config_dir: &Path) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    if !config_dir.exists() {
        return Ok(inventory);
    }
    for (name, state) in survey(config_dir)? {
        if state != Present::Real {
            continue;
        }
        if name == LOGIN {
            inventory.has_login = true;
            continue;
        }
        let files = match names::kind(&name.to_string_lossy()) {
            Kind::Private => &mut inventory.private,
            Kind::Linked | Kind::Mirrored => &mut inventory.shared,
        };
        collect_files(config_dir, Path::new(&name), files)?;
    }
    Ok(inventory)
}

fn collect_files(base: &Path, relative: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let path = base.join(relative);
    let looking = || format!("could not look at {}", path.display());
    if !fs::symlink_metadata(&path).with_context(looking)?.is_dir() {
        files.push(relative.into());
        return Ok(());
    }
    for entry in fs::read_dir(&path).with_context(looking)? {
        collect_files(base, &relative.join(entry.with_context(looking)?.file_name()), files)?;
    }
    Ok(())
}

/// Moves an inventory out. A file that the hub has already, with other bytes, goes to `rescue` instead; nothing is overwritten or lost.
pub fn depart(config_dir: &Path, inventory: &Inventory, hub: &Hub, rescue: &Path, deletes_login: bool) -> Result<()> {
    for file in &inventory.shared {
        let (from, to) = (config_dir.join(file), hub.directory.join(file));
        if move_to(&from, &to)? {
            continue;
        }
        if is_same(&from, &to) {
            fs::remove_file(&from).with_context(|| format!("could not remove {}", from.display()))?;
        } else {
            move_to(&from, &rescue.join(file))?;
        }
    }
    for file in &inventory.private {
        move_to(&config_dir.join(file), &rescue.join(file))?;
    }
    let login = config_dir.join(LOGIN);
    match (inventory.has_login, deletes_login) {
        (true, true) => fs::remove_file(&login).with_context(|| format!("could not remove {}", login.display())),
        (true, false) => move_to(&login, &rescue.join(LOGIN)).map(drop),
        (false, _) => Ok(()),
    }
}

/// Moves a file; false when something stands at the target, which is then untouched.
fn move_to(from: &Path, to: &Path) -> Result<bool> {
    let moving = || format!("could not move {} to {}", from.display(), to.display());
    if let Some(parent) = to.parent() {
        sys::create_private_dir(parent).with_context(moving)?;
    }
    // A hard link never replaces what is there; a rename would.
    match fs::hard_link(from, to) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(_) => match copy_new(from, to) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            copied => copied.with_context(moving)?,
        },
    }
    fs::remove_file(from).with_context(moving)?;
    Ok(true)
}

/// Copies between file systems, to a name that did not exist.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = sys::open_for_reading(from)?;
    let mut target = sys::create_private_file(to)?;
    let copied = io::copy(&mut source, &mut target).and_then(|_| target.sync_all());
    if copied.is_err() {
        let _ = fs::remove_file(to);
    }
    copied
}

fn is_same(one: &Path, other: &Path) -> bool {
    let read = |path: &Path| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let both_files = [one, other].iter().all(|path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file()));
    both_files && matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}
