//! A hub and profiles whose helpers run: what the tests of the mirror and of the links start from.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

use super::finished::Finished;
use super::patience::came_true;
#[cfg(unix)]
use super::session::is_locked;
use super::{Holder, Sandbox, system, wait_until};

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
            // Of one batch of events, paths are worked on in their order: this name is behind all others.
            let marker = PathBuf::from(format!("tasks/~~marker-{}", self.markers.borrow()));
            write(&self.own(from, &marker), "");
            let has_arrived = |to: &String| self.own(to, &marker).exists();
            wait_until("the marker is in every profile", || self.hub(&marker).exists() && profiles.iter().all(has_arrived));
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

/// Returns every file and link below a directory, sorted; what vanishes meanwhile is left out.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(_) => files.push(entry.path()),
            Err(_) => {}
        }
    }
    files
}

/// Returns a directory and everything below it; links are not followed.
pub(crate) fn everything_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.is_symlink() {
            found.extend(everything_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Returns a file's text; `None` when there is none.
pub(crate) fn text(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a file in place, and makes the directories above it.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Replaces a file as the client does: by a new one that is renamed over it.
pub(crate) fn replace(path: &Path, text: impl AsRef<[u8]>) {
    let temp = path.with_file_name(format!("{}.tmp.1a2b", path.file_name().unwrap().to_string_lossy()));
    let created = |path: &Path| fs::metadata(path).and_then(|meta| meta.created()).ok();
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    // Of two versions that the kernel's clock cannot tell apart, either may pass for the newer.
    wait_until("the new version is the newer", || {
        let _ = fs::remove_file(&temp); // of the turn before
        write(&temp, &text);
        created(&temp).or_else(|| modified(&temp)) > modified(path)
    });
    system::rename(&temp, path);
}

/// Makes a FIFO: nothing that anybody should wait for.
pub(crate) fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Appends to a file, as the client does to a transcript.
pub(crate) fn append(path: &Path, text: &str) {
    File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Makes a file or a directory look as if it had been written some seconds ago.
pub(crate) fn age(path: &Path, seconds: u64) {
    system::age(path, Duration::from_secs(seconds));
}

/// Whether paths lead to one file.
pub(crate) fn is_one_file(paths: &[PathBuf]) -> bool {
    paths.windows(2).all(|pair| system::is_one_file(&pair[0], &pair[1]))
}

/// Waits until paths lead to one file with this text.
pub(crate) fn wait_for_one(paths: &[PathBuf], expected: &str) {
    let is_so = || is_one_file(paths) && text(&paths[0]).as_deref() == Some(expected);
    let found = || paths.iter().map(|path| (path, text(path))).collect::<Vec<_>>();
    assert!(came_true(is_so), "these are not one file that says {expected:?}: {:#?}", found());
}

/// Waits until nothing stands at any of these paths.
pub(crate) fn wait_for_end_of(paths: &[PathBuf]) {
    wait_until(&format!("{paths:?} are gone"), || paths.iter().all(|path| fs::symlink_metadata(path).is_err()));
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
