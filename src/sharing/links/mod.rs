//! A profile's config directory: its own login and identity, and links to what all profiles share.
//!
//! The shared side, the hub, is the user's `~/.claude`. Every link goes in one hop to a fully resolved target there: Claude Code writes
//! through one hop and replaces the middle link of two.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::account::old_state;
use crate::claude_code::{self, STATE};
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io;
use crate::sys;

use self::plan::{Step, Wanted};
use super::decide::Side;
use super::files::Sides;
use super::files::removals::QUIET;
use super::json::claude_json;
use super::link_mode::LinkMode;
use super::names::{self, Kind};

pub mod adopt;
mod apply;
mod plan;

pub use plan::Present;

/// Whether somebody may look at a config directory while it is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A session begins: what links need a target for is made in the hub.
    Beginning,
    /// Shells or clients use it: no name may be missing for a moment, and nothing is made under a name that the hub has lost.
    Live,
    /// Nobody does.
    Quiet,
}

/// Makes or mends a profile's config directory. No link in it dangles at any moment, and what is real in it is never lost: it goes to the hub, or, where
/// the hub has something newer, to `rescued/`.
///
/// Returns what could not be done; the rest was. The settings are not touched here: each profile has its own copy.
pub fn prepare(sides: &Sides, hub: &Hub, use_: Use) -> Result<Vec<anyhow::Error>> {
    let config_dir = sides.root(Side::Own);
    if !hub.directory.is_dir() {
        return Err(Mistake::NoClaudeHome { path: hub.directory.display().to_string() }.into()); // moved away, it must not be made anew
    }
    io::create_dir(config_dir)?;
    make_token(config_dir)?;
    let mut troubles = take_up_unfinished(sides, &survey_hub(hub)?);
    if use_ == Use::Beginning {
        apply::make_targets(sides, hub);
    }
    let is_settling = use_ == Use::Live && is_settling(hub);
    let steps = steps(sides, hub)?;
    // A mirrored directory that vanished is the mirror's to decide about, once there is one.
    let waits = |step: &Step| step.is_about_a_hole() && (is_settling || (use_ == Use::Live && matches!(step, Step::Directory(_))));
    let steps = steps.iter().filter(|step| !waits(step));
    troubles.extend(steps.filter_map(|step| apply::step(sides, step, use_).err()));
    if use_ != Use::Live {
        troubles.extend(take_up_old_state(sides).err());
    }
    troubles.extend(seed_claude_json(config_dir, hub).err());
    Ok(troubles)
}

/// Whether a name came to or left the hub a moment ago: perhaps another will follow in its place. Many programs (git, for one) replace a file by removing
/// it first.
pub fn is_settling(hub: &Hub) -> bool {
    let changed = fs::metadata(&hub.directory).and_then(|meta| meta.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age < QUIET))
}

/// Whether anything in the hub was made or written a moment ago, at any depth: somebody may be copying it to its place.
pub fn is_being_filled(hub: &Hub) -> bool {
    let is_new =
        |meta: &fs::Metadata| [meta.created(), meta.modified()].into_iter().flatten().any(|time| time.elapsed().map_or(true, |age| age < QUIET));
    if fs::metadata(&hub.directory).is_ok_and(|meta| is_new(&meta)) {
        return true;
    }
    let mut waiting = vec![hub.directory.clone()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if is_new(&meta) {
                return true;
            }
            if meta.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    false
}

/// Marks a config directory, so that another one that stands in its place later is not taken for it.
fn make_token(config_dir: &Path) -> Result<()> {
    let token = config_dir.join(names::TOKEN);
    if fs::symlink_metadata(&token).is_ok() {
        return Ok(());
    }
    let number = RandomState::new().build_hasher().finish();
    io::write(&token, format!("{number:016x}\n").as_bytes())
}

/// Returns the names in a config directory that are not what a session makes of them, as the next one will find them.
pub fn astray(sides: &Sides, hub: &Hub) -> Result<Vec<OsString>> {
    Ok(steps(sides, hub)?.iter().filter(|step| step.is_mending()).map(|step| step.name().to_owned()).collect())
}

fn steps(sides: &Sides, hub: &Hub) -> Result<Vec<Step>> {
    let config_dir = sides.root(Side::Own);
    let mut wanted = plan::wanted(&survey_hub(hub)?);
    let mut present = survey(config_dir)?;
    resolve_links(config_dir, hub, &mut present);
    if sides.mode != LinkMode::Symlink {
        without_file_links(sides.mode, &mut wanted, &mut present);
    }
    Ok(plan::plan(&wanted, &present, &hub.directory))
}

/// Leaves out what the mirror carries: files, and the directories that are no links in this mode. A link of an earlier mode becomes a real directory.
fn without_file_links(mode: LinkMode, wanted: &mut Vec<(OsString, Wanted)>, present: &mut BTreeMap<OsString, Present>) {
    for (name, wanted) in wanted.iter_mut() {
        let was_link = matches!(present.get(name), Some(Present::Link { .. }));
        if matches!(wanted, Wanted::Link(target) if target.is_dir()) && was_link && !mode.links_directories() {
            *wanted = Wanted::Directory;
        }
    }
    wanted.retain(|(_, wanted)| match wanted {
        Wanted::Link(target) => mode.links_directories() && target.is_dir(),
        Wanted::Directory => true,
    });
    let is_directory = |state: &Present| matches!(state, Present::Directory | Present::Link { dangles: true, .. });
    present.retain(|name, state| wanted.iter().any(|(wanted, _)| wanted == name) || mode.links_directories() && is_directory(state));
}

/// Whether some of what could not be done is a link that cannot be made here at all.
pub fn lacks_links(troubles: &[anyhow::Error]) -> bool {
    let is_unsupported = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::Unsupported)
    };
    troubles.iter().any(|trouble| trouble.chain().any(is_unsupported))
}

