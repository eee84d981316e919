//! What a helper finds when it starts: profiles of the first version, and what happened while none ran.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use crate::support::files::{age, replace, text, wait_for_end_of, wait_for_text, write};
use crate::support::length::rounds;
use crate::support::mirror::Shared;

const FILE: &str = "projects/-srv-example/memory/MEMORY.md";

/// Makes a profile whose session is over, with these files agreed on.
fn after_a_session(files: &[&str]) -> Shared {
    let shared = Shared::new(&["work"]);
    for file in files {
        write(&shared.hub(file), file);
    }
    shared.start("work");
    for file in files {
        wait_for_text(&shared.both(file), file);
    }
    shared.stop("work");
    shared
}

#[test]
fn directories_of_the_first_version_are_merged() {
    let shared = Shared::new(&["work"]);
    // The first version made plain directories in the profile and had no manifest.
    let [own, hub] = shared.both("projects/-srv-example");
    for (name, mine, theirs) in
        [("mine", "mine", ""), ("theirs", "", "theirs"), ("same", "same", "same"), ("newer", "new", "old"), ("older", "old", "new")]
    {
        for (side, text) in [(&own, mine), (&hub, theirs)] {
            if !text.is_empty() {
                write(&side.join(name), text);
                age(&side.join(name), if text == "old" { 60 } else { 5 });
            }
        }
    }
    shared.start("work");
    for (name, text) in [("mine", "mine"), ("theirs", "theirs"), ("same", "same"), ("newer", "new"), ("older", "new")] {
        wait_for_text(&[own.join(name), hub.join(name)], text);
    }
    shared.settle();
    let rescued = shared.rescued("work");
    assert_eq!(rescued, [("newer", "old"), ("older", "old")].map(|(name, text)| (format!("projects/-srv-example/{name}").into(), text.into())));
}

#[test]
fn what_was_removed_while_no_helper_ran_stays_removed() {
    let files = ["plans/in-hub.md", "plans/in-profile.md", "projects/tree/a.md", "projects/tree/b/c.md", "plans/kept.md"];
    let shared = after_a_session(&files);
    fs::remove_file(shared.hub(files[0])).unwrap();
    fs::remove_file(shared.own("work", files[1])).unwrap();
    fs::remove_dir_all(shared.own("work", "projects/tree")).unwrap();
    shared.start("work");
    shared.settle();
    for gone in [files[0], files[1], "projects/tree"] {
        wait_for_end_of(&shared.both(gone));
    }
    wait_for_text(&shared.both(files[4]), files[4]);
}

#[test]
fn without_a_manifest_nothing_is_removed() {
    let shared = after_a_session(&[FILE, "plans/plan.md"]);
    let manifest = shared.profile("work").join("base/files");
    for damage in ["", "[]\n", "not a line of it\n", "clauth-base-1 1 0 \n"] {
        fs::write(&manifest, damage).unwrap();
        fs::remove_file(shared.hub(FILE)).unwrap();
        fs::remove_file(shared.own("work", "plans/plan.md")).unwrap();
        shared.start("work");
        wait_for_text(&shared.both(FILE), FILE);
        wait_for_text(&shared.both("plans/plan.md"), "plans/plan.md");
        shared.stop("work");
    }
}

#[test]
fn an_old_manifest_removes_nothing_that_is_new() {
    let shared = after_a_session(&[FILE]);
    let manifest = shared.profile("work").join("base/files");
    let old = fs::read(&manifest).unwrap();
    replace(&shared.own("work", FILE), "second");
    shared.start("work");
    wait_for_text(&shared.both(FILE), "second");
    shared.stop("work");
    fs::write(&manifest, old).unwrap();
    fs::remove_file(shared.hub(FILE)).unwrap();
    shared.start("work");
    wait_for_text(&shared.both(FILE), "second");
}

#[test]
fn an_inode_number_that_is_used_again_is_another_file() {
    let shared = after_a_session(&[FILE]);
    let before = fs::metadata(shared.hub(FILE)).unwrap().ino();
    for path in &shared.both(FILE) {
        fs::remove_file(path).unwrap();
    }
    // Most file systems hand the number out again at once; where not, what is left is still true.
    let mut others = Vec::new();
    for attempt in 0..200 {
        let other = shared.own("work", format!("projects/-srv-example/memory/{attempt}"));
        write(&other, "new");
        if fs::metadata(&other).unwrap().ino() == before {
            fs::rename(other, shared.own("work", FILE)).unwrap();
            break;
        }
        others.push(other);
    }
    if !shared.own("work", FILE).exists() {
        write(&shared.own("work", FILE), "new");
    }
    shared.start("work");
    wait_for_text(&shared.both(FILE), "new");
}

#[test]
fn both_replaced_between_sessions_keeps_both() {
    let shared = after_a_session(&[FILE]);
    replace(&shared.own("work", FILE), "newer");
    replace(&shared.hub(FILE), "older");
    age(&shared.hub(FILE), 30);
    shared.start("work");
    wait_for_text(&shared.both(FILE), "newer");
    shared.settle();
    assert_eq!(shared.rescued("work"), [(FILE.into(), "older".into())]);
}

#[test]
fn a_hub_that_is_away_takes_nothing_with_it() {
    let shared = Shared::live(&["work"]);
    write(&shared.own("work", FILE), "kept");
    wait_for_text(&shared.both(FILE), "kept");
    let away = shared.sandbox.path("home/away");
    fs::rename(shared.hub(""), &away).unwrap();
    // Something happens, and all is looked at.
    write(&shared.own("work", "projects/-srv-example/other.md"), "other");
    fs::remove_dir_all(shared.own("work", "tasks")).unwrap();
    fs::create_dir(shared.own("work", "tasks")).unwrap();
    shared.stop("work");
    assert_eq!(text(&shared.own("work", FILE)).as_deref(), Some("kept"));
    fs::rename(&away, shared.hub("")).unwrap();
    shared.start("work");
    wait_for_text(&shared.both(FILE), "kept");
    wait_for_text(&shared.both("projects/-srv-example/other.md"), "other");
}

#[test]
fn a_line_that_two_profiles_have_and_the_hub_lacks_arrives_there_once() {
    let shared = Shared::live(&["work", "play"]);
    let places = shared.places("projects/p/talk.jsonl");
    let mut all = String::from("first\n");
    write(&places[1], &all);
    wait_for_text(&places, &all);
    for round in 0..rounds(3, 100) {
        let news: String = (0..100).map(|line| format!("{{\"round\": {round}, \"line\": {line}}}\n")).collect();
        shared.asleep(&["work", "play"], || {
            for side in [0, 2] {
                fs::File::options().append(true).open(&places[side]).unwrap().write_all(news.as_bytes()).unwrap();
            }
        });
        all += &news;
        wait_for_text(&places, &all);
    }
}
