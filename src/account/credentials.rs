//! A login as Claude Code keeps it, edited as the JSON that it is: whatever else stands in it survives.

use std::fmt;

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value};

use super::Secret;

/// Holds everything that Claude Code keeps beside a login, too: tokens of MCP servers, plugins' secrets.
#[derive(Clone, PartialEq)]
pub struct Credentials {
    tree: Map<String, Value>,
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

impl Credentials {
    /// Parses a credentials file.
    pub fn parse(text: &[u8]) -> Result<Self> {
        // serde's message can quote what it found.
        let tree = serde_json::from_slice(text).map_err(|error| anyhow!("it is not a JSON object (line {})", error.line()))?;
        Ok(Self { tree })
    }

    /// Returns a login of a long-lived token alone, as Claude Code itself pictures one: it cannot be refreshed, and is good for messages only.
    pub fn of_token(token: &Secret) -> Self {
        let login = serde_json::json!({
            "accessToken": token.reveal(), "refreshToken": null, "expiresAt": null, "scopes": ["user:inference"],
            "subscriptionType": null, "rateLimitTier": null,
        });
        Self { tree: Map::from_iter([(LOGIN.to_owned(), login)]) }
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

    /// Whether Claude Code emptied a login here that it took for ended.
    pub fn is_emptied(&self) -> bool {
        self.tree.get(LOGIN).is_some_and(|login| ["accessToken", "refreshToken"].iter().all(|key| login.get(key).and_then(Value::as_str) == Some("")))
    }

    /// Whether it has this text under this key.
    pub(super) fn says(&self, key: &str, text: &str) -> bool {
        self.tree.get(key).and_then(Value::as_str) == Some(text)
    }

    /// Returns the text of a credentials file.
    pub(super) fn to_json(&self) -> Result<String> {
        serde_json::to_string(&self.tree).context("could not write JSON")
    }

    /// Returns the whole tree, to be edited and written.
    pub fn tree_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.tree
    }
}

/// The key of the claude.ai login.
pub const LOGIN: &str = "claudeAiOauth";

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
