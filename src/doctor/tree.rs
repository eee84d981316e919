//! The profiles' files, and the helpers that keep them in step.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{FIX, Finding, Mend};
use crate::claude_code::{self, CREDENTIALS, STATE};
use crate::context::Context;
use crate::io;
use crate::name::ProfileName;
use crate::profile::{self, Profile};
use crate::session::helper::Introduction;
use crate::session::{Lease, Session};
use crate::sharing::decide::Side;
use crate::sharing::files::{Space, dedup::may_be_linked};
use crate::sharing::{Tree, first_few, links, names};
use crate::sys;

/// After this time without a touch no client takes any of its locks for held: 60 s for the slowest, and some more.
const STALE: Duration = Duration::from_secs(90);

/// The most that is read of a helper's log, in bytes.
const LOG_LIMIT: usize = 4 * 1024 * 1024;

/// A helper that runs.
#[derive(Debug, Serialize)]
pub struct Helper {
    /// The profile.
    pub profile: String,
    /// The process.
    pub pid: u32,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// Returns the helpers that run.
pub fn helpers(context: &Context) -> Vec<Helper> {
    let helper = |name: &ProfileName| {
        let helper = Introduction::read(&Session::new(&context.layout, name))?;
        Some(Helper { profile: name.to_string(), pid: helper.pid, since: helper.since })
    };
    profile::names(&context.layout).iter().filter_map(helper).collect()
}

pub fn examine(context: &Context) -> Vec<Finding> {
    let mut found: Vec<Finding> = opened(context).into_iter().collect();
    if let Ok(hub) = context.config().and_then(|config| context.hub(&config)) {
        found.extend(stale_locks(&hub.directory, &hub.claude_json));
    }
    for name in profile::names(&context.layout) {
        match profile::load(&context.layout, &name) {
            Ok(profile) => found.extend(examine_profile(context, &profile)),
            Err(mistake) => found.push(Finding::of(&mistake, "`claude` refuses where it is bound")),
        }
    }
    found
}

fn examine_profile(context: &Context, profile: &Profile) -> Vec<Finding> {
    let mut found = Vec::new();
    let (name, session) = (&profile.name, Session::new(&context.layout, &profile.name));
    let has_helper = Introduction::read(&session).is_some();
    let holders: Vec<_> = Lease::live(&session).iter().map(ToString::to_string).collect();
    if !holders.is_empty() && !has_helper {
        // What a live one cannot do stands in its troubles; its log is what it ever said.
        let said = last_line(&session.log()).map(|line| format!("; the last it said: {line}")).unwrap_or_default();
        found.push(Finding::problem(
            format!("{name} is in use by {}, and its helper does not run{said}", holders.join(", ")),
            "what is written there is not shared",
            format!("run `clauth stop {name}`, then press Enter in a shell there: that starts another; its log is {}", session.log().display()),
        ));
    }
    for trouble in fs::read_to_string(session.troubles()).unwrap_or_default().lines().filter(|_| has_helper) {
        found.push(Finding::problem(format!("{name}: {trouble}"), "that much is not shared", "mend what it names"));
    }
    found.extend(stale_locks(&profile.config_dir, &profile.config_dir.join(STATE)));
    let Some(tree) = context.config().and_then(|config| context.hub(&config)).ok().map(|hub| Tree::new(context, hub, profile)) else {
        return found;
    };
    let held: Vec<_> = tree.deletions.held().into_iter().flat_map(|(file, keys)| keys.into_iter().map(move |key| format!("{file}: {key}"))).collect();
    if !held.is_empty() {
        let what = format!("{name}: {} vanished at once and stay", first_few(&held));
        let finding = Finding::problem(what, "so many look like a client that lost its file", format!("{FIX}, if they should go"));
        found.push(finding.mended_by(Mend::AcceptDeletions(name.clone())));
    }
    let astray = if has_helper || !profile.config_dir.exists() { Vec::new() } else { links::astray(&tree.sides, &tree.hub).unwrap_or_default() };
    // Those that are kept as links to save disk space are not a problem.
    let has_links = Space::read(&context.layout.copies(name)).is_some_and(|space| space.links.files > 0);
    let second_names = if has_helper { 0 } else { files_with_second_names(&tree, has_links) };
    if second_names > 0 {
        let what = format!("{name}: {} also have a name in ~/.claude, as clauth 0.6 made them", io::counted(second_names, "file"));
        let finding =
            Finding::note(what, "Claude Code skips such files in some of its features; the next shell there gives each a file of its own", FIX);
        found.push(finding.mended_by(Mend::MakeTree(name.clone())));
    }
    if !astray.is_empty() {
        let names: Vec<_> = astray.iter().map(|name| name.to_string_lossy()).collect();
        let finding = Finding::note(format!("{name}: not shared at this moment: {}", names.join(", ")), "the next shell there mends it", FIX);
        found.push(finding.mended_by(Mend::MakeTree(name.clone())));
    }
    found
}

/// Counts the files of a profile that are hard links to those of the hub; without old transcripts if `has_links`.
fn files_with_second_names(tree: &Tree, has_links: bool) -> usize {
    let mut waiting: Vec<PathBuf> = names::MIRRORED.iter().map(PathBuf::from).collect();
    let mut count = 0;
    while let Some(relative) = waiting.pop() {
        for entry in fs::read_dir(tree.sides.path(Side::Own, &relative)).into_iter().flatten().flatten() {
            let inside = relative.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(inside),
                Ok(kind) if kind.is_file() && sys::has_other_names(&entry.path()) && !(has_links && may_be_linked(&inside, &entry.path())) => {
                    count += usize::from(sys::same_file(&entry.path(), &tree.sides.path(Side::Hub, &inside)));
                }
                _ => {}
            }
        }
    }
    count
}

