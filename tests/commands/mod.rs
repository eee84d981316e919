//! Each command by itself: what it does, what it says, and what it refuses.

mod arrivals;
mod asking;
mod bad_input;
mod binding;
mod doctor;
mod env;
mod exec;
mod grammar;
mod judged;
mod keychain;
mod mistakes;
mod mistyped;
mod newcomer;
mod places;
mod profiles;
mod prompts;
mod refreshing;
mod refusals;
mod removal;
mod schema;
mod scripts;
mod setup;
mod shim;
mod status;
mod tree;
mod trust;
