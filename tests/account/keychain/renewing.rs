//! A login in the Keychain that is refreshed there.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{item_of_profile, json_of};
use crate::support::Sandbox;
use crate::support::service::{Account, Service};

/// A profile `work` whose login lies in the Keychain, is due, and has this beside it.
fn due(beside: &str) -> (Sandbox, Arc<Account>, Service) {
    let account = Arc::<Account>::default();
    let known = Arc::clone(&account);
    let service = Service::start(move |request| known.renew(request));
    let mut sandbox = Sandbox::with_keychain();
    sandbox.set_variable("CLAUTH_SERVICES", service.url());
    sandbox.clauth(&["add", "work"]).success();
    sandbox.mkdir(sandbox.runtime("work")); // as a first use leaves it
    let login = json!({
        "claudeAiOauth": {"accessToken": Account::access(0), "refreshToken": Account::refresh(0), "expiresAt": 1_000_000_000_001_u64},
        "beside": beside,
    });
    sandbox.put_item(&item_of_profile(&sandbox, "work"), &login.to_string());
    (sandbox, account, service)
}

fn login(sandbox: &Sandbox) -> Value {
    json_of(sandbox, &item_of_profile(sandbox, "work"))
}

#[test]
fn new_tokens_go_into_the_item_and_through_no_argument() {
    let (sandbox, account, _service) = due("ü");
    sandbox.clauth(&["refresh", "work"]).success();
    let found = login(&sandbox);
    assert_eq!((&found["claudeAiOauth"]["refreshToken"], &found["beside"]), (&json!(Account::refresh(1)), &json!("ü")));
    assert_eq!(account.number(), 1);
    assert!(!sandbox.runtime("work").join(".credentials.json").exists());
    sandbox.assert_never_argued(&[&Account::refresh(0), &Account::refresh(1), &Account::access(1)]);
    assert!(!sandbox.path("home/.clauth/profiles/work/renewed").exists());
}

#[test]
fn a_login_that_could_not_be_written_is_not_spent() {
    let (sandbox, account, service) = due(&"x".repeat(1900));
    let before = login(&sandbox);
    sandbox.clauth(&["refresh", "work"]).complains(1, "too long for clauth to write");
    assert_eq!((service.requests().len(), account.number(), login(&sandbox)), (0, 0, before));
}

#[test]
fn a_keychain_that_is_locked_spends_nothing() {
    let (sandbox, account, service) = due("");
    sandbox.keychain_behaves("locked");
    sandbox.clauth(&["refresh", "work"]).complains(1, "security unlock-keychain");
    assert_eq!((service.requests().len(), account.number()), (0, 0));
}

#[test]
fn new_tokens_that_the_keychain_does_not_keep_are_kept_until_it_does() {
    for behaviour in ["forgets", "cuts"] {
        let (sandbox, account, _service) = due("");
        let before = login(&sandbox);
        sandbox.keychain_behaves(behaviour);
        sandbox.clauth(&["refresh", "work"]).complains(1, "and is kept in");
        sandbox.keychain_behaves("");
        assert_eq!(login(&sandbox), before, "{behaviour}: as it was");
        sandbox.clauth(&["refresh", "work"]).success();
        assert_eq!((login(&sandbox)["claudeAiOauth"]["refreshToken"].clone(), account.number()), (json!(Account::refresh(1)), 1));
    }
}

#[test]
fn a_login_that_is_over_is_kept_as_it_was() {
    let (sandbox, account, _service) = due("mine");
    account.renew_elsewhere();
    let before = login(&sandbox);
    sandbox.clauth(&["refresh", "work"]).complains(1, "has ended");
    let rescued = crate::support::files::files_below(&sandbox.path("home/.clauth/rescued"));
    assert_eq!(rescued.len(), 1, "{rescued:?}");
    assert_eq!(serde_json::from_str::<Value>(&sandbox.read(&rescued[0])).unwrap(), before);
    assert_eq!(login(&sandbox), before);
}
