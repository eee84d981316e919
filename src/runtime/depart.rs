//! Emptying a config directory before its profile is removed: what was shared goes to the hub, what was the account's to `rescued/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::names::{self, Kind};
use super::{Hub, Present, survey};
use crate::{io, sys};

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
        if matches!(state, Present::Link { .. }) {
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

/// Lists the files at and below a path, relative to `base`.
pub fn collect_files(base: &Path, relative: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
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
        if io::is_same_content(&from, &to) {
            sys::remove_file(&from).with_context(|| format!("could not remove {}", from.display()))?;
        } else if !io::relocate(&from, &to)? {
            io::keep(&from, &rescue.join(file))?;
        }
    }
    for file in &inventory.private {
        io::keep(&config_dir.join(file), &rescue.join(file))?;
    }
    let login = config_dir.join(LOGIN);
    match (inventory.has_login, deletes_login) {
        (true, true) => sys::remove_file(&login).with_context(|| format!("could not remove {}", login.display())),
        (true, false) => io::keep(&login, &rescue.join(LOGIN)),
        (false, _) => Ok(()),
    }
}
