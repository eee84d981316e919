//! Each command by itself: what it does, what it says, and what it refuses.

mod bad_input;
mod binding;
mod mistakes;
mod trust;
