//! What the answer to a refresh means, and what a login becomes by it.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::account::{Login, Secret};
use crate::claude_code::services::CLIENT_ID;
use crate::io::http::Answer;

/// How long an access token is good where the service does not say, in seconds: no longer than it can be, since too early costs one refresh.
const DEFAULT_LIFETIME: u64 = 3600;

/// The longest that is believed, in seconds.
const LONGEST_LIFETIME: u64 = 366 * 24 * 3600;

/// What an answer means for the login.
pub enum Verdict {
    /// There are new tokens, and the one that was sent is spent.
    Renewed(Value),
    /// The login is over.
    Ended,
    /// The service could not or would not do it; the token that was sent is as good as before.
    Refused,
    /// Nobody knows; why.
    Unknown(&'static str),
}

/// New tokens.
pub struct Grant {
    access_token: Secret,
    /// `None` where the one that was sent stays good.
    refresh_token: Option<Secret>,
    /// In seconds from when it was asked for.
    lifetime: u64,
    scopes: Option<Vec<String>>,
}

/// Returns the body of a request for new tokens, as Claude Code asks: for what the login has, and as the program that it was given to.
pub fn request(login: &Login) -> Value {
    let mut request = serde_json::json!({
        "grant_type": "refresh_token",
        "refresh_token": login.refresh_token.reveal(),
        "client_id": login.client_id.as_deref().unwrap_or(CLIENT_ID),
    });
    if !login.scopes.is_empty() {
        request["scope"] = login.scopes.join(" ").into();
    }
    request
}

/// Judges an answer.
pub fn judge(answer: &Answer) -> Verdict {
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    match answer.status {
        200..=299 if Grant::parse(&body).is_some() => Verdict::Renewed(body),
        200..=299 => Verdict::Unknown("the answer holds no token"),
        // A login is over by these words alone, as for Claude Code: a 401 or 403 without them is of a proxy, a hold, or another doorkeeper.
        400 | 401 | 403 if error_code(&body) == Some("invalid_grant") => Verdict::Ended,
        // Somebody on the way answered for a service that may have acted: a gateway (RFC 9110), a content network (Cloudflare's own numbers).
        502 | 504 | 520..=527 => Verdict::Unknown("a gateway answered that the service did not"),
        _ => Verdict::Refused,
    }
}

/// Returns the code of an error, as OAuth has it (RFC 6749, 5.2) or as the service's other answers do.
fn error_code(body: &Value) -> Option<&str> {
    let error = body.get("error")?;
    error.as_str().or_else(|| error.get("type")?.as_str())
}

impl Grant {
    /// Reads new tokens out of an answer; `None` without an access token.
    pub fn parse(body: &Value) -> Option<Self> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let lifetime = body.get("expires_in").and_then(|seconds| seconds.as_u64().or_else(|| seconds.as_str()?.parse().ok()));
        Some(Self {
            access_token: Secret::new(text("access_token")?),
            refresh_token: text("refresh_token").map(Secret::new),
            lifetime: lifetime.filter(|seconds| (1..=LONGEST_LIFETIME).contains(seconds)).unwrap_or(DEFAULT_LIFETIME),
            scopes: text("scope").map(|scopes| scopes.split_ascii_whitespace().map(str::to_owned).collect()),
        })
    }

    /// Whether the token that was sent is spent. One that the service did not replace stays good.
    pub fn spends(&self, sent: &Secret) -> bool {
        self.refresh_token.as_ref().is_some_and(|new| new != sent)
    }

