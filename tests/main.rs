//! Runs clauth for real: in a sealed sandbox, and in real shells in a pty.

#![expect(clippy::unwrap_used, reason = "a test that meets the impossible should say where, and end")]

mod account;
mod anywhere;
mod architecture;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod commands;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(unix)]
mod fuzz;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod hook;
mod mirror;
#[cfg(unix)]
mod real_client;
#[cfg(unix)]
mod security;
mod session;
#[cfg(target_os = "linux")]
mod sharing;
#[cfg(target_os = "linux")]
mod storm;
mod support;
mod sync;
