//! Where copies take too much disk space, old quiet transcripts are hard links until they are used again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::mirror::killed::{LINKING, REMOVING, RENAMING, WRITING, at_each};
use crate::support::Sandbox;
use crate::support::files::{age, append, files_below, text, wait_for_end_of, write};
use crate::support::length::is_long;
use crate::support::mirror::Shared;
use crate::support::sharing::{Sides, wait_for_calm, wait_for_same};
use crate::support::trace::strace;
use crate::support::wait_until;

const NAMES: [&str; 3] = ["one", "two", "three"];

const DAY: u64 = 24 * 60 * 60;

/// What a test says to the helper is the limit, in bytes.
const LIMIT: &str = "CLAUTH_COPIES_LIMIT";

fn transcript(name: &str) -> PathBuf {
    Path::new("projects/p").join(name).with_extension("jsonl")
}

/// Returns about 20 KB of a transcript.
fn talk(name: &str) -> String {
    (0..200).map(|line| format!("{{\"uuid\":\"{name}-{line}\",\"text\":\"{}\"}}\n", "word ".repeat(12))).collect()
}

/// Writes a transcript of the hub that was last used so many days ago.
fn put(sides: &Sides, name: &str, days: u64) {
    let path = sides.hub(transcript(name));
    write(&path, talk(name));
    age(&path, days * DAY);
}

fn with_limit(bytes: u64, profiles: &[&str]) -> Sides {
    let mut sandbox = Sandbox::new();
    sandbox.set_variable(LIMIT, bytes.to_string());
    Sides::with(sandbox, profiles)
}

fn is_one(sides: &Sides, profile: &str, name: &str) -> bool {
    let inode = |path: PathBuf| fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let own = inode(sides.own(profile, transcript(name)));
    own.is_some() && own == inode(sides.hub(transcript(name)))
}

#[track_caller]
fn wait_for_links(sides: &Sides, profile: &str, names: &[&str]) {
    for name in names {
        wait_until(&format!("{name} of {profile} is a hard link"), || is_one(sides, profile, name));
    }
}

#[track_caller]
fn wait_for_copies(sides: &Sides, profiles: &[&str], names: &[&str]) {
    for (profile, name) in profiles.iter().flat_map(|profile| names.iter().map(move |name| (profile, name))) {
        let place = sides.own(profile, transcript(name));
        wait_until(&format!("{name} of {profile} is a copy"), || fs::metadata(&place).is_ok_and(|meta| meta.nlink() == 1));
    }
}

/// Waits until these transcripts are on some sides what they were at first.
#[track_caller]
fn wait_for_talks<const SIDES: usize>(names: &[&str], places: impl Fn(PathBuf) -> [PathBuf; SIDES]) {
    for name in names {
        wait_for_same(&places(transcript(name)), &talk(name));
    }
}

/// Returns what is left below a directory under temporary names.
fn unfinished(directory: &Path) -> Vec<PathBuf> {
    files_below(directory).into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "tmp")).collect()
}

/// Returns how many bytes on the disk the files below these directories take.
fn usage(roots: &[PathBuf]) -> u64 {
    let files = roots.iter().flat_map(|root| files_below(root)).filter_map(|file| fs::symlink_metadata(file).ok());
    files.map(|meta| (meta.ino(), meta.blocks() * 512)).collect::<BTreeMap<_, _>>().into_values().sum()
}

/// Makes two profiles that each had a copy of three old transcripts and have a link to each now.
fn linked() -> Sides {
    let mut sides = Sides::new(&["work", "play"]);
    for name in NAMES {
        put(&sides, name, 20);
    }
    for profile in ["work", "play"] {
        sides.start(profile);
        wait_for_talks(&NAMES, |relative| [sides.own(profile, relative)]);
        sides.stop(profile);
    }
    sides.sandbox.set_variable(LIMIT, "0");
    for profile in ["work", "play"] {
        sides.start(profile);
        wait_for_links(&sides, profile, &NAMES);
    }
    sides
}

