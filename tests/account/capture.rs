//! `capture`: the login of `~/.claude` moves into a profile, whole, and whoever is killed leaves exactly one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{assert_one_login, logins, state};
use crate::support::Sandbox;
use crate::support::claude::HOME_ACCOUNT;

/// The keys of a sandbox's `~/.claude.json` that belong to its account.
const ACCOUNT: [&str; 4] = ["oauthAccount", "customApiKeyResponses", "hasAvailableSubscription", "cachedUsageUtilization"];

fn keys(state: &Value) -> Vec<&str> {
    state.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_login_and_its_identity_move_and_nothing_else_does() {
    let sandbox = Sandbox::new();
    let (credentials, before) = (sandbox.read("home/.claude/.credentials.json"), state(&sandbox.path("home/.claude.json")));
    let told = sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert!(told.complaint().contains(&format!("moved to the profile work ({HOME_ACCOUNT}), and plain `claude` is signed out")), "{told:?}");
    assert!(told.complaint().contains("`clauth use --global work`") && !told.stderr().contains("home-refresh"), "{told:?}");

    let runtime = sandbox.runtime("work");
    let moved: Value = serde_json::from_slice(&fs::read(runtime.join(".credentials.json")).unwrap()).unwrap();
    assert_eq!(moved, serde_json::from_str::<Value>(&credentials).unwrap(), "what lies beside a login goes with it");
    for private in [".credentials.json", ".claude.json"] {
        assert_eq!(fs::symlink_metadata(runtime.join(private)).unwrap().mode() & 0o777, 0o600);
    }
    assert!(!sandbox.path("home/.claude/.credentials.json").exists());
    let (own, hub) = (state(&runtime.join(".claude.json")), state(&sandbox.path("home/.claude.json")));
    for key in ACCOUNT {
        assert_eq!(own[key], before[key]);
    }
    let rest: Vec<_> = keys(&before).into_iter().filter(|key| !ACCOUNT.contains(key)).collect();
    assert_eq!(keys(&hub), rest, "all else stays, in its order");
    for key in rest {
        assert_eq!((&hub[key], &own[key]), (&before[key], &before[key]));
    }
    assert_one_login(&sandbox);
    assert!(!sandbox.path("home/.clauth/transfer.json").exists());
    let locks: Vec<_> = super::locks(&sandbox);
    assert_eq!(locks, Vec::<PathBuf>::new());

    assert!(sandbox.clauth(&["list"]).success().stdout().starts_with(&format!("work  {HOME_ACCOUNT}")));
    assert_eq!(sandbox.clauth(&["start", "work"]).success().stdout(), sandbox.claude_says(Some("work")));
    sandbox.clauth(&["capture", "other", "--yes"]).complains(1, "nobody is signed in to a claude.ai account");
    assert!(!sandbox.path("home/.clauth/profiles/other").exists());
}

#[test]
fn a_capture_asks_and_its_inverse_gives_the_login_back() {
    let sandbox = Sandbox::new();
    let before =
        [sandbox.read("home/.claude/.credentials.json"), sandbox.read("home/.claude.json")].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    sandbox.clauth(&["capture", "work"]).complains(1, &format!("({HOME_ACCOUNT}) to the profile work? plain `claude` is signed out then"));
    assert!(!sandbox.path("home/.clauth/profiles/work").exists());
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    sandbox.clauth(&["capture", "--back", "work"]).complains(1, "the profile is signed out then");
    let told = sandbox.clauth(&["capture", "--back", "work", "--yes"]).success();
    assert!(told.complaint().contains(&format!("moved to {} ({HOME_ACCOUNT})", sandbox.path("home/.claude").display())), "{told:?}");
    assert_eq!(assert_one_login(&sandbox), sandbox.path("home/.claude/.credentials.json"));
    let after =
        [sandbox.read("home/.claude/.credentials.json"), sandbox.read("home/.claude.json")].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(after, before);
    assert!(sandbox.clauth(&["list"]).success().stdout().starts_with("work  not signed in"));
}

#[test]
fn what_lies_beside_a_revoked_login_is_kept_when_another_comes_back() {
    let sandbox = Sandbox::new();
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let revoked =
        r#"{"claudeAiOauth": {"accessToken": "", "refreshToken": "", "expiresAt": 0}, "mcpOAuth": {"own": {"accessToken": "of-a-server"}}}"#;
    sandbox.write("home/.claude/.credentials.json", revoked);
    sandbox.clauth(&["capture", "--back", "work", "--yes"]).success();
    let kept = crate::support::files::files_below(&sandbox.path("home/.clauth/rescued/work"));
    assert!(kept.iter().any(|file| fs::read_to_string(file).unwrap().contains("of-a-server")), "{kept:?}");
    assert_one_login(&sandbox);
}

#[test]
fn a_profile_without_a_login_takes_it_in_and_any_other_does_not() {
    let sandbox = Sandbox::with_profiles(&["work", "taken"]);
    sandbox.sign_in("taken", "me@corp.example");
    sandbox.clauth(&["capture", "taken", "--yes"]).complains(1, "has a login already");
    sandbox.clauth(&["capture", "WORK", "--yes"]).complains(1, "the profile `work` exists already");
    sandbox.clauth_with_input(&["add", "keyed", "--api-key-stdin"], "sk-ant-api").success();
    sandbox.clauth(&["capture", "keyed", "--yes"]).complains(1, "has an API key, which wins over any login");
    assert!(sandbox.read("home/.claude/.credentials.json").contains("home-refresh"));

    // As the client leaves a login that was revoked: other things lie beside it.
    let emptied = r#"{"claudeAiOauth": {"accessToken": "", "refreshToken": "", "expiresAt": 0}, "mcpOAuth": {"of": "work"}}"#;
    sandbox.write(sandbox.runtime("work").join(".credentials.json"), emptied);
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert_one_login(&sandbox);
    let rescued = crate::support::files::files_below(&sandbox.path("home/.clauth/rescued/work"));
    assert_eq!(rescued.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>(), [emptied]);
}

#[test]
fn what_is_no_whole_login_is_not_moved() {
    let sandbox = Sandbox::new();
    let whole = sandbox.read("home/.claude/.credentials.json");
    for (text, why) in [
        (whole[..whole.len() / 2].to_owned(), "it is not a JSON object"),
        (String::new(), "it is not a JSON object"),
        (json!({"claudeAiOauth": {"accessToken": "", "refreshToken": "", "expiresAt": 0}}).to_string(), "nobody is signed in"),
        (json!({"mcpOAuth": {}}).to_string(), "nobody is signed in"),
    ] {
        sandbox.write("home/.claude/.credentials.json", &text);
        let refused = sandbox.clauth(&["capture", "work", "--yes"]);
        assert!(!refused.stderr().contains("home-"), "{refused:?}");
        refused.complains(1, why);
        assert_eq!(sandbox.read("home/.claude/.credentials.json"), text);
    }
    sandbox.write("home/.claude/.credentials.json", &whole);
    let broken = r#"{"primaryApiKey": "sk-SECRET""#;
    let hub = sandbox.read("home/.claude.json");
    sandbox.write("home/.claude.json", broken);
    let refused = sandbox.clauth(&["capture", "work", "--yes"]);
    assert!(!refused.stderr().contains("SECRET"), "{refused:?}");
    refused.complains(1, "it is not a JSON object");
    sandbox.write("home/.claude.json", hub);
    assert_eq!(logins(&sandbox), [sandbox.path("home/.claude/.credentials.json")], "what was begun is undone");
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert_one_login(&sandbox);
}

#[test]
fn nothing_moves_from_under_a_client_or_past_its_locks() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let client = std::process::id();
    for directory in [sandbox.path("home/.claude"), sandbox.runtime("work")] {
        let session = sandbox.write(directory.join(format!("sessions/{client}.json")), "{}");
        sandbox.clauth(&["capture", "work", "--yes"]).complains(1, &format!("claude runs in {} (process {client})", directory.display()));
        fs::remove_file(session).unwrap();
    }
    for lock in [".claude/.oauth_refresh.lock", ".claude.lock", ".claude/.storage-write.lock", ".claude.json.lock"] {
        let lock = sandbox.mkdir(Path::new("home").join(lock));
        sandbox.clauth(&["capture", "work", "--yes"]).complains(1, "a client holds the locks of the login");
        assert!(lock.exists());
        assert_eq!(super::locks(&sandbox), std::slice::from_ref(&lock), "our own are given back");
        fs::remove_dir(lock).unwrap();
    }
    assert_eq!(logins(&sandbox), [sandbox.path("home/.claude/.credentials.json")]);
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert_one_login(&sandbox);
}

