//! Sharing comes back by itself: after a directory was moved and put back, after a file was made anew, and after a limit of the system was in the way.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::files::{text, write};
use crate::support::finished::Finished;
use crate::support::length::rounds;
use crate::support::session::may_unshare;
use crate::support::sharing::{Sides, wait_for_same};
use crate::support::wait_until;
use crate::sync::household::{Household, edit, replace, settle, state, wait_for};

#[test]
fn a_home_that_is_moved_away_and_copied_back_is_shared_again() {
    let sides = Sides::live(&["work", "play"]);
    write(&sides.hub("projects/p/a.jsonl"), "talk\n");
    wait_for_same(&sides.places("projects/p/a.jsonl"), "talk\n");
    for round in 0..rounds(2, 50) {
        let (hub, aside) = (sides.sandbox.path("home/.claude"), sides.sandbox.path(format!("home/aside-{round}")));
        fs::rename(&hub, &aside).unwrap();
        let mut copy = sides.sandbox.command("cp");
        copy.arg("-a").arg(&aside).arg(&hub);
        Finished::run(copy).success();
        write(&sides.hub(format!("projects/p/hub-{round}.md")), "from the hub");
        wait_for_same(&sides.places(format!("projects/p/hub-{round}.md")), "from the hub");
        write(&sides.own("work", format!("plans/own-{round}.md")), "from a profile");
        wait_for_same(&sides.places(format!("plans/own-{round}.md")), "from a profile");
        wait_for_same(&sides.places("projects/p/a.jsonl"), "talk\n");
    }
}

#[test]
fn a_root_that_is_moved_away_and_put_back_is_shared_again() {
    let sides = Sides::live(&["work", "play"]);
    write(&sides.hub("projects/p/deep/a.jsonl"), "talk\n");
    wait_for_same(&sides.places("projects/p/deep/a.jsonl"), "talk\n");
    for (turn, side) in [sides.hub(""), sides.own("work", "")].iter().cycle().take(rounds(4, 60)).enumerate() {
        let aside = sides.sandbox.path("home/aside");
        fs::rename(side.join("projects"), &aside).unwrap();
        sides.pass("play", &format!("away-{turn}"));
        assert!(text(&sides.own("play", "projects/p/deep/a.jsonl")).is_some(), "what is away is not removed");
        // Who uses the profile may have needed the directory meanwhile.
        let _ = fs::remove_dir_all(side.join("projects"));
        fs::rename(&aside, side.join("projects")).unwrap();
        write(&side.join(format!("projects/p/deep/{turn}.md")), "news");
        wait_for_same(&sides.places(format!("projects/p/deep/{turn}.md")), "news");
        wait_for_same(&sides.places("projects/p/deep/a.jsonl"), "talk\n");
    }
}

#[test]
fn a_state_that_is_made_anew_is_shared_again() {
    let household = Household::in_use(&["work", "play"]);
    let all = [household.hub(), household.own("work"), household.own("play")];
    for (turn, file) in all.iter().enumerate() {
        fs::remove_file(file).unwrap();
        // As a client that finds none writes its own; and one whose directory was moved in between.
        replace(file, format!("{{\"numStartups\": {turn}, \"new\": {turn}}}"));
        wait_for(&all, "new", &json!(turn));
        edit(file, |state| drop(state.insert("later".into(), json!(turn))));
        wait_for(&all, "later", &json!(turn));
        settle(&all[(turn + 1) % 3], &all);
        assert!(all.iter().all(|file| state(file).len() > 3), "the others' keys came back to it");
    }
}

/// More than there are watches.
const DIRECTORIES: usize = 80;

/// The limit is that of a user namespace, which only this test is in.
fn with_watches(sides: &Sides, count: usize) -> Command {
    let mut command = sides.sandbox.command("unshare");
    let script = format!("echo {count} >/proc/sys/user/max_inotify_watches && exec clauth exec work -- cat");
    command.args(["--user", "--map-root-user", "/bin/sh", "-c", &script]);
    command
}

#[test]
fn where_watches_run_out_all_is_shared_or_said_until_it_is() {
    if !may_unshare() {
        return;
    }
    let sides = Sides::new(&["work"]);
    for number in 0..DIRECTORIES {
        write(&sides.hub(format!("projects/p{number}/a.md")), "a");
    }
    sides.start_by("work", with_watches(&sides, 40));
    let is_said = || {
        let status = sides.status("work");
        status.contains("watch") || status.contains("limit")
    };
    for (round, number) in [0, DIRECTORIES - 1, DIRECTORIES / 2].into_iter().enumerate() {
        for number in 0..DIRECTORIES {
            write(&sides.hub(format!("projects/p{number}/new-{round}.md")), "news");
        }
        let missing = || (0..DIRECTORIES).filter(|number| !sides.own("work", format!("projects/p{number}/new-{round}.md")).exists()).count();
        wait_until("all is there, or it is said", || missing() == 0 || is_said());
        // Good events, after which the complaint must not be withdrawn.
        for look in 0..10 {
            write(&sides.hub(format!("projects/p{number}/good-{look}.md")), "good");
            write(&sides.own("work", format!("tasks/good-{look}.json")), "good");
            let said = is_said();
            assert!(said || missing() == 0, "{round}: {} directories are not shared, and status says {}", missing(), sides.status("work"));
        }
    }
}
