//! What crosses between the hub and a profile, and what never does.
//!
//! Hub and spokes: each helper merges its own profile's files with the hub's, three ways against what the two last agreed on.

pub mod claude_json;
mod deletions;
mod fingerprint;
mod kind;
#[cfg(test)]
mod measure;
mod memory;
mod merge;
#[cfg(test)]
mod million;
#[cfg(test)]
mod model;
mod pair;
mod place;
mod pointer;
mod removal;
mod seen;
mod settings;
mod sources;
mod steps;

pub use deletions::{Deletions, Keys};
pub use kind::Kind;
pub use pair::{Pair, redress, save, say_the_same, sync, sync_unless, wears};
pub use removal::drop_keys;
pub use seen::Seen;
pub use settings::{dress, redirects, text_redirects};

/// A JSON object; the order of its keys and the text of its numbers are kept.
pub type State = serde_json::Map<String, serde_json::Value>;
