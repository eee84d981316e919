//! The mistakes of asking what is used of an account's limits, each made in a sandbox with the profile `work`.

use super::mistakes::error::Mistake;
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::service::{Service, answer};

/// Asks a service that answers so, as often as `times` says.
fn ask(sandbox: &mut Sandbox, bytes: impl Into<Vec<u8>>, times: usize) -> Finished {
    let service = Service::answering(bytes);
    sandbox.set_variable("CLAUTH_SERVICES", service.url());
    sandbox.sign_in("work", "me@corp.example");
    let asked: Vec<_> = (0..times).map(|_| sandbox.clauth(&["usage", "work"])).collect();
    asked.into_iter().next_back().unwrap()
}

/// Returns the time that a complaint names between these words: nobody knows it beforehand.
fn time(finished: &Finished, before: &str, after: &str) -> String {
    let found = finished.stderr().split_once(before).and_then(|(_, rest)| rest.split_once(after));
    let time = found.unwrap_or_else(|| panic!("{finished:?}")).0;
    assert!(time.contains(':') && time.len() < 30, "{finished:?}");
    time.to_owned()
}

pub(super) fn token_refused(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (ask(sandbox, answer(401, ""), 1), Mistake::TokenRefused { profile: "work".into() })
}

pub(super) fn usage_unanswered(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (ask(sandbox, answer(200, "<html>"), 1), Mistake::UsageUnanswered { profile: "work".into(), reason: "the answer is not JSON".into() })
}

pub(super) fn usage_asked(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let finished = ask(sandbox, answer(500, ""), 2);
    let until = time(&finished, "try again at ", "\n");
    (finished, Mistake::UsageAsked { profile: "work".into(), until })
}

pub(super) fn usage_throttled(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let finished = ask(sandbox, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n", 1);
    let until = time(&finished, "before ", ";");
    (finished, Mistake::UsageThrottled { profile: "work".into(), until })
}
