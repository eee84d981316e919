//! The links of a profile in use: they follow `~/.claude`, and what is real in their place is taken up.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::files::{age, replace, text, wait_for_end_of, write};
use crate::support::meanwhile::meanwhile;
use crate::support::mirror::{Client, Shared};
use crate::support::wait_until;

fn leads(link: &Path, target: &Path) -> bool {
    fs::read_link(link).is_ok_and(|found| found == target)
}

fn wait_for_link(shared: &Shared, profile: &str, name: &str) {
    wait_until(&format!("{name} is a link in {profile}"), || leads(&shared.own(profile, name), &shared.hub(name)));
}

/// Counts how often `is_wrong` was so while `body` ran, looking as fast as possible.
fn seen_wrong(is_wrong: impl Fn() -> bool + Sync, body: impl FnOnce()) -> usize {
    let mut wrong = 0;
    meanwhile(|| wrong += usize::from(is_wrong()), body);
    wrong
}

#[test]
fn an_entry_that_appears_is_linked_and_one_that_vanishes_loses_its_link() {
    let shared = Shared::live(&["work", "play"]);
    write(&shared.hub("agents/reviewer.md"), "review");
    write(&shared.hub("keybindings.json"), "{}");
    for profile in ["work", "play"] {
        for name in ["agents", "keybindings.json"] {
            wait_for_link(&shared, profile, name);
        }
    }
    fs::remove_dir_all(shared.hub("agents")).unwrap();
    fs::rename(shared.hub("keybindings.json"), shared.hub("keys.json")).unwrap();
    for profile in ["work", "play"] {
        wait_for_end_of(&[shared.own(profile, "agents")]);
        wait_for_end_of(&[shared.own(profile, "keybindings.json")]);
        wait_for_link(&shared, profile, "keys.json");
    }
}

#[test]
fn no_link_ever_dangles_while_entries_come_and_are_replaced() {
    let shared = Shared::live(&["work"]);
    let config_dir = shared.own("work", "");
    let dangles = move || {
        let entries = fs::read_dir(&config_dir).unwrap().flatten();
        entries.map(|entry| entry.path()).any(|path| path.is_symlink() && !path.exists() && fs::symlink_metadata(path).is_ok())
    };
    let wrong = seen_wrong(dangles, || {
        for turn in 0..15 {
            write(&shared.hub(format!("new-{turn}.md")), "new");
            replace(&shared.hub("CLAUDE.md"), format!("version {turn}"));
            wait_for_link(&shared, "work", &format!("new-{turn}.md"));
        }
    });
    assert_eq!(wrong, 0);
}

#[test]
fn a_linked_file_that_a_program_cut_is_taken_up_with_no_gap() {
    let shared = Shared::live(&["work", "play"]);
    let (own, hub) = (shared.own("work", "CLAUDE.md"), shared.hub("CLAUDE.md"));
    let paths = [own.clone(), hub.clone(), shared.own("play", "CLAUDE.md")];
    let wrong = seen_wrong(
        move || paths.iter().any(|path| fs::read(path).is_err()),
        || {
            for version in 0..10 {
                let version = format!("version {version}");
                // As sed -i and most editors do it: written beside it, renamed over the link.
                write(&own.with_file_name("CLAUDE.md.tmp.1"), &version);
                fs::rename(own.with_file_name("CLAUDE.md.tmp.1"), &own).unwrap();
                wait_until("it is in the hub", || text(&hub).is_some_and(|text| text == version) && leads(&own, &hub));
                assert_eq!(text(&shared.own("play", "CLAUDE.md")), Some(version));
            }
        },
    );
    assert_eq!(wrong, 0);
    let rescued: Vec<_> = shared.rescued("work").into_iter().map(|(_, text)| text).collect();
    assert_eq!(rescued.len(), 10, "each version that was cut off is kept: {rescued:?}");
}

#[test]
fn of_a_cut_file_and_the_hubs_the_newer_stays_and_the_older_is_kept() {
    let shared = Shared::new(&["work"]);
    for (name, mine, theirs) in [("CLAUDE.md", 5, 60), ("loop.md", 60, 5), ("keybindings.json", 5, 60)] {
        let is_same = name == "keybindings.json";
        write(&shared.own("work", name), if is_same { "same" } else { "mine" });
        write(&shared.hub(name), if is_same { "same" } else { "theirs" });
        age(&shared.own("work", name), mine);
        age(&shared.hub(name), theirs);
    }
    shared.start("work");
    for (name, winner) in [("CLAUDE.md", "mine"), ("loop.md", "theirs"), ("keybindings.json", "same")] {
        wait_for_link(&shared, "work", name);
        assert_eq!(text(&shared.hub(name)).as_deref(), Some(winner), "{name}");
    }
    shared.settle();
    let rescued = shared.rescued("work");
    assert_eq!(rescued, [("CLAUDE.md", "theirs"), ("loop.md", "mine")].map(|(name, text)| (name.into(), text.into())));
}

