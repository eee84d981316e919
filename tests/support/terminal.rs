//! A real shell in a real terminal, typed at.
//!
//! Nothing waits for a fixed time. A line's output begins behind the line break that the line editor echoes for Enter, and ends
//! where the next prompt begins; whatever the editor redraws while a line is being typed lies before that line break. A line is
//! typed only once the editor has the terminal: before that the terminal itself would echo it a second time.

use std::io::Write as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;

use pty_process::Size;
use pty_process::blocking::Pty;
use rustix::termios::{LocalModes, tcgetattr};

use super::output::{Output, find};
use super::patience::wait_until;
use super::sandbox::Sandbox;
use super::shell::Shell;
use super::startup::{PROMPT, Startup};

/// So wide that no line of a test wraps: a wrapped line would be echoed with line breaks of its own.
const COLUMNS: u16 = 2000;
const ROWS: u16 = 50;

/// Holds a running shell; dropping it kills the shell, as closing it by force would.
pub(crate) struct Terminal {
    shell: Shell,
    child: Child,
    pty: Arc<Pty>,
    output: Arc<Output>,
    /// Everything before this offset has been handed out.
    seen: usize,
}

impl Terminal {
    /// Starts `shell` and waits for its first prompt.
    pub(crate) fn start(sandbox: &Sandbox, shell: &Shell, startup: &Startup) -> Self {
        Self::start_command(shell, startup.command(sandbox, shell))
    }

    /// Starts `command`, which becomes `shell` in the end, and waits for its first prompt.
    pub(crate) fn start_command(shell: &Shell, command: Command) -> Self {
        let (pty, other_side) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let child = pty_process::blocking::Command::from(command).spawn(other_side).unwrap_or_else(|err| panic!("could not start {shell}: {err}"));
        let pty = Arc::new(pty);
        let mut terminal = Self { shell: shell.clone(), child, output: Output::collect(Arc::clone(&pty)), pty, seen: 0 };
        terminal.wait_for_prompt();
        terminal
    }

    /// Returns the shell that runs here.
    pub(crate) fn shell(&self) -> &Shell {
        &self.shell
    }

    /// Returns the shell's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types a line and Enter, waits for the next prompt, and returns what was printed in between, by the line and by the prompt.
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.type_line(line);
        self.wait_for_prompt()
    }

    /// Types a line and Enter at the prompt and waits until the shell has accepted it, not until it has run.
    pub(crate) fn type_line(&mut self, line: &str) {
        assert!(!line.contains(char::is_control) && line.len() + PROMPT.len() < usize::from(COLUMNS), "not one line of a terminal: {line:?}");
        wait_until("the line editor has the terminal", || !self.echoes());
        let start = self.output.len();
        self.send(format!("{line}\r"));
        let end = self.wait(start, "the echo of Enter", b"\n");
        self.seen = end;
    }

    /// Writes bytes as typed, whoever reads them, and waits for nothing.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        (&*self.pty).write_all(bytes.as_ref()).unwrap();
    }

    /// Presses Ctrl-C, waits for the prompt that follows, and returns what was printed until then.
    ///
    /// For use while a program runs; at an empty line fish does not print its prompt again.
    pub(crate) fn interrupt(&mut self) -> String {
        self.send([3]);
        self.wait_for_prompt()
    }

    /// Waits for `text` in what has not been handed out yet, and returns what came before it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let start = self.seen;
        let end = self.wait(start, &format!("{text:?}"), text.as_bytes());
        self.seen = end;
        self.output.readable(start..end - text.len())
    }

    /// Waits for the next prompt and returns what came before it.
    pub(crate) fn wait_for_prompt(&mut self) -> String {
        self.wait_for(PROMPT)
    }

    /// Types `exit` and waits for the shell's end.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        self.type_line("exit");
        self.wait_for_end()
    }

    /// Waits until the shell ends by itself.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let mut status = None;
        let what = format!("{} ends", self.shell);
        wait_until(&what, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Kills the shell by SIGKILL: it can put nothing in order. Its children live on.
    pub(crate) fn kill(&mut self) {
        // An error means that it has ended and been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Returns all that the terminal has shown so far, for messages.
    pub(crate) fn transcript(&self) -> String {
        self.output.readable(0..self.output.len())
    }

    /// Returns whether the terminal itself echoes: so while a program runs, not while a line editor reads.
    fn echoes(&self) -> bool {
        let modes = tcgetattr(&*self.pty).unwrap();
        modes.local_modes.contains(LocalModes::ECHO)
    }

    /// Waits for `wanted` from `start` on and returns the offset behind it.
    fn wait(&self, start: usize, what: &str, wanted: &[u8]) -> usize {
        let found = self.output.wait(|bytes| find(&bytes[start..], wanted).map(|offset| start + offset + wanted.len()));
        found.unwrap_or_else(|why| panic!("{}: {why} before {what}; the terminal shows:\n{}", self.shell, self.transcript()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}
