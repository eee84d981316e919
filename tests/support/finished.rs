//! One program run to its end, with what it said.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::patience::{came_true, patience};
use super::system;

/// Holds the outcome of a program; each assertion shows the whole of it when it fails.
#[derive(Debug)]
pub(crate) struct Finished {
    command: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Finished {
    /// Runs `command` to its end, and until nobody holds its stdout and stderr any more.
    ///
    /// A background child that keeps them open would hang `$(clauth …)` in a user's prompt, so here it fails the test.
    pub(crate) fn run(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = system::start(&mut command).unwrap_or_else(|err| panic!("could not start {shown}: {err}"));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let mut status = None;
        if !came_true(|| {
            status = child.try_wait().unwrap();
            status.is_some()
        }) {
            let _ = child.kill();
            panic!("{shown} did not end");
        }
        let text = |name: &str, pipe: &Receiver<Vec<u8>>| {
            let bytes = pipe.recv_timeout(patience()).unwrap_or_else(|_| panic!("{shown} ended, but something keeps its {name} open"));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self { stdout: text("stdout", &stdout), stderr: text("stderr", &stderr), command: shown.clone(), status: status.unwrap() }
    }

    /// Returns stdout as it came.
    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Returns what `list` printed of the profiles; the account of ~/.claude stands below them.
    pub(crate) fn profiles(&self) -> String {
        self.stdout().lines().take_while(|line| !line.starts_with("default: ")).map(|line| format!("{line}\n")).collect()
    }

    /// Returns stderr as it came.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Returns the exit code; `None` for a death by signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.exits_with(0)
    }

    /// Asserts exit code 1, refused or failed; not any other: a misuse (2) or a panic (101) is no refusal.
    #[track_caller]
    pub(crate) fn failure(self) -> Self {
        self.exits_with(1)
    }

    /// Asserts this very exit code.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self
    }
}

/// Reads a pipe to its end on a thread of its own, so that neither pipe can fill up and block the program.
fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = pipe.read_to_end(&mut bytes);
        if outcome.is_ok() {
            // Nobody listens any more when the test failed meanwhile.
            let _ = sender.send(bytes);
        }
    });
    receiver
}
