//! Nothing is deleted because it seems absent: a profile that is removed, thrown away or shared in another way takes none of the user's history along.

use std::fs;

use crate::support::files::{text, write};
use crate::support::finished::Finished;
use crate::support::length::rounds;
use crate::support::sharing::Sides;
use crate::support::trace::strace;
use crate::support::{Sandbox, wait_until};

const TALKS: usize = 60;

/// Writes the user's history as it was before clauth came.
fn talk(sides: &Sides) {
    for number in 0..TALKS {
        write(&sides.hub(format!("projects/p/{number}.jsonl")), format!("talk {number}\n"));
        write(&sides.hub(format!("plans/{number}.md")), format!("plan {number}\n"));
    }
}

/// Has one more session begin and end, so that whatever could be taken for a removal has been, and asserts that nothing was.
#[track_caller]
fn assert_all_there(sides: &Sides, when: &str, mark: usize) {
    if !sides.sandbox.path("home/.clauth/profiles/work/profile.toml").exists() {
        sides.sandbox.clauth(&["add", "work"]).success();
    }
    for turn in 0..2 {
        sides.start("work");
        sides.pass("work", &format!("{mark}-{turn}"));
        sides.stop("work");
    }
    let lost: Vec<_> = (0..TALKS)
        .flat_map(|number| {
            [(format!("projects/p/{number}.jsonl"), format!("talk {number}\n")), (format!("plans/{number}.md"), format!("plan {number}\n"))]
        })
        .filter(|(path, wanted)| sides.both(path).iter().any(|place| text(place).as_ref() != Some(wanted)))
        .collect();
    assert!(lost.is_empty(), "{when}: {} of {} are gone from a side, such as {:?}", lost.len(), 2 * TALKS, lost[0]);
}

#[test]
fn a_profile_that_is_added_used_removed_and_used_again_takes_nothing_along() {
    for round in 0..rounds(3, 100) {
        let sides = Sides::new(&["work"]);
        talk(&sides);
        sides.sandbox.clauth(&["exec", "work", "--", "true"]).success();
        if round % 2 == 1 {
            sides.sandbox.assert_no_helpers_left();
        }
        // It may be refused while its own helper ends; that must do no harm either.
        let _ = sides.sandbox.clauth(&["remove", "work", "--yes"]);
        let _ = sides.sandbox.clauth(&["exec", "work", "--", "true"]);
        sides.sandbox.assert_no_helpers_left();
        assert_all_there(&sides, &format!("round {round}"), 0);
    }
}

#[test]
fn a_removal_of_a_profile_that_is_killed_anywhere_takes_nothing_along() {
    let Some(strace) = strace() else { return };
    let calls = ["unlink", "unlinkat", "rmdir", "rename", "renameat2", "write", "fsync"];
    for (round, call) in calls.iter().enumerate() {
        for number in if crate::support::length::is_long() { (1..40).collect() } else { vec![2 + round * 3] } {
            let sides = Sides::new(&["work"]);
            talk(&sides);
            sides.start("work");
            sides.pass("work", "before");
            sides.stop("work");
            let mut command = sides.sandbox.command(strace);
            let (trace, inject) = (format!("trace=?{call}"), format!("inject=?{call}:signal=SIGKILL:when={number}"));
            command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "clauth", "remove", "work", "--yes"]);
            let _ = Finished::run(command);
            assert_all_there(&sides, &format!("killed at {call} {number}"), 1);
        }
    }
}

#[test]
fn a_config_directory_that_is_thrown_away_between_two_sessions_takes_nothing_along() {
    let sides = Sides::new(&["work"]);
    talk(&sides);
    sides.start("work");
    sides.pass("work", "before");
    sides.stop("work");
    fs::remove_dir_all(sides.own("work", "")).unwrap();
    assert_all_there(&sides, "thrown away", 1);
    // Its parts, too: a root alone, and one that was put back empty.
    fs::remove_dir_all(sides.own("work", "projects")).unwrap();
    fs::remove_dir_all(sides.own("work", "plans")).unwrap();
    fs::create_dir(sides.own("work", "plans")).unwrap();
    sides.start("work");
    sides.pass("work", "between");
    let hub =
        |number: usize| text(&sides.hub(format!("projects/p/{number}.jsonl"))).is_some() && text(&sides.hub(format!("plans/{number}.md"))).is_some();
    sides.stop("work");
    let kept = (0..TALKS).filter(|number| hub(*number)).count();
    assert_eq!(kept, TALKS, "files in the hub, after two roots of the profile were thrown away");
}

#[test]
fn a_history_that_was_moved_away_between_two_sessions_stays_in_the_profile() {
    let sides = Sides::new(&["work"]);
    talk(&sides);
    sides.start("work");
    sides.pass("work", "before");
    sides.stop("work");
    let aside = sides.sandbox.path("home/aside");
    fs::rename(sides.hub("projects"), &aside).unwrap();
    sides.start("work");
    sides.pass("work", "between");
    let kept = (0..TALKS).filter(|number| text(&sides.own("work", format!("projects/p/{number}.jsonl"))).is_some()).count();
    sides.stop("work");
    assert_eq!(kept, TALKS, "files in the profile, after the hub's root was moved away");
}

#[test]
fn another_way_of_sharing_takes_nothing_along() {
    let mut sandbox = Sandbox::new();
    sandbox.set_variable("CLAUTH_LINK_MODE", "symlink");
    let mut sides = Sides::with(sandbox, &["work"]);
    talk(&sides);
    write(&sides.hub("commands/deep/mine.md"), "mine");
    for (turn, mode) in ["symlink", "copy", "hardlink", "junction", "symlink"].into_iter().enumerate() {
        sides.sandbox.set_variable("CLAUTH_LINK_MODE", mode);
        assert_all_there(&sides, mode, turn);
        for place in sides.both("commands/deep/mine.md") {
            assert_eq!(text(&place).as_deref(), Some("mine"), "{mode}: {}", place.display());
        }
        if turn % 2 == 1 {
            fs::remove_dir_all(sides.own("work", "")).unwrap();
        }
    }
}

#[test]
fn the_last_copy_of_a_removed_file_is_kept() {
    let sides = Sides::live(&["work", "play"]);
    for (turn, by) in [sides.own("work", ""), sides.hub(""), sides.own("play", "")].iter().enumerate() {
        let relative = format!("projects/p/{turn}.md");
        let places = sides.places(&relative);
        write(&places[0], format!("only copy {turn}"));
        crate::support::sharing::wait_for_same(&places, &format!("only copy {turn}"));
        fs::remove_file(by.join(&relative)).unwrap();
        wait_until("it is removed everywhere", || places.iter().all(|place| !place.exists()));
        let kept = sides.rescued();
        assert!(
            kept.iter().any(|(file, text)| *text == format!("only copy {turn}") && file.iter().any(|name| name == "removed")),
            "{turn}: {kept:?}"
        );
    }
}

#[test]
fn a_change_beats_a_removal() {
    let sides = Sides::live(&["work", "play"]);
    for (turn, name) in ["projects/p/a.jsonl", "projects/p/b.md"].iter().enumerate() {
        let places = sides.places(name);
        write(&places[0], "first\n");
        crate::support::sharing::wait_for_same(&places, "first\n");
        let (stopped, changed) = (&places[1 + turn], &places[0]);
        sides.stop(["work", "play"][turn]);
        fs::remove_file(stopped).unwrap();
        fs::write(changed, "first\nsecond\n").unwrap();
        sides.start(["work", "play"][turn]);
        crate::support::sharing::wait_for_same(&places, "first\nsecond\n");
    }
}
