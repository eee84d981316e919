//! Files, locks and the terminal, each done in one way.

mod ask;
mod atomic;
mod beside;
mod client_lock;
pub mod clock;
pub mod epoch;
mod hex;
pub mod http;
pub mod json;
mod lock;
mod log;
mod relocate;
mod say;
pub mod screen;
mod template;
mod toml;
pub mod url;
mod wait;

pub use crate::sys::keep_memory_private;
pub use ask::ask_secret;
pub use atomic::{
    aside, create_dir, create_dir_below, create_parent, forget_unfinished, forget_unfinished_of, free_temporary, holds, is_absence, is_aside,
    left_for, open_regular, own_ending, read_bounded, read_if_any, read_regular, read_text, resolved, temporary, temporary_ending, with_ending,
    write, write_durably, write_for_good, write_public,
};
pub use beside::Beside;
pub use client_lock::{ClientLock, Purpose};
pub use clock::Clock;
pub use hex::hex;
pub use json::{json, pretty_json, print_json};
pub use lock::FileLock;
pub use log::append;
pub use relocate::{copy, copy_new, exchange, is_same_content, keep, relocate, remove, unused};
pub use say::{complain, confirm, counted, is_control, print, say, terminal_safe};
pub use screen::Screen;
pub use template::Template;
pub use toml::Complaint;
pub use wait::while_waiting;
