//! The real client with accounts that arrived by clauth: who serves, and that no token is spent twice.

use std::fs;
use std::path::Path;

use crate::support::files::files_below;
use crate::support::finished::Finished;
use crate::support::rig::{Freshness, Rig, read_json};
use crate::support::wait_until;

/// A key that the mock serves.
const KEY: &str = "sk-ant-api-own";

/// Asks in a profile and returns what was answered.
fn ask(rig: &Rig, profile: &str) -> String {
    rig.sandbox.clauth(&["start", profile, "-p", "hi"]).success().stdout().to_owned()
}

#[test]
fn a_profile_with_a_key_or_a_token_is_served_by_it() {
    let Some(rig) = Rig::start() else { return };
    let sandbox = &rig.sandbox;
    let endpoint = format!("http://{}", rig.address);
    sandbox.clauth_with_input(&["add", "gw", "--base-url", &endpoint, "--api-key-stdin"], KEY).success();
    assert_eq!(ask(&rig, "gw"), format!("served-by:{KEY}\n"));
    // Not by way of the proxy, where the client's own endpoint is.
    assert_eq!(rig.messages()[0]["via"], "http", "{:?}", rig.messages());

    let spare = sandbox.mkdir("spare");
    rig.sign_in("alice", &spare, &spare.join(".claude.json"), Freshness::Fresh);
    let token = read_json(&spare.join(".credentials.json"))["claudeAiOauth"]["accessToken"].as_str().unwrap().to_owned();
    sandbox.clauth_with_input(&["add", "ci", "--token-stdin"], token.clone() + "\n").success();
    assert_eq!(ask(&rig, "ci"), "served-by:alice\n");
    assert_eq!(rig.messages()[1]["kind"], "bearer");
    let login = fs::read_to_string(sandbox.runtime("ci").join(".credentials.json")).unwrap();
    assert!(login.contains(&token), "it is still there");
    let status = sandbox.clauth(&["exec", "ci", "--", "claude", "auth", "status", "--json"]).success().json();
    assert_eq!(status["loggedIn"], true);
}

#[test]
fn a_captured_login_serves_its_profile_and_plain_claude_is_signed_out() {
    for freshness in [Freshness::Fresh, Freshness::Expired] {
        let Some(rig) = Rig::start() else { return };
        let sandbox = &rig.sandbox;
        rig.sign_in("carol", &sandbox.home().join(".claude"), &sandbox.home().join(".claude.json"), freshness);
        let plain = || {
            let mut command = sandbox.command("claude");
            command.args(["-p", "hi"]);
            Finished::run(command)
        };
        let before = (freshness == Freshness::Fresh).then(|| assert_eq!(plain().success().stdout(), "served-by:carol\n"));
        sandbox.clauth(&["capture", "work", "--yes"]).success();
        assert_eq!(ask(&rig, "work"), "served-by:carol\n");
        let signed_out = plain().failure();
        assert!(signed_out.stdout().contains("/login"), "{signed_out:?}");
        rig.assert_served(&[("carol", 1 + usize::from(before.is_some()))]);
        assert_eq!(rig.refreshes("carol"), u64::from(freshness == Freshness::Expired));
        rig.assert_nobody_was_logged_out();
    }
}

#[test]
fn a_login_by_the_browser_serves_its_profile() {
    let Some(rig) = Rig::start() else { return };
    let sandbox = &rig.sandbox;
    rig.make_known("dave");
    for profile in ["work", "second"] {
        sandbox.clauth(&["add", profile]).success();
        let mut login = sandbox.command("clauth");
        login.args(["login", profile, "--email", "dave@example.test", "--yes"]).env("MOCK_ACCOUNT", "dave");
        let told = Finished::run(login).success();
        assert!(told.stderr().starts_with(&format!("clauth: {profile} is signed in as dave@example.test (dave org, max)\n")), "{told:?}");
        let is_second = told.stderr().contains("the profile work has a login of the same account; that is fine");
        assert_eq!(is_second, profile == "second", "{told:?}");
        assert_eq!(ask(&rig, profile), "served-by:dave\n");
    }
    rig.assert_served(&[("dave", 2)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn an_imported_directory_goes_on_where_it_was() {
    let Some(rig) = Rig::start() else { return };
    let sandbox = &rig.sandbox;
    let own = sandbox.mkdir("home/.claude-work");
    rig.sign_in("bob", &own, &own.join(".claude.json"), Freshness::Expired);
    let mut command = sandbox.command("claude");
    command.args(["-p", "hi"]).env("CLAUDE_CONFIG_DIR", &own);
    assert_eq!(Finished::run(command).success().stdout(), "served-by:bob\n");
    let transcripts = |directory: &Path| files_below(directory).into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
    let before: Vec<_> = transcripts(&own.join("projects")).collect();
    assert_eq!(before.len(), 1, "{before:?}");
    let text = fs::read_to_string(&before[0]).unwrap();

    sandbox.clauth(&["import", own.to_str().unwrap(), "work", "--yes"]).success();
    let moved = sandbox.home().join(".claude").join(before[0].strip_prefix(&own).unwrap());
    assert_eq!(fs::read_to_string(&moved).unwrap(), text);
    let continued = sandbox.clauth(&["start", "work", "--continue", "-p", "and again"]).success();
    assert_eq!(continued.stdout(), "served-by:bob\n");
    wait_until("the transcript goes on in ~/.claude", || fs::read_to_string(&moved).unwrap().contains("and again"));
    rig.assert_served(&[("bob", 2)]);
    assert_eq!(rig.refreshes("bob"), 1);
    rig.assert_nobody_was_logged_out();
}