#[test]
fn above_the_limit_the_oldest_quiet_transcripts_become_links_and_the_disk_gets_its_space_back() {
    let mut sides = Sides::new(&["work"]);
    for (name, days) in [("young", 6), ("old", 8), ("older", 20), ("oldest", 30), ("open", 40)] {
        put(&sides, name, days);
    }
    let sidecar = "projects/p/oldest/tool-results/1.txt";
    write(&sides.hub(sidecar), "result");
    age(&sides.hub(sidecar), 30 * DAY);
    sides.start("work");
    let names = ["young", "old", "older", "oldest", "open"];
    wait_for_talks(&names, |relative| sides.both(relative));
    wait_for_same(&sides.both(sidecar), "result");
    sides.stop("work");
    let roots = [sides.hub("projects"), sides.own("work", "projects")];
    let before = usage(&roots);
    let session = format!("sessions/{}.json", std::process::id());
    write(&sides.own("work", &session), json!({"sessionId": "open"}).to_string());
    // Three of five may stay, and a half for what else there is.
    sides.sandbox.set_variable(LIMIT, (talk("young").len() * 7 / 2).to_string());
    sides.start("work");
    wait_for_links(&sides, "work", &["oldest", "older"]);
    wait_for_calm("everything is done", sides.helper("work").unwrap(), 0);
    for name in ["young", "old", "open"] {
        assert!(!is_one(&sides, "work", name), "{name}");
    }
    assert_eq!(fs::metadata(sides.hub(sidecar)).unwrap().nlink(), 1, "only transcripts are linked");
    wait_for_talks(&names, |relative| sides.both(relative));
    let saved = before.saturating_sub(usage(&roots));
    assert!(saved >= 2 * talk("oldest").len() as u64, "{saved} bytes saved of {before}");
    let told = sides.status("work");
    assert!(told.contains("\nhard links  2 files ("), "{told}");
    assert!(sides.rescued().is_empty(), "{:?}", sides.rescued());
}

#[test]
fn a_profile_that_is_new_never_takes_the_space_of_what_it_only_links() {
    let sides = with_limit(talk("1").len() as u64 / 2, &["work"]);
    for name in ["1", "2", "3", "4"] {
        put(&sides, name, 20);
    }
    put(&sides, "young", 2);
    sides.start("work");
    wait_for_links(&sides, "work", &["1", "2", "3", "4"]);
    wait_for_copies(&sides, &["work"], &["young"]);
    wait_for_talks(&["young"], |relative| sides.both(relative));
}

#[test]
fn the_next_session_finds_its_links_as_they_are_and_nothing_to_do() {
    let sides = linked();
    let looks = || {
        let paths = NAMES.map(|name| sides.places(transcript(name)));
        paths.map(|places| places.map(|place| fs::metadata(place).map(|meta| (meta.ino(), meta.mtime_nsec(), meta.ctime_nsec())).unwrap()))
    };
    let before = looks();
    for _ in 0..2 {
        for profile in ["work", "play"] {
            sides.stop(profile);
            sides.start(profile);
            sides.pass(profile, "looked");
            wait_for_calm("nothing is to do", sides.helper(profile).unwrap(), 0);
            fs::remove_file(sides.own(profile, "tasks/~~looked.json")).unwrap();
            wait_for_end_of(&sides.places("tasks/~~looked.json"));
        }
    }
    assert_eq!(looks(), before);
    assert!(sides.log("work").is_empty() && sides.log("play").is_empty(), "{}{}", sides.log("work"), sides.log("play"));
}

#[test]
fn what_is_appended_to_on_any_side_is_everywhere_and_a_copy_again() {
    let sides = linked();
    let lines = |name: &str, more: &str| talk(name) + more;
    // The profile's own use, the hub's, and that of both at once.
    append(&sides.own("work", transcript("one")), "{\"by\":\"work\"}\n");
    append(&sides.hub(transcript("two")), "{\"by\":\"hub\"}\n");
    wait_for_same(&sides.places(transcript("one")), &lines("one", "{\"by\":\"work\"}\n"));
    wait_for_copies(&sides, &["work"], &["one"]);
    wait_for_same(&sides.places(transcript("two")), &lines("two", "{\"by\":\"hub\"}\n"));
    wait_for_copies(&sides, &["work", "play"], &["two"]);
    // The next line goes through the hub, by which the other profile's helper sees that its own is used.
    append(&sides.own("work", transcript("one")), "{\"by\":\"work again\"}\n");
    wait_for_same(&sides.places(transcript("one")), &lines("one", "{\"by\":\"work\"}\n{\"by\":\"work again\"}\n"));
    wait_for_copies(&sides, &["play"], &["one"]);
    for profile in ["work", "play"] {
        append(&sides.own(profile, transcript("three")), &format!("{{\"by\":\"{profile}\"}}\n"));
    }
    let expected = lines("three", "{\"by\":\"work\"}\n{\"by\":\"play\"}\n");
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    wait_until("both lines are everywhere, once", || {
        let all = sides.places(transcript("three")).map(|place| text(&place).unwrap_or_default());
        all.iter().all(|text| sorted(text) == sorted(&expected) && text.len() == expected.len())
    });
    wait_for_copies(&sides, &["work", "play"], &["three"]);
    assert!(sides.rescued().is_empty(), "{:?}", sides.rescued());
}

