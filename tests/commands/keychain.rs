//! The mistakes around a macOS Keychain, each made in a sandbox with the profile `work`.

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::keychain::item_of;

/// Puts a login that is due into the Keychain item of `work`, with this beside it; returns the item.
fn sign_in(sandbox: &mut Sandbox, beside: &str) -> String {
    sandbox.use_keychain();
    let item = item_of(sandbox.runtime("work"));
    sandbox.put_item(&item, &format!(r#"{{"claudeAiOauth":{{"accessToken":"a","refreshToken":"r","expiresAt":1}},"beside":"{beside}"}}"#));
    sandbox.mkdir(sandbox.runtime("work"));
    item
}

/// Refreshes the login of `work` while the Keychain behaves like this; returns the item, too.
fn refresh(sandbox: &mut Sandbox, behaviour: &str) -> (Finished, String) {
    let item = sign_in(sandbox, "");
    sandbox.keychain_behaves(behaviour);
    (sandbox.clauth(&["refresh", "work"]), item)
}

pub(super) fn locked(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let (finished, item) = refresh(sandbox, "locked");
    (finished, Mistake::KeychainLocked { item })
}

pub(super) fn denied(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let (finished, item) = refresh(sandbox, "denied");
    (finished, Mistake::KeychainDenied { item, status: "status 51".into() })
}

pub(super) fn silent(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let item = sign_in(sandbox, "");
    sandbox.set_variable("CLAUTH_TIMEOUT", ""); // as long as in earnest
    sandbox.keychain_behaves("hangs");
    (sandbox.clauth(&["refresh", "work"]), Mistake::KeychainSilent { item })
}

pub(super) fn no_security(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let program = sandbox.path("bin/no-security");
    sandbox.set_variable("CLAUTH_KEYCHAIN", &program);
    let mistake = Mistake::NoSecurity { program: text(program), reason: "No such file or directory (os error 2)".into() };
    (sandbox.clauth(&["refresh", "work"]), mistake)
}

pub(super) fn unkept(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.use_keychain();
    sandbox.keychain_behaves("forgets");
    let item = item_of(sandbox.runtime("long"));
    (sandbox.clauth_with_input(&["add", "long", "--token-stdin"], "sk-ant-oat01-LONG"), Mistake::KeychainUnkept { item })
}

pub(super) fn overflow(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let item = sign_in(sandbox, r#"","keychainOverflow":{"slot":"a","key":"k"},"more":""#);
    (sandbox.clauth(&["refresh", "work"]), Mistake::KeychainOverflow { item })
}

pub(super) fn too_long(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let item = sign_in(sandbox, &"x".repeat(1900));
    (sandbox.clauth(&["refresh", "work"]), Mistake::KeychainTooLong { item })
}

pub(super) fn taken(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let item = sign_in(sandbox, "");
    sandbox.clauth(&["remove", "work", "--yes"]).success();
    let command = format!("security delete-generic-password -a 'me' -s '{item}'");
    (sandbox.clauth(&["add", "work"]), Mistake::KeychainTaken { name: "work".into(), item, command })
}
