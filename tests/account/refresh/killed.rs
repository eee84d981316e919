//! SIGKILL at any system call loses nothing but what was on its way, and no token is ever sent twice.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write as _};
use std::process::Stdio;

use super::World;
use crate::mirror::killed::{REMOVING, RENAMING, WRITING, at_each};
use crate::support::length::is_long;
use crate::support::trace::strace;

/// The calls between which a kill makes a difference, beside those that change files.
const TALKING: &str = "socket connect ?poll ?ppoll sendto recvfrom ?clone3 rt_sigprocmask flock";

/// All others that a refresh makes.
const LOOKS: &str =
    "openat read close statx ?readlink fcntl mmap munmap mprotect futex getrandom rt_sigpending setsockopt sched_getaffinity madvise brk";

/// Some of them, for the short form.
const FEW_LOOKS: &str = "?readlink fcntl getrandom rt_sigpending setsockopt sched_getaffinity madvise brk";

#[test]
fn at_any_change_of_a_file_nothing_is_lost() {
    kill_at(&[RENAMING, REMOVING, WRITING].join(" "));
}

#[test]
fn at_any_word_with_the_service_nothing_is_lost() {
    kill_at(TALKING);
}

#[test]
fn at_any_other_call_nothing_is_lost() {
    kill_at(if is_long() { LOOKS } else { FEW_LOOKS });
}

fn kill_at(calls: &str) {
    let world = World::new();
    let (noted, lost) = (Cell::new(0), Cell::new(0));
    let set_up = || {
        world.sign_in(world.account.number(), 60);
        let _ = fs::remove_file(world.sandbox.path("home/.clauth/profiles/work/spent"));
    };
    let kills = at_each(calls, set_up, |strace, call| {
        let before = (world.account.number(), world.text());
        let mut refresh = world.sandbox.command(strace[0]);
        refresh.args(&strace[1..]).args(["clauth", "refresh", "work"]).stderr(Stdio::null());
        let is_over = refresh.status().unwrap().success();
        world.service.settle();
        let is_spent = world.account.number() > before.0;
        // Whole, and the old login or the one that the service gave.
        let is_new = world.number() == world.account.number() && is_spent;
        assert!(is_new || world.text() == before.1, "{call}: {}", world.text());
        for lock in super::locks(&world.sandbox) {
            fs::remove_dir(lock).unwrap(); // as whoever comes a minute later does
        }
        let next = world.refresh(&["work"]);
        if next.code() == Some(0) {
            // What came, and was kept before it was in its place, is in its place now.
            assert_eq!(world.number(), world.account.number(), "{call}");
        } else {
            // It was noted that the token is being sent, and it may not have been: then it is as good as before.
            assert!(next.complaint().contains("it was sent earlier"), "{call}: {next:?}");
            assert_eq!(world.text(), before.1);
            let count = if is_spent { &lost } else { &noted };
            count.set(count.get() + 1);
        }
        assert_eq!(world.account.refused(), Vec::<String>::new(), "{call}");
        !is_over
    });
    // Past the capture of the test runner: the counts are what this test is for.
    let _ =
        writeln!(io::stderr(), "{kills} kills: {} between the note and the request, {} between the request and the write", noted.get(), lost.get());
    assert!(kills > 10 || strace().is_none(), "{kills}");
    world.refresh(&["work"]);
    world.assert_tidy();
}
