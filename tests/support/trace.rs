//! Counts the processes that a shell starts, by the system calls that start them.
//!
//! The shell runs under strace from its start: to attach later is forbidden on many machines (Yama). strace writes a call down
//! before the caller goes on, so once a prompt is on the screen all that led to it stands in the log; no marks are needed in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::sandbox::Sandbox;
use super::shell::{Shell, skip};
use super::startup::Startup;
use super::terminal::Terminal;

/// The ways to start a process or a program; threads are sorted out by their flag.
const CALLS: &str = "trace=clone,clone3,fork,vfork,execve,execveat";

/// Holds what a shell started between two moments, itself or through what it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Started {
    /// New processes, those that run no program of their own, such as the subshell of `$(…)`, included; threads are not.
    pub(crate) processes: usize,
    /// The programs, with the arguments as strace shows them; one found in the third directory of PATH was tried thrice and stands
    /// here once.
    pub(crate) programs: Vec<String>,
}

/// Holds a shell whose processes are counted.
pub(crate) struct Traced {
    /// The shell, to be used as any other.
    pub(crate) terminal: Terminal,
    log: PathBuf,
}

impl Traced {
    /// Starts `shell` under strace, or returns `None` where there is no strace that works: a visible skip, and a failure with
    /// `CLAUTH_REQUIRE_SHELLS=1`.
    pub(crate) fn start(sandbox: &Sandbox, shell: &Shell, startup: &Startup) -> Option<Self> {
        let strace = strace()?;
        let log = sandbox.path("strace.log");
        let plain = startup.command(sandbox, shell);
        let mut command = sandbox.command(strace);
        command
            // The shell, not strace, is the process that was started, and strace is out of reach of the terminal's Ctrl-C.
            .args(["-DDD", "-f", "--seccomp-bpf", "-qq", "-e", CALLS])
            .args(["-e", "signal=none", "-o"])
            .arg(&log)
            .arg(plain.get_program())
            .args(plain.get_args());
        for (name, value) in plain.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        if let Some(directory) = plain.get_current_dir() {
            command.current_dir(directory);
        }
        let terminal = Terminal::start_command(shell, command);
        Some(Self { terminal, log })
    }

    /// Returns what was started during `body`, which must end at a prompt, as `Terminal::run` does.
    pub(crate) fn processes_started(&mut self, body: impl FnOnce(&mut Terminal)) -> Started {
        let before = self.log_text().len();
        body(&mut self.terminal);
        Started::from_log(&self.log_text()[before..])
    }

    fn log_text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }
}

impl Started {
    fn from_log(log: &str) -> Self {
        let mut started = Self::default();
        for line in log.lines() {
            // "123 clone(…) = 124", "123 execve(… <unfinished ...>", "123 <... execve resumed>) = 0"
            let Some((_, call)) = line.split_once(' ') else {
                continue;
            };
            let call = call.trim_start();
            let Some((name, arguments)) = call.split_once('(') else {
                continue;
            };
            match name {
                "fork" | "vfork" => started.processes += 1,
                "clone" | "clone3" if !arguments.contains("CLONE_THREAD") => started.processes += 1,
                "execve" | "execveat" if !arguments.contains(" = -1 ") => {
                    started.programs.push(arguments.to_owned());
                }
                _ => {}
            }
        }
        started
    }
}

/// Returns strace where it works: some containers have it and forbid it.
pub(crate) fn strace() -> Option<&'static PathBuf> {
    static STRACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = STRACE.get_or_init(|| {
        let program = which::which("strace").ok().filter(works);
        if program.is_none() {
            skip("no strace that works", "CLAUTH_REQUIRE_SHELLS");
        }
        program
    });
    found.as_ref()
}

fn works(program: &PathBuf) -> bool {
    let status = Command::new(program)
        .args(["-DDD", "-f", "--seccomp-bpf", "-qq", "-e", CALLS])
        .args(["-o", "/dev/null", "/bin/true"])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::Started;

    #[test]
    fn threads_and_failed_tries_do_not_count() {
        let log = "\
7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 8
7 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, child_tid=0x7f}, 88) = 9
7 vfork( <unfinished ...>
8 execve(\"/a/true\", [\"true\"], 0x55 /* 5 vars */) = -1 ENOENT (No such file or directory)
8 execve(\"/bin/true\", [\"true\"], 0x55 /* 5 vars */) = 0
7 <... vfork resumed>) = 10
7 +++ exited with 0 +++
";
        let started = Started::from_log(log);
        assert_eq!(started.processes, 2);
        assert_eq!(started.programs.len(), 1, "{started:?}");
    }
}
