//! A profile's config directory: its own login and identity, and links to what all profiles share.
//!
//! The shared side, the hub, is the user's `~/.claude`. Every link goes in one hop to a fully resolved target there: Claude Code writes
//! through one hop and replaces the middle link of two.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config::Config;
use crate::env::Env;
use crate::error::Mistake;
use crate::io;
use crate::sync::claude_json;
use crate::sys;

mod apply;
pub mod depart;
pub mod names;
mod plan;

pub use plan::Present;

/// Names the config directory that all profiles share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The directory, fully resolved.
    pub directory: PathBuf,
    /// Its `.claude.json`, which lies beside the default directory and inside a chosen one.
    pub claude_json: PathBuf,
}

impl Hub {
    /// Finds the hub; it must exist, since clauth cannot tell a missing one from one that was moved.
    pub fn locate(config: &Config, env: &Env) -> Result<Self, Mistake> {
        let (spelled, claude_json) = match &config.claude_home {
            Some(home) => (home.get_ref().clone(), home.get_ref().join(".claude.json")),
            None => (env.home_dir()?.join(".claude"), env.home_dir()?.join(".claude.json")),
        };
        match spelled.canonicalize() {
            Ok(directory) if directory.is_dir() => Ok(Self { directory, claude_json }),
            _ => Err(Mistake::NoClaudeHome { path: spelled.display().to_string() }),
        }
    }
}

/// Makes or mends a profile's config directory. Nothing real in it is replaced or removed, and no link in it dangles at any moment.
pub fn prepare(config_dir: &Path, hub: &Hub) -> Result<()> {
    io::create_dir(config_dir)?;
    apply::make_targets(hub);
    let wanted = plan::wanted(&survey_hub(hub)?);
    let present = survey(config_dir)?;
    for step in plan::plan(&wanted, &present, &hub.directory) {
        apply::step(config_dir, &step)?;
    }
    seed_claude_json(config_dir, hub)
}

/// Returns what stands in a config directory, by name.
pub fn survey(config_dir: &Path) -> Result<BTreeMap<OsString, Present>> {
    let listing = || format!("could not list {}", config_dir.display());
    let mut present = BTreeMap::new();
    for entry in fs::read_dir(config_dir).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        let state = match fs::read_link(entry.path()) {
            Ok(target) => Present::Link { dangles: !entry.path().exists(), target },
            Err(_) => Present::Real,
        };
        present.insert(entry.file_name(), state);
    }
    Ok(present)
}

/// Returns the hub's entries and what each resolves to; what resolves to nothing, or to neither a file nor a directory, is left out.
fn survey_hub(hub: &Hub) -> Result<BTreeMap<OsString, PathBuf>> {
    let entries = fs::read_dir(&hub.directory).with_context(|| format!("could not list {}", hub.directory.display()))?;
    let resolved = entries.flatten().filter_map(|entry| Some((entry.file_name(), resolve(&entry)?)));
    Ok(resolved.collect())
}

fn resolve(entry: &fs::DirEntry) -> Option<PathBuf> {
    let kind = entry.file_type().ok()?;
    // The hub is resolved already, so only a link of its own (stow, Nix) needs the walk.
    let target = if kind.is_symlink() { entry.path().canonicalize().ok()? } else { entry.path() };
    let kind = if kind.is_symlink() { fs::metadata(&target).ok()?.file_type() } else { kind };
    (kind.is_file() || kind.is_dir()).then_some(target)
}

fn seed_claude_json(config_dir: &Path, hub: &Hub) -> Result<()> {
    let own = config_dir.join(".claude.json");
    if fs::symlink_metadata(&own).is_ok() {
        return Ok(());
    }
    let Ok(text) = fs::read(&hub.claude_json) else { return Ok(()) };
    match claude_json::seed(&text) {
        Some(seed) => io::write(&own, seed.as_bytes()),
        None => Ok(()),
    }
}

/// Returns the live Claude Code processes that run in a config directory, by the files they keep there.
pub fn live_clients(config_dir: &Path) -> Vec<u32> {
    let entries = match fs::read_dir(config_dir.join("sessions")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(_) => return Vec::new(),
    };
    let pids = entries.flatten().filter_map(|entry| entry.path().file_stem()?.to_str()?.parse().ok());
    pids.filter(|pid| sys::start_time(*pid).is_some()).collect()
}
