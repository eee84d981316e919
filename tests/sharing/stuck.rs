//! A helper that cannot do something says it once and waits; it does not loop, and its own writes never wake it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::elsewhere::Elsewhere;
use crate::support::files::{make_fifo, replace, text, write};
use crate::support::sharing::{Sides, wait_for_calm, wait_for_same};
use crate::support::{Sandbox, wait_until};
use crate::sync::household::{Household, edit, state, wait_for};

/// So often in a second a helper may look whether what failed goes now.
const SELDOM: u64 = 1;

#[test]
fn a_directory_that_belongs_on_another_disk_is_waited_for() {
    let Some(elsewhere) = Elsewhere::new("stuck") else { return };
    let sandbox = Sandbox::new();
    let hub = elsewhere.path().join("claude");
    assert!(std::process::Command::new("cp").arg("-a").arg(sandbox.path("home/.claude")).arg(&hub).status().unwrap().success());
    fs::remove_dir_all(sandbox.path("home/.claude")).unwrap();
    symlink(&hub, sandbox.path("home/.claude")).unwrap();
    let sides = Sides::with(sandbox, &["work"]);
    sides.start("work");
    write(&sides.own("work", "agents/mine.md"), "mine");
    sides.pass("work", "made");
    wait_for_calm("agents is a directory of the profile's, and the hub is on another disk", sides.helper("work").unwrap(), SELDOM);
    let log = sides.log("work");
    assert!(log.lines().filter(|line| line.contains("agents")).count() <= 1, "{log}");
}

/// What it is, and how it comes to be there.
type StandIn = (&'static str, fn(&Path));

/// Whatever stands where the lock of a file belongs.
fn stand_ins() -> [StandIn; 4] {
    [
        ("a lock that nobody gives back", |lock| fs::create_dir(lock).unwrap()),
        ("a lock dated an hour ahead", |lock| {
            fs::create_dir(lock).unwrap();
            File::open(lock).unwrap().set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        }),
        ("a file for a lock", |lock| fs::write(lock, "").unwrap()),
        ("a FIFO for a lock", make_fifo),
    ]
}

#[test]
fn a_lock_that_cannot_be_had_is_asked_for_ever_more_seldom() {
    for (what, make) in stand_ins() {
        let household = Household::in_use(&["work"]);
        let lock = PathBuf::from(format!("{}.lock", household.hub().display()));
        make(&lock);
        edit(&household.own("work"), |state| drop(state.insert("waits".into(), json!(what))));
        household.wait_for_trouble("work", "locked");
        wait_for_calm(what, household.helper("work").unwrap(), SELDOM);
        assert!(state(&household.hub()).get("waits").is_none() || !lock.is_file(), "{what}: what is no lock is not taken away");
        // Once it is gone, what waited is done, without another event of that file.
        let _ = fs::remove_dir(&lock).or_else(|_| fs::remove_file(&lock));
        wait_for(&[household.hub()], "waits", &json!(what));
        wait_until("nothing is wrong any more", || household.troubles("work").is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_carried_wakes_nobody_and_is_said() {
    let sides = Sides::live(&["work"]);
    let hub = sides.hub("projects/p");
    write(&hub.join("a.md"), "a");
    wait_for_same(&sides.both("projects/p/a.md"), "a");
    // A file where the other side has a directory: neither can take the other's place.
    sides.stop("work");
    write(&sides.hub("plans/both"), "a file");
    write(&sides.own("work", "plans/both/inner.md"), "in a directory");
    sides.start("work");
    sides.pass("work", "met");
    wait_for_calm("a file against a directory", sides.helper("work").unwrap(), SELDOM);
    let everything: String = [sides.hub("plans"), sides.own("work", "plans"), sides.sandbox.path("home/.clauth/rescued")]
        .iter()
        .flat_map(|root| crate::support::files::files_below(root))
        .filter_map(|file| text(&file))
        .collect();
    assert!(everything.contains("a file") && everything.contains("in a directory"), "{everything}");
}

#[test]
fn what_lost_a_conflict_and_cannot_be_kept_stays_in_its_place() {
    for name in ["plans/p.md", "projects/p/talk.jsonl"] {
        let sides = Sides::new(&["work"]);
        let places = sides.both(name);
        sides.start("work");
        write(&places[0], "{\"agreed\": 1}\n");
        wait_for_same(&places, "{\"agreed\": 1}\n");
        sides.stop("work");
        // Where the losers go there is a file: nothing can be kept.
        let rescued = sides.sandbox.path("home/.clauth/rescued");
        let _ = fs::remove_dir_all(&rescued);
        fs::write(&rescued, "in the way").unwrap();
        for (place, text) in places.iter().zip(["{\"first\": 1}\n", "{\"second\": 2}\n"]) {
            replace(place, text);
        }
        sides.start("work");
        wait_until("it is said", || sides.status("work").contains(name) || sides.status("work").contains("rescued"));
        let texts = places.iter().filter_map(|place| text(place)).collect::<String>();
        assert!(texts.contains("first") && texts.contains("second"), "{name}: {texts}");
        wait_for_calm(name, sides.helper("work").unwrap(), SELDOM);
        fs::remove_file(&rescued).unwrap();
        sides.stop("work");
        sides.start("work");
        wait_until("the two are the same", || text(&places[0]) == text(&places[1]));
        let all = places.iter().filter_map(|place| text(place)).chain(sides.rescued().into_iter().map(|(_, text)| text)).collect::<String>();
        assert!(all.contains("first") && all.contains("second"), "{name}: {all}");
    }
}
