//! Files, locks and the terminal, each done in one way.

mod atomic;
mod client_lock;
pub mod epoch;
mod json;
mod lock;
mod log;
mod relocate;
mod say;
mod toml;

pub use atomic::{create_dir, forget_unfinished, is_hindered, left_for, read_bounded, read_regular, temporary, write, write_durably, write_public};
pub use client_lock::ClientLock;
pub use json::print_json;
pub use lock::FileLock;
pub use log::append;
pub use relocate::{copy, copy_new, is_same_content, keep, relocate};
pub use say::{confirm, print, say, terminal_safe};
pub use toml::Complaint;
