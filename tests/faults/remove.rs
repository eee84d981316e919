//! `clauth remove` and `clauth capture` at which one system call fails or is the last: nothing is lost, and the next one finishes.

use std::fs;

use crate::account::{assert_one_login, locks};
use crate::support::Sandbox;
use crate::support::claude;
use crate::support::faults::{FILES, at_each};
use crate::support::files::{files_below, text};
use crate::support::finished::Finished;
use crate::support::trace::strace;

/// What lies in a profile: shared and its own, in conflict with the hub and not.
const OWN: [(&str, &str); 6] = [
    ("projects/p/mine.jsonl", "mine"),
    ("projects/p/both.jsonl", "profile's"),
    ("history.jsonl", "typed\n"),
    ("backups/backup.json", "backup"),
    (".credentials.json", "{\"claudeAiOauth\": {\"refreshToken\": \"the login\"}}"),
    ("unheard-of/file", "unheard of"),
];

/// Returns every text below HOME.
fn texts(sandbox: &Sandbox) -> Vec<String> {
    files_below(&sandbox.home()).iter().filter_map(|file| text(file)).collect()
}

#[test]
fn whatever_fails_once_while_a_profile_is_removed_nothing_of_it_is_lost() {
    let sandbox = Sandbox::new();
    let set_up = || {
        for leftover in ["home/.clauth", "home/.claude"] {
            let _ = fs::remove_dir_all(sandbox.path(leftover)); // nothing yet, the first time
        }
        claude::settle(&sandbox.home());
        sandbox.clauth(&["add", "work"]).success();
        sandbox.write("home/.claude/projects/p/both.jsonl", "hub's");
        for (name, text) in OWN {
            sandbox.write(sandbox.runtime("work").join(name), text);
        }
    };
    let count = at_each(&sandbox.path("strace.log"), FILES, 60, set_up, |strace, fault| {
        let mut remove = sandbox.command(strace[0]);
        remove.args(&strace[1..]).args(["clauth", "remove", "work", "--yes"]);
        let said = Finished::run(remove);
        assert_ne!(said.code(), Some(101), "{fault}: {said:?}");
        let assert_whole = |when: &str| {
            let texts = texts(&sandbox);
            for (name, wanted) in OWN.iter().chain(&[("both.jsonl", "hub's")]) {
                let found = texts.iter().filter(|text| text.contains(wanted.trim_end())).count();
                assert!(found > 0, "{fault}: {name} is lost {when}");
                assert!(*name != ".credentials.json" || found == 1, "{fault}: {found} copies of the login {when}");
            }
        };
        assert_whole("at once");
        let again = sandbox.clauth(&["remove", "work", "--yes"]);
        assert!(again.code() == Some(0) || again.stderr().contains("there is no profile"), "{fault}: {again:?}");
        assert!(!sandbox.runtime("work").exists(), "{fault}");
        assert_whole("in the end");
        sandbox.clauth(&["add", "work"]).success();
    });
    assert!(count > 20 || strace().is_none(), "{count}");
}

#[test]
fn whatever_fails_once_while_a_login_is_captured_there_is_one() {
    let sandbox = Sandbox::new();
    let set_up = || {
        for leftover in ["home/.clauth", "home/.claude"] {
            let _ = fs::remove_dir_all(sandbox.path(leftover)); // nothing yet, the first time
        }
        claude::settle(&sandbox.home());
    };
    let count = at_each(&sandbox.path("strace.log"), FILES, 60, set_up, |strace, fault| {
        let mut capture = sandbox.command(strace[0]);
        capture.args(&strace[1..]).args(["clauth", "capture", "work", "--yes"]);
        let said = Finished::run(capture);
        assert_ne!(said.code(), Some(101), "{fault}: {said:?}");
        // Locks of the dead keep nobody from a whole login.
        for lock in locks(&sandbox) {
            fs::remove_dir(lock).unwrap();
        }
        let told = sandbox.clauth(&["list"]).success();
        assert!(!told.stderr().contains("home-refresh"), "{fault}: {told:?}");
        let login = assert_one_login(&sandbox);
        if login.starts_with(sandbox.path("home/.claude")) {
            sandbox.clauth(&["capture", "work", "--yes"]).success();
            assert_ne!(assert_one_login(&sandbox), login, "{fault}");
        }
        assert!(!sandbox.path("home/.clauth/transfer.json").exists(), "{fault}");
    });
    assert!(count > 20 || strace().is_none(), "{count}");
}
