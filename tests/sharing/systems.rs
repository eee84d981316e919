//! File systems that lack something: no exchange of two names, no link between two mounts, no time of birth.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crate::support::files::{append, replace, text, write};
use crate::support::session::may_unshare;
use crate::support::sharing::{Sides, wait_for_same};
use crate::support::trace::strace;
use crate::support::wait_until;

/// Returns the command that uses a profile, and with it starts its helper, under an strace that answers in the system's place.
fn under(sides: &Sides, injections: &[&str]) -> Option<Command> {
    let mut command = sides.sandbox.command(strace()?);
    command.args(["-f", "-qqq", "-o", "/dev/null"]);
    for inject in injections {
        let calls = inject.split(':').next().unwrap();
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")]);
    }
    command.args(["clauth", "exec", "work", "--", "cat"]);
    Some(command)
}

/// Creates, appends to, replaces and removes on each side in turn, and meets in conflict: whatever the file system lacks, it is everywhere in the end.
fn everything_arrives(sides: &Sides, what: &str) {
    for (turn, name) in ["projects/p/log.jsonl", "plans/plan.md", "tasks/list/1.json"].iter().enumerate() {
        let places = sides.both(name);
        write(&places[turn % 2], "0\n");
        wait_for_same(&places, "0\n");
        let mut expected = String::from("0\n");
        for (number, place) in places.iter().enumerate() {
            append(place, &format!("{number}\n"));
            expected += &format!("{number}\n");
            wait_for_same(&places, &expected);
        }
        // A log that is replaced gets the lines of the other side that are not agreed on yet; that has a test of its own.
        let is_log = name.contains(".jsonl");
        for (number, place) in places.iter().enumerate().filter(|_| !is_log) {
            replace(place, format!("version {number}\n"));
            wait_for_same(&places, &format!("version {number}\n"));
        }
    }
    // Names that are linked, settings, and a new directory.
    replace(&sides.own("work", "CLAUDE.md"), "by the profile");
    wait_for_same(&sides.both("CLAUDE.md"), "by the profile");
    replace(&sides.hub("settings.json"), "{\"theme\": \"dark\"}\n");
    wait_until("settings are the same", || text(&sides.own("work", "settings.json")).is_some_and(|text| text.contains("dark")));
    write(&sides.own("work", "commands/new.md"), "new");
    wait_for_same(&sides.both("commands/new.md"), "new");
    write(&sides.own("work", "agents/deep/new.md"), "agent");
    // Where a directory cannot change its side under a running client, that is said, and done when the session is over.
    let agent = sides.both("agents/deep/new.md");
    wait_until("a new directory is shared, or it is said", || {
        agent.iter().all(|place| text(place).as_deref() == Some("agent")) || sides.status("work").contains("agents")
    });
    fs::remove_file(sides.own("work", "plans/plan.md")).unwrap();
    wait_until("a removed file is gone everywhere", || sides.both("plans/plan.md").iter().all(|place| !place.exists()));
    sides.pass("work", "all");
    let rescued = sides.rescued();
    // The text that the profile's own CLAUDE.md replaced was the user's, and so it is rightly kept.
    let junk: Vec<_> = rescued.iter().filter(|(file, _)| !file.iter().any(|name| name == "removed" || name == "CLAUDE.md")).collect();
    assert!(junk.is_empty(), "{what}: nothing was lost, and this was rescued: {junk:?}");
}

#[test]
fn without_an_exchange_of_two_names_everything_arrives_and_nothing_is_junk() {
    for error in ["EINVAL", "ENOSYS"] {
        let sides = Sides::new(&["work"]);
        let Some(command) = under(&sides, &[&format!("renameat2:error={error}")]) else { return };
        sides.start_by("work", command);
        everything_arrives(&sides, error);
        conflicts_keep_both(&sides, error);
    }
}

#[test]
fn without_an_exchange_of_two_names_the_client_s_state_is_never_missing() {
    let sides = Sides::new(&["work"]);
    let Some(command) = under(&sides, &["renameat2:error=ENOSYS"]) else { return };
    let states = [sides.sandbox.path("home/.claude.json"), sides.own("work", ".claude.json")];
    for state in &states {
        write(state, "{\"turn\": 0}\n");
    }
    sides.start_by("work", command);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // A client that finds no state makes one of its own.
        let watching = states.each_ref().map(|state| {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    assert!(state.exists(), "{}", state.display());
                }
            })
        });
        for turn in 1..30 {
            let text = format!("{{\"turn\": {turn}}}\n");
            replace(&states[turn % 2], &text);
            wait_until("the other state says the same", || crate::support::files::text(&states[(turn + 1) % 2]).as_ref() == Some(&text));
        }
        is_over.store(true, Relaxed);
        for one in watching {
            one.join().unwrap();
        }
    });
}

/// Two versions that nobody saw come into being: the newer stays, the other is rescued.
fn conflicts_keep_both(sides: &Sides, error: &str) {
    sides.stop("work");
    let places = sides.both("plans/both.md");
    for (place, text) in places.iter().zip(["the hub's", "the profile's"]) {
        write(place, text);
    }
    crate::support::files::age(&places[0], 60);
    sides.start_by("work", under(sides, &[&format!("renameat2:error={error}")]).unwrap());
    wait_for_same(&places, "the profile's");
    wait_until("the other one is kept", || sides.rescued().iter().any(|(_, text)| text == "the hub's"));
}

#[test]
fn without_a_time_of_birth_everything_arrives_and_what_is_removed_stays_removed() {
    let sides = Sides::new(&["work"]);
    // The mask of what statx(2) has to say, without STATX_BTIME.
    let Some(command) = under(&sides, &["statx:poke_exit=@arg5=ff070000"]) else { return };
    sides.start_by("work", command);
    everything_arrives(&sides, "no time of birth");
    for (turn, side) in [0, 1, 0, 1].into_iter().enumerate() {
        let places = sides.both(format!("projects/p/{turn}.jsonl"));
        write(&places[0], "talk\n");
        wait_for_same(&places, "talk\n");
        fs::remove_file(&places[side]).unwrap();
        wait_until("it is gone everywhere, or it is said", || {
            places.iter().all(|place| !place.exists()) || sides.status("work").contains(&format!("{turn}.jsonl"))
        });
        sides.pass("work", &format!("removed-{turn}"));
        let back: Vec<_> = places.iter().filter(|place| place.exists()).collect();
        assert!(back.is_empty() || sides.status("work").contains(&format!("{turn}.jsonl")), "{back:?} came back, and nobody says so");
    }
}

#[test]
fn between_two_mounts_of_one_file_system_everything_arrives() {
    if !may_unshare() {
        return;
    }
    let sides = Sides::new(&["work"]);
    let mut command = sides.sandbox.command("unshare");
    let script = "mount --bind .claude .claude && exec clauth exec work -- cat";
    command.args(["--mount", "/bin/sh", "-c", script]);
    write(&sides.hub("projects/p/before.jsonl"), "before\n");
    sides.start_by("work", command);
    wait_for_same(&sides.both("projects/p/before.jsonl"), "before\n");
    let mut expected = String::from("before\n");
    for number in 0..6 {
        let places: [PathBuf; 2] = sides.both("projects/p/before.jsonl");
        append(&places[number % 2], &format!("line {number}\n"));
        expected += &format!("line {number}\n");
        wait_for_same(&places, &expected);
    }
    everything_arrives(&sides, "two mounts");
}
