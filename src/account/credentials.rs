//! A login as Claude Code keeps it, edited as the JSON that it is: whatever else stands in it survives.

use std::fmt;

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value};

use super::Secret;
use crate::claude_code::credentials::{LOGIN, ORGANIZATION, OVERFLOW, TOKENS};
use crate::io;
use crate::io::json::{Object, compact, state, value};

/// Holds everything that Claude Code keeps beside a login, too: tokens of MCP servers, plugins' secrets.
#[derive(Clone, PartialEq)]
pub struct Credentials {
    tree: Map<String, Value>,
    /// The text, where the client reads more in it than a tree can hold: a lone surrogate, nesting that is too deep for one, bytes that are not UTF-8.
    text: Option<Vec<u8>>,
}

/// Holds one sign-in of a claude.ai account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Sent with each request.
    pub access_token: Secret,
    /// Good for one refresh. Empty for a long-lived token that cannot be refreshed.
    pub refresh_token: Secret,
    /// When the access token ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
    /// What the tokens are good for.
    pub scopes: Vec<String>,
    /// `pro`, `max`, `team`, …
    pub subscription: Option<String>,
    /// The account that the token belongs to.
    pub account_uuid: Option<String>,
    /// The program that signed in, where it is another than Claude Code.
    pub client_id: Option<String>,
}

impl Login {
    /// Whether the two are one login, which one refresh spends. What cannot be refreshed is no copy of anything.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        self.refresh_token == other.refresh_token && !self.refresh_token.reveal().is_empty()
    }
}

impl Credentials {
    /// Parses a credentials file.
    pub fn parse(text: &[u8]) -> Result<Self> {
        match serde_json::from_slice(text) {
            Ok(tree) => Ok(Self { tree, text: None }),
            Err(error) => {
                // serde's message can quote what it found.
                let tree = state(text).map_err(|_| anyhow!("it is not a JSON object (line {})", error.line()))?;
                Ok(Self { tree, text: Some(text.into()) })
            }
        }
    }

    /// Returns a login of a long-lived token alone, as Claude Code itself pictures one: it cannot be refreshed, and is good for messages only.
    pub fn of_token(token: &Secret) -> Self {
        let login = serde_json::json!({
            "accessToken": token.reveal(), "refreshToken": null, "expiresAt": null, "scopes": ["user:inference"],
            "subscriptionType": null, "rateLimitTier": null,
        });
        Self { tree: Map::from_iter([(LOGIN.to_owned(), login)]), text: None }
    }

    /// Returns the login; `None` where nobody is signed in any more: Claude Code empties a revoked one.
    pub fn login(&self) -> Option<Login> {
        let login = self.tree.get(LOGIN)?;
        let text = |key: &str| login.get(key).and_then(Value::as_str).map(str::to_owned);
        let secret = |key| Secret::new(text(key).unwrap_or_default());
        let scopes = login.get("scopes").and_then(Value::as_array).into_iter().flatten();
        let login = Login {
            access_token: secret("accessToken"),
            refresh_token: secret("refreshToken"),
            expires_at: login.get("expiresAt").and_then(milliseconds),
            scopes: scopes.filter_map(Value::as_str).map(str::to_owned).collect(),
            subscription: text("subscriptionType"),
            account_uuid: text("accountUuid"),
            client_id: text("clientId"),
        };
        let is_long_lived = login.expires_at.is_none() && !login.access_token.reveal().is_empty();
        (is_long_lived || !login.refresh_token.reveal().is_empty()).then_some(login)
    }

    /// Whether an organization's sign-in lies here.
    pub fn has_organization(&self) -> bool {
        let sign_in = self.tree.get(ORGANIZATION);
        sign_in.is_some_and(|sign_in| TOKENS.iter().any(|key| sign_in.get(key).and_then(Value::as_str).is_some_and(|token| !token.is_empty())))
    }

    /// Whether this is only a part of what lies in the Keychain.
    pub fn overflows(&self) -> bool {
        self.tree.contains_key(OVERFLOW)
    }

    /// Whether Claude Code emptied a login here that it took for ended.
    pub fn is_emptied(&self) -> bool {
        self.tree.get(LOGIN).is_some_and(|login| TOKENS.iter().all(|key| login.get(key).and_then(Value::as_str) == Some("")))
    }

    /// Whether it has this text under this key.
    pub(super) fn says(&self, key: &str, text: &str) -> bool {
        self.tree.get(key).and_then(Value::as_str) == Some(text)
    }

    /// Returns the text of a credentials file, on one line.
    pub(super) fn to_json(&self) -> Result<String> {
        match &self.text {
            None => serde_json::to_string(&self.tree).context("could not write JSON"),
            Some(text) => self.edited(text),
        }
    }

    /// Returns the members of the text, those spelled anew that were changed in the tree.
    fn edited(&self, text: &[u8]) -> Result<String> {
        let document = Object::document(text)?;
        let mut added = self.tree.clone();
        let mut members = Vec::new();
        for member in &document.members {
            let (raw, key) = (document.raw(member.value), String::from_utf8_lossy(&document.key(*member)).into_owned());
            added.shift_remove(&key);
            let spelled = match (value(raw), self.tree.get(&key)) {
                // What is nested too deeply for a tree never was in it.
                (None, _) => compact(raw),
                (Some(before), Some(now)) if before == *now => compact(raw),
                (Some(_), Some(now)) => io::json(now)?,
                (Some(_), None) => continue,
            };
            members.push([document.raw(member.key), b":", &spelled].concat());
        }
        for (key, now) in &added {
            members.push([&io::json(key)?[..], b":", &io::json(now)?].concat());
        }
        Ok(format!("{{{}}}", String::from_utf8_lossy(&members.join(&b','))))
    }

    /// Returns the whole tree, to be edited and written.
    pub fn tree_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.tree
    }
}

/// Times before 2001 in milliseconds are times in seconds that somebody else's tool wrote.
fn milliseconds(value: &Value) -> Option<u64> {
    let number = value.as_u64()?;
    Some(if number < 1_000_000_000_000 { number.saturating_mul(1000) } else { number })
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[credentials]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_the_client_reads_is_read_and_what_stands_beside_it_survives() {
        let deep = "[".repeat(500) + &"]".repeat(500);
        let text = format!(
            "\u{feff}{{\n  \"mcp\": {{\"lone\": \"\\ud800\"}},\n  \"claudeAiOauth\": {{\"refreshToken\": \"R\"}},\n  \"deep\": {deep}, \"gone\": 1\n}}\n"
        );
        let mut credentials = Credentials::parse(text.as_bytes()).unwrap();
        assert_eq!(credentials.login().unwrap().refresh_token.reveal(), "R");
        credentials.tree_mut()[LOGIN]["refreshToken"] = "S".into();
        credentials.tree_mut().shift_remove("gone");
        credentials.tree_mut().insert("new".into(), 1.into());
        let expected = format!("{{\"mcp\":{{\"lone\":\"\\ud800\"}},\"claudeAiOauth\":{{\"refreshToken\":\"S\"}},\"deep\":{deep},\"new\":1}}");
        assert_eq!(credentials.to_json().unwrap(), expected);
        assert_eq!(Credentials::parse(expected.as_bytes()).unwrap().to_json().unwrap(), expected);
        assert_eq!(Credentials::parse(b"{\n\"secret\"").unwrap_err().to_string(), "it is not a JSON object (line 2)");
    }
}