#[test]
fn what_a_profile_without_a_helper_appends_is_everywhere_too() {
    let sides = linked();
    sides.stop("work");
    append(&sides.own("work", transcript("one")), "{\"late\":1}\n");
    let expected = talk("one") + "{\"late\":1}\n";
    wait_for_same(&sides.places(transcript("one")), &expected);
    sides.start("work");
    wait_for_copies(&sides, &["work"], &["one"]);
    wait_for_same(&sides.places(transcript("one")), &expected);
    assert!(is_one(&sides, "play", "one"), "nobody has used it there");
}

#[test]
fn a_message_that_is_withdrawn_through_a_link_is_withdrawn_everywhere() {
    let sides = linked();
    let kept = &talk("one")[..talk("one").len() / 2];
    let kept = &kept[..=kept.rfind('\n').unwrap()];
    File::options().write(true).open(sides.own("work", transcript("one"))).unwrap().set_len(kept.len() as u64).unwrap();
    wait_for_copies(&sides, &["work"], &["one"]);
    wait_for_same(&sides.places(transcript("one")), kept);
    // As it is compacted: a new file takes the place of the old one.
    let new = sides.own("work", transcript("two")).with_file_name("two.jsonl.tmp.1");
    write(&new, "{\"summary\":1}\n");
    fs::rename(&new, sides.own("work", transcript("two"))).unwrap();
    wait_for_same(&sides.places(transcript("two")), "{\"summary\":1}\n");
}

#[test]
fn under_a_live_client_a_transcript_keeps_its_file_until_the_session_ends() {
    let sides = linked();
    let session = sides.own("work", format!("sessions/{}.json", std::process::id()));
    write(&session, json!({"sessionId": "one"}).to_string());
    let inode = fs::metadata(sides.own("work", transcript("one"))).unwrap().ino();
    append(&sides.own("work", transcript("one")), "{\"more\":1}\n");
    wait_for_same(&sides.places(transcript("one")), &(talk("one") + "{\"more\":1}\n"));
    sides.pass("work", "seen");
    assert_eq!(fs::metadata(sides.own("work", transcript("one"))).unwrap().ino(), inode, "the client knows the file by its inode");
    fs::remove_file(session).unwrap();
    wait_for_copies(&sides, &["work"], &["one"]);
    wait_for_same(&sides.places(transcript("one")), &(talk("one") + "{\"more\":1}\n"));
}

#[test]
fn a_removed_transcript_is_removed_everywhere_and_kept() {
    let sides = linked();
    for (name, side) in [("one", sides.own("work", transcript("one"))), ("two", sides.hub(transcript("two")))] {
        fs::remove_file(side).unwrap();
        wait_for_end_of(&sides.places(transcript(name)));
        let kept: Vec<_> = sides.rescued().into_iter().filter(|(_, text)| *text == talk(name)).collect();
        // Two helpers that remove at once can each keep what was the last copy.
        assert!(!kept.is_empty(), "{name}: {:?}", sides.rescued());
    }
    // And a profile that goes takes only its names along.
    sides.stop("play");
    sides.sandbox.clauth(&["remove", "play", "--yes"]).success();
    wait_for_same(&sides.both(transcript("three")), &talk("three"));
}

#[test]
fn below_the_limit_and_where_copies_are_wanted_links_become_copies() {
    for (name, value) in [(LIMIT, "1000000"), ("CLAUTH_LINK_MODE", "copy")] {
        let mut sides = linked();
        sides.sandbox.set_variable(name, value);
        for profile in ["work", "play"] {
            sides.stop(profile);
            sides.start(profile);
        }
        wait_for_copies(&sides, &["work", "play"], &NAMES);
        wait_for_talks(&NAMES, |relative| sides.places(relative));
        assert!(sides.rescued().is_empty(), "{name}: {:?}", sides.rescued());
    }
}

