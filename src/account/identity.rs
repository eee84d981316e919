//! Who a config directory belongs to, by what Claude Code wrote there.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::glance::glance;
use crate::claude_code::settings::ENV;
use crate::claude_code::{LIMIT, STATE, state};
use crate::io;
use crate::io::json::Object;

/// Names the account that Claude Code shows and sends: `oauthAccount` in `.claude.json`, not the token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The account's address.
    pub email_address: Option<String>,
    /// The organisation's name.
    pub organization_name: Option<String>,
    /// What names the account for ever.
    pub account_uuid: Option<String>,
    /// What names the organisation.
    pub organization_uuid: Option<String>,
}

/// Holds what `.claude.json` says of the account; the rest of it, megabytes, is skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaudeJson {
    /// Who it is.
    pub oauth_account: Option<Identity>,
    /// What the client was last told of the account's limits.
    pub cached_usage_utilization: Option<Value>,
}

impl ClaudeJson {
    /// Reads the file; one that cannot be read says nothing.
    pub fn read(file: &Path) -> Self {
        let [account, usage] = values(file, [state::ACCOUNT, state::USAGE]);
        Self { oauth_account: account.and_then(|account| serde_json::from_value(account).ok()).flatten(), cached_usage_utilization: usage }
    }
}

/// Returns the variables that the client takes from its state; a state that cannot be read sets none.
pub fn env_of(file: &Path) -> Map<String, Value> {
    let [env] = values(file, [ENV]);
    env.as_ref().and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether a state has an API key of a Console sign-in. Most have none, so the whole file is read: ask only where it matters.
pub fn has_console_key(file: &Path) -> bool {
    let [key] = values(file, [state::CONSOLE_KEY]);
    key.as_ref().and_then(Value::as_str).is_some_and(|key| !key.is_empty())
}

/// Returns what a state has for some keys; one that cannot be read has nothing.
fn values<const N: usize>(file: &Path, keys: [&str; N]) -> [Option<Value>; N] {
    let glanced = io::open_regular(file, LIMIT).ok().flatten().and_then(|opened| glance(opened, keys).ok().flatten());
    let parsed = || {
        let text = io::read_regular(file, LIMIT).ok().flatten()?;
        let state = Object::document(&text).ok()?;
        Some(keys.map(|key| io::json::value(state.raw(state.get(key)?.value))))
    };
    glanced.or_else(parsed).unwrap_or([const { None }; N])
}

impl Identity {
    /// Reads the identity of a config directory; `None` when nobody signed in there, or the file cannot be read.
    pub fn read(config_dir: &Path) -> Option<Self> {
        ClaudeJson::read(&config_dir.join(STATE)).oauth_account
    }
}
