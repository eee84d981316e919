//! Who a config directory belongs to, by what Claude Code wrote there.

use std::io::BufReader;
use std::path::Path;

use serde::Deserialize;

use crate::{io, sys};

/// The most that is read of a login, in bytes.
const LIMIT: usize = 16 * 1024 * 1024;

/// Names the account that Claude Code shows and sends: `oauthAccount` in `.claude.json`, not the token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The account's address.
    pub email_address: Option<String>,
    /// The organisation's name.
    pub organization_name: Option<String>,
}

impl Identity {
    /// Reads the identity of a config directory; `None` when nobody signed in there, or the file cannot be read.
    pub fn read(config_dir: &Path) -> Option<Self> {
        /// The rest of the file, megabytes of it, is skipped and never held.
        #[derive(Deserialize)]
        struct ClaudeJson {
            #[serde(rename = "oauthAccount")]
            oauth_account: Option<Identity>,
        }
        let file = sys::open_for_reading(&config_dir.join(".claude.json")).ok()?;
        serde_json::from_reader::<_, ClaudeJson>(BufReader::new(file)).ok()?.oauth_account
    }
}

/// Whether a login lies in this config directory: a credentials file whose refresh token is not empty.
///
/// Claude Code empties the tokens of a login that was revoked and leaves the file.
pub fn is_signed_in(config_dir: &Path) -> bool {
    io::read_regular(&config_dir.join(".credentials.json"), LIMIT).is_ok_and(|text| text.is_some_and(|text| holds_a_login(&text)))
}

/// Whether this is a whole credentials file with a login in it.
pub fn holds_a_login(text: &[u8]) -> bool {
    /// Looks at the token's length and never holds the token.
    #[derive(Deserialize)]
    struct Credentials {
        #[serde(rename = "claudeAiOauth")]
        claude_ai_oauth: Option<Login>,
    }
    #[derive(Deserialize)]
    struct Login {
        #[serde(rename = "refreshToken", deserialize_with = "is_filled")]
        refresh_token: bool,
    }
    let login = serde_json::from_slice::<Credentials>(text).ok().and_then(|credentials| credentials.claude_ai_oauth);
    login.is_some_and(|login| login.refresh_token)
}

fn is_filled<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Filled;
    impl serde::de::Visitor<'_> for Filled {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a token")
        }
        fn visit_str<E>(self, token: &str) -> Result<bool, E> {
            Ok(!token.is_empty())
        }
    }
    deserializer.deserialize_str(Filled)
}
