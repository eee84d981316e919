//! What profiles share with the hub, `~/.claude`, and how it is kept in step.
//!
//! In: a profile, the hub, and events of both. Out: the profile's config directory as a client needs it, and both sides the same where they share.
//! The invariant: no byte that the user wrote, and did not remove, is missing from both sides and from `rescued/`.
//!
//! | what | where | how |
//! |---|---|---|
//! | what to do about a name | [`decide`] | one pure function for files and JSON members |
//! | what the sides last agreed on | [`base`] | hashes, bound to both places; any doubt makes it empty, and an empty base removes nothing |
//! | `projects plans tasks agent-memory` | [`files`] | copies, by events |
//! | `.claude.json`, overridden settings | [`json`] | merged member by member |
//! | every other name | [`links`] | links to the hub |
//! | keys and hosts of other settings | [`hosts`] | covered, or refused |
//! | whether two paths are one place | [`places`] | links and mounts are seen through |
//! | removing and importing profiles | [`depart`], [`belongings`], [`settle`] | transactions |
//!
//! Start reading in [`watchdog`], whose duties call all of them.

mod base;
pub mod belongings;
mod complaints;
pub mod decide;
pub mod depart;
pub mod files;
pub mod hosts;
pub mod json;
mod lines;
pub mod link_mode;
pub mod links;
pub mod names;
pub mod places;
mod retries;
pub mod settle;
mod tree;
mod watchdog;

pub use links::Use;
pub use tree::{Tree, first_few, refuse_redirection};
pub use watchdog::Watchdog;
