//! A helper at which one system call fails or is the last: nothing is lost, and the next one brings everything to where it belongs.

use std::cell::Cell;
use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::support::faults::{FILES, PROCESSES, at_each};
use crate::support::mirror::{replace, text, wait_for_one, write};
use crate::support::trace::strace;
use crate::support::wait_until;
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
    let household = Household::in_use(&["work"]);
    household.kill_helper_and_its_locks("work");
    let round = Cell::new(0);
    let name = |side: &str, round: usize| format!("projects/p/{side}-{round}.jsonl");
    let hub = |relative: &str| household.sandbox.path("home/.claude").join(relative);
    let set_up = || {
        round.set(round.get() + 1);
        let number = round.get();
        edit(&household.own("work"), |state| drop(state.insert(format!("own {number}"), json!(number))));
        edit(&household.hub(), |state| drop(state.insert(format!("hub {number}"), json!(number))));
        write(&household.runtime("work", &name("own", number)), format!("own {number}"));
        write(&hub(&name("hub", number)), format!("hub {number}"));
        write(&hub(&format!("made-{number}")), "made");
        if number > 1 {
            replace(&household.runtime("work", &name("own", number - 1)), format!("replaced {number}"));
        }
    };
    let calls = format!("{FILES} {PROCESSES} ?epoll_wait ?epoll_pwait");
    let count = at_each(&household.sandbox.path("strace.log"), &calls, 45, set_up, |strace, fault| {
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
        let number = round.get();
        for side in ["own", "hub"] {
            for file in [household.own("work"), household.hub()] {
                wait_for(&[file], &format!("{side} {number}"), &json!(number));
            }
            let paths = [household.runtime("work", &name(side, number)), hub(&name(side, number))];
            wait_for_one(&paths, &format!("{side} {number}"));
        }
        if number > 1 {
            wait_for_one(&[household.runtime("work", &name("own", number - 1)), hub(&name("own", number - 1))], &format!("replaced {number}"));
        }
        let made = household.runtime("work", &format!("made-{number}"));
        wait_until("what was made is there", || text(&made).as_deref() == Some("made"));
        household.kill_helper_and_its_locks("work");
    });
    assert!(count > 20 || strace().is_none(), "{count}");
}
