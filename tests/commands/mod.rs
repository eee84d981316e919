//! Each command by itself: what it does, what it says, and what it refuses.

mod architecture;
mod arrivals;
mod asking;
mod bad_input;
mod binding;
mod doctor;
mod env;
mod exec;
mod mistakes;
mod profiles;
mod prompts;
mod refreshing;
mod schema;
mod scripts;
mod setup;
mod shim;
mod status;
mod tree;
mod trust;