/// Spells links into the hub as the hub is spelled: whoever made one may have had a HOME that is itself a link. What is linked is made anew anyhow.
fn resolve_links(config_dir: &Path, hub: &Hub, present: &mut BTreeMap<OsString, Present>) {
    for (name, state) in present.iter_mut().filter(|(name, _)| !matches!(names::kind(&name.to_string_lossy()), Kind::Linked | Kind::Unknown)) {
        if let Present::Link { target, dangles: false } = state
            && let Ok(resolved) = sys::physical(&config_dir.join(name))
            && resolved.starts_with(&hub.directory)
        {
            *target = resolved;
        }
    }
}

/// Takes up what a process that was killed left in the directories where links and their targets are made.
fn take_up_unfinished(sides: &Sides, shared: &BTreeMap<OsString, PathBuf>) -> Vec<anyhow::Error> {
    let mut directories = BTreeSet::from([sides.path(Side::Own, Path::new("")), sides.path(Side::Hub, Path::new(""))]);
    directories.extend(shared.values().filter_map(|target| Some(target.parent()?.to_path_buf())));
    directories.iter().flat_map(|directory| sides.take_up_in(directory)).collect()
}

/// Returns what stands in a config directory, by name.
pub fn survey(config_dir: &Path) -> Result<BTreeMap<OsString, Present>> {
    let listing = || format!("could not list {}", config_dir.display());
    let mut present = BTreeMap::new();
    for entry in fs::read_dir(config_dir).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        let state = match fs::read_link(entry.path()) {
            Ok(target) => Present::Link { dangles: !entry.path().exists(), target: sys::paths::plain(&target) },
            Err(_) => match entry.file_type().with_context(listing)? {
                kind if kind.is_file() => Present::File,
                kind if kind.is_dir() => Present::Directory,
                _ => Present::Other,
            },
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
    let target = if kind.is_symlink() { sys::physical(&entry.path()).ok()? } else { entry.path() };
    let kind = if kind.is_symlink() { fs::metadata(&target).ok()?.file_type() } else { kind };
    (kind.is_file() || kind.is_dir()).then_some(target)
}

/// Makes what the client would take for the state, as in an old installation, the profile's `.claude.json`: a client of before the change-over has left it.
fn take_up_old_state(sides: &Sides) -> Result<()> {
    let config_dir = sides.root(Side::Own);
    let Some(old) = old_state(config_dir).filter(|old| !old.is_symlink()) else { return Ok(()) };
    let state = config_dir.join(STATE);
    if fs::symlink_metadata(&state).is_ok() {
        sides.rescue(&state, Path::new(STATE))?;
    }
    io::relocate(&old, &state).map(drop)
}

/// Gives a config directory that has no `.claude.json` the shared part of the hub's.
pub fn seed_claude_json(config_dir: &Path, hub: &Hub) -> Result<()> {
    let own = config_dir.join(STATE);
    if fs::symlink_metadata(&own).is_ok() {
        return Ok(());
    }
    let Ok(Some(text)) = io::read_regular(&hub.claude_json, claude_code::LIMIT) else { return Ok(()) };
    let Some(seed) = claude_json::seed(&text) else { return Ok(()) };
    // Never over a file that a client makes at this moment: that one has a login in it.
    let temp = io::temporary(&own);
    io::write(&temp, &seed)?;
    if !io::relocate(&temp, &own)? {
        let _ = sys::remove_file(&temp);
    }
    Ok(())
}
