//! What profiles share: the mirror, the links, and what becomes of older layouts.

#[cfg(unix)]
mod hubs;
#[cfg(unix)]
pub(crate) mod killed;
#[cfg(unix)]
mod links;
mod live;
#[cfg(unix)]
mod meeting;
#[cfg(unix)]
mod modes;
#[cfg(unix)]
mod odd;
#[cfg(unix)]
mod property;
#[cfg(unix)]
mod remove;
#[cfg(unix)]
mod take_over;
#[cfg(unix)]
mod take_over_home;
#[cfg(unix)]
mod take_over_links;