#[test]
fn status_and_doctor_know_links_that_are_kept_from_those_that_earlier_versions_left() {
    let sides = linked();
    let bytes: usize = NAMES.iter().map(|name| talk(name).len()).sum();
    let kept = || sides.sandbox.status(sides.sandbox.path("bound/work"))["hard_links"].clone();
    wait_until("status tells them", || kept() == json!({"files": NAMES.len(), "bytes": bytes}));
    for profile in ["work", "play"] {
        sides.stop(profile);
    }
    let complaint = "also have a name in ~/.claude";
    assert!(!sides.sandbox.clauth(&["doctor"]).stdout().contains(complaint));
    let old = Sides::new(&["work"]);
    for name in NAMES {
        put(&old, name, 20);
        fs::create_dir_all(old.own("work", "projects/p")).unwrap();
        fs::hard_link(old.hub(transcript(name)), old.own("work", transcript(name))).unwrap();
    }
    assert!(old.sandbox.clauth(&["doctor"]).stdout().contains(complaint));
    let fixed = old.sandbox.clauth(&["doctor", "--fix"]);
    assert!(!old.sandbox.clauth(&["doctor"]).stdout().contains(complaint), "{fixed:?}");
    wait_for_copies(&old, &["work"], &NAMES);
}

#[test]
fn where_links_or_exchanges_are_refused_the_copies_stay_and_nobody_is_woken() {
    let Some(strace) = strace() else { return };
    for refused in ["link,linkat:error=EPERM", "link,linkat:error=EXDEV", "link,linkat:error=EMLINK", "renameat2:error=EINVAL"] {
        let mut sides = Sides::new(&["work"]);
        for name in NAMES {
            put(&sides, name, 20);
        }
        sides.start("work");
        wait_for_talks(&NAMES, |relative| sides.both(relative));
        sides.stop("work");
        sides.sandbox.set_variable(LIMIT, "0");
        let mut command = sides.sandbox.command(strace.clone());
        let calls = refused.split(':').next().unwrap();
        command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &format!("inject={refused}")]);
        command.args(["clauth", "exec", "work", "--", "cat"]);
        sides.start_by("work", command);
        sides.pass("work", "done");
        wait_for_calm(refused, sides.helper("work").unwrap(), 0);
        assert!(!NAMES.iter().any(|name| is_one(&sides, "work", name)), "{refused}");
        wait_for_talks(&NAMES, |relative| sides.both(relative));
        assert!(!sides.status("work").contains("trouble"), "{refused}: {}", sides.status("work"));
        assert_eq!(unfinished(&sides.own("work", "projects")), Vec::<PathBuf>::new(), "{refused}");
    }
}

#[test]
fn a_helper_that_is_killed_at_any_change_leaves_everything_and_the_next_one_goes_on() {
    let mut sandbox = Sandbox::new();
    sandbox.set_variable(LIMIT, "0");
    let shared = Shared::with(sandbox, &["work"]);
    shared.start("work");
    let round = std::cell::Cell::new(0);
    let name = |number: u32| transcript(&format!("{}-{number}", round.get()));
    let is_linked = |number: u32| crate::support::files::is_one_file(&shared.both(name(number)));
    let set_up = || {
        shared.settle();
        shared.kill("work");
        for (number, place) in (0..2).flat_map(|number| shared.both(name(number)).map(|place| (number, place))) {
            write(&place, talk(&format!("{number}")));
            age(&place, 20 * DAY);
        }
    };
    let calls = if is_long() { [LINKING, RENAMING, REMOVING, WRITING].join(" ") } else { [LINKING, RENAMING, REMOVING].join(" ") };
    let kills = at_each(&calls, set_up, |strace, call| {
        let mut helper = shared.helper("work", strace).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        let mut ended = None;
        wait_until("all are linked, or it was killed", || {
            ended = helper.try_wait().unwrap();
            ended.is_some() || (0..2).all(is_linked)
        });
        shared.kill("work");
        helper.wait().unwrap();
        for (number, place) in (0..2).flat_map(|number| shared.both(name(number)).map(|place| (number, place))) {
            assert_eq!(text(&place), Some(talk(&format!("{number}"))), "{call}: {}", place.display());
        }
        shared.join("work");
        wait_until("the next one goes on", || (0..2).all(is_linked));
        shared.settle();
        assert_eq!(shared.both("projects/p").map(|place| unfinished(&place)), [const { Vec::<PathBuf>::new() }; 2], "{call}");
        let names = fs::metadata(shared.hub(name(0))).unwrap().nlink();
        assert_eq!((names, shared.rescued("work")), (2, Vec::new()), "{call}");
        round.set(round.get() + 1);
        ended.is_some()
    });
    assert!(kills > 2 || strace().is_none(), "{kills}");
}
