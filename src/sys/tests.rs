//! What every system's implementation must do: one suite, run on each of them.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Event, Events, Interest, boot_and_namespace, command_name, program_name, start_time};

/// Holds a directory for one test.
struct Scratch(PathBuf);

fn scratch(test: &str) -> Scratch {
    let path = std::env::temp_dir().join(format!("clauth-sys-{}-{test}", std::process::id()));
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

/// Waits for an event and returns all that came until then.
fn wait_for(mut events: Events, wanted: impl Fn(&Event) -> bool + Send + 'static) -> (Events, Vec<Event>) {
    in_time(move || {
        let mut seen = Vec::new();
        while !seen.iter().any(&wanted) {
            seen.extend(events.wait(None).unwrap());
        }
        (events, seen)
    })
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
fn the_boot_is_a_file_name_that_stays() {
    let boot = boot_and_namespace();
    assert!(boot.len() > 8 && boot.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{boot}");
    assert_eq!(boot_and_namespace(), boot);
}

#[test]
fn an_exit_wakes_and_leaves_no_start_time_though_nobody_has_reaped_it() {
    let (mut events, mut child) = (Events::new().unwrap(), idler());
    let pid = child.0.id();
    let start = start_time(pid).unwrap();
    assert!(events.watch_process(pid, &start).unwrap());
    child.0.kill().unwrap();
    let (mut events, seen) = wait_for(events, move |event| *event == Event::Exited(pid));
    assert_eq!(seen, [Event::Exited(pid)]);
    assert_eq!(start_time(pid), None);
    assert!(!events.watch_process(pid, &start).unwrap());
    child.0.wait().unwrap();
    assert!(!events.watch_process(pid, &start).unwrap());
}

#[test]
fn neither_a_wrong_start_time_nor_a_forgotten_process_is_watched() {
    let mut events = Events::new().unwrap();
    let (mut wrong, mut forgotten, mut last) = (idler(), idler(), idler());
    assert!(!events.watch_process(wrong.0.id(), "0").unwrap());
    for child in [&forgotten, &last] {
        assert!(events.watch_process(child.0.id(), &start_time(child.0.id()).unwrap()).unwrap());
    }
    events.forget_process(forgotten.0.id());
    for child in [&mut wrong, &mut forgotten, &mut last] {
        child.0.kill().unwrap();
        child.0.wait().unwrap();
    }
    let end = Event::Exited(last.0.id());
    let (_, seen) = wait_for(events, move |event| *event == end);
    assert_eq!(seen, [Event::Exited(last.0.id())]);
}

#[test]
fn an_entry_that_appears_or_leaves_wakes() {
    let scratch = scratch("watch");
    let (inside, outside) = (scratch.0.join("inside"), scratch.0.join("outside"));
    fs::create_dir(&inside).unwrap();
    fs::write(&outside, "").unwrap();
    let mut events = Events::new().unwrap();
    assert!(events.watch(&outside, Interest::Names).is_err(), "a file is no directory");
    let watch = events.watch(&inside, Interest::Names).unwrap();
    let about = |name: &'static str| move |event: &Event| matches!(event, Event::Changed(told, entry) if *told == watch && entry.as_ref().is_none_or(|entry| entry == name));
    fs::write(inside.join("created"), "").unwrap();
    (events, _) = wait_for(events, about("created"));
    fs::rename(&outside, inside.join("renamed")).unwrap();
    (events, _) = wait_for(events, about("renamed"));
    fs::remove_file(inside.join("renamed")).unwrap();
    wait_for(events, about("renamed"));
}

#[cfg(unix)]
#[test]
fn what_is_private_is_so_under_any_umask() {
    let mode = |path: &PathBuf| std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap()) & 0o7777;
    for mask in [0o000, 0o022, 0o077] {
        let scratch = scratch("private");
        let [above, below, file, lock] = ["above", "above/below", "above/file", "above/lock"].map(|name| scratch.0.join(name));
        let before = rustix::process::umask(rustix::fs::Mode::from_bits_retain(mask));
        let made = super::create_private_dir(&below).and_then(|()| super::create_private_file(&file)).and_then(|_| super::open_lock_file(&lock));
        rustix::process::umask(before);
        made.unwrap();
        assert_eq!([&above, &below, &file, &lock].map(mode), [0o700, 0o700, 0o600, 0o600], "umask {mask:03o}");
    }
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

#[cfg(unix)]
#[test]
fn a_fifo_without_a_writer_opens_at_once() {
    let scratch = scratch("fifo");
    let fifo = scratch.0.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    in_time(move || super::open_for_reading(&fifo)).unwrap();
}
