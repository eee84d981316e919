//! Emptying a config directory before its profile is removed: what was shared goes to the hub, what was the account's to `rescued/`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::links::{Present, survey};
use super::names::{self, Kind};
use crate::claude_code::CREDENTIALS;
use crate::hub::Hub;
use crate::{io, sys};

/// What was typed at prompts, a line each: two of them are merged.
pub const HISTORY: &str = "history.jsonl";

/// The most that is merged of it, in bytes; a larger one is kept beside.
const HISTORY_LIMIT: usize = 256 * 1024 * 1024;

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
        if name == CREDENTIALS {
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
    share(config_dir, &inventory.shared, hub, rescue)?;
    for file in &inventory.private {
        io::keep(&config_dir.join(file), &rescue.join(file))?;
    }
    let login = config_dir.join(CREDENTIALS);
    match (inventory.has_login, deletes_login) {
        (true, true) => sys::remove_file(&login).with_context(|| format!("could not remove {}", login.display())),
        (true, false) => io::keep(&login, &rescue.join(CREDENTIALS)),
        (false, _) => Ok(()),
    }
}

/// Moves files to the hub. What cannot stand there, because the hub has something else, goes to `rescue` and is returned.
pub fn share(config_dir: &Path, files: &[PathBuf], hub: &Hub, rescue: &Path) -> Result<Vec<PathBuf>> {
    let mut rescued = Vec::new();
    for file in files {
        let (from, to) = (config_dir.join(file), hub.directory.join(file));
        if io::is_same_content(&from, &to) || (file == Path::new(HISTORY) && append(&from, &to)?) {
            fs::remove_file(&from).with_context(|| format!("could not remove {}", from.display()))?;
        } else if !io::relocate(&from, &to).unwrap_or(false) {
            io::keep(&from, &rescue.join(file))?;
            rescued.push(file.clone());
        }
    }
    Ok(rescued)
}

/// Appends the lines that a log lacks, at once, as those do who write to it at this moment; again, it appends nothing. False where either is no log.
fn append(from: &Path, to: &Path) -> Result<bool> {
    let appending = || format!("could not write {}", to.display());
    let (Ok(Some(own)), Ok(Some(theirs))) = (io::read_regular(from, HISTORY_LIMIT), io::read_regular(to, HISTORY_LIMIT)) else { return Ok(false) };
    let lines = |text: &'_ [u8]| text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let known: HashSet<_> = lines(&theirs).into_iter().collect();
    let mut missing = Vec::new();
    for line in lines(&own).into_iter().filter(|line| !known.contains(line)) {
        missing.extend(line);
        missing.push(b'\n');
    }
    if theirs.last().is_some_and(|last| *last != b'\n') {
        missing.insert(0, b'\n');
    }
    let mut log = File::options().append(true).open(to).with_context(appending)?;
    log.write_all(&missing).and_then(|()| log.sync_all()).with_context(appending)?;
    Ok(true)
}
