//! A hub and profiles whose helpers run: what the tests of the mirror and of the links start from.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

use super::files::{files_below, text, write};
use super::finished::Finished;
use super::patience::came_true;
#[cfg(unix)]
use super::session::is_locked;
use super::{Holder, Sandbox, wait_until};

/// Holds a sandbox with profiles, and for each that is live a process that stands for its shell.
pub(crate) struct Shared {
    holders: RefCell<BTreeMap<String, Holder>>,
    pub(crate) sandbox: Sandbox,
    hub: PathBuf,
    markers: RefCell<u32>,
}

impl Shared {
    /// Makes profiles that nobody uses yet.
    pub(crate) fn new(profiles: &[&str]) -> Self {
        Self::with(Sandbox::new(), profiles)
    }

    /// The same in a sandbox that was prepared.
    pub(crate) fn with(sandbox: Sandbox, profiles: &[&str]) -> Self {
        let hub = sandbox.path("home/.claude");
        Self::with_hub(sandbox, hub, profiles)
    }

    /// The same with a hub elsewhere, which `config.toml` names already.
    pub(crate) fn with_hub(sandbox: Sandbox, hub: PathBuf, profiles: &[&str]) -> Self {
        let shared = Self { holders: RefCell::default(), sandbox, hub, markers: RefCell::default() };
        for profile in profiles {
            shared.sandbox.clauth(&["add", profile]).success();
        }
        shared
    }

    /// Makes profiles that are in use.
    pub(crate) fn live(profiles: &[&str]) -> Self {
        let shared = Self::new(profiles);
        for profile in profiles {
            shared.start(profile);
        }
        shared
    }

    /// Lets a process use a profile, as a shell does at its first prompt.
    pub(crate) fn start(&self, profile: &str) {
        let holder = Holder::start(&self.sandbox);
        assert!(self.holders.borrow_mut().insert(profile.into(), holder).is_none(), "{profile} is in use already");
        self.join(profile);
    }

    /// Evaluates the prompt of a profile's shell: where its helper was killed, that starts another.
    pub(crate) fn join(&self, profile: &str) {
        let directory = self.sandbox.path("bound").join(profile);
        if !directory.exists() {
            self.sandbox.bind(format!("bound/{profile}"), profile);
        }
        let evaluate = || self.holders.borrow()[profile].evaluate(&self.sandbox, &directory).success();
        let mut answer = evaluate();
        // On a busy machine a helper under Wine can take longer than the two seconds that a prompt waits; the next one tries again.
        if cfg!(windows) && answer.stderr().contains("did not start") {
            answer = evaluate();
        }
        assert_eq!(answer.stderr(), "", "{profile}");
        wait_until("one helper runs", || self.helpers(profile).len() == 1);
    }

    /// Ends the process that uses a profile and waits until its helper has retired.
    pub(crate) fn stop(&self, profile: &str) {
        drop(self.holders.borrow_mut().remove(profile).unwrap());
        wait_until("the helper has retired", || self.helpers(profile).is_empty());
    }

    /// Kills the helper of a profile by SIGKILL; its shell lives on.
    #[cfg(unix)]
    pub(crate) fn kill(&self, profile: &str) {
        self.signal(profile, Signal::KILL);
        let lock = self.sandbox.session_of(profile).join("session.lock");
        // A process that is ending has no command line any more, and for a moment still its lock.
        wait_until("the helper is dead", || self.helpers(profile).is_empty() && !is_locked(&lock));
    }

    /// Lets nothing be carried across while `body` runs. What happened before has been: a helper that is stopped between a link and its note of that
    /// would not know that the sides had agreed.
    #[cfg(unix)]
    pub(crate) fn asleep(&self, profiles: &[&str], body: impl FnOnce()) {
        self.settle();
        for profile in profiles {
            self.signal(profile, Signal::STOP);
        }
        body();
        for profile in profiles {
            self.signal(profile, Signal::CONT);
        }
    }

    #[cfg(unix)]
    fn signal(&self, profile: &str, signal: Signal) {
        for id in self.helpers(profile) {
            // The only error possible is that it ended by itself.
            let _ = kill_process(Pid::from_raw(id).unwrap(), signal);
        }
    }

    fn helpers(&self, profile: &str) -> Vec<i32> {
        self.sandbox.processes_named(&format!("clauth helper {profile}"))
    }

