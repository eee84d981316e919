//! The sign-in of a Console account, which is no login of claude.ai: an Anthropic profile, or an API key in the client's state.

use std::path::Path;

use serde_json::{Map, Value};

use super::identity::has_console_key;
use crate::claude_code::{STATE, anthropic};
use crate::io;
use crate::layout::Layout;

/// The most that is read of one of these files, in bytes.
const LIMIT: usize = 1024 * 1024;

/// Says whose it is, as far as the client wrote that down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Console {
    /// The account's address.
    pub email_address: Option<String>,
    /// The organisation's name.
    pub organization_name: Option<String>,
}

impl Console {
    /// Looks for the sign-in of a profile's config directory.
    pub fn of(layout: &Layout, config_dir: &Path) -> Option<Self> {
        let profile = layout.profile_of(config_dir.as_os_str())?;
        Self::read(&layout.anthropic(&profile)).or_else(|| has_console_key(&config_dir.join(STATE)).then(Self::default))
    }

    /// Looks into a directory of Anthropic profiles; `None` where its active one is no sign-in, or cannot be read.
    pub fn read(directory: &Path) -> Option<Self> {
        let active = io::read_regular(&anthropic::active(directory), LIMIT).ok().flatten().and_then(|text| String::from_utf8(text).ok());
        let name = anthropic::name(active.as_deref());
        let config = object(&anthropic::config(directory, name))?;
        let credentials = object(&anthropic::credentials(directory, name)).filter(|credentials| !credentials.is_empty())?;
        let kind = config.get("authentication")?.get("type")?;
        let text = |key: &str| credentials.get(key)?.as_str().map(str::to_owned);
        (kind == anthropic::CONSOLE).then(|| Self { email_address: text("account_email"), organization_name: text("organization_name") })
    }
}

fn object(file: &Path) -> Option<Map<String, Value>> {
    io::json::state(&io::read_regular(file, LIMIT).ok()??).ok()
}
