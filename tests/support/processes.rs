//! Finds the processes of one sandbox, by the HOME in their environment.
//!
//! A helper is detached on purpose (own session, cwd `/`, no terminal), so neither the process tree nor a process group leads to
//! it. What it keeps is HOME, and each sandbox has its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

/// Holds one live process of a sandbox, as it was when looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its process id.
    pub(crate) id: i32,
    /// Its arguments, joined by blanks.
    pub(crate) command_line: String,
}

impl Process {
    /// Ends it by SIGKILL; one that is gone already is as good.
    pub(crate) fn kill(&self) {
        if let Some(id) = Pid::from_raw(self.id) {
            // The only error possible for a process of ours is ESRCH: it ended by itself.
            let _ = kill_process(id, Signal::KILL);
        }
    }
}

/// Returns every live process whose environment says `HOME=<home>`; zombies have no environment and do not count.
pub(crate) fn with_home(home: &Path) -> Vec<Process> {
    if Path::new("/proc/self/environ").exists() { from_proc(home) } else { from_ps(home) }
}

fn from_proc(home: &Path) -> Vec<Process> {
    let wanted = [b"HOME=", home.as_os_str().as_bytes()].concat();
    let entries = fs::read_dir("/proc").expect("/proc is readable");
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            // A process may end between any two of these reads, and those of other users are not ours.
            let environment = fs::read(entry.path().join("environ")).ok()?;
            if !environment.split(|byte| *byte == 0).any(|one| one == wanted) {
                return None;
            }
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            Some(Process { id, command_line: spaced(&arguments) })
        })
        .collect()
}

/// Asks `ps`, on systems without `/proc`: with `-E` it prints the environment behind the arguments.
fn from_ps(home: &Path) -> Vec<Process> {
    let wanted = format!(" HOME={}", home.display());
    let output = Command::new("/bin/ps").args(["-axEww", "-o", "pid=,command="]).output().expect("ps runs");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let (id, rest) = line.trim_start().split_once(' ')?;
            let (command_line, behind) = rest.split_once(&wanted)?;
            if !(behind.is_empty() || behind.starts_with(' ')) {
                return None;
            }
            Some(Process { id: id.parse().ok()?, command_line: command_line.trim().to_owned() })
        })
        .collect()
}

fn spaced(arguments: &[u8]) -> String {
    let words: Vec<_> =
        arguments.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(|word| OsStr::from_bytes(word).to_string_lossy()).collect();
    words.join(" ")
}