    /// Returns the command that runs a profile's helper in the foreground, for one whose shell is there and whose helper was killed.
    pub(crate) fn helper(&self, profile: &str, under: &[&str]) -> Command {
        let words: Vec<&str> = under.iter().copied().chain(["clauth", "helper", profile]).collect();
        let mut command = self.sandbox.command(words[0]);
        command.args(&words[1..]);
        command
    }

    /// Returns a path in the hub.
    pub(crate) fn hub(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.hub.join(relative)
    }

    /// Returns a path in a profile's config directory.
    pub(crate) fn own(&self, profile: &str, relative: impl AsRef<Path>) -> PathBuf {
        self.sandbox.runtime(profile).join(relative)
    }

    /// Returns the places of one path in the profile `work` and in the hub.
    pub(crate) fn both(&self, relative: impl AsRef<Path>) -> [PathBuf; 2] {
        [self.own("work", &relative), self.hub(&relative)]
    }

    /// Returns the places of one path in the profile `work`, in the hub and in the profile `play`.
    pub(crate) fn places(&self, relative: impl AsRef<Path>) -> [PathBuf; 3] {
        [self.own("work", &relative), self.hub(&relative), self.own("play", &relative)]
    }

    /// Returns a profile's directory.
    pub(crate) fn profile(&self, profile: &str) -> PathBuf {
        self.sandbox.path("home/.clauth/profiles").join(profile)
    }

    /// Returns what was rescued, as the path below the time and the text.
    pub(crate) fn rescued(&self, profile: &str) -> Vec<(PathBuf, String)> {
        let root = self.sandbox.path("home/.clauth/rescued").join(profile);
        let times = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
        let files = times.flat_map(|time| files_below(&time).into_iter().map(move |file| (time.clone(), file)));
        files.map(|(time, file)| (file.strip_prefix(time).unwrap().into(), text(&file).unwrap_or_default())).collect()
    }

    /// Waits until what happened so far has been carried into and out of every profile in use.
    pub(crate) fn settle(&self) {
        let profiles: Vec<String> = self.holders.borrow().keys().cloned().collect();
        for from in &profiles {
            *self.markers.borrow_mut() += 1;
            // Of one batch of events, paths are worked on in their order: these names are behind all others. Logs have a queue of their own.
            for marker in ["tasks/~~marker", "projects/~~markers/marker"] {
                let marker = PathBuf::from(format!("{marker}-{}", self.markers.borrow()));
                write(&self.own(from, &marker), "");
                let has_arrived = |to: &String| self.own(to, &marker).exists();
                wait_until("the marker is in every profile", || self.hub(&marker).exists() && profiles.iter().all(has_arrived));
            }
        }
    }

    /// Asserts that nothing is left under a name that clauth uses for what is not finished; what a helper is just at is waited for.
    pub(crate) fn assert_all_finished(&self) {
        let roots = [self.hub.clone(), self.sandbox.path("home/.clauth/profiles")];
        let mut left = Vec::new();
        let is_finished = came_true(|| {
            left = roots.iter().flat_map(|root| files_below(root)).filter(|file| file.to_string_lossy().ends_with(".tmp")).collect();
            left.is_empty()
        });
        assert!(is_finished, "{left:?}");
    }

    /// Returns `clauth status` of a directory that is bound to the profile.
    pub(crate) fn status(&self, profile: &str) -> String {
        let status = self.sandbox.clauth_in(self.sandbox.path("bound").join(profile), &["status"]);
        format!("{}{}", status.stdout(), status.stderr())
    }

    /// Returns everything that a profile's helper logged.
    pub(crate) fn log(&self, profile: &str) -> String {
        let run = self.sandbox.path("home/.clauth/run");
        let logs = files_below(&run).into_iter().filter(|file| file.ends_with(format!("{profile}/helper.log")));
        logs.filter_map(|file| text(&file)).collect()
    }

    /// Runs `clauth` with a consent.
    pub(crate) fn remove(&self, profile: &str) -> Finished {
        self.sandbox.clauth(&["remove", profile, "--yes"])
    }
}

/// Stands for a client that runs in a profile, as it says itself in `sessions/`.
pub(crate) struct Client(Holder);

impl Client {
    pub(crate) fn start(shared: &Shared, profile: &str) -> Self {
        let client = Self(Holder::start(&shared.sandbox));
        write(&shared.own(profile, format!("sessions/{}.json", client.id())), "{}");
        client
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.pid()
    }
}
