//! Accounts as Claude Code keeps them in a config directory: who it is, and the login.

mod credentials;
mod identity;
mod secret;
mod services;
mod standing;
pub mod usage;

pub use credentials::{Credentials, Login, Store};
pub use identity::{ClaudeJson, Identity};
pub use secret::Secret;
pub use services::Services;
pub use standing::{Obstacle, Standing};

use std::path::Path;

/// Whether a login lies in this config directory: one whose tokens are not empty.
///
/// Claude Code empties the tokens of a login that was revoked and leaves the file.
pub fn is_signed_in(config_dir: &Path) -> bool {
    Store::of(config_dir).read().is_ok_and(|credentials| credentials.is_some_and(|credentials| credentials.login().is_some()))
}

/// Whether this is a whole credentials file with a login in it.
pub fn holds_a_login(text: &[u8]) -> bool {
    Credentials::parse(text).is_ok_and(|credentials| credentials.login().is_some())
}
