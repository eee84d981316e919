//! Profiles in use at once, each by a process of its own, and the files that their helpers keep in step.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

#[cfg(unix)]
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::Value;

use crate::support::files::files_below;
use crate::support::finished::Finished;
use crate::support::{Holder, Sandbox, system, wait_until};

/// A JSON object with its keys in order and its numbers as written.
pub(crate) type State = serde_json::Map<String, Value>;

/// Holds a sandbox with some profiles; whoever uses one is a process that waits, which a test starts and ends.
pub(crate) struct Household {
    holders: RefCell<BTreeMap<String, Holder>>,
    pub(crate) sandbox: Sandbox,
}

impl Household {
    /// Makes the profiles and a directory bound to each; nobody uses them yet.
    pub(crate) fn new(profiles: &[&str]) -> Self {
        let sandbox = Sandbox::with_profiles(profiles);
        for name in profiles {
            sandbox.bind(format!("home/{name}"), name);
        }
        Self { holders: RefCell::default(), sandbox }
    }

    /// Makes the profiles and uses them all, so that each has a helper.
    pub(crate) fn in_use(profiles: &[&str]) -> Self {
        let household = Self::new(profiles);
        for name in profiles {
            household.enter(name);
        }
        household
    }

    /// Has the profile's process look at its directory, as a prompt does: starts a helper where none runs.
    pub(crate) fn prompt(&self, name: &str) -> Finished {
        let mut holders = self.holders.borrow_mut();
        let holder = holders.entry(name.to_owned()).or_insert_with(|| Holder::start(&self.sandbox));
        holder.evaluate(&self.sandbox, &self.sandbox.path("home").join(name)).success()
    }

    /// The same, and nothing may be wrong.
    pub(crate) fn enter(&self, name: &str) {
        assert_eq!(self.prompt(name).stderr(), "");
    }

    /// Ends the process that uses a profile, and waits for the helper to retire.
    pub(crate) fn leave(&self, name: &str) {
        drop(self.holders.borrow_mut().remove(name));
        wait_until("the helper retires", || self.helper(name).is_none());
    }

    /// Ends the helper by SIGKILL; the profile is still in use.
    pub(crate) fn kill_helper(&self, name: &str) {
        if let Some(helper) = self.helper(name) {
            system::kill(helper.cast_unsigned());
            // A dying process loses its memory, and so what `helper` finds it by, before its files and the lock on one of them.
            wait_until("the helper has let go of its lock", || !system::is_running(helper.cast_unsigned()));
        }
        wait_until("the helper is dead", || self.helper(name).is_none());
    }

    /// The same, with the client's locks gone that the helper may have held: only where nobody else holds one. They would be taken over when
    /// they are stale, which takes 15 seconds.
    #[cfg(unix)]
    pub(crate) fn kill_helper_and_its_locks(&self, name: &str) {
        self.kill_helper(name);
        for file in [self.hub(), self.own(name), self.hub_settings(), self.own_settings(name)] {
            let _ = fs::remove_dir(lock_of(&file));
        }
    }

    /// Returns the process id of a profile's helper, if one runs.
    pub(crate) fn helper(&self, name: &str) -> Option<i32> {
        let arguments = format!("helper {name}");
        // The helper's own command line, not that of an strace it runs under.
        let is_helper = |line: &str| line.ends_with(&arguments) && !line.contains("strace");
        self.sandbox.processes().into_iter().find(|process| is_helper(&process.command_line)).map(|process| process.id)
    }

