//! What of a pair of files is shared.

use super::State;
use crate::claude_code::state::{is_private, is_shared_when_true};
use crate::io::json::Object;

/// What the two files are, which says what of them is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `.claude.json`: everything but the account's keys.
    ClaudeJson,
    /// `settings.json`: everything but what the profile overrides.
    Settings {
        /// The profile's own settings.
        overrides: State,
    },
}

impl Kind {
    /// Returns the test for outermost keys that stay in their file.
    pub(super) fn is_private(&self) -> fn(&[u8]) -> bool {
        match self {
            Self::ClaudeJson => is_account_keys,
            Self::Settings { .. } => |_| false,
        }
    }

    /// Whether only clients write it, each under the lock; a user edits settings with any program, and without it.
    pub(super) fn is_clients_own(&self) -> bool {
        matches!(self, Self::ClaudeJson)
    }
}

/// Whether a key, in bytes, belongs to the account. Bytes that are not UTF-8 are read as the client reads them.
pub(super) fn is_account_keys(key: &[u8]) -> bool {
    is_private(&String::from_utf8_lossy(key))
}

/// Whether an outermost key stays as it is in both files for what one of them says under it.
pub(super) fn is_held_back(key: &[u8], files: [&Object<'_>; 2]) -> bool {
    let Some(key) = std::str::from_utf8(key).ok().filter(|key| is_shared_when_true(key)) else { return false };
    files.iter().any(|file| file.get(key).is_some_and(|member| file.raw(member.value) != b"true"))
}
