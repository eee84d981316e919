//! Accounts as Claude Code keeps them in a config directory: who it is, and the login.

mod clients;
mod credentials;
mod identity;
mod secret;

pub use clients::live_clients;
pub use credentials::{Credentials, Login, Store};
pub use identity::Identity;
pub use secret::Secret;

use std::path::Path;

/// Whether a login lies in this config directory: one whose tokens are not empty.
///
/// Claude Code empties the tokens of a login that was revoked and leaves the file.
pub fn is_signed_in(config_dir: &Path) -> bool {
    Store::of(config_dir).read().is_ok_and(|credentials| credentials.is_some_and(|credentials| credentials.login().is_some()))
}
