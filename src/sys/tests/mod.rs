//! What every system's implementation must do: one suite, run on each of them.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{boot_and_namespace, command_name, parent_process, program_name, start_time};

mod events;
mod files;

/// Holds a directory for one test.
struct Scratch(PathBuf);

fn scratch(test: &str) -> Scratch {
    let path = std::env::temp_dir().join(format!("clauth-sys-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&path); // left by a killed one that had our pid
    fs::create_dir(&path).unwrap();
    Scratch(path)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Holds a process that does nothing until it is ended; it stays unreaped until this is dropped.
struct Idler(Child);

fn idler() -> Idler {
    let program = if cfg!(windows) { "cmd" } else { "cat" };
    Idler(Command::new(program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
}

impl Drop for Idler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does something that must not block for ever.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(20)).expect("neither blocked nor panicked")
}

#[test]
fn this_process_keeps_its_start_time_and_name() {
    let me = std::process::id();
    let start = start_time(me).unwrap();
    assert_eq!(start.split_whitespace().collect::<Vec<_>>(), [start.as_str()], "a lease holds it as one word");
    assert_eq!(start_time(me), Some(start));
    assert!(command_name(me).unwrap().to_str().unwrap().starts_with("clauth"));
    assert!(program_name(me).unwrap().to_str().unwrap().starts_with("clauth"));
}

#[test]
fn what_is_started_detached_says_what_it_likes_until_it_ends() {
    let scratch = scratch("detached");
    let log = crate::sys::open_lock_file(&scratch.0.join("log")).unwrap();
    let said_by = |arguments: &[&str]| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).env_clear();
        let (mut output, wait) = crate::sys::start_detached(&mut command, &log).unwrap();
        let mut said = String::new();
        output.read_to_string(&mut said).unwrap();
        wait().unwrap();
        said
    };
    assert!(said_by(&["--list", "detached"]).contains("what_is_started_detached_says_what_it_likes_until_it_ends: test"));
    assert_eq!(said_by(&["--no-such-option"]), "");
    let logged = fs::read_to_string(scratch.0.join("log")).unwrap();
    assert!(logged.contains("no-such-option"), "{logged}");
    assert!(crate::sys::start_detached(&mut Command::new(scratch.0.join("none")), &log).is_err());
}

#[test]
fn the_process_that_started_this_one_is_older() {
    if let Some(parent) = parent_process() {
        assert_ne!(parent, std::process::id());
        assert!(start_time(parent).is_some(), "{parent}");
    }
}

#[test]
fn the_boot_is_a_file_name_that_stays() {
    let boot = boot_and_namespace();
    assert!(boot.len() > 8 && boot.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{boot}");
    assert_eq!(boot_and_namespace(), boot);
}

#[cfg(unix)]
#[test]
#[expect(unsafe_code, reason = "a signal for this very thread, taken away again before it can end the tests")]
fn a_signal_that_is_held_waits_and_is_seen() {
    in_time(|| {
        let held = super::HeldSignals::hold().unwrap();
        assert!(!held.has_come());
        // SAFETY: SIGHUP is held back on this thread, raise(3) sends it to this thread alone, and sigwait(3) takes it out of what is pending.
        unsafe {
            libc::raise(libc::SIGHUP);
            assert!(held.has_come());
            let (mut wanted, mut got) = (std::mem::zeroed(), 0);
            libc::sigemptyset(&raw mut wanted);
            libc::sigaddset(&raw mut wanted, libc::SIGHUP);
            assert_eq!((libc::sigwait(&raw const wanted, &raw mut got), got), (0, libc::SIGHUP));
        }
        assert!(!held.has_come());
    });
}
