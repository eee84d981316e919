//! `clauth refresh` at which one system call fails or is the last: the login is the old one or the new one, and no token is sent twice.
//!
//! What SIGKILL alone does at more kinds of calls is in `account::refresh::killed`.

use std::cell::Cell;
use std::fs;

use crate::account::locks;
use crate::account::refresh::World;
use crate::support::faults::{FILES, at_each};
use crate::support::finished::Finished;
use crate::support::trace::strace;

/// The calls by which the service is asked, and those that could be missing for it. Not getrandom(2): it has none of these errors, and std takes
/// a kernel without chance for the end of the world.
const TALKING: &str = "socket connect ?poll sendto recvfrom ?clone3 setsockopt rt_sigprocmask";

#[test]
fn whatever_fails_once_in_a_refresh_no_token_is_sent_twice() {
    let world = World::new();
    let lost = Cell::new(0);
    let set_up = || {
        world.sign_in(world.account.number(), 60);
        let _ = fs::remove_file(world.sandbox.path("home/.clauth/profiles/work/spent"));
    };
    let count = at_each(&world.sandbox.path("strace.log"), &format!("{FILES} {TALKING}"), 60, set_up, |strace, fault| {
        let before = (world.account.number(), world.text());
        let mut refresh = world.sandbox.command(strace[0]);
        refresh.args(&strace[1..]).args(["clauth", "refresh", "work"]);
        let said = Finished::run(refresh);
        assert!(said.code() != Some(101) && !said.stderr().contains("panicked"), "{fault}: {said:?}");
        world.service.settle();
        let is_spent = world.account.number() > before.0;
        let is_new = is_spent && world.text() != before.1;
        assert!(if is_new { world.number() == world.account.number() } else { world.text() == before.1 }, "{fault}: {}", world.text());
        for lock in locks(&world.sandbox) {
            fs::remove_dir(lock).unwrap(); // as whoever comes a minute later does
        }
        let next = world.refresh(&["work"]);
        if next.code() == Some(0) {
            assert_eq!(world.number(), world.account.number(), "{fault}");
        } else {
            assert!(next.complaint().contains("it was sent earlier"), "{fault}: {next:?}");
            assert_eq!(world.text(), before.1, "{fault}");
            // Between the request and the answer's place on the disk nobody can do better; an error that is no kill leaves what came where it is found.
            let is_unheard = fault.contains("KILL") || ["recvfrom", "sendto", "poll", "setsockopt"].iter().any(|call| fault.contains(call));
            assert!(!is_spent || is_unheard, "{fault}: {said:?}");
            lost.set(lost.get() + usize::from(is_spent));
        }
        assert_eq!(world.account.refused(), Vec::<String>::new(), "{fault}");
    });
    assert!(count > 20 || strace().is_none(), "{count}");
    assert!(lost.get() * 4 < count.max(1), "{} of {count} cost the login", lost.get());
    world.refresh(&["work"]);
    world.assert_tidy();
}
