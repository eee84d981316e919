//! A file system that is mounted over the hub for a while hides it: what is written meanwhile is kept, and what was there is not taken for removed.

use std::path::Path;
use std::process::Command;
use std::thread;

use super::model::enter_own_mounts;
use crate::support::files::{text, write};
use crate::support::sharing::{Sides, wait_for_same};
use crate::support::wait_until;

/// Plays in a thread of its own, which takes its mounts along when it ends; does nothing where mounts are not allowed.
fn with_mounts(play: fn()) {
    let played = thread::spawn(move || enter_own_mounts().then(play)).join();
    played.map_or_else(|panic| std::panic::resume_unwind(panic), drop);
}

fn hide(directory: &Path) {
    run("mount", &["-t", "tmpfs", "none", directory.to_str().unwrap()]);
}

/// Waits until no process is at work in it, too.
fn show(directory: &Path) {
    wait_until("it can be unmounted", || Command::new("umount").arg(directory).output().unwrap().status.success());
}

fn run(program: &str, words: &[&str]) {
    assert!(Command::new(program).args(words).status().unwrap().success());
}

#[test]
fn what_was_written_while_a_mount_hid_the_hub_is_not_taken_for_removed() {
    with_mounts(|| {
        let sides = Sides::live(&["work"]);
        let (places, before) = (sides.both("plans/mine.md"), sides.both("plans/before.md"));
        write(&before[0], "before");
        wait_for_same(&before, "before");
        hide(&sides.hub("plans"));
        write(&sides.own("work", "plans/mine.md"), "mine");
        sides.pass("work", "hidden");
        show(&sides.hub("plans"));
        for _ in 0..2 {
            sides.stop("work");
            sides.start("work");
            wait_for_same(&places, "mine");
            wait_for_same(&before, "before");
        }
    });
}

#[test]
fn a_helper_that_began_under_a_mount_knows_that_it_goes() {
    with_mounts(|| {
        let sides = Sides::live(&["work"]);
        let (own, hub) = (sides.own("work", "plans/deep/plan.md"), sides.hub("plans/deep/plan.md"));
        write(&own, "old");
        wait_for_same(&[own.clone(), hub.clone()], "old");
        hide(&sides.hub("plans"));
        sides.kill("work");
        write(&own, "new");
        sides.prompt("work");
        wait_until("it is under the mount", || text(&hub).as_deref() == Some("new"));
        sides.pass("work", "agreed");
        // One that finds all as it was agreed on.
        sides.kill("work");
        sides.prompt("work");
        sides.pass("work", "begun");
        show(&sides.hub("plans"));
        wait_for_same(&[own, hub], "new");
    });
}

#[test]
fn a_removal_that_waited_while_a_mount_came_ends_in_no_file_of_the_mount() {
    with_mounts(|| {
        let sides = Sides::live(&["work"]);
        let (own, hub) = (sides.own("work", "plans/deep/plan.md"), sides.hub("plans/deep/plan.md"));
        write(&own, "old");
        wait_for_same(&[own.clone(), hub.clone()], "old");
        std::fs::remove_file(&own).unwrap();
        hide(&sides.hub("plans"));
        sides.pass("work", "removed");
        write(&own, "new");
        wait_until("it is under the mount", || text(&hub).as_deref() == Some("new"));
        show(&sides.hub("plans"));
        wait_for_same(&[own, hub], "new");
    });
}