/// Finds what others may look at, of clauth's own.
fn opened(context: &Context) -> Option<Finding> {
    let home = context.layout.home();
    let mut paths = vec![home.to_path_buf(), context.layout.profiles()];
    for name in profile::names(&context.layout) {
        let directory = context.layout.profile(&name);
        paths.extend([context.layout.runtime(&name).join(CREDENTIALS), context.layout.runtime(&name), context.layout.profile_file(&name), directory]);
    }
    let opened: Vec<_> = paths.into_iter().filter(|path| sys::is_private(path).is_ok_and(|is_private| !is_private)).collect();
    let first = opened.first()?;
    let more = if opened.len() > 1 { format!(" (and {} more)", opened.len() - 1) } else { String::new() };
    let finding = Finding::problem(format!("others may look into {}{more}", first.display()), "logins and keys lie there", FIX);
    Some(finding.mended_by(Mend::MakePrivate(opened)))
}

/// Finds what clients left behind that died with a lock. With a `CLAUDE_CONFIG_DIR` that names the default directory, its state lies inside it.
fn stale_locks(config_dir: &Path, state: &Path) -> impl Iterator<Item = Finding> {
    let (inside, beside) = claude_code::refresh_locks(config_dir, &io::resolved(config_dir));
    let states = BTreeSet::from([state.to_path_buf(), config_dir.join(STATE)]);
    let locks = states.into_iter().map(|state| claude_code::lock_of(&state)).chain([inside, claude_code::write_lock(config_dir), beside]);
    locks.filter(is_stale).map(left_behind)
}

fn is_stale(lock: &PathBuf) -> bool {
    let meta = fs::symlink_metadata(lock).ok().filter(fs::Metadata::is_dir);
    let touched = meta.and_then(|meta| meta.modified().ok());
    touched.is_some_and(|touched| SystemTime::now().duration_since(touched).is_ok_and(|age| age > STALE))
}

fn left_behind(lock: PathBuf) -> Finding {
    let finding = Finding::problem(format!("{} was left by a client that is gone", lock.display()), "the next client waits for it", FIX);
    finding.mended_by(Mend::RemoveLock(lock))
}

/// Returns the last line of a log that is not empty.
fn last_line(log: &Path) -> Option<String> {
    let text = io::read_regular(log, LOG_LIMIT).ok()??;
    String::from_utf8_lossy(&text).lines().last().map(|line| line.trim_start_matches("clauth: ").to_owned())
}
