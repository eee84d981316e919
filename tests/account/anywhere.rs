//! Logins on every system: how they arrive, move and are renewed, by the program alone.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{assert_one_login, locks};
use crate::support::commands::TOKENS;
use crate::support::finished::Finished;
use crate::support::service::{Account, Service};
use crate::support::{Sandbox, system};

/// A client that signs in and says who did.
const SIGNS_IN: (&str, &str) = if cfg!(windows) {
    ("claude.cmd", "@echo {\"loggedIn\": true, \"email\": \"me@work.example\"}\r\n")
} else {
    ("claude", "#!/bin/sh\necho '{\"loggedIn\": true, \"email\": \"me@work.example\"}'\n")
};

fn login(sandbox: &Sandbox, profile: &str) -> Value {
    serde_json::from_str(&sandbox.read(sandbox.runtime(profile).join(".credentials.json"))).unwrap()
}

#[test]
fn a_captured_login_is_moved_and_never_in_two_places() {
    let sandbox = Sandbox::new();
    let before: Value = serde_json::from_str(&sandbox.read("home/.claude/.credentials.json")).unwrap();
    let told = sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert!(told.complaint().contains("moved to the profile work (me@home.example)"), "{told:?}");
    assert_eq!(login(&sandbox, "work"), before);
    assert_eq!(assert_one_login(&sandbox), sandbox.runtime("work").join(".credentials.json"));
    assert!(locks(&sandbox).is_empty() && !sandbox.path("home/.clauth/transfer.json").exists());
    sandbox.clauth(&["capture", "other", "--yes"]).complains(1, "nobody is signed in to a claude.ai account");
}

#[test]
fn an_imported_directory_becomes_a_profile_with_its_login() {
    let sandbox = Sandbox::new();
    let before = json!({"claudeAiOauth": {"accessToken": TOKENS[0], "refreshToken": TOKENS[1], "expiresAt": 4_102_444_800_000_u64}});
    sandbox.write("home/.claude-work/.credentials.json", before.to_string());
    sandbox.write("home/.claude-work/.claude.json", json!({"oauthAccount": {"emailAddress": "me@work.example"}}).to_string());
    sandbox.write("home/.claude-work/commands/mine.md", "command");
    sandbox.clauth(&["import", sandbox.path("home/.claude-work").to_str().unwrap(), "work", "--yes"]).success();
    assert_eq!(login(&sandbox, "work"), before);
    assert!(!sandbox.path("home/.claude-work/.credentials.json").exists());
    assert_eq!(sandbox.read("home/.claude/commands/mine.md"), "command");
    assert!(sandbox.clauth(&["list"]).success().stdout().contains("me@work.example"));
}

#[test]
fn a_login_that_ends_soon_is_renewed() {
    let account = Arc::<Account>::default();
    let known = Arc::clone(&account);
    let service = Service::start(move |request| known.renew(request));
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.set_variable("CLAUTH_SERVICES", service.url());
    let ends_soon = json!({"claudeAiOauth": {"accessToken": Account::access(0), "refreshToken": Account::refresh(0), "expiresAt": 1}, "later": "ü"});
    sandbox.write(sandbox.runtime("work").join(".credentials.json"), ends_soon.to_string());
    for number in 1..=2 {
        let told = sandbox.clauth(&["refresh", "work", "--force"]).success();
        assert_eq!(told.complaint(), "work: refreshed, good for 8 h");
        let login = login(&sandbox, "work");
        let tokens = ["accessToken", "refreshToken"].map(|key| login["claudeAiOauth"][key].as_str().unwrap().to_owned());
        assert_eq!((tokens, &login["later"]), ([Account::access(number), Account::refresh(number)], &json!("ü")));
    }
    assert_eq!((account.number(), account.refused(), locks(&sandbox)), (2, vec![], vec![]));
}

#[test]
fn who_signs_in_is_asked_of_the_client() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.put_client(SIGNS_IN);
    let told = sandbox.clauth(&["login", "work"]).success();
    assert_eq!(told.stderr(), "clauth: work is signed in as me@work.example\n");
}

/// The client has the line run by the system's own shell.
#[test]
fn a_key_reaches_the_client_by_a_line_that_its_shell_runs() {
    const KEY: &str = "sk-ant-api03-SECRET-of-the-gateway";
    let sandbox = Sandbox::new();
    sandbox.clauth_with_input(&["add", "gw", "--base-url", "https://gateway.example/v1", "--api-key-stdin"], format!("{KEY}\n")).success();
    sandbox.clauth(&["exec", "gw", "--", "clauth", "--version"]).success();
    sandbox.assert_no_helpers_left();
    let settings: Value = serde_json::from_str(&sandbox.read(sandbox.runtime("gw").join("settings.json"))).unwrap();
    assert!(!settings.to_string().contains(KEY));
    let line = settings["apiKeyHelper"].as_str().unwrap();
    let told = Finished::run(system::in_shell(sandbox.command(system::SHELL), line)).success();
    assert_eq!(told.stdout(), format!("{KEY}\n"));
}
