//! A command that runs beside what clauth does, for as long as clauth lets it.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// The most that is read of what it prints, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Holds a command that runs.
#[derive(Debug)]
pub struct Beside {
    child: Child,
    printed: Receiver<Vec<u8>>,
}

impl Beside {
    /// Starts a line of `sh` with this input. What it says on stderr goes where clauth's own goes.
    pub fn start(line: &str, input: Vec<u8>) -> io::Result<Self> {
        Self::run(Command::new("/bin/sh").args(["-c", line]), input)
    }

    /// Starts a command with this input.
    pub fn run(command: &mut Command, input: Vec<u8>) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        // On threads: it need not read its input, and what it starts may hold its output for ever.
        thread::Builder::new().spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)))?;
        let (sender, printed) = mpsc::channel();
        thread::Builder::new().spawn(move || {
            let mut bytes = Vec::new();
            let _ = stdout.map(|stdout| stdout.take(LIMIT).read_to_end(&mut bytes));
            let _ = sender.send(bytes);
        })?;
        Ok(Self { child, printed })
    }

    /// Returns what it printed, however it ended; `None` when it does not end in time, and is ended.
    pub fn finish(mut self, patience: Duration) -> Option<Vec<u8>> {
        let printed = self.printed.recv_timeout(patience).ok();
        if printed.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        printed
    }

    /// Returns how it ended, and what it printed; `None` when it does not end in time, and is ended.
    pub fn end(mut self, patience: Duration) -> Option<(ExitStatus, Vec<u8>)> {
        const PAUSE: Duration = Duration::from_millis(2);
        let deadline = Instant::now() + patience;
        let printed = self.printed.recv_timeout(patience).ok();
        // Who has closed the output ends in a moment, and otherwise not at all.
        while printed.is_some() && Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some((status, printed?));
            }
            thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }
}
