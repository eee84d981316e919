//! Who a config directory belongs to, by what Claude Code wrote there.

use std::io::BufReader;
use std::path::Path;

use serde::Deserialize;

use crate::sys;

/// Names the account that Claude Code shows and sends: `oauthAccount` in `.claude.json`, not the token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The account itself, whatever it is called.
    pub account_uuid: Option<String>,
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
