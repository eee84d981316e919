//! What every test stands on: a sealed world, real shells in it, and a way to count what they start.
//!
//! Nothing here changes the test process itself (no `set_var`, no `set_current_dir`): all tests are threads of one process.

#![cfg_attr(windows, expect(dead_code, unused_imports, reason = "the tests that need a shell of Unix use more of it"))]

pub(crate) mod claude;
pub(crate) mod client;
pub(crate) mod commands;
#[cfg(unix)]
pub(crate) mod editor;
#[cfg(unix)]
pub(crate) mod elsewhere;
#[cfg(target_os = "linux")]
pub(crate) mod faults;
pub(crate) mod files;
pub(crate) mod finished;
#[cfg(unix)]
pub(crate) mod git;
#[cfg(unix)]
pub(crate) mod keychain;
pub(crate) mod length;
pub(crate) mod meanwhile;
pub(crate) mod mirror;
#[cfg(unix)]
pub(crate) mod output;
pub(crate) mod patience;
pub(crate) mod processes;
#[cfg(unix)]
pub(crate) mod random;
#[cfg(unix)]
pub(crate) mod rig;
pub(crate) mod sandbox;
#[cfg(unix)]
pub(crate) mod screen;
pub(crate) mod service;
pub(crate) mod session;
#[cfg(target_os = "linux")]
pub(crate) mod sharing;
#[cfg(unix)]
pub(crate) mod shell;
#[cfg(unix)]
pub(crate) mod startup;
#[cfg(unix)]
pub(crate) mod syntax;
pub(crate) mod system;
#[cfg(unix)]
pub(crate) mod terminal;
#[cfg(unix)]
pub(crate) mod trace;
pub(crate) mod world;

pub(crate) use patience::wait_until;
pub(crate) use sandbox::Sandbox;
pub(crate) use session::Holder;
pub(crate) use session::Session;
#[cfg(unix)]
pub(crate) use shell::{Language, Shell};
#[cfg(unix)]
pub(crate) use startup::Startup;
#[cfg(unix)]
pub(crate) use terminal::Terminal;
#[cfg(unix)]
pub(crate) use trace::{Started, Traced};
pub(crate) use world::World;