    /// Returns what `clauth status` says is wrong in a profile's directory.
    pub(crate) fn troubles(&self, name: &str) -> Vec<String> {
        let status = self.sandbox.status(self.sandbox.path("home").join(name));
        status["troubles"].as_array().unwrap().iter().map(|trouble| trouble.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until `clauth status` says that something about `what` is wrong, and returns that.
    pub(crate) fn wait_for_trouble(&self, name: &str, what: &str) -> String {
        let mut found = None;
        wait_until(&format!("status tells of {what}"), || {
            found = self.troubles(name).into_iter().find(|trouble| trouble.contains(what));
            found.is_some()
        });
        found.unwrap()
    }

    /// Returns what the helpers of a profile had to say.
    pub(crate) fn log(&self, name: &str) -> String {
        let run = fs::read_dir(self.clauth("run")).unwrap().next().unwrap().unwrap().path();
        fs::read_to_string(run.join(name).join("helper.log")).unwrap()
    }

    /// Returns a path in `~/.clauth`.
    pub(crate) fn clauth(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.sandbox.path("home/.clauth").join(relative)
    }

    /// Returns a path in a profile's config directory.
    pub(crate) fn runtime(&self, name: &str, relative: &str) -> PathBuf {
        self.clauth("profiles").join(name).join("runtime").join(relative)
    }

    /// Returns a profile's `.claude.json`.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.runtime(name, ".claude.json")
    }

    /// Returns the user's `.claude.json`.
    pub(crate) fn hub(&self) -> PathBuf {
        self.sandbox.path("home/.claude.json")
    }

    /// Returns the user's settings.
    pub(crate) fn hub_settings(&self) -> PathBuf {
        self.sandbox.path("home/.claude/settings.json")
    }

    /// Returns a profile's settings.
    pub(crate) fn own_settings(&self, name: &str) -> PathBuf {
        self.runtime(name, "settings.json")
    }

    /// Adds lines to a profile's `profile.toml`, before its tables.
    pub(crate) fn configure(&self, name: &str, lines: &str) {
        let file = self.clauth("profiles").join(name).join("profile.toml");
        let config_dir = fs::read_to_string(&file).unwrap().lines().next().unwrap().to_owned();
        assert!(config_dir.starts_with("config_dir"), "{config_dir}");
        fs::write(file, format!("{config_dir}\n{lines}\n")).unwrap();
    }
}

impl Drop for Household {
    fn drop(&mut self) {
        if thread::panicking() {
            let is_log = |file: &PathBuf| file.ends_with("helper.log");
            for log in files_below(&self.clauth("run")).into_iter().filter(is_log) {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let _ = writeln!(io::stderr(), "{}: {said}", log.display()); // what is wrong is said already
            }
        }
    }
}

/// Waits until a key has a value in each of the files.
pub(crate) fn wait_for(files: &[impl AsRef<Path>], key: &str, value: &Value) {
    for file in files.iter().map(AsRef::as_ref) {
        // Settings, which nobody locks, are missing for a moment where the file system cannot exchange two names.
        wait_until(&format!("{key} is {value} in {}", file.display()), || {
            fs::read(file).is_ok_and(|text| parsed(file, &text).get(key) == Some(value))
        });
    }
}

/// Changes a file and waits until that is in the others: all that was written before has then been looked at, too.
pub(crate) fn settle(from: &Path, others: &[impl AsRef<Path>]) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mark = Value::from(format!("mark {}", NEXT.fetch_add(1, Ordering::Relaxed)));
    edit(from, |state| drop(state.insert("mark".into(), mark.clone())));
    wait_for(others, "mark", &mark);
}

/// Reads a file's state.
pub(crate) fn state(file: &Path) -> State {
    let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    parsed(file, &text)
}

fn parsed(file: &Path, text: &[u8]) -> State {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{}: {error}: {}", file.display(), String::from_utf8_lossy(text)))
}

/// Changes a file as the client does: takes its lock, reads, writes beside it, renames, lets go.
pub(crate) fn edit(file: &Path, change: impl FnOnce(&mut State)) {
    take_lock(file);
    edit_locked(file, change);
}

/// Does the rest of it with the lock taken.
pub(crate) fn edit_locked(file: &Path, change: impl FnOnce(&mut State)) {
    let mut state = state(file);
    change(&mut state);
    replace(file, serde_json::to_vec_pretty(&state).unwrap());
    fs::remove_dir(lock_of(file)).unwrap();
}

/// Replaces a file by rename, without any lock.
pub(crate) fn replace(file: &Path, text: impl AsRef<[u8]>) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let temp = file.with_file_name(format!("{name}.tmp.{:?}", thread::current().id()));
    fs::write(&temp, text).unwrap();
    system::rename(&temp, file);
}

/// Puts what stands at `place` where a file stands, whatever the two are, with no moment without any: nobody's chance to make another.
#[cfg(unix)]
pub(crate) fn swap_in(place: &Path, file: &Path) {
    renameat_with(CWD, place, CWD, file, RenameFlags::EXCHANGE).unwrap();
    fs::remove_file(place).or_else(|_| fs::remove_dir(place)).unwrap();
}

/// Takes the client's lock of a file, a directory, and returns it.
pub(crate) fn take_lock(file: &Path) -> PathBuf {
    wait_until("the client's lock is free", || try_lock(file));
    lock_of(file)
}

/// Takes the client's lock of a file, if nobody holds it.
pub(crate) fn try_lock(file: &Path) -> bool {
    match DirBuilder::new().create(lock_of(file)) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

/// Returns where the client's lock of a file is.
pub(crate) fn lock_of(file: &Path) -> PathBuf {
    file.with_file_name(format!("{}.lock", file.file_name().unwrap().to_str().unwrap()))
}
