//! The mistakes of a refresh, each made in a sandbox with the profile `work`.

use std::fs;
use std::path::{Path, PathBuf};

use super::mistakes::error::Mistake;
use super::mistakes::text;
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::service::{Service, answer};

/// What a service answers that does as it should.
const RENEWED: &str = r#"{"access_token": "sk-ant-oat01-NEW", "refresh_token": "sk-ant-ort01-NEW", "expires_in": 28800}"#;

/// Refreshes the login of `work` at a service that answers so, and does something first.
fn refresh_at(sandbox: &mut Sandbox, status: u16, body: &'static str, during: impl Fn() + Send + Sync + 'static) -> Finished {
    let service = Service::start(move |_| {
        during();
        answer(status, body)
    });
    sandbox.set_variable("CLAUTH_SERVICES", service.url());
    sandbox.sign_in("work", "me@corp.example");
    sandbox.clauth(&["refresh", "work", "--force"])
}

fn name() -> String {
    "work".into()
}

/// Puts a file where a directory stood, so that nothing can be read or written there.
fn block(directory: &Path) -> impl Fn() + Send + Sync + 'static {
    let directory = directory.to_path_buf();
    move || {
        fs::rename(&directory, away(&directory)).unwrap();
        fs::write(&directory, "").unwrap();
    }
}

fn unblock(directory: &Path) {
    fs::remove_file(directory).unwrap();
    fs::rename(away(directory), directory).unwrap();
}

fn away(directory: &Path) -> PathBuf {
    directory.with_file_name("away")
}

fn unreadable(sandbox: &Sandbox) -> String {
    format!("could not read {}: Not a directory (os error 20)", sandbox.runtime("work").join(".credentials.json").display())
}

pub(super) fn services_elsewhere(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.set_variable("CLAUTH_SERVICES", "http://127.0.0.1.example:80");
    (sandbox.clauth(&["refresh", "work"]), Mistake::ServicesElsewhere { value: "http://127.0.0.1.example:80".into() })
}

pub(super) fn service_unreachable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.sign_in("work", "me@corp.example");
    let service = Service::answering("").url(); // nobody listens there any more
    sandbox.set_variable("CLAUTH_SERVICES", service);
    let reason = "Connection refused (os error 111)".into();
    (sandbox.clauth(&["refresh", "work", "--force"]), Mistake::ServiceUnreachable { service: "127.0.0.1".into(), reason })
}

pub(super) fn proxy_unusable(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.sign_in("work", "me@corp.example");
    sandbox.set_variable("https_proxy", "socks5://me:secret@127.0.0.1:1080");
    (sandbox.clauth(&["refresh", "work", "--force"]), Mistake::ProxyUnusable { variable: "https_proxy".into() })
}

pub(super) fn no_certificates(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.sign_in("work", "me@corp.example");
    // Nothing can be reached, should the mistake go unseen.
    sandbox.set_variable("https_proxy", Service::answering("").url());
    let place = text(sandbox.write("empty.pem", ""));
    sandbox.set_variable("SSL_CERT_FILE", &place);
    (sandbox.clauth(&["refresh", "work", "--force"]), Mistake::NoCertificates { place })
}

pub(super) fn no_profile_here(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["refresh"]), Mistake::NoProfileHere { directory: text(sandbox.home()) })
}

pub(super) fn not_signed_in(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["refresh", "work"]), Mistake::NotSignedIn { name: name() })
}

pub(super) fn console_needs_no_refresh(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.sign_in_to_console("home/.clauth/profiles/work/anthropic", "console@example.com");
    (sandbox.clauth(&["refresh", "work"]), Mistake::ConsoleNeedsNoRefresh { name: name() })
}

pub(super) fn key_needs_no_refresh(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.clauth_with_input(&["add", "key", "--api-key-stdin"], "sk-ant-api-own").success();
    let file = text(sandbox.path("home/.clauth/profiles/key/profile.toml"));
    (sandbox.clauth(&["refresh", "key"]), Mistake::KeyNeedsNoRefresh { name: "key".into(), file })
}

pub(super) fn token_needs_no_refresh(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.clauth_with_input(&["add", "token", "--token-stdin"], "sk-ant-oat01-own").success();
    (sandbox.clauth(&["refresh", "token", "--force"]), Mistake::TokenNeedsNoRefresh { name: "token".into() })
}

pub(super) fn refresh_busy(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    sandbox.set_variable("CLAUTH_TIMEOUT", "0.1");
    sandbox.mkdir(sandbox.runtime("work").join(".oauth_refresh.lock"));
    (refresh_at(sandbox, 200, RENEWED, || {}), Mistake::RefreshBusy { name: name() })
}

pub(super) fn refresh_unknown(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (refresh_at(sandbox, 200, "", || {}), Mistake::RefreshUnknown { name: name(), reason: "the answer holds no token".into() })
}

pub(super) fn refresh_refused(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (refresh_at(sandbox, 503, "", || {}), Mistake::RefreshRefused { name: name(), status: "503".into(), time: "later".into() })
}

pub(super) fn login_ended(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (refresh_at(sandbox, 400, r#"{"error": "invalid_grant"}"#, || {}), Mistake::LoginEnded { name: name() })
}

pub(super) fn login_misplaced(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let runtime = sandbox.runtime("work");
    let finished = refresh_at(sandbox, 200, RENEWED, block(&runtime));
    let kept = sandbox.path("home/.clauth/profiles/work/renewed");
    assert!(sandbox.read(&kept).contains("sk-ant-ort01-NEW"), "{finished:?}");
    (finished, Mistake::LoginMisplaced { name: name(), file: text(kept), reason: unreadable(sandbox) })
}

pub(super) fn login_lost(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let home = sandbox.home();
    let finished = refresh_at(sandbox, 200, RENEWED, block(&home));
    unblock(&home);
    (finished, Mistake::LoginLost { name: name(), reason: unreadable(sandbox) })
}
