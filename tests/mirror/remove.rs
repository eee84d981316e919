//! `clauth remove`: the client's daemon first, nothing lost, and not while somebody uses the profile.

use std::fs;

use crate::support::files::{text, wait_for_text, write};
use crate::support::mirror::{Client, Shared};

#[test]
fn a_profile_with_history_is_removed_and_its_history_stays() {
    let shared = Shared::live(&["work"]);
    write(&shared.own("work", "projects/p/t.jsonl"), "history\n");
    wait_for_text(&shared.both("projects/p/t.jsonl"), "history\n");
    write(&shared.own("work", ".credentials.json"), "login");
    shared.stop("work");
    // And what no helper has seen: new, in conflict, and the account's own.
    write(&shared.own("work", "plans/late.md"), "late");
    fs::remove_file(shared.own("work", "projects/p/t.jsonl")).unwrap();
    write(&shared.own("work", "projects/p/t.jsonl"), "other");
    write(&shared.own("work", "plans/clash.md"), "mine");
    write(&shared.hub("plans/clash.md"), "theirs");
    write(&shared.own("work", "backups/b.json"), "backup");
    shared.remove("work").success();
    assert!(!shared.profile("work").exists());
    assert_eq!(text(&shared.hub("projects/p/t.jsonl")).as_deref(), Some("history\nother\n"));
    assert_eq!(text(&shared.hub("plans/clash.md")).as_deref(), Some("theirs"));
    assert_eq!(text(&shared.hub("plans/late.md")).as_deref(), Some("late"));
    let rescued = shared.rescued("work");
    for (path, text) in [("plans/clash.md", "mine"), ("backups/b.json", "backup"), (".credentials.json", "login")] {
        assert!(rescued.contains(&(path.into(), text.into())), "{path}: {rescued:?}");
    }
}

#[test]
fn a_profile_in_use_is_not_removed() {
    let shared = Shared::live(&["work"]);
    assert!(shared.remove("work").failure().stderr().contains("shell"));
    shared.stop("work");
    let client = Client::start(&shared, "work");
    assert!(shared.remove("work").failure().stderr().contains(&client.id().to_string()));
    assert!(shared.own("work", "settings.json").exists());
    drop(client);
    shared.remove("work").success();
}

/// A client that tells how it was called, and whose `daemon stop` ends the daemon whose pid lies in the config dir.
const CLAUDE_WITH_DAEMON: &str = "#!/bin/sh\n\
    echo \"$CLAUDE_CONFIG_DIR $*\" >>\"$HOME/calls\"\n\
    for session in \"$CLAUDE_CONFIG_DIR\"/sessions/*.json; do pid=${session##*/}; kill \"${pid%.json}\"; rm \"$session\"; done\n";

#[test]
fn the_clients_daemon_is_stopped_first() {
    let shared = Shared::new(&["work", "play"]);
    shared.start("work");
    shared.stop("work");
    shared.sandbox.program("claude", CLAUDE_WITH_DAEMON);
    let daemon = Client::start(&shared, "work");
    write(&shared.own("work", "daemon.json"), "{}");
    shared.remove("work").success();
    let calls = shared.sandbox.read("home/calls");
    assert_eq!(calls, format!("{} daemon stop --any\n", shared.own("work", "").display().to_string().trim_end_matches('/')));
    drop(daemon);
    // One that never had a daemon asks for no client.
    shared.remove("play").success();
    assert_eq!(shared.sandbox.read("home/calls"), calls);
}

#[test]
fn a_daemon_that_does_not_stop_keeps_the_profile() {
    let shared = Shared::new(&["work"]);
    shared.start("work");
    shared.stop("work");
    let daemon = Client::start(&shared, "work");
    write(&shared.own("work", "daemon.json"), "{}");
    assert!(shared.remove("work").failure().stderr().contains(&daemon.id().to_string()));
    assert!(shared.own("work", "settings.json").exists() && shared.own("work", "daemon.json").exists());
}
