//! Runs clauth for real: in a sealed sandbox, and in real shells in a pty.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that meets the impossible should say where, and end")]

mod account;
mod commands;
mod faults;
mod fuzz;
mod harness;
mod hook;
mod mirror;
mod real_client;
mod security;
mod session;
mod storm;
mod support;
mod sync;
