//! The session of a profile, seen from outside: who holds a lease, and which process holds the helper's lock.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

use super::finished::Finished;
use super::patience::wait_until;
use super::sandbox::Sandbox;
#[cfg(unix)]
use super::shell::skip;
use super::system;
use super::world::World;

/// Whether namespaces can be made here, and with them file systems that are full or cannot be written; else a visible skip, and a failure
/// with `CLAUTH_REQUIRE_ROOT=1`.
#[cfg(unix)]
pub(crate) fn may_unshare() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        let tried = Command::new("unshare").args(["--mount", "--pid", "--fork", "--mount-proc", "true"]).stderr(Stdio::null()).status();
        let may = tried.is_ok_and(|status| status.success());
        if !may {
            skip("not root, or no right to make namespaces", "CLAUTH_REQUIRE_ROOT");
        }
        may
    })
}

/// Looks at the session of one profile.
pub(crate) struct Session<'a> {
    sandbox: &'a Sandbox,
    run: PathBuf,
    profile: &'a str,
}

/// Binds `home/work` to the profile `work` and has a shell use it there; returns the directory, the session and the shell.
pub(crate) fn in_use(world: &World) -> (PathBuf, Session<'_>, Holder) {
    let work = world.bind("home/work", "work");
    let holder = Holder::start(world);
    holder.evaluate(world, &work).success();
    (work, Session::of(world, "work"), holder)
}

impl<'a> Session<'a> {
    /// Returns the session of a profile, which need not have begun.
    pub(crate) fn of(world: &'a World, profile: &'a str) -> Self {
        let clauth_home = Path::new(&world.config_dir(profile)).ancestors().nth(3).unwrap().to_owned();
        Self { sandbox: world, run: clauth_home.join("run"), profile }
    }

    /// Returns the session's directory, which exists once someone has joined; no test knows how this boot and pid namespace are called.
    pub(crate) fn directory(&self) -> PathBuf {
        let found = fs::read_dir(&self.run).into_iter().flatten().flatten().map(|entry| entry.path().join(self.profile));
        // Of two, that of the namespace: a fault can hide its name from one evaluation, which then goes by init's (`-init…`, before `-pid…`).
        found.into_iter().filter(|directory| directory.is_dir()).max().unwrap_or_else(|| self.run.join("not yet").join(self.profile))
    }

    /// Returns the lease file of a process.
    pub(crate) fn lease(&self, pid: u32) -> PathBuf {
        self.directory().join("leases").join(pid.to_string())
    }

    /// Returns who holds a lease, live or not, and what each is.
    pub(crate) fn leases(&self) -> BTreeMap<u32, String> {
        let entries = fs::read_dir(self.directory().join("leases")).into_iter().flatten().flatten();
        let leases = entries.filter_map(|entry| {
            let text = entry.metadata().ok()?.is_file().then(|| fs::read_to_string(entry.path()))?.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, text.split_ascii_whitespace().nth(1)?.to_owned()))
        });
        leases.collect()
    }

    /// Returns the helper: the process that says it is, while someone holds the lock that only a helper takes.
    pub(crate) fn helper(&self) -> Option<u32> {
        if !is_locked(&self.directory().join("session.lock")) {
            return None;
        }
        let introduction = fs::read_to_string(self.directory().join("helper")).ok()?;
        let pid = introduction.split_ascii_whitespace().next()?.parse().ok()?;
        system::is_running(pid).then_some(pid)
    }

    /// Waits until the session has a helper and returns it.
    pub(crate) fn wait_for_helper(&self) -> u32 {
        let mut helper = None;
        wait_until("the session has a helper", || {
            helper = self.helper();
            helper.is_some()
        });
        helper.unwrap()
    }

    /// Asserts that right now a process holds a lease and a helper follows it; returns the helper.
    #[track_caller]
    pub(crate) fn assert_serves(&self, pid: u32) -> u32 {
        assert!(self.leases().contains_key(&pid), "{pid} holds no lease: {:?}", self.leases());
        let is_followed = is_locked(&self.directory().join("session.lock"));
        assert!(is_followed, "{pid} is live and has no helper; the log says: {}", self.log());
        // It says who it is an instant after it has the lock.
        self.wait_for_helper()
    }

    /// Waits until nothing of the session is left: no lease, no locked lock, no helper, working or waiting.
    pub(crate) fn wait_for_end(&self) {
        wait_until("the session is over", || self.leases().is_empty() && self.has_no_helper());
    }

    /// Waits until the helper is gone, whoever still holds a lease.
    pub(crate) fn wait_for_end_of_helper(&self) {
        wait_until("the helper is gone", || self.has_no_helper());
    }

    fn has_no_helper(&self) -> bool {
        let name = format!("helper {}", self.profile);
        !is_locked(&self.directory().join("session.lock")) && self.sandbox.processes_named(&name).is_empty()
    }

    /// Returns what the helpers had to say; nothing, when all is well.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory().join("helper.log")).unwrap_or_default()
    }
}

/// Whether someone holds this lock exclusively.
///
/// Asked as clauth asks: shared, so that nobody who asks is taken for a holder; and given back by name, since a child that another test
/// forks just now has the open file too.
pub(crate) fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let is_free = fs4::FileExt::try_lock_shared(&file).is_ok();
    if is_free {
        fs4::FileExt::unlock(&file).unwrap();
    }
    !is_free
}

/// Sends a signal to a process that the test started, or that was started for it.
#[cfg(unix)]
pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap_or_else(|error| panic!("{pid}: {error}"));
}

/// Holds a process that does nothing and stands for a shell: far cheaper, and it dies at once.
pub(crate) struct Holder(Child);

impl Holder {
    /// Starts one.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::of(sandbox.command(system::IDLER))
    }

    /// Runs a program for as long as the holder lives; one that reads its standard input waits.
    pub(crate) fn of(mut command: Command) -> Self {
        Self(system::start(command.stdin(Stdio::piped()).stdout(Stdio::null())).unwrap())
    }

    /// Runs a program under a profile, which waits: as whoever uses it, and no shell.
    pub(crate) fn exec(sandbox: &Sandbox, profile: &str) -> Self {
        let mut command = sandbox.command("clauth");
        command.args(["exec", profile, "--", system::IDLER]);
        Self::of(command)
    }

    /// Returns its process.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Kills it by SIGKILL and leaves it to nobody: a zombie until the holder is dropped.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// Lets it end by itself: its input is over.
    pub(crate) fn finish(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }

    /// Evaluates the prompt of this "shell" in a directory.
    pub(crate) fn evaluate(&self, sandbox: &Sandbox, directory: &Path) -> Finished {
        Finished::run(evaluation(sandbox, directory, self.pid()))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Killed already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns what the hook of bash runs for a shell in a directory.
pub(crate) fn evaluation(sandbox: &Sandbox, directory: &Path, pid: u32) -> Command {
    let mut command = sandbox.command("clauth");
    command.current_dir(directory).args(["export", "bash", "--first", "--pid", &pid.to_string()]);
    command
}
