//! Logins that come into the Keychain, move in it, and stay in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{SECRETS, assert_one_login, assert_untouched, item_of_profile, json_of};
use crate::support::Sandbox;
use crate::support::claude::HOME_ACCOUNT;
use crate::support::keychain::{HUB_ITEM, item_of};

#[test]
fn a_captured_login_moves_from_item_to_item_and_through_no_argument() {
    let sandbox = Sandbox::with_keychain();
    let before = json_of(&sandbox, HUB_ITEM);
    let told = sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert!(told.complaint().contains(&format!("moved to the profile work ({HOME_ACCOUNT})")), "{told:?}");
    let item = item_of_profile(&sandbox, "work");
    assert_eq!(sandbox.items(), std::slice::from_ref(&item));
    assert_eq!(json_of(&sandbox, &item), before);
    assert_one_login(&sandbox);
    assert!(!sandbox.runtime("work").join(".credentials.json").exists());
    sandbox.assert_never_argued(&SECRETS);
    assert!(!told.stderr().contains("home-"), "{told:?}");
    assert_eq!(sandbox.clauth(&["list"]).success().stdout().split("  ").collect::<Vec<_>>()[..2], ["work", HOME_ACCOUNT]);
}

#[test]
fn a_login_is_taken_out_of_an_item_with_consent_alone() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth(&["capture", "work"]).complains(1, &format!("out of the Keychain item {HUB_ITEM}"));
    assert_untouched(&sandbox);
    assert!(!sandbox.path("home/.clauth/profiles/work").exists());
}

#[test]
fn letters_of_all_kinds_arrive_as_the_client_reads_them() {
    let sandbox = Sandbox::with_keychain();
    let login = json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": "r", "expiresAt": 4_102_444_800_000_u64}, "zuletzt": "ü 日本 \u{1f600}\u{7f}\n"});
    sandbox.put_item(HUB_ITEM, &login.to_string()); // which `security` prints as hexadecimal
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let item = item_of_profile(&sandbox, "work");
    assert_eq!(json_of(&sandbox, &item), login);
    assert!(sandbox.item(&item).unwrap().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "else the client gets hexadecimal");
}

#[test]
fn a_directory_is_imported_by_the_spelling_that_the_client_was_told() {
    for (typed, spelled, set) in [("", "", false), ("/", "", false), ("", "/", false), ("", "/../.claude-own/", true)] {
        let mut sandbox = Sandbox::with_keychain();
        let own = sandbox.mkdir("home/.claude-own");
        let path = |end: &str| format!("{}{end}", own.display());
        sandbox.write("home/.claude-own/.claude.json", json!({"oauthAccount": {"emailAddress": "me@own.example"}}).to_string());
        let login = json!({"claudeAiOauth": {"accessToken": "own-access", "refreshToken": "own-refresh", "expiresAt": 4_102_444_800_000_u64}});
        sandbox.put_item(&item_of(path(spelled)), &login.to_string());
        if set {
            sandbox.set_variable("CLAUDE_CONFIG_DIR", path(spelled));
        }
        let plan = sandbox.clauth(&["import", &path(typed), "own", "--dry-run"]).success();
        assert!(plan.stdout().contains("move  the login of me@own.example to the profile own"), "{plan:?}");
        sandbox.clauth(&["import", &path(typed), "own", "--yes"]).success();
        assert_eq!(sandbox.items(), [HUB_ITEM.to_owned(), item_of_profile(&sandbox, "own")], "{typed} {spelled}");
        assert_eq!(json_of(&sandbox, &item_of_profile(&sandbox, "own")), login);
        sandbox.assert_never_argued(&["own-access", "own-refresh"]);
    }
}

#[test]
fn a_token_goes_into_the_keychain() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth_with_input(&["add", "long", "--token-stdin"], "sk-ant-oat01-LONG").success();
    assert_eq!(json_of(&sandbox, &item_of_profile(&sandbox, "long"))["claudeAiOauth"]["accessToken"], "sk-ant-oat01-LONG");
    sandbox.assert_never_argued(&["sk-ant-oat01-LONG"]);
}

