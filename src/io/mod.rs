//! Files, locks and the terminal, each done in one way.

mod atomic;
pub mod epoch;
mod json;
mod lock;
mod say;
mod toml;

pub use atomic::{create_dir, read_bounded, sweep, write};
pub use json::print_json;
pub use lock::FileLock;
pub use say::{confirm, print, say, terminal_safe};
pub use toml::Complaint;
