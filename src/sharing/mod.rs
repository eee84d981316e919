//! What profiles share with the hub, `~/.claude`, and how it is kept in step.

mod base;
pub mod belongings;
mod decide;
pub mod depart;
pub mod json;
pub mod link_mode;
pub mod links;
pub mod mirror;
pub mod names;
pub mod places;
pub mod settle;
pub mod sides;
mod tree;
mod watchdog;

pub use links::Use;
pub use tree::{Tree, first_few, refuse_redirection};
pub use watchdog::Watchdog;
