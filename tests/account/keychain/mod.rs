//! Logins in a macOS Keychain, with a stand-in for `security` that has its limits.

use serde_json::{Value, json};

use crate::support::Sandbox;
use crate::support::keychain::{HUB_ITEM, item_of};

mod killed;
mod moving;
mod refusing;
mod renewing;

/// Every secret of a sandbox's first login.
const SECRETS: [&str; 3] = ["home-access", "home-refresh", "home-mcp"];

/// Returns the item of a profile.
fn item_of_profile(sandbox: &Sandbox, profile: &str) -> String {
    item_of(sandbox.runtime(profile))
}

/// Returns an item as JSON.
#[track_caller]
fn json_of(sandbox: &Sandbox, item: &str) -> Value {
    let text = sandbox.item(item).unwrap_or_else(|| panic!("there is no {item}, but {:?}", sandbox.items()));
    serde_json::from_str(&text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// Asserts that the first login of the sandbox is in exactly one item, whole, and in no file; returns the item.
#[track_caller]
fn assert_one_login(sandbox: &Sandbox) -> String {
    let holds = |item: &String| sandbox.item(item).is_some_and(|text| text.contains("home-refresh"));
    let items: Vec<_> = sandbox.items().into_iter().filter(holds).collect();
    let files: Vec<_> = super::logins(sandbox).into_iter().filter(|file| !file.starts_with(sandbox.path("home/.keychain"))).collect();
    assert_eq!((items.len(), files.len()), (1, 0), "{items:?} {files:?}");
    let login = json_of(sandbox, &items[0]);
    assert_eq!((&login["claudeAiOauth"]["refreshToken"], &login["mcpOAuth"]["example"]["accessToken"]), (&json!("home-refresh"), &json!("home-mcp")));
    items[0].clone()
}

/// Asserts that nothing was moved: the login is where plain `claude` finds it.
#[track_caller]
fn assert_untouched(sandbox: &Sandbox) {
    assert_eq!(assert_one_login(sandbox), HUB_ITEM);
    assert!(sandbox.read("home/.claude.json").contains("oauthAccount"));
}
