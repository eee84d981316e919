//! Logs that several append to, whole files that two change at once, and what the client asks of every file: one name, and its own time.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::support::files::{append, files_below, replace, text, write};
use crate::support::length::rounds;
use crate::support::random::Random;
use crate::support::sharing::{Sides, wait_for_same};
use crate::support::wait_until;

/// Appends a whole line as the client does: opened, one write, closed.
fn say(path: &Path, line: &str) {
    File::options().append(true).open(path).unwrap().write_all(format!("{{\"uuid\":\"{line}\"}}\n").as_bytes()).unwrap();
}

#[test]
fn every_file_has_one_name_and_the_same_time_on_every_side() {
    let sides = Sides::new(&["work", "play"]);
    let names = ["projects/p/a.jsonl", "projects/p/memory/MEMORY.md", "plans/plan.md", "tasks/list/1.json", "agent-memory/r/MEMORY.md"];
    for (turn, name) in names.iter().enumerate() {
        write(&sides.hub(name), format!("{name}\n"));
        crate::support::files::age(&sides.hub(name), 1000 * (1 + turn as u64));
    }
    sides.start("work");
    sides.start("play");
    for name in names {
        let places = sides.places(name);
        wait_for_same(&places, &format!("{name}\n"));
        let links: Vec<_> = places.iter().map(|place| fs::metadata(place).unwrap().nlink()).collect();
        assert_eq!(links, [1, 1, 1], "{name}: the client takes a file with two names for somebody else's");
        let times = || places.iter().map(|place| fs::metadata(place).unwrap().modified().unwrap()).collect::<Vec<_>>();
        wait_until("the times are the same", || times().windows(2).all(|pair| pair[0] == pair[1]));
    }
    // What is newest is what `--continue` takes.
    append(&sides.own("work", names[0]), "more\n");
    wait_for_same(&sides.places(names[0]), &format!("{}\nmore\n", names[0]));
    let time = fs::metadata(sides.own("work", names[0])).unwrap().modified().unwrap();
    wait_until("the time went along", || sides.places(names[0]).iter().all(|place| fs::metadata(place).unwrap().modified().unwrap() == time));
}

#[test]
fn a_log_that_three_append_to_at_once_has_every_line_everywhere_and_none_twice() {
    let sides = Sides::live(&["work", "play"]);
    let places = sides.places("projects/p/session.jsonl");
    write(&places[0], "{\"uuid\":\"first\"}\n");
    wait_for_same(&places, "{\"uuid\":\"first\"}\n");
    let lines = rounds(150, 3000);
    thread::scope(|scope| {
        for (side, place) in places.iter().enumerate() {
            scope.spawn(move || {
                let mut random = Random::new(side);
                for number in 0..lines {
                    say(place, &format!("{side}-{number}"));
                    thread::sleep(random.shorter_than(Duration::from_millis(10)));
                }
            });
        }
        let mut random = Random::new(3);
        for kill in 0..rounds(3, 60) {
            thread::sleep(random.shorter_than(Duration::from_millis(300)));
            let profile = ["work", "play"][kill % 2];
            sides.kill(profile);
            sides.prompt(profile);
        }
    });
    let count = |place: &Path| text(place).unwrap_or_default().lines().count();
    wait_until("all have as many lines as were written", || places.iter().all(|place| count(place) > 3 * lines));
    for profile in ["work", "play"] {
        sides.pass(profile, profile);
    }
    for place in &places {
        let text = text(place).unwrap();
        let broken: Vec<_> = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_err()).collect();
        let mut sorted: Vec<_> = text.lines().collect();
        sorted.sort_unstable();
        let all = sorted.len();
        sorted.dedup();
        assert!(
            broken.is_empty() && sorted.len() == all && all == 3 * lines + 1,
            "{}: {all} lines, {} different, broken {broken:?}",
            place.display(),
            sorted.len()
        );
    }
    assert!(sides.rescued().is_empty(), "{:?}", sides.rescued());
}

#[test]
fn what_two_change_at_once_is_the_newer_and_the_other_is_rescued() {
    let sides = Sides::live(&["work", "play"]);
    for round in 0..rounds(12, 200) {
        let places = sides.places(format!("projects/p/memory/{round}.md"));
        write(&places[0], "agreed");
        wait_for_same(&places, "agreed");
        let versions: Vec<_> = (0..3).map(|side| format!("round {round}, side {side}")).collect();
        // Nobody carries one to where the next is written: that would be an edit of it, and no conflict.
        for profile in ["work", "play"] {
            sides.kill(profile);
        }
        for (place, version) in places.iter().zip(&versions) {
            replace(place, version);
        }
        for profile in ["work", "play"] {
            sides.prompt(profile);
        }
        wait_until("all are the same", || {
            let texts = places.each_ref().map(|place| text(place));
            texts[0].is_some() && texts.iter().all(|text| *text == texts[0])
        });
        let now = text(&places[0]).unwrap();
        for version in versions.iter().filter(|version| **version != now) {
            wait_until("the one that lost is rescued", || sides.rescued().iter().any(|(_, text)| text == version));
        }
    }
    let junk: Vec<_> =
        ["", "projects"].iter().flat_map(|root| files_below(&sides.hub(root))).filter(|file| file.to_string_lossy().ends_with(".tmp")).collect();
    assert!(junk.is_empty(), "{junk:?}");
}

/// The helper has to know what it placed, not what stands there when it looks again.
#[test]
fn an_edit_in_the_instant_after_another_side_s_arrived_is_carried_back() {
    let sides = Sides::live(&["work"]);
    for name in ["projects/p/memory/note.md", "projects/p/rewritten.jsonl"] {
        let places = sides.both(name);
        for turn in 0..rounds(60, 2000) {
            // Of equal length, and of another.
            let version = format!("version {:04}{}\n", turn, "!".repeat(turn / 2 % 2));
            fs::create_dir_all(places[turn % 2].parent().unwrap()).unwrap();
            let temporary = places[turn % 2].with_extension("tmp.1.2");
            fs::write(&temporary, &version).unwrap();
            fs::rename(&temporary, &places[turn % 2]).unwrap();
            // The next turn begins in the very moment in which this one's is seen.
            let arrived = crate::support::patience::came_true(|| text(&places[1 - turn % 2]).as_deref() == Some(version.as_str()));
            assert!(arrived, "{name}: the version of turn {turn} stays where it was written");
        }
    }
}

#[test]
fn the_higher_mark_of_two_task_lists_stays() {
    let sides = Sides::new(&["work"]);
    let places = sides.both("tasks/list/.highwatermark");
    sides.start("work");
    write(&places[0], "3");
    wait_for_same(&places, "3");
    sides.stop("work");
    fs::write(&places[0], "12").unwrap();
    fs::write(&places[1], "9").unwrap();
    sides.start("work");
    wait_for_same(&places, "12");
}
