//! Whoever moves a login may be killed at any instant: after one more command there is exactly one, with its identity beside it.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use super::{assert_one_login, locks, logins, state};
use crate::mirror::killed::{LINKING, REMOVING, RENAMING, WRITING, at_each};
use crate::support::Sandbox;
use crate::support::claude::{self, HOME_ACCOUNT};
use crate::support::files::files_below;
use crate::support::trace::strace;

/// Kills captures until one leaves the profile's copy in place, and the old login beside it or not; `None` without strace.
fn interrupted(is_old_left: bool) -> Option<Sandbox> {
    let strace = strace()?.to_str().unwrap();
    for number in 1.. {
        let sandbox = Sandbox::new();
        let inject = format!("inject=/^(rename|renameat2?)$:signal=SIGKILL:when={number}");
        let mut capture = sandbox.command(strace);
        capture.args(["-f", "-qqq", "-o", "/dev/null", "-e", "trace=/^(rename|renameat2?)$", "-e", &inject, "clauth", "capture", "work", "--yes"]);
        let is_over = capture.stderr(Stdio::null()).status().unwrap().success();
        let old = sandbox.path("home/.claude/.credentials.json");
        if sandbox.runtime("work").join(".credentials.json").exists() && old.exists() == is_old_left {
            assert!(!is_over);
            for lock in locks(&sandbox) {
                fs::remove_dir(lock).unwrap();
            }
            return Some(sandbox);
        }
        assert!(!is_over, "no kill leaves that");
    }
    None
}

#[test]
fn a_login_that_was_refreshed_meanwhile_stays_where_it_was() {
    let Some(sandbox) = interrupted(true) else { return };
    let old = sandbox.path("home/.claude/.credentials.json");
    let refreshed = sandbox.read(&old).replace("home-refresh", "home-second");
    sandbox.write("home/.claude/new", refreshed.replace("home-access", "home-third"));
    fs::rename(sandbox.path("home/.claude/new"), &old).unwrap();
    let told = sandbox.clauth(&["start", "work"]).success();
    assert_eq!(told.complaint(), format!("the move of a login was interrupted and is undone: it is still at {}", old.parent().unwrap().display()));
    assert_eq!(logins(&sandbox), Vec::<PathBuf>::new(), "the spent copy is gone");
    assert!(sandbox.read(old).contains("home-second"));
    assert_eq!(sandbox.clauth(&["list"]).success().profiles(), "work  not signed in\n");
}

#[test]
fn one_who_signed_in_anew_meanwhile_keeps_both_logins() {
    let Some(sandbox) = interrupted(false) else { return };
    let (old, identity) = (sandbox.path("home/.claude/.credentials.json"), sandbox.read("home/.claude.json"));
    sandbox.write(&old, r#"{"claudeAiOauth": {"accessToken": "a", "refreshToken": "anew", "expiresAt": 1}}"#);
    sandbox.write("home/.claude.json", identity.replace(HOME_ACCOUNT, "new@home.example"));
    let told = sandbox.clauth(&["list"]).success();
    assert!(told.complaint().starts_with("the move of a login was interrupted and is finished"), "{told:?}");
    assert!(told.stdout().starts_with(&format!("work  {HOME_ACCOUNT}")), "{told:?}");
    assert!(sandbox.read(old).contains("anew") && sandbox.read("home/.claude.json").contains("new@home.example"));
    assert_one_login(&sandbox);
}

#[test]
fn a_client_that_runs_meanwhile_keeps_its_identity_until_it_ends() {
    let Some(sandbox) = interrupted(false) else { return };
    let session = sandbox.write(format!("home/.claude/sessions/{}.json", std::process::id()), "{}");
    sandbox.clauth(&["list"]).success();
    assert_one_login(&sandbox);
    assert!(sandbox.read("home/.claude.json").contains("oauthAccount"));
    fs::remove_file(session).unwrap();
    sandbox.clauth(&["list"]).success();
    assert!(!sandbox.read("home/.claude.json").contains("oauthAccount") && !sandbox.path("home/.clauth/transfer.json").exists());
    assert_one_login(&sandbox);
}

/// Kills `clauth capture work` at each of these calls.
fn kill_captures(calls: &str) {
    let sandbox = Sandbox::new();
    let set_up = || {
        for leftover in ["home/.clauth", "home/.claude"] {
            let _ = fs::remove_dir_all(sandbox.path(leftover)); // nothing yet, the first time
        }
        claude::settle(&sandbox.home());
    };
    let kills = at_each(calls, set_up, |strace, call| {
        let before = sandbox.read("home/.claude.json");
        let mut capture = sandbox.command(strace[0]);
        capture.args(&strace[1..]).args(["clauth", "capture", "work", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null());
        let is_killed = !capture.status().unwrap().success();

        let told = sandbox.clauth(&["list"]).success();
        assert!(!told.stderr().contains("home-refresh"), "{call}: {told:?}");
        let hub = sandbox.path("home/.claude/.credentials.json");
        let is_moved = assert_one_login(&sandbox) != hub;
        // Locks of the dead keep nobody from a whole login; what they keep for later comes when they have run out.
        for lock in locks(&sandbox) {
            fs::remove_dir(lock).unwrap();
        }
        sandbox.clauth(&["list"]).success();
        assert!(!sandbox.path("home/.clauth/transfer.json").exists(), "{call}");
        let unfinished: Vec<_> = files_below(&sandbox.home()).into_iter().filter(|file| file.to_string_lossy().contains(".tmp")).collect();
        // The next session takes up what has nothing of an account in it.
        let is_harmless =
            |file: &PathBuf| file.starts_with(sandbox.path("home/.clauth")) && !fs::read_to_string(file).unwrap().contains(HOME_ACCOUNT);
        assert!(unfinished.iter().all(is_harmless), "{call}: {unfinished:?}");
        assert_eq!(assert_one_login(&sandbox) != hub, is_moved, "{call}");
        let own = sandbox.runtime("work").join(".claude.json");
        let own = if own.exists() { state(&own) } else { Value::Null };
        let account = |state: &Value| state["oauthAccount"]["emailAddress"].as_str().map(str::to_owned);
        if is_moved {
            assert_eq!((account(&own).as_deref(), account(&state(&sandbox.path("home/.claude.json")))), (Some(HOME_ACCOUNT), None), "{call}");
        } else {
            assert_eq!((account(&own), sandbox.read("home/.claude.json")), (None, before), "{call}");
            sandbox.clauth(&["capture", "work", "--yes"]).success();
            assert!(assert_one_login(&sandbox) != hub, "{call}");
        }
        is_killed
    });
    assert!(kills > 0 || strace().is_none());
}

#[test]
fn at_any_renaming_of_a_capture_one_login_is_left() {
    kill_captures(RENAMING);
}

#[test]
fn at_any_removing_of_a_capture_one_login_is_left() {
    kill_captures(REMOVING);
}

#[test]
fn at_any_writing_of_a_capture_one_login_is_left() {
    kill_captures(WRITING);
}

#[test]
fn at_any_other_call_of_a_capture_one_login_is_left() {
    kill_captures(&format!("openat {LINKING}"));
}
