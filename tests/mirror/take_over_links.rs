//! Profiles in the shape that clauth 0.6 wrote, changed over while a client runs in them: what it linked and is one account's now.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::killed::{LINKING, REMOVING, RENAMING, WRITING, at_each};
use crate::support::files::{text, write};
use crate::support::length::is_long;
use crate::support::mirror::{Client, Shared};
use crate::support::trace::strace;
use crate::support::wait_until;

/// What clauth 0.6 linked. The last three are directories.
const LINKED: [&str; 7] = [
    ".config.json",
    "policy-limits-org.json",
    "remote-settings-org.json",
    "server-sessions.json",
    "state/lock.json",
    "telemetry/failed.json",
    "bridge-spawn/one.json",
];

const ALICE: &str = r#"{"theme": "of-alice", "oauthAccount": {"accountUuid": "alice"}}"#;

fn of_hub(name: &str) -> String {
    if name == LINKED[0] { ALICE.into() } else { format!("{name} of the hub") }
}

/// Brings the profile into the shape that 0.6 had left it in, with the state that its client wrote last.
fn link(shared: &Shared, round: usize) {
    for name in LINKED {
        let top = name.split('/').next().unwrap();
        if !shared.hub(name).exists() {
            write(&shared.hub(name), of_hub(name));
        }
        let (own, target) = (shared.own("work", top), shared.hub(top));
        let _ = fs::remove_dir_all(&own).or_else(|_| fs::remove_file(&own));
        symlink(target, own).unwrap();
    }
    let state = json!({"oauthAccount": {"accountUuid": "bob"}, "round": round});
    write(&shared.own("work", ".claude.json"), state.to_string());
    write(&shared.own("work", ".credentials.json"), r#"{"claudeAiOauth": {"accessToken": "bob"}}"#);
}

fn state(shared: &Shared) -> Value {
    serde_json::from_str(&text(&shared.own("work", ".claude.json")).unwrap()).unwrap()
}

fn assert_nothing_moved(shared: &Shared, call: &str) {
    for name in LINKED.iter().skip(1) {
        assert_eq!(text(&shared.hub(name)), Some(of_hub(name)), "{call}: {name}");
    }
    let hub = text(&shared.hub(LINKED[0])).unwrap();
    assert!(hub.contains(r#""alice""#) && !hub.contains(r#""bob""#), "{call}: {hub}");
    assert_eq!(state(shared)["oauthAccount"]["accountUuid"], "bob", "{call}");
    assert!(text(&shared.own("work", ".credentials.json")).unwrap().contains("bob"), "{call}");
}

#[test]
fn a_profile_of_before_is_changed_over_under_its_client_and_at_any_kill_nothing_is_lost() {
    let shared = Shared::new(&["work"]);
    shared.start("work");
    let _client = Client::start(&shared, "work");
    let round = Cell::new(0);
    let transcript = shared.own("work", "projects/p/talk.jsonl");
    let written = Cell::new(0);
    let set_up = || {
        shared.kill("work");
        link(&shared, round.get());
    };
    let is_linked = || LINKED.iter().any(|name| shared.own("work", name.split('/').next().unwrap()).is_symlink());
    let calls = if is_long() { [LINKING, RENAMING, REMOVING, WRITING].join(" ") } else { REMOVING.into() };
    let kills = at_each(&calls, set_up, |strace, call| {
        let marker = shared.hub(format!("tasks/round-{}/marker", round.get()));
        write(&shared.own("work", format!("tasks/round-{}/marker", round.get())), "");
        let mut helper = shared.helper("work", strace).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut ended = None;
        let append = || {
            let _ = fs::create_dir_all(transcript.parent().unwrap());
            let mut file = fs::File::options().append(true).create(true).open(&transcript).unwrap();
            file.write_all(format!("{{\"line\": {}}}\n", written.get()).as_bytes()).unwrap();
            written.set(written.get() + 1);
            thread::sleep(Duration::from_millis(5));
        };
        wait_until("the pass is over", || {
            append();
            ended = helper.try_wait().unwrap();
            ended.is_some() || (marker.exists() && !is_linked())
        });
        shared.kill("work");
        helper.wait().unwrap();
        assert_nothing_moved(&shared, call);
        shared.join("work");
        shared.settle();
        assert_nothing_moved(&shared, call);
        assert!(!is_linked(), "{call}");
        round.set(round.get() + 1);
        ended.is_some()
    });
    assert!(kills > 5 || strace().is_none(), "{kills}");
    for side in [&transcript, &shared.hub("projects/p/talk.jsonl")] {
        let found = text(side).unwrap();
        for line in 0..written.get() {
            assert_eq!(found.matches(&format!("{{\"line\": {line}}}\n")).count(), 1, "line {line} of {}", side.display());
        }
    }
}

#[test]
fn a_state_that_a_client_of_before_wrote_under_the_old_name_becomes_the_profile_s() {
    let shared = Shared::new(&["work"]);
    shared.start("work");
    let [own, old] = [".claude.json", ".config.json"].map(|name| shared.own("work", name));
    write(&own, r#"{"oauthAccount": {"accountUuid": "before"}, "kept": 1}"#);
    shared.stop("work");
    write(&old, r#"{"oauthAccount": {"accountUuid": "bob"}, "theme": "light"}"#);
    shared.start("work");
    wait_until("it has its name", || !old.exists());
    assert_eq!(state(&shared)["oauthAccount"]["accountUuid"], "bob");
    assert_eq!(shared.rescued("work").len(), 1, "what the client had not read any more is kept");
    wait_until("it is shared", || text(&shared.sandbox.path("home/.claude.json")).is_some_and(|text| text.contains("light")));
}
