//! Three sides of one history, the hub and two profiles, and what must be true of them whatever carries files between them: no word about links or copies.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::{files_below, text};
use super::finished::Finished;
use super::patience::came_true;
use super::session::{Holder, is_locked};
use super::{Sandbox, system, wait_until};

/// Holds a sandbox, its profiles, and for each that is in use the process that uses it.
pub(crate) struct Sides {
    holders: RefCell<BTreeMap<String, Holder>>,
    pub(crate) sandbox: Sandbox,
}

impl Sides {
    /// Makes profiles that nobody uses yet.
    pub(crate) fn new(profiles: &[&str]) -> Self {
        Self::with(Sandbox::new(), profiles)
    }

    /// Makes profiles in a sandbox that was prepared.
    pub(crate) fn with(sandbox: Sandbox, profiles: &[&str]) -> Self {
        let sides = Self { holders: RefCell::default(), sandbox };
        for profile in profiles {
            sides.add(profile);
        }
        sides
    }

    /// Makes profiles that are in use.
    pub(crate) fn live(profiles: &[&str]) -> Self {
        let sides = Self::new(profiles);
        for profile in profiles {
            sides.start(profile);
        }
        sides
    }

    /// Makes a profile and a directory that is bound to it.
    pub(crate) fn add(&self, profile: &str) {
        self.sandbox.clauth(&["add", profile]).success();
        let directory = self.sandbox.mkdir(self.bound(profile));
        self.sandbox.clauth_in(directory, &["use", profile]).success();
    }

    fn bound(&self, profile: &str) -> PathBuf {
        self.sandbox.path("bound").join(profile)
    }

    /// Lets a process use a profile, as a shell does at its first prompt.
    pub(crate) fn start(&self, profile: &str) {
        let holder = Holder::start(&self.sandbox);
        assert!(self.holders.borrow_mut().insert(profile.into(), holder).is_none(), "{profile} is in use already");
        self.prompt(profile);
    }

    /// Lets a process use a profile that `command` starts: one in a namespace of its own, or under strace.
    pub(crate) fn start_by(&self, profile: &str, command: Command) {
        self.holders.borrow_mut().insert(profile.into(), Holder::of(command));
        wait_until("a helper runs", || self.helper(profile).is_some());
    }

    /// Evaluates the prompt of the process that uses a profile, and returns what was said; where its helper died, another starts.
    pub(crate) fn prompt(&self, profile: &str) -> Finished {
        let answer = self.holders.borrow()[profile].evaluate(&self.sandbox, &self.bound(profile)).success();
        wait_until("a helper runs", || self.helper(profile).is_some());
        answer
    }

    /// Ends the process that uses a profile, and waits for nothing.
    pub(crate) fn leave(&self, profile: &str) {
        drop(self.holders.borrow_mut().remove(profile));
    }

    /// Ends the process that uses a profile and waits until its helper has retired.
    pub(crate) fn stop(&self, profile: &str) {
        self.leave(profile);
        wait_until("the helper has retired", || self.helper(profile).is_none());
    }

    /// Kills the helper of a profile by SIGKILL; the process that uses the profile lives on.
    pub(crate) fn kill(&self, profile: &str) {
        let lock = self.sandbox.session_of(profile).join("session.lock");
        if let Some(helper) = self.helper(profile) {
            system::kill(helper.cast_unsigned());
        }
        wait_until("the helper is dead", || self.helper(profile).is_none() && !is_locked(&lock));
    }

    /// Returns the process id of a profile's helper.
    pub(crate) fn helper(&self, profile: &str) -> Option<i32> {
        let words = format!("helper {profile}");
        let is_helper = |line: &str| line.ends_with(&words) && !line.contains("strace");
        self.sandbox.processes().into_iter().find(|process| is_helper(&process.command_line)).map(|process| process.id)
    }

    /// Returns a path in the hub.
    pub(crate) fn hub(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.sandbox.path("home/.claude").join(relative)
    }

    /// Returns a path in a profile's config directory.
    pub(crate) fn own(&self, profile: &str, relative: impl AsRef<Path>) -> PathBuf {
        self.sandbox.runtime(profile).join(relative)
    }

    /// Returns the places of one path in the hub and in the profiles `work` and `play`.
    pub(crate) fn places(&self, relative: impl AsRef<Path>) -> [PathBuf; 3] {
        [self.hub(&relative), self.own("work", &relative), self.own("play", &relative)]
    }

    /// Returns the places of one path in the hub and in the profile `work`.
    pub(crate) fn both(&self, relative: impl AsRef<Path>) -> [PathBuf; 2] {
        [self.hub(&relative), self.own("work", &relative)]
    }

    /// Returns every file that was rescued, with its text.
    pub(crate) fn rescued(&self) -> Vec<(PathBuf, String)> {
        let files = files_below(&self.sandbox.path("home/.clauth/rescued"));
        files.into_iter().filter_map(|file| text(&file).map(|text| (file, text))).collect()
    }

    /// Returns what `clauth status` says in a directory that is bound to the profile.
    pub(crate) fn status(&self, profile: &str) -> String {
        let status = self.sandbox.clauth_in(self.bound(profile), &["status"]);
        format!("{}{}", status.stdout(), status.stderr())
    }

    /// Returns what the helpers of a profile logged.
    pub(crate) fn log(&self, profile: &str) -> String {
        let logs = files_below(&self.sandbox.path("home/.clauth/run")).into_iter();
        logs.filter(|file| file.ends_with(format!("{profile}/helper.log"))).filter_map(|file| text(&file)).collect()
    }

    /// Lets a file go from a profile to the hub, so that its helper has seen all that happened before; `name` is one that was never used.
    pub(crate) fn pass(&self, profile: &str, name: &str) {
        let relative = format!("tasks/~~{name}.json");
        super::files::write(&self.own(profile, &relative), name);
        wait_for_same(&[self.hub(&relative), self.own(profile, &relative)], name);
    }
}

/// Waits until all places have a file with this text.
#[track_caller]
pub(crate) fn wait_for_same(places: &[PathBuf], expected: &str) {
    let is_so = || places.iter().all(|place| text(place).as_deref() == Some(expected));
    let found = || places.iter().map(|place| (place, text(place))).collect::<Vec<_>>();
    assert!(came_true(is_so), "not all of these say {expected:?}: {:#?}", found());
}

/// Returns how often a process went to sleep by itself, and so was woken.
pub(crate) fn wakes(process: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

/// Waits until a second passes in which a process is woken at most so often; a step that failed may be tried again, ever more seldom.
#[track_caller]
pub(crate) fn wait_for_calm(what: &str, process: i32, most: u64) {
    let mut last = 0;
    let is_calm = came_true(|| {
        let before = wakes(process);
        std::thread::sleep(std::time::Duration::from_secs(1));
        last = wakes(process) - before;
        last <= most
    });
    assert!(is_calm, "{what}: woken {last} times in the last second");
}

/// Returns the milliseconds of processor time that a process has had.
pub(crate) fn processor_time(process: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap();
    text.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_000_000
}
