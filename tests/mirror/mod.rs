//! What profiles share: the mirror, the links, and what becomes of older layouts.

mod hubs;
pub(crate) mod killed;
mod links;
mod live;
mod meeting;
mod modes;
mod odd;
mod property;
mod remove;
mod take_over;
mod take_over_home;