#[test]
fn a_new_directory_is_taken_up_by_exchange_with_no_gap() {
    let shared = Shared::live(&["work", "play"]);
    let made = shared.own("work", "themes");
    let watched = made.clone();
    write(&shared.own("work", "themes.tmp.1/first.md"), "first");
    fs::rename(shared.own("work", "themes.tmp.1"), &made).unwrap();
    let wrong = seen_wrong(
        move || fs::read(watched.join("first.md")).is_err(),
        || {
            wait_for_link(&shared, "work", "themes");
            wait_for_link(&shared, "play", "themes");
        },
    );
    assert_eq!(wrong, 0);
    write(&made.join("second.md"), "second");
    assert_eq!(text(&shared.own("play", "themes/second.md")).as_deref(), Some("second"));
    assert!(!shared.hub("themes").is_symlink());
}

#[test]
fn the_half_of_an_adoption_is_finished_later() {
    let shared = Shared::new(&["work"]);
    write(&shared.own("work", "themes/file.md"), "new");
    // Killed between its two steps, an adoption leaves a link that leads to itself.
    symlink(shared.hub("themes"), shared.hub("themes")).unwrap();
    shared.start("work");
    wait_for_link(&shared, "work", "themes");
    assert_eq!(text(&shared.hub("themes/file.md")).as_deref(), Some("new"));
}

#[test]
fn a_real_directory_where_the_hub_has_one_waits_until_nobody_uses_the_profile() {
    let shared = Shared::new(&["work"]);
    for (name, mine, theirs) in [("mine.md", "mine", ""), ("theirs.md", "", "theirs"), ("both.md", "mine", "theirs"), ("same.md", "same", "same")] {
        for (directory, text) in [(shared.own("work", "commands/deep"), mine), (shared.hub("commands/deep"), theirs)] {
            if !text.is_empty() {
                write(&directory.join(name), text);
            }
        }
    }
    let mut client = Some(Client::start(&shared, "work"));
    for has_client in [true, false] {
        shared.start("work");
        shared.settle();
        assert!(!shared.own("work", "commands").is_symlink(), "a shell uses it");
        if !has_client {
            drop(client.take());
        }
        shared.stop("work");
        assert_eq!(!has_client, leads(&shared.own("work", "commands"), &shared.hub("commands")), "a client uses it: {has_client}");
    }
    for (name, winner) in [("mine.md", "mine"), ("theirs.md", "theirs"), ("both.md", "theirs"), ("same.md", "same")] {
        assert_eq!(text(&shared.hub("commands/deep").join(name)).as_deref(), Some(winner), "{name}");
    }
    assert_eq!(shared.rescued("work"), [("commands/deep/both.md".into(), "mine".into())]);
}

#[test]
fn private_and_secret_looking_names_are_never_shared() {
    let private = [
        ".credentials.json",
        ".credentials.json.tmp.0af",
        "sessions/x.json",
        "backups/b",
        "jobs/j",
        "ide/1.lock",
        "x.lock",
        "my-Auth.json",
        "old_credentials",
        "API.TOKEN",
        "id.key",
        "a.sock",
        "b.pid",
        "daemon.json",
        "daemon/log",
        "policy-limits.json",
        ".last-cleanup",
        "remote-control/r",
    ];
    let shared = Shared::live(&["work", "play"]);
    for name in private {
        write(&shared.own("work", name), "secret of work");
        write(&shared.hub(format!("hub-{name}").replace('/', "-") + ".token"), "secret of the hub");
    }
    shared.settle();
    // Links are looked after before the mirror, in the same turn; and once more when the session ends.
    shared.stop("work");
    for name in private {
        assert_eq!(text(&shared.own("work", name)).as_deref(), Some("secret of work"), "{name}");
        for elsewhere in [shared.hub(name), shared.own("play", name)] {
            assert_ne!(text(&elsewhere).as_deref(), Some("secret of work"), "{}", elsewhere.display());
        }
    }
    let shared_secrets: Vec<PathBuf> = fs::read_dir(shared.own("play", "")).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(shared_secrets.iter().all(|path| text(path).is_none_or(|text| !text.starts_with("secret"))), "{shared_secrets:?}");
}

#[test]
fn what_no_table_knows_is_shared_from_the_hub_and_never_given_to_it() {
    let shared = Shared::live(&["work", "play"]);
    for name in ["of-a-new-client.json", "of-a-new-client/state.json"] {
        write(&shared.own("work", name), "made by the client");
    }
    write(&shared.hub("my-notes/note.md"), "put there by the user");
    write(&shared.own("work", "both.md"), "made by the client");
    wait_for_link(&shared, "work", "my-notes");
    wait_for_link(&shared, "play", "my-notes");
    write(&shared.hub("both.md"), "put there by the user");
    wait_for_link(&shared, "play", "both.md");
    shared.settle();
    shared.stop("work");
    for name in ["of-a-new-client.json", "of-a-new-client/state.json", "both.md"] {
        assert_eq!(text(&shared.own("work", name)).as_deref(), Some("made by the client"), "{name}");
    }
    assert!(!shared.hub("of-a-new-client").exists() && !shared.hub("of-a-new-client.json").exists());
    assert_eq!(text(&shared.hub("both.md")).as_deref(), Some("put there by the user"));
    assert_eq!(shared.rescued("work"), []);
}
