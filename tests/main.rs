//! Runs clauth for real: in a sealed sandbox, and in real shells in a pty.

#![expect(clippy::unwrap_used, reason = "a test that meets the impossible should say where, and end")]

#[cfg(unix)]
mod account;
mod commands;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod hook;
mod mirror;
#[cfg(unix)]
mod real_client;
mod session;
mod support;
mod sync;
