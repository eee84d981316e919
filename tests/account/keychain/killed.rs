//! Whoever is killed while a login moves in the Keychain leaves exactly one, and a program that outlives him takes none away.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{assert_one_login, item_of_profile, json_of};
use crate::support::Sandbox;
use crate::support::claude::HOME_ACCOUNT;
use crate::support::keychain::HUB_ITEM;

/// How many are killed at a time: most of the time of each is a wait for what the dead one started.
const AT_ONCE: usize = 12;

/// Kills a capture at its call of this number, looks at what is left after one more command, and does it again.
fn kill(when: &str, number: usize) {
    let sandbox = Sandbox::with_keychain();
    let at = format!("{when} {number}");
    sandbox.keychain_behaves(&at);
    let mut capture = sandbox.command("clauth");
    let is_killed = !capture.args(["capture", "work", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success();
    assert!(is_killed, "{at}");
    if when != "orphan" {
        sandbox.keychain_behaves(""); // the orphan looks before it leaps, too
    }
    let told = sandbox.clauth(&["list"]).success();
    let found = assert_one_login(&sandbox);
    for lock in super::super::locks(&sandbox) {
        std::fs::remove_dir(lock).unwrap(); // those of the dead; what they keep for later comes when they have run out
    }
    sandbox.clauth(&["list"]).success();
    assert!(!sandbox.path("home/.clauth/transfer.json").exists(), "{at}: {told:?}");
    assert_eq!(assert_one_login(&sandbox), found, "{at}");
    if found == HUB_ITEM {
        assert!(sandbox.read("home/.claude.json").contains(HOME_ACCOUNT), "{at}");
        sandbox.clauth(&["capture", "work", "--yes"]).success();
    }
    assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"), "{at}");
    assert_eq!(sandbox.items().len(), 1, "{at}");
    assert!(!sandbox.read("home/.claude.json").contains(HOME_ACCOUNT), "{at}");
}

/// Kills captures at each of their calls, at once: each waits a while for what the dead one started.
fn kill_at_each(when: &str) {
    let sandbox = Sandbox::with_keychain();
    sandbox.keychain_behaves("");
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let calls = sandbox.keychain_calls();
    assert!(calls > 5, "{calls}");
    let next = AtomicUsize::new(1);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // Without two threads that take the same, and none that waits for another's.
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number <= calls) {
                    kill(when, number);
                }
            });
        }
    });
}

#[test]
fn before_any_call_of_the_keychain() {
    kill_at_each("before");
}

#[test]
fn while_the_keychain_goes_on_alone() {
    kill_at_each("orphan");
}

#[test]
fn one_who_signed_in_anew_after_a_kill_keeps_both_logins() {
    let sandbox = Sandbox::with_keychain();
    sandbox.keychain_behaves("");
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    // As a capture leaves it that was killed after the old item was emptied.
    let journal = serde_json::json!({
        "from": {"directory": sandbox.path("home/.claude"), "claude_json": sandbox.path("home/.claude.json")},
        "to": {"directory": sandbox.runtime("work"), "claude_json": sandbox.runtime("work").join(".claude.json")},
        "login": "not that of the new one", "aside": null, "is_moved": true,
    });
    sandbox.write("home/.clauth/transfer.json", journal.to_string());
    let anew = r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"anew","expiresAt":4102444800000}}"#;
    sandbox.put_item(HUB_ITEM, anew);
    sandbox.clauth(&["list"]).success();
    assert_eq!(json_of(&sandbox, HUB_ITEM)["claudeAiOauth"]["refreshToken"], "anew");
    assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
}
