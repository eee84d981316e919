//! Which profile applies in a directory, and why: hook, shim, wrapper, `env` and `status` ask [`resolve`], and [`decide`] says what it means for a shell.
//!
//! The order: a pin by hand, direnv's own directory where it is nearer, the nearest `.clauth.toml`, the rules by directory, the rules by remote, the default.

pub mod binding;
pub mod decide;
pub mod find;
mod git;
mod resolve;
pub mod trust;
mod watch;

pub use git::remotes::remotes;
pub use resolve::{Outcome, Resolution, Source, bound_here, resolve};
pub use watch::{Watch, Watched};
