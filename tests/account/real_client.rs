//! The real client with accounts that arrived by clauth: who serves, and that no token is spent twice.

use std::fs;

use crate::support::finished::Finished;
use crate::support::rig::{Freshness, Rig, read_json};

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
        sandbox.clauth(&["capture", "work"]).success();
        assert_eq!(ask(&rig, "work"), "served-by:carol\n");
        let signed_out = plain().failure();
        assert!(signed_out.stdout().contains("/login"), "{signed_out:?}");
        rig.assert_served(&[("carol", 1 + usize::from(before.is_some()))]);
        assert_eq!(rig.refreshes("carol"), u64::from(freshness == Freshness::Expired));
        rig.assert_nobody_was_logged_out();
    }
}
