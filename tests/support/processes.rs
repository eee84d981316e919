//! Finds the processes of one sandbox, by the HOME in their environment.
//!
//! A helper is detached on purpose (own session, cwd `/`, no terminal), so neither the process tree nor a process group leads to
//! it. What it keeps is HOME, and each sandbox has its own.

#[cfg(unix)]
use std::ffi::OsStr;
use std::fs;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use super::system;

/// Holds one live process of a sandbox, as it was when looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its process id.
    pub(crate) id: i32,
    /// Its arguments, joined by blanks.
    pub(crate) command_line: String,
}

impl Process {
    /// Ends it by force; one that is gone already is as good.
    pub(crate) fn kill(&self) {
        system::kill(self.id.cast_unsigned());
    }
}

/// Returns every live process whose environment says `HOME=<home>`; zombies have no environment and do not count.
#[cfg(unix)]
pub(crate) fn with_home(home: &Path) -> Vec<Process> {
    if Path::new("/proc/self/environ").exists() { from_proc(home) } else { from_ps(home) }
}

#[cfg(unix)]
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
#[cfg(unix)]
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

#[cfg(unix)]
fn spaced(arguments: &[u8]) -> String {
    let words: Vec<_> =
        arguments.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(|word| OsStr::from_bytes(word).to_string_lossy()).collect();
    words.join(" ")
}

/// Windows shows nobody's environment; but a helper says who it is, and holds its lock for as long as it lives.
#[cfg(windows)]
pub(crate) fn with_home(home: &Path) -> Vec<Process> {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let sessions = entries(&home.join(".clauth/run")).flat_map(|boot| entries(&boot).collect::<Vec<_>>());
    let live = sessions.filter(|session| super::session::is_locked(&session.join("session.lock")));
    let helpers = live.filter_map(|session| {
        let id = fs::read_to_string(session.join("helper")).ok()?.split_ascii_whitespace().next()?.parse().ok()?;
        Some(Process { id, command_line: format!("clauth helper {}", session.file_name()?.to_str()?) })
    });
    helpers.filter(|helper| system::is_running(helper.id.cast_unsigned())).collect()
}
