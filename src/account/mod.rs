//! Accounts as Claude Code keeps them in a config directory: who it is, and the login.

mod claude_json;
mod clients;
mod console;
mod credentials;
mod glance;
mod identity;
mod keychain;
pub mod refresh;
mod secret;
mod services;
mod standing;
mod store;
mod transfer;
pub mod usage;

pub use claude_json::{Kinship, Place, old_state};
pub use clients::{has_live_session, live_clients, live_clients_since};
pub use console::Console;
pub use credentials::{Credentials, Login};
pub use identity::{ClaudeJson, Identity, env_of};
pub use keychain::Item;
pub use secret::Secret;
pub use services::Services;
pub use standing::{Obstacle, Standing, Summary};
pub use store::Store;
pub use transfer::{Settled, settle, transfer, transfer_account, unsettled};

use std::path::Path;

use crate::error::Mistake;
use crate::layout::Layout;

/// Whether somebody is signed in with this config directory, in whatever way: to claude.ai with tokens that are not empty, or to a Console account.
///
/// Claude Code empties the tokens of a login that was revoked and leaves the file.
pub fn is_signed_in(layout: &Layout, config_dir: &Path) -> Result<bool, Mistake> {
    Ok(Place::of(config_dir).is_signed_in(layout)? || Console::of(layout, config_dir).is_some())
}

/// Returns the address of the account that Claude Code shows in this config directory, if it names one.
pub fn address(config_dir: &Path) -> Option<String> {
    Identity::read(config_dir)?.email_address
}
