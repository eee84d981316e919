//! A sealed world for one test: its own HOME, its own programs, an environment without anything of the caller's.
//!
//! Whatever a test starts here carries `HOME=<sandbox>/home`; by that mark everything is found and ended when the test is over,
//! however it ended, so that no detached helper outlives the suite.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::claude;
use super::finished::Finished;
use super::patience::{came_true, wait_until};
use super::processes::{self, Process};
use super::system;

/// Holds one test's world; dropping it ends its processes and removes its files.
pub(crate) struct Sandbox {
    /// What is removed at the end: the root, or a directory around it.
    outer: PathBuf,
    root: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

impl Sandbox {
    /// Makes a world with a signed-in `~/.claude`, a fake `claude` and the `clauth` under test; nothing of clauth's is on disk yet.
    pub(crate) fn new() -> Self {
        Self::below("")
    }

    /// Makes it below a directory of this name.
    pub(crate) fn below(name: &str) -> Self {
        let outer = fresh_directory();
        let root = outer.join(name);
        fs::create_dir_all(&root).unwrap();
        let home = root.join("home");
        let bin = root.join("bin");
        let program = root.join("program");
        for directory in [&home, &bin, &program] {
            fs::create_dir(directory).unwrap();
        }
        claude::settle(&home);
        system::put_program(&program);

        let path = [bin.into_os_string(), program.into_os_string()].into_iter().chain(system::path());
        let path = std::env::join_paths(path).unwrap();
        let variables = [("PATH", path), (system::HOME, home.into_os_string()), ("TERM", "xterm".into()), ("LANG", "C.UTF-8".into())];
        let variables = variables.map(|(name, value)| (name.into(), value)).into_iter().chain(system::needed());
        let sandbox = Self { outer, root, variables: variables.collect() };
        sandbox.put_client((system::CLAUDE, claude::FAKE_CLAUDE));
        sandbox
    }

    /// Sets a variable for everything started from now on; HOME must stay, since by it processes are found.
    pub(crate) fn set_variable(&mut self, name: &str, value: impl AsRef<OsStr>) {
        assert_ne!(name, system::HOME, "by HOME the processes of a sandbox are found");
        self.variables.insert(name.into(), value.as_ref().into());
    }

    /// Returns `relative` below the sandbox, whether it exists or not; the path is physical, without a link in it.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        let path = self.root.join(relative);
        // With one kind of separator, as clauth shows it.
        if cfg!(windows) { path.components().collect() } else { path }
    }

    /// Returns HOME.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Makes the directory `relative` and those above it.
    pub(crate) fn mkdir(&self, relative: impl AsRef<Path>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file, and makes the directories above it.
    pub(crate) fn write(&self, relative: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Reads a file as text.
    pub(crate) fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
    }

    /// Puts another client, by the name that it has on this system, in the place of the fake one.
    pub(crate) fn put_client(&self, (name, text): (&str, &str)) {
        #[cfg(unix)]
        self.program(name, text);
        #[cfg(windows)]
        self.write(format!("bin/{name}"), text);
    }

    /// Puts the script `text` on the sandbox's PATH as `name`.
    ///
    /// `cat` writes it, not this process: a file that is open for writing cannot be executed (ETXTBSY), and what this process has
    /// open is open for an instant in every child that another test's thread forks just then.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        let mut writer = self.command("/bin/sh").args(["-c", r#"cat >"$0" && chmod 755 "$0""#]).arg(&path).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = writer.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        assert!(writer.wait().unwrap().success(), "{}", path.display());
        path
    }

    /// Returns a command in the sealed environment, with HOME as its directory and nothing on stdin.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.home()).stdin(Stdio::null());
        command
    }

    /// Runs `clauth` in HOME to its end.
    pub(crate) fn clauth(&self, arguments: &[&str]) -> Finished {
        self.clauth_in(self.home(), arguments)
    }

    /// Runs `clauth` in `directory` to its end.
    pub(crate) fn clauth_in(&self, directory: impl AsRef<Path>, arguments: &[&str]) -> Finished {
        let mut command = self.command("clauth");
        command.current_dir(directory).args(arguments);
        Finished::run(command)
    }

    /// Runs `clauth` in HOME to its end, with this on its standard input.
    pub(crate) fn clauth_with_input(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Finished {
        // A file: nobody has to write while the program runs, or to know whether it reads all of it.
        let file = self.write("input", input);
        let mut command = self.command("clauth");
        command.args(arguments).stdin(fs::File::open(file).unwrap());
        Finished::run(command)
    }

    /// Returns every live process of this sandbox.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes::with_home(&self.home())
    }

    /// Returns the ids of this sandbox's live processes whose command line contains `text`.
    pub(crate) fn processes_named(&self, text: &str) -> Vec<i32> {
        let mut found = self.processes();
        found.retain(|process| process.command_line.contains(text));
        found.iter().map(|process| process.id).collect()
    }

    /// Returns the ids of the live helpers; to be waited for, not asserted at once, since a child that has not yet run its own
    /// program still has its parent's arguments.
    pub(crate) fn helpers(&self) -> Vec<i32> {
        self.processes_named("helper")
    }

    /// Waits until the last helper has retired.
    pub(crate) fn assert_no_helpers_left(&self) {
        wait_until("no helper is left", || self.helpers().is_empty());
    }

    /// Kills until nothing is found twice in a row: while one scan runs, a process may start another behind its back.
    fn end_processes(&self) -> bool {
        let mut empty_scans = 0;
        came_true(|| {
            let found = self.processes();
            for process in &found {
                process.kill();
            }
            empty_scans = if found.is_empty() { empty_scans + 1 } else { 0 };
            empty_scans == 2
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let ended = self.end_processes();
        let removed = fs::remove_dir_all(&self.outer);
        if ended && removed.is_ok() {
            return;
        }
        let left = self.processes();
        let complaint = format!("{}: {left:?}, removal: {removed:?}", self.root.display());
        // A second panic would abort the whole binary and hide the first.
        if std::thread::panicking() {
            let _ = writeln!(io::stderr(), "sandbox left behind: {complaint}");
        } else {
            panic!("sandbox left behind: {complaint}");
        }
    }
}

/// Makes a new directory directly below `/tmp`, or what stands for it: sockets and prompts have little room for long paths.
fn fresh_directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let parent = system::temporary();
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("clauth-{}-{number}", std::process::id()));
        match system::create_private(&path) {
            Ok(()) => return path,
            // Left by a killed run whose process id came round again.
            Err(err) if err.kind() == ErrorKind::AlreadyExists => {}
            Err(err) => panic!("could not make {}: {err}", path.display()),
        }
    }
}
