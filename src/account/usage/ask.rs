//! Asking the service itself: in turn, once, and never for a new token.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::cache::LONGEST_WAIT;
use super::{Account, Cache, Reading, Turn, of_service, turn};
use crate::account::{Secret, Services};
use crate::claude_code::services::BETA;
use crate::error::Mistake;
use crate::io::Clock;
use crate::io::http::{Answer, Client, Outcome, PATIENCE};
use crate::layout::Writable;

/// How long to wait for the moments in which others write.
const WRITERS: Duration = Duration::from_secs(2);

/// How long to leave the service alone when it says "too many requests" and no time.
const COOL_DOWN: SignedDuration = SignedDuration::from_mins(15);

/// Asks the service what an account has used, unless somebody did so lately; what it says is kept in the cache. `readings` are known besides.
///
/// Whoever finds another process asking waits for that answer instead.
pub fn ask(
    services: &Services,
    client: &Client<'_>,
    layout: Writable<'_>,
    (profile, account, token): (&str, &Account, &Secret),
    readings: &[Reading],
    clock: &Clock,
) -> Result<()> {
    let cache = Cache::of(&layout, account.clone());
    let name = || profile.to_owned();
    let local = |time| clock.local(time);
    let Some(_asking) = cache.asking(layout, PATIENCE + WRITERS)? else {
        bail!(Mistake::UsageUnanswered { profile: name(), reason: "another process asks, and has no answer".into() });
    };
    let (kept, known) = cache.read();
    let all: Vec<_> = known.readings.iter().chain(readings).cloned().collect();
    match turn(&kept, &known, &all, Timestamp::now()) {
        Turn::Ask => {}
        Turn::Fresh => return Ok(()),
        Turn::Asked(until) => bail!(Mistake::UsageAsked { profile: name(), until: local(until) }),
        Turn::Denied(until) => bail!(Mistake::UsageThrottled { profile: name(), until: local(until) }),
    }
    // Before the answer: whatever becomes of this process, the question was asked.
    cache.change(layout, WRITERS, |_, known| known.asked_at = Some(Timestamp::now()))?;
    let bearer = format!("Bearer {}", token.reveal());
    let answer = match client.get(&services.usage(), &[("authorization", &bearer), BETA]) {
        Outcome::Answer(answer) => answer,
        Outcome::Unknown(error) => {
            let reason = format!("{error:#}");
            let reason = if repeats(&reason, token) { REPEATED.into() } else { reason };
            bail!(Mistake::UsageUnanswered { profile: name(), reason })
        }
        Outcome::NotSent(error) => {
            cache.change(layout, WRITERS, |_, now_known| now_known.asked_at = known.asked_at)?;
            return Err(error);
        }
    };
    let now = Timestamp::now();
    match judge(&answer, token, now) {
        Verdict::Told(reading) => cache.change(layout, WRITERS, |_, known| known.learn(reading)).map(drop),
        Verdict::TooMany(until) => {
            cache.change(layout, WRITERS, |kept, _| kept.not_before = Some(until))?;
            bail!(Mistake::UsageThrottled { profile: name(), until: local(until) })
        }
        Verdict::TokenRefused => bail!(Mistake::TokenRefused { profile: name() }),
        Verdict::Unusable(reason) => bail!(Mistake::UsageUnanswered { profile: name(), reason }),
    }
}

/// Says what an answer is worth.
#[derive(Debug, PartialEq)]
enum Verdict {
    Told(Reading),
    TooMany(Timestamp),
    TokenRefused,
    Unusable(String),
}

/// Judges an answer. Nothing of it but the figures, and the kind of an error, is ever repeated.
fn judge(answer: &Answer, token: &Secret, now: Timestamp) -> Verdict {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let kind = body.as_ref().and_then(|body| error_kind(body)).map(|kind| format!(", {kind}")).unwrap_or_default();
    match (answer.status, body) {
        (429, _) => {
            let asked_for = answer.retry_after.map_or(COOL_DOWN, |wait| SignedDuration::try_from(wait).unwrap_or(LONGEST_WAIT));
            let until = now.checked_add(asked_for.clamp(SignedDuration::from_secs(1), LONGEST_WAIT));
            Verdict::TooMany(until.unwrap_or(now))
        }
        (401 | 403, _) => Verdict::TokenRefused,
        (200, _) if answer.body.trim_ascii().is_empty() => Verdict::Unusable("the answer is empty".into()),
        (200, None) => Verdict::Unusable("the answer is not JSON".into()),
        (200, Some(body)) => match of_service(&body, now) {
            // A name in it would be shown, and kept.
            Some(reading) if serde_json::to_string(&reading).is_ok_and(|text| repeats(&text, token)) => Verdict::Unusable(REPEATED.into()),
            Some(reading) => Verdict::Told(reading),
            None => Verdict::Unusable(format!("the answer has no figures{kind}")),
        },
        (status, _) => Verdict::Unusable(format!("HTTP {status}{kind}")),
    }
}

/// What is said of an answer that holds what was sent.
const REPEATED: &str = "the answer repeats the token";

/// Whether a token stands in a text, in whatever case: that of a host's name is lost.
fn repeats(text: &str, token: &Secret) -> bool {
    !token.reveal().is_empty() && text.to_ascii_lowercase().contains(&token.reveal().to_ascii_lowercase())
}

/// Returns the kind of an error, if it is a plain word.
fn error_kind(body: &Value) -> Option<&str> {
    let kind = body.pointer("/error/type")?.as_str()?;
    (kind.len() <= 40 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, retry_after: Option<u64>, body: &str) -> Verdict {
        let answer = Answer { status, retry_after: retry_after.map(Duration::from_secs), body: body.into() };
        judge(&answer, &Secret::new("sk-ant-oat01-x"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_answer_that_is_no_usage_is_told_apart() {
        let error = r#"{"type": "error", "error": {"type": "overloaded_error", "message": "tok"}}"#;
        for (status, body, expected) in [
            (200, "", "the answer is empty"),
            (200, " \n", "the answer is empty"),
            (200, "<html>tok", "the answer is not JSON"),
            (200, r#"{"five_hour": {"utilization": 3"#, "the answer is not JSON"),
            (200, "{}", "the answer has no figures"),
            (200, error, "the answer has no figures, overloaded_error"),
            (529, error, "HTTP 529, overloaded_error"),
            (500, r#"{"error": {"type": "a tok"}}"#, "HTTP 500"),
            (404, "", "HTTP 404"),
            (204, "", "HTTP 204"),
            (200, r#"{"limits": [{"kind": "weekly_scoped", "scope": {"model": {"display_name": "\u0053K-ant-oat01-x"}}}]}"#, REPEATED),
        ] {
            assert_eq!(verdict(status, None, body), Verdict::Unusable(expected.into()), "{status} {body}");
        }
        assert!(matches!(verdict(200, None, r#"{"five_hour": null}"#), Verdict::Told(_)));
        assert_eq!(verdict(401, None, ""), Verdict::TokenRefused);
        assert_eq!(verdict(403, None, r#"{"five_hour": null}"#), Verdict::TokenRefused);
    }

    #[test]
    fn who_is_sent_away_comes_back_when_told_and_within_a_day() {
        for (retry_after, expected) in [(Some(600), 600), (Some(0), 1), (None, 900), (Some(u64::MAX), 86_400), (Some(900_000), 86_400)] {
            assert_eq!(verdict(429, retry_after, "<html>"), Verdict::TooMany(Timestamp::from_second(expected).unwrap()), "{retry_after:?}");
        }
    }
}
