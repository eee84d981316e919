//! What must be so in a quiet moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::locks;
use crate::support::files::{age, files_below};
use crate::support::patience::came_true;
use crate::support::processes::Process;
use crate::support::session::is_locked;
use crate::support::system::is_running;
use crate::support::wait_until;

use super::crowd::{Bash, Storm};

/// Asserts that each shell has the account of its directory, and each session what belongs to it; returns the kilobytes of the largest helper.
pub(super) fn all_is_well(storm: &Storm, shells: &[&mut Bash], round: usize) -> usize {
    let mut users: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut known: BTreeMap<&Path, String> = BTreeMap::new();
    for shell in shells {
        let wanted = known.entry(&shell.directory).or_insert_with(|| wanted(storm, &shell.directory));
        assert_eq!(&shell.config_dir, wanted, "round {round}: {} has the wrong account in {}", shell.pid(), shell.directory.display());
        if let Some(profile) = storm.profiles.iter().find(|profile| Path::new(&shell.config_dir) == storm.sandbox.runtime(profile)) {
            users.entry(profile).or_default().insert(shell.pid());
        }
    }
    assert!(users.len() > 1 && known.len() > storm.profiles.len(), "round {round}: the shells stand together: {users:?}");
    let mut most = 0;
    for profile in &storm.profiles {
        let expected = users.remove(profile.as_str()).unwrap_or_default();
        let session = session(storm, profile);
        let mut found = BTreeSet::new();
        let is_even = came_true(|| {
            found = leases(&session);
            if expected.is_empty() {
                // The last shell can end after its helper was killed: then the next session removes its lease.
                found.retain(|pid| is_running(*pid));
            }
            found == expected
        });
        assert!(is_even, "round {round}: {profile} has the leases {found:?} and the shells {expected:?}");
        let name = format!("helper {profile}");
        let mut helpers = Vec::new();
        let is_served = came_true(|| {
            helpers = storm.sandbox.processes();
            helpers.retain(|process| process.command_line.ends_with(&name)); // `p1` is the beginning of `p10`
            helpers.len() == usize::from(!expected.is_empty())
        });
        assert!(is_served, "round {round}: {profile} has {} shells and the helpers {helpers:?}", expected.len());
        assert_eq!(is_locked(&session.join("session.lock")), !expected.is_empty(), "round {round}: {profile}");
        wait_until("the gate is open", || !is_locked(&session.join("gate.lock")));
        for Process { id: helper, .. } in helpers {
            let descriptors = || fs::read_dir(format!("/proc/{helper}/fd")).map_or(0, Iterator::count);
            // Three standard ones, the lock, epoll and two of inotify; and one for each shell.
            let is_tidy = came_true(|| descriptors() == 7 + expected.len());
            assert!(is_tidy, "round {round}: the helper of {profile} has {} descriptors for {} shells", descriptors(), expected.len());
            most = most.max(anonymous_memory(helper));
        }
    }
    let errors = storm.sandbox.read("errors");
    assert!(!errors.contains("panicked"), "round {round}: {errors}");
    logins_are_whole(storm, round);
    history_is_whole(storm, round);
    most
}

/// Asserts that no lease, lock or temporary file is left when all shells are gone.
pub(super) fn nothing_is_left(storm: &Storm) {
    // Locks of the client's kind that a killed process left are for whoever comes a minute later.
    for lock in locks(&storm.sandbox) {
        age(&lock, 120);
    }
    for (profile, directory) in storm.profiles.iter().zip(&storm.directories) {
        storm.sandbox.clauth(&["exec", profile, "--", "true"]).success();
        // What a killed command left goes with the next one of its kind.
        storm.sandbox.clauth_in(directory, &["use", profile]).success();
    }
    for directory in &storm.directories {
        fs::write(directory.join(".clauth.toml"), "profile = \"p0\"\n").unwrap();
        storm.sandbox.clauth_in(directory, &["use", "p0"]).success();
        storm.sandbox.clauth_in(directory, &["deny"]).success();
    }
    storm.sandbox.assert_no_helpers_left();
    for profile in &storm.profiles {
        let session = session(storm, profile);
        assert_eq!(leases(&session), BTreeSet::new(), "{profile}");
        for lock in ["session.lock", "gate.lock"] {
            assert!(!is_locked(&session.join(lock)), "{profile}: {lock}");
        }
    }
    let left: Vec<_> = files_below(&storm.sandbox.home()).into_iter().filter(|file| file.to_string_lossy().ends_with(".tmp")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
    for line in storm.lines.lock().unwrap().iter() {
        let shared = storm.sandbox.path("home/.claude/projects/-storm").join(format!("{line}.jsonl"));
        assert_eq!(fs::read_to_string(&shared).unwrap_or_else(|error| panic!("{}: {error}", shared.display())), format!("{line}\n"));
    }
    assert_eq!(locks(&storm.sandbox), Vec::<PathBuf>::new());
}

/// Returns the config directory that a shell must have in a directory, by what `clauth status` says.
fn wanted(storm: &Storm, directory: &Path) -> String {
    match storm.sandbox.applies(directory).as_str() {
        "none" => String::new(),
        "refused" => storm.sandbox.path("home/.clauth/refused/run-clauth-status").to_str().unwrap().to_owned(),
        profile => storm.sandbox.runtime(profile).to_str().unwrap().to_owned(),
    }
}

/// Every login is in one place: its profile, or what was rescued of it.
fn logins_are_whole(storm: &Storm, round: usize) {
    let files = files_below(&storm.sandbox.path("home/.clauth"));
    let texts: Vec<_> = files.iter().filter(|file| file.ends_with(".credentials.json") || file.to_string_lossy().contains("rescued")).collect();
    let texts: Vec<_> = texts.into_iter().map(|file| (file, fs::read_to_string(file).unwrap_or_default())).collect();
    for login in storm.logins.lock().unwrap().iter() {
        let found: Vec<_> = texts.iter().filter(|(_, text)| text.contains(login)).map(|(file, _)| file).collect();
        assert_eq!(found.len(), 1, "round {round}: {login} is in {found:?}");
        let profile = login.split('-').nth(1).unwrap();
        assert!(found[0].iter().any(|part| part == profile), "round {round}: {login} is in {found:?}");
    }
}

/// Every line is in the hub, or rescued; or still in a profile that nobody uses, whose helper was killed.
fn history_is_whole(storm: &Storm, round: usize) {
    let lines = storm.lines.lock().unwrap();
    let roots = ["home/.claude/projects", "home/.clauth/rescued", "home/.clauth/profiles"].map(|root| storm.sandbox.path(root));
    let mut missing = Vec::new();
    let is_whole = came_true(|| {
        let found: BTreeSet<_> =
            roots.iter().flat_map(|root| files_below(root)).filter_map(|file| Some(fs::read_to_string(file).ok()?.trim_end().to_owned())).collect();
        missing = lines.iter().filter(|line| !found.contains(*line)).collect();
        missing.is_empty()
    });
    assert!(is_whole, "round {round}: of {} lines these are lost: {missing:?}", lines.len());
}

fn session(storm: &Storm, profile: &str) -> PathBuf {
    let mut boots = fs::read_dir(storm.sandbox.path("home/.clauth/run")).into_iter().flatten().flatten();
    boots.next().map(|boot| boot.path().join(profile)).unwrap_or_default()
}

fn leases(session: &Path) -> BTreeSet<u32> {
    let entries = fs::read_dir(session.join("leases")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn anonymous_memory(pid: i32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
