//! Where there are no symbolic links, or no links at all, or two file systems.

use std::fs;

use crate::support::elsewhere::Elsewhere;
use crate::support::files::{append, is_one_file, replace, text, wait_for_end_of, wait_for_text, write};
use crate::support::finished::Finished;
use crate::support::mirror::Shared;
use crate::support::trace::strace;
use crate::support::{Holder, Sandbox, wait_until};

fn in_mode(mode: &str) -> Shared {
    let mut sandbox = Sandbox::new();
    sandbox.set_variable("CLAUTH_LINK_MODE", mode);
    Shared::with(sandbox, &["work", "play"])
}

/// Replaces each of these on another side than the one before, and waits until it is one file everywhere.
fn replace_in_turn(shared: &Shared, names: &[&str]) {
    for (turn, name) in names.iter().enumerate() {
        let places = shared.places(name);
        fs::create_dir_all(places[turn % 3].parent().unwrap()).unwrap();
        let text = format!("{name}\n"); // a log is carried by whole lines
        replace(&places[turn % 3], &text);
        wait_for_text(&places, &text);
    }
}

#[test]
fn without_links_to_files_directories_are_linked_and_files_mirrored() {
    let shared = in_mode("junction");
    write(&shared.hub("commands/deep/hello.md"), "hello");
    shared.start("work");
    shared.start("play");
    for name in ["settings.json", "history.jsonl", "CLAUDE.md", "commands/deep/hello.md"] {
        let places = shared.places(name);
        wait_for_text(&places, &text(&places[1]).unwrap());
    }
    let leads_to_hub = |name: &str| fs::read_link(shared.own("work", name)).is_ok_and(|target| target == shared.hub(name));
    assert!(leads_to_hub("commands") && leads_to_hub("plugins") && !leads_to_hub("CLAUDE.md") && !leads_to_hub("projects"));
    replace_in_turn(&shared, &["CLAUDE.md", "new.md", "commands/new.md", "agents/brand/new.md", "projects/p/t.jsonl"]);
    wait_until("the new directory is the hub's", || leads_to_hub("agents"));
    fs::remove_file(shared.own("play", "new.md")).unwrap();
    wait_for_end_of(&shared.places("new.md"));
    assert_private_names_stay(&shared);
}

/// As on Windows, where only some may make symbolic links, and on file systems without any kind of them.
#[test]
fn where_links_cannot_be_made_the_next_best_way_is_taken_and_said_once() {
    let Some(strace) = strace() else { return };
    // From the first on, or half-way through; a directory is linked by the same call here.
    for (refused, mode, means) in [
        ("symlink,symlinkat:error=EPERM", "copy", "copies"),
        ("symlink,symlinkat:error=EPERM:when=3+", "copy", "copies"),
        ("symlink,symlinkat:error=EPERM:when=1", "junction", "junctions and copies"),
    ] {
        let shared = Shared::new(&["work"]);
        let holder = Holder::start(&shared.sandbox);
        let inject = format!("inject={refused}");
        let work = shared.sandbox.bind("bound/work", "work");
        let mut command = shared.sandbox.command(strace);
        // Not its children: the helper has to live with what it finds.
        command.args(["-qq", "-o", "/dev/null", "-e", &inject, "clauth", "export", "bash", "--first", "--pid", &holder.pid().to_string()]);
        command.current_dir(&work);
        let told = Finished::run(command).success();
        let own = shared.own("work", "").display().to_string();
        let said = format!("clauth: symbolic links cannot be made for {}, so it is shared by {means}\n", own.trim_end_matches('/'));
        assert_eq!(told.stderr(), said, "{refused}");
        assert_eq!(text(&shared.profile("work").join("base/links")).as_deref(), Some(mode), "{refused}");
        let [own, hub, _] = shared.places("commands/review.md");
        wait_until("a command is there", || text(&own) == text(&hub));
        let [own, hub, _] = shared.places("CLAUDE.md");
        wait_until("a file is there", || text(&own) == text(&hub));
        replace(&hub, "edited");
        wait_until("an edit arrives", || text(&own).as_deref() == Some("edited"));
        assert_eq!(holder.evaluate(&shared.sandbox, &work).success().stderr(), "", "{refused}");
        drop(holder);
        shared.sandbox.assert_no_helpers_left();
        assert_eq!((shared.log("work"), shared.rescued("work")), (String::new(), vec![]), "{refused}");
    }
}

#[test]
fn with_copies_everything_arrives_too() {
    let shared = in_mode("copy");
    shared.start("work");
    shared.start("play");
    everything_arrives_by_copy(&shared, &["commands/new.md", "CLAUDE.md", "projects/p/transcript.jsonl"]);
    assert_private_names_stay(&shared);
}

#[test]
fn between_two_file_systems_the_mirror_copies() {
    let Some(hub) = Elsewhere::new("modes") else { return };
    let sandbox = Sandbox::new();
    sandbox.write("home/.clauth/config.toml", format!("claude_home = {:?}\n", hub.path().display().to_string()));
    let shared = Shared::with_hub(sandbox, hub.path().to_owned(), &["work", "play"]);
    write(&shared.hub("projects/p/history.jsonl"), "existing\n");
    shared.start("work");
    shared.start("play");
    wait_for_text(&shared.places("projects/p/history.jsonl"), "existing\n");
    everything_arrives_by_copy(&shared, &["projects/p/transcript.jsonl", "plans/plan.md"]);
    // What the client made in the profile goes over once nobody uses it.
    write(&shared.own("work", "themes/deep/file.md"), "new");
    shared.settle();
    shared.stop("work");
    assert_eq!(text(&shared.hub("themes/deep/file.md")).as_deref(), Some("new"));
    assert_eq!(fs::read_link(shared.own("work", "themes")).unwrap(), shared.hub("themes"));
}

/// Creates, appends to, replaces and removes on each side in turn.
fn everything_arrives_by_copy(shared: &Shared, names: &[&str]) {
    for name in names {
        let places = shared.places(name);
        fs::create_dir_all(places[0].parent().unwrap()).unwrap();
        replace(&places[0], "0\n");
        wait_for_text(&places, "0\n");
        assert!(!is_one_file(&places));
        let mut expected = String::from("0\n");
        for (turn, place) in places.iter().enumerate() {
            append(place, &format!("{turn}\n"));
            expected += &format!("{turn}\n");
            wait_for_text(&places, &expected);
        }
        for (turn, place) in places.iter().enumerate() {
            shared.settle(); // a line that is not agreed on yet would be added to the new version
            replace(place, format!("version {turn}\n"));
            wait_for_text(&places, &format!("version {turn}\n"));
        }
    }
    for name in names {
        fs::remove_file(shared.own("play", name)).unwrap();
    }
    for name in names {
        wait_for_end_of(&shared.places(name));
    }
    shared.settle();
    assert_eq!((shared.rescued("work"), shared.rescued("play")), (vec![], vec![]));
    shared.assert_all_finished();
}

fn assert_private_names_stay(shared: &Shared) {
    write(&shared.own("work", "my-token.json"), "secret");
    write(&shared.own("work", ".credentials.json"), "secret");
    shared.settle();
    assert!(!shared.hub("my-token.json").exists());
    assert!(!shared.own("play", ".credentials.json").exists());
    assert!(text(&shared.hub(".credentials.json")).is_none_or(|text| text != "secret"));
}
