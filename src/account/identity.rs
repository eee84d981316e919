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
    /// Whether there is an API key of a Console sign-in.
    pub has_console_key: bool,
}

impl ClaudeJson {
    /// Reads the file; one that cannot be read says nothing.
    pub fn read(file: &Path) -> Self {
        let told = io::open_regular(file, LIMIT).ok().flatten().map(|opened| glance(opened, [state::ACCOUNT, state::USAGE, state::CONSOLE_KEY]));
        if let Some(Ok(Some([account, usage, key]))) = told {
            let oauth_account = account.and_then(|account| serde_json::from_value(account).ok()).flatten();
            return Self { oauth_account, cached_usage_utilization: usage, has_console_key: is_key(key.as_ref()) };
        }
        let text = io::read_regular(file, LIMIT).ok().flatten();
        text.and_then(|text| Self::of(&text)).unwrap_or_default()
    }

    fn of(text: &[u8]) -> Option<Self> {
        let state = Object::document(text).ok()?;
        let value = |key| io::json::value(state.raw(state.get(key)?.value));
        let oauth_account = value(state::ACCOUNT).and_then(|account| serde_json::from_value(account).ok()).flatten();
        let has_console_key = is_key(value(state::CONSOLE_KEY).as_ref());
        Some(Self { oauth_account, cached_usage_utilization: value(state::USAGE), has_console_key })
    }
}

/// Returns the variables that the client takes from its state; a state that cannot be read sets none.
pub fn env_of(file: &Path) -> Map<String, Value> {
    let glanced = io::open_regular(file, LIMIT).ok().flatten().and_then(|opened| glance(opened, [ENV]).ok().flatten());
    let parsed = || {
        let text = io::read_regular(file, LIMIT).ok().flatten()?;
        let state = Object::document(&text).ok()?;
        io::json::value(state.raw(state.get(ENV)?.value))
    };
    let env = glanced.map_or_else(parsed, |[env]| env);
    env.as_ref().and_then(Value::as_object).cloned().unwrap_or_default()
}

fn is_key(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|key| !key.is_empty())
}

impl Identity {
    /// Reads the identity of a config directory; `None` when nobody signed in there, or the file cannot be read.
    pub fn read(config_dir: &Path) -> Option<Self> {
        ClaudeJson::read(&config_dir.join(STATE)).oauth_account
    }
}
