//! A name that vanishes for a moment is left alone: another program is about to fill it.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::Duration;

use crate::support::files::{text, write};
use crate::support::length::rounds;
use crate::support::random::Random;
use crate::support::sharing::{Sides, wait_for_same};

#[test]
fn a_checkout_that_replaces_the_settings_meets_nobody() {
    let sides = Sides::live(&["work", "play"]);
    let settings = sides.hub("settings.json");
    let mut random = Random::new(0);
    for round in 0..rounds(40, 400) {
        fs::remove_file(&settings).unwrap();
        // git removes, and then makes the file anew where nothing may be.
        thread::sleep(random.shorter_than(Duration::from_millis(40)));
        let new = File::options().write(true).create_new(true).open(&settings);
        let told = format!("round {round}: another process filled the hole with {:?}", text(&settings));
        new.expect(&told).write_all(format!("{{\"round\": {round}}}\n").as_bytes()).unwrap();
        thread::sleep(random.shorter_than(Duration::from_millis(10)));
    }
    let last = format!("{{\"round\": {}}}\n", rounds(40, 400) - 1);
    wait_for_same(std::slice::from_ref(&settings), &last);
    sides.pass("work", "after");
    assert_eq!(text(&settings).unwrap(), last);
}

#[test]
fn a_directory_that_moves_behind_a_link_leaves_its_name_to_the_link() {
    let sides = Sides::live(&["work", "play"]);
    write(&sides.hub("plugins/mine/plugin.json"), "{}");
    let mut random = Random::new(1);
    let aside = sides.sandbox.mkdir("home/dotfiles").join("plugins");
    for round in 0..rounds(20, 200) {
        fs::rename(sides.hub("plugins"), &aside).unwrap();
        thread::sleep(random.shorter_than(Duration::from_millis(60)));
        let linked = symlink(&aside, sides.hub("plugins"));
        assert!(linked.is_ok() && sides.hub("plugins").is_symlink(), "round {round}: {linked:?}");
        assert!(!aside.join("plugins").exists(), "round {round}");
        sides.pass("work", &format!("moved-{round}"));
        assert_eq!(text(&sides.own("work", "plugins/mine/plugin.json")).as_deref(), Some("{}"), "round {round}");
        fs::remove_file(sides.hub("plugins")).unwrap();
        fs::rename(&aside, sides.hub("plugins")).unwrap();
    }
}

#[test]
fn a_root_that_vanishes_for_a_moment_is_not_filled() {
    let sides = Sides::live(&["work", "play"]);
    write(&sides.hub("projects/p/a.jsonl"), "talk\n");
    wait_for_same(&sides.places("projects/p/a.jsonl"), "talk\n");
    let mut random = Random::new(2);
    let aside = sides.sandbox.path("home/aside");
    for round in 0..rounds(20, 200) {
        fs::rename(sides.hub("projects"), &aside).unwrap();
        write(&sides.own("work", format!("projects/p/{round}.md")), "news");
        thread::sleep(random.shorter_than(Duration::from_millis(40)));
        let filled = sides.hub("projects").exists();
        assert!(!filled, "round {round}: something of clauth's stands where the user moves a directory back to");
        fs::rename(&aside, sides.hub("projects")).unwrap();
        wait_for_same(&sides.places(format!("projects/p/{round}.md")), "news");
    }
    wait_for_same(&sides.places("projects/p/a.jsonl"), "talk\n");
}
