//! What of a pair of files is shared.

use super::{State, claude_json, settings};
use crate::account::is_account_key;

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
    pub(super) fn shared_of_own(&self, own: &State, base: &State) -> State {
        match self {
            Self::ClaudeJson => claude_json::shared(own),
            Self::Settings { overrides } => settings::undress(own, overrides, base),
        }
    }

    pub(super) fn shared_of_hub(&self, hub: &State) -> State {
        match self {
            Self::ClaudeJson => claude_json::shared(hub),
            Self::Settings { .. } => hub.clone(),
        }
    }

    /// Returns what the profile's file should say.
    pub(super) fn own(&self, agreed: &State) -> State {
        match self {
            Self::ClaudeJson => agreed.clone(),
            Self::Settings { overrides } => settings::dress(agreed, overrides),
        }
    }

    /// Whether a key stays in a file though it is not among the agreed ones.
    pub(super) fn is_kept(&self, key: &str) -> bool {
        matches!(self, Self::ClaudeJson) && is_account_key(key)
    }

    /// Whether the client takes a lock around a write of it; around its settings it takes none.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::ClaudeJson)
    }
}
