//! From a directory to the profile that it asks for: find the file, read it, ask whether it is trusted, decide.

pub mod binding;
pub mod decide;
pub mod find;
mod git;
mod resolve;
pub mod trust;
mod watch;

pub use git::remotes::remotes;
pub use resolve::{Outcome, Resolution, Source, resolve};
pub use watch::{Watch, Watched};
