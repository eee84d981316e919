//! A helper at which one system call fails or is the last: nothing is lost, and the next one brings everything to where it belongs.

use std::cell::{Cell, RefCell};
use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::support::faults::{FILES, PROCESSES, at_each};
use crate::support::files::{replace, text, wait_for_text, write};
use crate::support::trace::strace;
use crate::support::{Sandbox, wait_until};
use crate::sync::household::{Household, edit, wait_for};

/// Whether a process sleeps, and has been given no time between two looks.
fn sleeps(pid: i32, before: &Cell<(i32, String)>) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let now = (pid, line("voluntary_ctxt_switches:"));
    line("State:").contains('S') && before.replace(now.clone()) == now
}

#[test]
fn whatever_fails_once_in_a_helper_nothing_is_lost() {
    let own_file = "projects/p/own.jsonl";
    let hub_file = "projects/p/hub.jsonl";
    let known_file = "projects/p/known.md";
    let hub = |household: &Household, relative: &str| household.sandbox.path("home/.claude").join(relative);
    let household = RefCell::new(None);
    // Each round has a household of its own: what one fault left must not hide the next, and the thousandth round is as quick as the first.
    let set_up = || {
        let new = Household::in_use(&["work"]);
        write(&new.runtime("work", known_file), "known");
        wait_for_text(&[new.runtime("work", known_file), hub(&new, known_file)], "known");
        new.kill_helper_and_its_locks("work");
        edit(&new.own("work"), |state| drop(state.insert("own".into(), json!(1))));
        edit(&new.hub(), |state| drop(state.insert("hub".into(), json!(1))));
        write(&new.runtime("work", own_file), "own\n");
        write(&hub(&new, hub_file), "hub\n");
        write(&hub(&new, "made"), "made");
        replace(&new.runtime("work", known_file), "replaced");
        household.replace(Some(new));
    };
    let place = Sandbox::new();
    let calls = format!("{FILES} {PROCESSES} ?epoll_wait ?epoll_pwait");
    let count = at_each(&place.path("strace.log"), &calls, 45, set_up, |strace, fault| {
        let household = household.borrow();
        let household = household.as_ref().unwrap();
        let mut helper = household.sandbox.command(strace[0]);
        helper.args(&strace[1..]).args(["clauth", "helper", "work"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut helper = helper.spawn().unwrap();
        let last = Cell::new((0, String::new()));
        let mut quiet = 0;
        wait_until("the helper has done what it could", || {
            // Between two system calls it is stopped by strace, and on its way it hardly sleeps: asleep for so many looks, it waits for events.
            quiet = if household.helper("work").is_some_and(|pid| sleeps(pid, &last)) { quiet + 1 } else { 0 };
            helper.try_wait().unwrap().is_some() || quiet == 10
        });
        household.kill_helper_and_its_locks("work");
        helper.wait().unwrap();

        assert_eq!(household.prompt("work").stderr(), "", "{fault}");
        for member in ["own", "hub"] {
            for file in [household.own("work"), household.hub()] {
                wait_for(&[file], member, &json!(1));
            }
        }
        for (file, content) in [(own_file, "own\n"), (hub_file, "hub\n"), (known_file, "replaced")] {
            wait_for_text(&[household.runtime("work", file), hub(household, file)], content);
        }
        let made = household.runtime("work", "made");
        wait_until("what was made is there", || text(&made).as_deref() == Some("made"));
    });
    assert!(count > 20 || strace().is_none(), "{count}");
}