#[test]
fn without_a_keychain_of_the_users_own_the_file_is_what_counts() {
    let mut sandbox = Sandbox::new();
    sandbox.use_keychain();
    sandbox.keychain_behaves("missing");
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let file = sandbox.runtime("work").join(".credentials.json");
    assert!(sandbox.read(&file).contains("home-refresh") && !sandbox.path("home/.claude/.credentials.json").exists());
    assert_eq!(sandbox.clauth(&["list"]).success().stdout().split("  ").nth(1), Some(HOME_ACCOUNT));
}

#[test]
fn a_login_in_a_file_beside_an_empty_keychain_goes_into_it() {
    let mut sandbox = Sandbox::new();
    sandbox.use_keychain();
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
}

#[test]
fn a_login_that_is_too_long_for_a_line_goes_into_a_file_and_that_is_said() {
    let sandbox = Sandbox::with_keychain();
    let mut login = json_of(&sandbox, HUB_ITEM);
    login["mcpOAuth"]["large"] = "x".repeat(2000).into();
    sandbox.put_item(HUB_ITEM, &login.to_string());
    let told = sandbox.clauth(&["capture", "work", "--yes"]).success();
    let file = sandbox.runtime("work").join(".credentials.json");
    assert!(told.stderr().contains(&format!("too long for a line of `security`, so it lies in {}", file.display())), "{told:?}");
    assert_eq!(sandbox.items(), Vec::<String>::new());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&sandbox.read(&file)).unwrap(), login);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(sandbox.clauth(&["list"]).success().stdout().split("  ").nth(1), Some(HOME_ACCOUNT));
}

#[test]
fn an_older_file_beside_an_item_does_not_come_back_when_the_item_is_gone() {
    let sandbox = Sandbox::with_keychain();
    let old = r#"{"claudeAiOauth": {"accessToken": "a", "refreshToken": "older", "expiresAt": 1}}"#;
    sandbox.write("home/.claude/.credentials.json", old);
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert!(!sandbox.path("home/.claude/.credentials.json").exists());
    assert_eq!(sandbox.read("home/.claude/.credentials.json.old"), old, "but it is not lost");
    assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
}

#[test]
fn what_lies_beside_an_emptied_login_is_kept() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth(&["add", "work"]).success();
    let emptied = r#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0},"mcpOAuth":{"mine":"mine-mcp"}}"#;
    sandbox.put_item(&item_of_profile(&sandbox, "work"), emptied);
    assert!(sandbox.clauth(&["list"]).success().stdout().contains("sign in again"));
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
    let rescued: Vec<_> = crate::support::files::files_below(&sandbox.path("home/.clauth/rescued"));
    assert_eq!(rescued.iter().map(|file| sandbox.read(file)).collect::<Vec<_>>(), [emptied]);
}

#[test]
fn a_removed_profile_leaves_its_item_and_says_how_to_delete_it() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let item = item_of_profile(&sandbox, "work");
    let told = sandbox.clauth(&["remove", "work", "--yes", "--delete-login"]).success();
    let deletion = format!("security delete-generic-password -a 'me' -s '{item}'");
    assert!(told.stderr().contains(&deletion), "{told:?}");
    assert_one_login(&sandbox);
    // Its login must not come back unasked with another profile of that name.
    sandbox.clauth(&["add", "work"]).complains(1, &deletion);
    assert!(!sandbox.path("home/.clauth/profiles/work").exists());
}

#[test]
fn a_prompt_and_the_client_start_never_ask_the_keychain() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let project = sandbox.bind("project", "work");
    sandbox.keychain_behaves("hangs");
    let answer = sandbox.clauth_in(&project, &["export", "bash", "--first", "--pid", &std::process::id().to_string()]).success();
    assert!(answer.stdout().contains("CLAUTH_PROFILE"), "{answer:?}");
    fs::remove_file(sandbox.runtime("work").join(".claude.json")).unwrap();
    let answer = sandbox.clauth_in(&project, &["export", "bash", "--pid", &std::process::id().to_string()]).success();
    assert!(answer.stderr().contains("work · account not known yet"), "{answer:?}");
    sandbox.clauth(&["start", "work"]).success();
    assert_eq!(sandbox.keychain_calls(), 0);
}
