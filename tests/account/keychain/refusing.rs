//! A Keychain that refuses: it is told why and what to do, and nothing is moved, lost or taken for signed out.

use super::{SECRETS, assert_one_login, assert_untouched, item_of_profile, json_of};
use crate::support::Sandbox;
use crate::support::keychain::HUB_ITEM;

/// What a keychain does, and what is said of it.
const REFUSALS: [(&str, &str); 3] = [("locked", "security unlock-keychain"), ("denied", "ended with status 51"), ("hangs", "within 2 s")];

/// Lets a keychain that hangs be waited for as long as in earnest, and no other.
fn wait_as_users_do(sandbox: &mut Sandbox, behaviour: &str) {
    if behaviour == "hangs" {
        sandbox.set_variable("CLAUTH_TIMEOUT", "");
    }
}

#[test]
fn nothing_moves_out_of_a_keychain_that_refuses() {
    for (behaviour, said) in REFUSALS {
        let mut sandbox = Sandbox::with_keychain();
        wait_as_users_do(&mut sandbox, behaviour);
        sandbox.keychain_behaves(behaviour);
        sandbox.clauth(&["capture", "work", "--yes"]).complains(1, said);
        sandbox.keychain_behaves("");
        assert_untouched(&sandbox);
        assert_eq!(sandbox.processes_named("sleep"), Vec::<i32>::new(), "what hangs is ended");
    }
}

#[test]
fn a_keychain_that_refuses_is_no_missing_login() {
    for (behaviour, said) in REFUSALS {
        let mut sandbox = Sandbox::with_keychain();
        sandbox.clauth(&["capture", "work", "--yes"]).success();
        let project = sandbox.bind("project", "work");
        wait_as_users_do(&mut sandbox, behaviour);
        sandbox.keychain_behaves(behaviour);
        let status = sandbox.clauth_in(&project, &["status"]).success();
        assert!(status.stdout().contains("login unreadable") && status.stdout().contains(said), "{status:?}");
        if behaviour == "hangs" {
            sandbox.set_variable("CLAUTH_TIMEOUT", "0.3"); // once in earnest is enough
        }
        assert!(sandbox.status(&project)["login_trouble"].as_str().unwrap().contains(said));
        let list = sandbox.clauth(&["list"]).success();
        assert!(list.stdout().contains("login unreadable") && !list.stdout().contains("not signed in"), "{list:?}");
        let usage = sandbox.clauth(&["usage", "--json"]).success().json();
        assert_eq!(usage["profiles"][0]["state"], "login_unreadable");
        let doctor = sandbox.clauth(&["doctor"]);
        assert!(doctor.stdout().contains("the login of work cannot be read") && doctor.stdout().contains(said), "{doctor:?}");
        sandbox.clauth(&["refresh", "work"]).complains(1, said);
        sandbox.clauth(&["remove", "work", "--yes"]).complains(1, said);
        sandbox.set_variable("CLAUTH_TIMEOUT", "30");
        sandbox.keychain_behaves("");
        assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
        sandbox.assert_never_argued(&SECRETS);
    }
}

#[test]
fn a_missing_program_is_named() {
    let mut sandbox = Sandbox::with_keychain();
    let program = sandbox.path("bin/no-security");
    sandbox.set_variable("CLAUTH_KEYCHAIN", &program);
    sandbox.clauth(&["capture", "work", "--yes"]).complains(1, &format!("could not run {} (No such file or directory", program.display()));
    assert_untouched(&sandbox);
}

#[test]
fn a_program_that_is_found_by_a_relative_path_gets_no_login() {
    let mut sandbox = Sandbox::with_keychain();
    sandbox.set_variable("CLAUTH_KEYCHAIN", "security");
    sandbox.clauth(&["capture", "work", "--yes"]).complains(1, "nobody is signed in");
    assert_untouched(&sandbox);
}

#[test]
fn what_the_keychain_cut_or_forgot_is_noticed_and_undone() {
    for behaviour in ["cuts", "forgets"] {
        let sandbox = Sandbox::with_keychain();
        sandbox.keychain_behaves(behaviour);
        sandbox.clauth(&["capture", "work", "--yes"]).complains(1, "did not keep what was written");
        sandbox.keychain_behaves("");
        assert_untouched(&sandbox);
        assert_eq!(sandbox.items(), [HUB_ITEM], "{behaviour}: no part of a login is left");
        sandbox.clauth(&["capture", "work", "--yes"]).success();
        assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
    }
}

#[test]
fn an_item_that_stays_when_it_is_deleted_holds_no_login_by_then() {
    let sandbox = Sandbox::with_keychain();
    sandbox.keychain_behaves("deaf");
    sandbox.clauth(&["capture", "work", "--yes"]).complains(1, "did not keep what was written");
    sandbox.keychain_behaves("");
    assert_eq!(assert_one_login(&sandbox), item_of_profile(&sandbox, "work"));
    assert_eq!(json_of(&sandbox, HUB_ITEM)["claudeAiOauth"]["refreshToken"], "");
    // The next command finishes what is left.
    sandbox.clauth(&["list"]).success();
    let (rehearsed, rest): (Vec<_>, Vec<_>) = sandbox.items().into_iter().partition(|item| item.starts_with("clauth "));
    assert_eq!(rest, [item_of_profile(&sandbox, "work")]);
    assert!(sandbox.item(&rehearsed[0]).unwrap().bytes().all(|byte| byte == b'x'), "what was only tried holds no secret");
    assert!(!sandbox.read("home/.claude.json").contains("oauthAccount") && !sandbox.path("home/.clauth/transfer.json").exists());
}

#[test]
fn a_login_of_another_account_is_told_and_not_asked_with() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let item = item_of_profile(&sandbox, "work");
    let mut login = json_of(&sandbox, &item);
    login["claudeAiOauth"]["accountUuid"] = "99999999-9999-4999-8999-999999999999".into();
    sandbox.put_item(&item, &login.to_string());
    assert!(sandbox.clauth(&["list"]).success().stdout().contains("the token is another account's: run `clauth login work`"));
    assert_eq!(sandbox.clauth(&["usage", "--json"]).success().json()["profiles"][0]["state"], "other_account");
    let doctor = sandbox.clauth(&["doctor"]);
    assert!(doctor.stdout().contains("work shows one account, and its login is another's"), "{doctor:?}");
}

#[test]
fn an_item_that_is_no_login_is_told() {
    let sandbox = Sandbox::with_keychain();
    sandbox.put_item(HUB_ITEM, "{\"claudeAiOauth\": {\"refreshToken\": \"home-refresh");
    let told = sandbox.clauth(&["capture", "work", "--yes"]).failure();
    assert_eq!(
        told.complaint(),
        format!("could not read {HUB_ITEM} of the Keychain: it is not a JSON object (line 1); sign in there again with `claude`, then try again")
    );
}

#[test]
fn copies_of_one_login_in_two_items_are_told() {
    let sandbox = Sandbox::with_keychain();
    sandbox.clauth(&["capture", "work", "--yes"]).success();
    let login = sandbox.item(&item_of_profile(&sandbox, "work")).unwrap();
    sandbox.put_item(HUB_ITEM, &login);
    let doctor = sandbox.clauth(&["doctor"]);
    assert!(doctor.stdout().contains("have copies of one login"), "{doctor:?}");
}
