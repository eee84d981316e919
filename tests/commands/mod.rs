//! Each command by itself: what it does, what it says, and what it refuses.

mod anywhere;
mod architecture;
#[cfg(unix)]
mod arrivals;
#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod bad_input;
#[cfg(unix)]
mod binding;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod env;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod grammar;
#[cfg(unix)]
mod keychain;
#[cfg(unix)]
mod mistakes;
#[cfg(unix)]
mod mistyped;
#[cfg(unix)]
mod newcomer;
#[cfg(unix)]
mod places;
#[cfg(unix)]
mod profiles;
#[cfg(unix)]
mod prompts;
#[cfg(unix)]
mod refreshing;
#[cfg(unix)]
mod schema;
#[cfg(unix)]
mod scripts;
#[cfg(unix)]
mod setup;
#[cfg(unix)]
mod shim;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod tree;
#[cfg(unix)]
mod trust;
