//! More than a handful of removals is held until the user decides, once, either way; the client's own purge is the user's decision.

use std::fs;
use std::io::Write as _;

use crate::support::files::{files_below, text, write};
use crate::support::sharing::{Sides, wait_for_same};
use crate::support::wait_until;

const TALKS: usize = 60;

/// Two profiles in use, with a project that is everywhere.
fn talkative() -> Sides {
    let sides = Sides::live(&["work", "play"]);
    for number in 0..TALKS {
        write(&sides.hub(format!("projects/p/{number}.jsonl")), format!("talk {number}\n"));
    }
    wait_until("all are everywhere", || count_everywhere(&sides) == [TALKS; 3]);
    for profile in ["work", "play"] {
        sides.pass(profile, &format!("{profile} talks"));
    }
    sides
}

fn count_everywhere(sides: &Sides) -> [usize; 3] {
    let mut counts = [0; 3];
    for number in 0..TALKS {
        for (count, place) in counts.iter_mut().zip(sides.places(format!("projects/p/{number}.jsonl"))) {
            *count += usize::from(place.exists());
        }
    }
    counts
}

fn is_held(sides: &Sides) -> bool {
    ["work", "play"].iter().any(|profile| sides.status(profile).contains("held"))
}

#[test]
fn one_answer_is_enough_wherever_they_vanished() {
    for (from, answer) in [(0, "accept"), (1, "accept"), (0, "restore"), (1, "restore")] {
        let sides = talkative();
        fs::remove_dir_all(&sides.places("projects/p")[from]).unwrap();
        let holders: &[&str] = if from == 0 { &["work", "play"] } else { &["work"] };
        wait_until("it is said", || holders.iter().all(|profile| sides.status(profile).contains("held")));
        let listed = sides.sandbox.clauth(&["removals"]).success();
        assert!(listed.stdout().contains("work: projects/p") && listed.stdout().contains("vanished from"), "{listed:?}");
        sides.sandbox.clauth(&["removals", answer]).success();
        let wanted = if answer == "accept" { 0 } else { TALKS };
        wait_until("it is so everywhere", || count_everywhere(&sides) == [wanted; 3]);
        for profile in ["work", "play"] {
            sides.pass(profile, &format!("{profile} after"));
        }
        assert!(!is_held(&sides) && count_everywhere(&sides) == [wanted; 3], "from {from}, {answer}");
        let kept = files_below(&sides.sandbox.path("home/.clauth/rescued/removed")).len();
        assert_eq!(kept, TALKS - wanted, "from {from}, {answer}");
        sides.sandbox.clauth(&["removals", "empty", "--yes"]).success();
        assert_eq!(files_below(&sides.sandbox.path("home/.clauth/rescued")).len(), 0);
        let said = sides.sandbox.clauth(&["removals", answer]).success();
        assert!(said.stderr().contains("no removal is held"), "{said:?}");
    }
}

#[test]
fn more_than_a_handful_of_removals_is_held_and_said() {
    let sides = talkative();
    fs::remove_dir_all(sides.hub("projects/p")).unwrap();
    wait_until("it is said", || sides.status("work").contains("held"));
    for profile in ["work", "play"] {
        sides.pass(profile, profile);
        sides.stop(profile);
        sides.start(profile);
        let kept = (0..TALKS).filter(|number| text(&sides.own(profile, format!("projects/p/{number}.jsonl"))).is_some()).count();
        assert_eq!(kept, TALKS, "of {profile}, whose removal nobody confirmed");
    }
}

#[test]
fn what_is_written_meanwhile_is_shared_and_what_is_held_stays_so() {
    for answer in ["accept", "restore"] {
        let sides = talkative();
        fs::remove_dir_all(sides.hub("projects")).unwrap();
        wait_until("it is said", || ["work", "play"].iter().all(|profile| sides.status(profile).contains("held")));
        write(&sides.own("work", "projects/q/new.jsonl"), "new\n");
        wait_for_same(&sides.places("projects/q/new.jsonl"), "new\n");
        // A change beats a removal.
        fs::File::options().append(true).open(sides.own("work", "projects/p/1.jsonl")).unwrap().write_all(b"more\n").unwrap();
        wait_for_same(&sides.places("projects/p/1.jsonl"), "talk 1\nmore\n");
        for profile in ["work", "play"] {
            sides.pass(profile, &format!("{profile} meanwhile"));
            assert!(sides.status(profile).contains("held"), "{profile}");
        }
        sides.sandbox.clauth(&["removals", answer]).success();
        let wanted = if answer == "accept" { 1 } else { TALKS };
        wait_until("it is so everywhere", || count_everywhere(&sides) == [wanted; 3]);
        wait_until("nothing is held any more", || !is_held(&sides));
        wait_for_same(&sides.places("projects/q/new.jsonl"), "new\n");
    }
}

/// Makes one project of many sessions with a task list each, and another; returns the paths that the client's purge of the first one removes, in its order.
fn projects_with_tasks(sides: &Sides) -> Vec<String> {
    write(&sides.hub("projects/q/talk.jsonl"), "talk\n");
    write(&sides.hub("tasks/talk/1.json"), "{}");
    for number in 0..TALKS {
        write(&sides.hub(format!("tasks/{number}/1.json")), "{}");
        write(&sides.hub(format!("projects/p/{number}.jsonl")), format!("talk {number}\n"));
    }
    let paths: Vec<_> = (0..TALKS).map(|number| format!("tasks/{number}")).chain(["projects/p".into()]).collect();
    let all = |path: &String| {
        let inside = if path == "projects/p" { format!("{path}/{}.jsonl", TALKS - 1) } else { format!("{path}/1.json") };
        sides.places(inside).iter().all(|place| place.exists())
    };
    wait_until("all are everywhere", || paths.iter().all(all));
    for profile in ["work", "play"] {
        sides.pass(profile, profile);
    }
    paths
}

#[test]
fn a_project_that_goes_with_the_task_lists_of_its_sessions_was_purged_by_the_client() {
    for purger in 0..2 {
        let sides = Sides::live(&["work", "play"]);
        let purged = projects_with_tasks(&sides);
        for path in &purged {
            fs::remove_dir_all(&sides.places(path)[purger]).unwrap();
        }
        let is_gone = |path: &String| sides.places(path).iter().all(|place| !place.exists());
        wait_until("all of it is gone everywhere", || purged.iter().all(is_gone));
        assert!(sides.places("projects/q/talk.jsonl").iter().chain(&sides.places("tasks/talk/1.json")).all(|place| place.exists()));
        wait_until("nothing of it is kept", || files_below(&sides.sandbox.path("home/.clauth/rescued")).is_empty());
        assert!(!sides.status("work").contains("held"));
    }
}

#[test]
fn a_project_that_goes_with_other_task_lists_too_is_held() {
    for also in ["tasks/talk", "plans"] {
        let sides = Sides::live(&["work", "play"]);
        write(&sides.hub("plans/plan.md"), "plan");
        wait_for_same(&sides.places("plans/plan.md"), "plan");
        for path in projects_with_tasks(&sides).iter().map(String::as_str).chain([also]) {
            let _ = fs::remove_dir_all(sides.hub(path));
        }
        wait_until("it is said", || sides.status("work").contains("held") && sides.status("play").contains("held"));
        let kept = (0..TALKS).filter(|number| text(&sides.own("play", format!("projects/p/{number}.jsonl"))).is_some()).count();
        assert_eq!(kept, TALKS);
    }
}
