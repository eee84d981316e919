//! What writers do that no rule of thumb expects: files with several names, descriptors kept open, lines in pieces, edits in the middle.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use crate::support::files::{age, append, replace, text as read, write};
use crate::support::length::rounds;
use crate::support::sharing::{Sides, wait_for_same};
use crate::support::wait_until;

/// As clauth 0.6 left them.
#[test]
fn a_file_with_one_inode_on_three_sides_becomes_three_and_no_line_is_doubled() {
    let sides = Sides::new(&["work", "play"]);
    sides.start("work");
    sides.start("play");
    sides.stop("work");
    sides.stop("play");
    let places = sides.places("projects/p/s.jsonl");
    write(&places[0], "first\n");
    for place in &places[1..] {
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::hard_link(&places[0], place).unwrap();
    }
    sides.start("work");
    sides.start("play");
    let mut expected = String::from("first\n");
    for number in 0..20 {
        append(&places[0], &format!("{number}\n"));
        expected += &format!("{number}\n");
        if number % 5 == 0 {
            wait_for_same(&places, &expected);
        }
    }
    wait_for_same(&places, &expected);
    wait_until("each has a file of its own", || places.iter().all(|place| fs::metadata(place).unwrap().nlink() == 1));
}

#[test]
fn what_is_written_through_a_descriptor_to_a_file_that_was_replaced_is_kept() {
    let sides = Sides::live(&["work"]);
    for turn in 0..2 {
        let places = sides.both(format!("plans/{turn}.md"));
        write(&places[turn], "first\n");
        wait_for_same(&places, "first\n");
        let mut open = File::options().append(true).open(&places[turn]).unwrap();
        replace(&places[1 - turn], "second\n");
        wait_for_same(&places, "second\n");
        open.write_all(b"late\n").unwrap();
        drop(open);
        sides.pass("work", &format!("late-{turn}"));
        let is_kept =
            || sides.rescued().iter().any(|(_, text)| text.contains("late")) || places.iter().any(|place| read(place).unwrap().contains("late"));
        wait_until("the late line is somewhere", is_kept);
        for (file, _) in sides.rescued() {
            let _ = fs::remove_file(sides.sandbox.path("home/.clauth/rescued").join(file));
        }
    }
}

#[test]
fn a_line_that_is_not_whole_is_nobody_elses() {
    let sides = Sides::live(&["work"]);
    let places = sides.both("projects/p/s.jsonl");
    write(&places[0], "{\"a\":");
    sides.pass("work", "a piece is there");
    append_new(&places[1], "{\"b\":2}\n");
    wait_until("the whole line is carried, and not into the other", || read(&places[0]).is_some_and(|text| text.starts_with("{\"a\":")));
    append(&places[0], "1}\n");
    let lines = |place| {
        let mut lines: Vec<String> = read(place).unwrap_or_default().lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    wait_until("both have both lines", || places.iter().all(|place| lines(place) == ["{\"a\":1}", "{\"b\":2}"]));
}

fn append_new(path: &std::path::Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn an_edit_of_a_log_that_does_not_grow_it_is_carried() {
    let sides = Sides::live(&["work"]);
    let places = sides.both("projects/p/s.jsonl");
    let text = |word: &str| format!("{word}\n{}\n", "long ".repeat(1000));
    write(&places[0], text("SECRET"));
    let are = |word: &str| wait_until(word, || places.iter().all(|place| read(place).as_deref() == Some(text(word).as_str())));
    are("SECRET");
    for round in 0..rounds(6, 300) {
        let word = format!("X{round:05}");
        replace(&places[1], text(&word));
        are(&word);
        age(&places[0], 100); // an edit is newer than a touch
    }
}