    /// How long the new access token is good, from when it was asked for.
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime)
    }

    /// Whether these tokens are in a login.
    pub fn is_in(&self, login: &Map<String, Value>) -> bool {
        login.get("accessToken").and_then(Value::as_str) == Some(self.access_token.reveal())
    }

    /// Puts the new tokens into a login; `asked` is the time before they were asked for, in milliseconds since 1970. All else stays, in its order.
    pub fn put_into(&self, login: &mut Map<String, Value>, asked: u64) {
        login.insert("accessToken".into(), self.access_token.reveal().into());
        if let Some(token) = &self.refresh_token {
            login.insert("refreshToken".into(), token.reveal().into());
        }
        login.insert("expiresAt".into(), asked.saturating_add(self.lifetime * 1000).into());
        if let Some(scopes) = &self.scopes {
            login.insert("scopes".into(), scopes.clone().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(status: u16, body: &str) -> &'static str {
        match judge(&Answer { status, retry_after: None, body: body.into() }) {
            Verdict::Renewed(_) => "renewed",
            Verdict::Ended => "ended",
            Verdict::Refused => "refused",
            Verdict::Unknown(_) => "unknown",
        }
    }

    #[test]
    fn only_invalid_grant_ends_a_login_and_only_a_token_renews_it() {
        let ended = r#"{"error":"invalid_grant"}"#;
        for (status, body, expected) in [
            (200, r#"{"access_token":"a"}"#, "renewed"),
            (201, r#"{"access_token":"a","refresh_token":""}"#, "renewed"),
            (200, "", "unknown"),
            (200, "{}", "unknown"),
            (200, "[]", "unknown"),
            (200, "<html>", "unknown"),
            (200, r#"{"access_token":""}"#, "unknown"),
            (200, r#"{"access_token":7}"#, "unknown"),
            (200, ended, "unknown"),
            (204, "", "unknown"),
            (400, ended, "ended"),
            (401, ended, "ended"),
            (403, r#"{"type":"error","error":{"type":"invalid_grant"}}"#, "ended"),
            (400, r#"{"error":"invalid_scope"}"#, "refused"),
            (400, "invalid_grant", "refused"),
            (401, "", "refused"),
            (403, "<html>", "refused"),
            (404, ended, "refused"),
            (429, ended, "refused"),
            (500, ended, "refused"),
            (503, "", "refused"),
            (529, "", "refused"),
            (502, "", "unknown"),
            (504, "", "unknown"),
            (524, "", "unknown"),
        ] {
            assert_eq!(verdict(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn new_tokens_take_the_old_ones_places_and_nothing_else_moves() {
        let text = r#"{"later":1,"accessToken":"a","x":{"z":1.50,"y":[]},"refreshToken":"r","expiresAt":5,"scopes":["s"],"end":null}"#;
        let put = |body: &Value| {
            let mut login = serde_json::from_str(text).unwrap();
            Grant::parse(body).unwrap().put_into(&mut login, 1000);
            serde_json::to_string(&login).unwrap()
        };
        assert_eq!(
            put(&json!({"access_token": "A", "refresh_token": "R", "expires_in": 7, "scope": "t u"})),
            r#"{"later":1,"accessToken":"A","x":{"z":1.50,"y":[]},"refreshToken":"R","expiresAt":8000,"scopes":["t","u"],"end":null}"#
        );
        assert_eq!(
            put(&json!({"access_token": "A"})),
            r#"{"later":1,"accessToken":"A","x":{"z":1.50,"y":[]},"refreshToken":"r","expiresAt":3601000,"scopes":["s"],"end":null}"#
        );
    }

    #[test]
    fn a_lifetime_that_cannot_be_is_not_believed() {
        for (seconds, expected) in [
            (json!(28800), 28800),
            (json!("28800"), 28800),
            (json!(0), 3600),
            (json!(-5), 3600),
            (json!(1e300), 3600),
            (json!(u64::MAX), 3600),
            (json!("soon"), 3600),
            (json!(null), 3600),
        ] {
            let grant = Grant::parse(&json!({"access_token": "A", "expires_in": seconds})).unwrap();
            assert_eq!(grant.lifetime().as_secs(), expected, "{seconds}");
        }
    }

    #[test]
    fn a_token_that_was_not_replaced_is_not_spent() {
        let spends = |body: &Value| Grant::parse(body).unwrap().spends(&Secret::new("sent"));
        assert!(spends(&json!({"access_token": "A", "refresh_token": "new"})));
        assert!(!spends(&json!({"access_token": "A", "refresh_token": "sent"})));
        assert!(!spends(&json!({"access_token": "A"})));
    }

    #[test]
    fn a_login_is_asked_for_with_its_own_scopes_and_program() {
        let mut login = Login {
            access_token: Secret::new("a"),
            refresh_token: Secret::new("r"),
            expires_at: None,
            scopes: vec!["one".into(), "two".into()],
            subscription: None,
            account_uuid: None,
            client_id: Some("other".into()),
        };
        let expected = json!({"grant_type": "refresh_token", "refresh_token": "r", "client_id": "other", "scope": "one two"});
        assert_eq!(request(&login), expected);
        (login.scopes, login.client_id) = (Vec::new(), None);
        assert_eq!(request(&login), json!({"grant_type": "refresh_token", "refresh_token": "r", "client_id": CLIENT_ID}));
    }
}
