//! What every test stands on: a sealed world, real shells in it, and a way to count what they start.
//!
//! Nothing here changes the test process itself (no `set_var`, no `set_current_dir`): all tests are threads of one process.

pub(crate) mod claude;
pub(crate) mod commands;
pub(crate) mod finished;
pub(crate) mod keychain;
pub(crate) mod mirror;
pub(crate) mod output;
pub(crate) mod patience;
pub(crate) mod processes;
pub(crate) mod rig;
pub(crate) mod sandbox;
pub(crate) mod screen;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod shell;
pub(crate) mod startup;
pub(crate) mod syntax;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod world;

pub(crate) use patience::wait_until;
pub(crate) use sandbox::Sandbox;
pub(crate) use session::{Holder, Session};
pub(crate) use shell::{Language, Shell};
pub(crate) use startup::Startup;
pub(crate) use terminal::Terminal;
pub(crate) use trace::{Started, Traced};
pub(crate) use world::World;
