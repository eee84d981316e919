//! Lets one system call of a program fail, or kills the program there, by strace.

use std::fs;
use std::path::Path;

use super::length::is_long;
use super::trace::strace;

/// What can happen at a system call, and the errors that a disk, a mount, a limit or a signal bring.
pub(crate) const FAULTS: [&str; 6] = ["signal=SIGKILL", "error=EIO", "error=ENOSPC", "error=EROFS", "error=EMFILE", "error=EINTR"];

/// The calls of a program that looks at files and changes them.
pub(crate) const FILES: &str = "openat read write statx ?readlink getdents64 ?mkdir mkdirat ?rename ?renameat renameat2 ?unlink unlinkat ?rmdir ?link linkat \
     ?symlink symlinkat fsync fdatasync flock fcntl ftruncate fchmod ?utimensat ?copy_file_range";

/// Those of one that starts others or follows them.
pub(crate) const PROCESSES: &str =
    "?vfork ?clone3 pipe2 ?poll setsid chdir prlimit64 inotify_init1 inotify_add_watch epoll_create1 epoll_ctl pidfd_open dup3";

/// Lets `run` start a program under strace once for each call of these kinds, the first, the second, and so on until there is none left; each has one
/// fault, and the next one another. `set_up` comes before each. The short form takes about `enough` of them, spread evenly; the long form has each
/// fault at each call. Returns how many there were.
pub(crate) fn at_each(log: &Path, calls: &str, enough: usize, set_up: impl Fn(), run: impl Fn(&[&str], &str)) -> usize {
    let Some(strace) = strace() else { return 0 };
    let run = |words: &[&str], fault: &str| {
        let _ = fs::remove_file(log);
        set_up();
        let mut all = vec![strace.to_str().unwrap(), "-qq", "-o", log.to_str().unwrap()];
        all.extend(words);
        run(&all, fault);
    };
    // Once without any, to know how many calls of each kind there are.
    let kinds: Vec<_> = calls.split(' ').filter(|call| !call.is_empty()).collect();
    let filter = format!("trace={}", kinds.join(","));
    run(&["-e", &filter], "without a fault");
    let text = fs::read_to_string(log).unwrap();
    let mut places = Vec::new();
    for kind in kinds.iter().map(|kind| kind.trim_start_matches('?')) {
        let count = text.lines().filter(|line| line.split_once('(').is_some_and(|(name, _)| name == kind)).count();
        places.extend((1..=count).map(|number| (kind, number)));
    }
    let all: Vec<_> = if is_long() {
        places.iter().flat_map(|place| FAULTS.map(|fault| (*place, fault))).collect()
    } else {
        let step = places.len().div_ceil(enough).max(1);
        places.iter().step_by(step).enumerate().map(|(number, place)| (*place, FAULTS[number % FAULTS.len()])).collect()
    };
    for ((kind, number), fault) in &all {
        let (filter, inject) = (format!("trace={kind}"), format!("inject={kind}:{fault}:when={number}"));
        run(&["-e", &filter, "-e", &inject], &format!("{fault} at {kind} {number}"));
    }
    all.len()
}