#[test]
fn a_login_that_the_user_keeps_elsewhere_is_moved_from_there() {
    let sandbox = Sandbox::new();
    for (name, kept) in [(".claude/.credentials.json", "dotfiles/login.json"), (".claude.json", "dotfiles/state.json")] {
        sandbox.mkdir("home/dotfiles");
        fs::rename(sandbox.home().join(name), sandbox.home().join(kept)).unwrap();
        symlink(sandbox.home().join(kept), sandbox.home().join(name)).unwrap();
    }
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert_one_login(&sandbox);
    assert!(fs::symlink_metadata(sandbox.runtime("work").join(".credentials.json")).unwrap().is_file());
    let left: Vec<_> = fs::read_dir(sandbox.path("home/dotfiles")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["state.json"]);
    assert!(sandbox.path("home/.claude.json").is_symlink() && state(&sandbox.path("home/.claude.json"))["oauthAccount"].is_null());
    assert!(!sandbox.path("home/.claude/.credentials.json").is_symlink());
}

#[test]
fn two_logins_of_one_account_are_fine_and_two_copies_are_not() {
    let sandbox = Sandbox::with_profiles(&["same", "copy"]);
    let (credentials, identity) = (sandbox.read("home/.claude/.credentials.json"), sandbox.read("home/.claude.json"));
    sandbox.write(sandbox.runtime("same").join(".claude.json"), &identity);
    sandbox.write(sandbox.runtime("same").join(".credentials.json"), credentials.replace("home-refresh", "another"));
    sandbox.write(sandbox.runtime("copy").join(".claude.json"), &identity);
    sandbox.write(sandbox.runtime("copy").join(".credentials.json"), &credentials);
    let told = sandbox.clauth(&["capture", "work", "--yes"]).success();
    let lines: Vec<_> = told.stderr().lines().skip(1).collect();
    assert_eq!(lines.len(), 2, "{told:?}");
    assert!(lines[0].contains("WARNING: work has a copy of the login of the profile copy") && lines[0].contains("clauth login work"), "{told:?}");
    assert_eq!(lines[1], "clauth: the profile same has a login of the same account; that is fine, each is its own");
}
