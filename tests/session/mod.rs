//! Leases, the gate and the helper: who uses a profile, and who looks after it for exactly as long.

#![cfg(target_os = "linux")]

mod containers;
mod crowd;
mod detached;
mod launch;
mod life;
mod place;
mod script;
mod stop;
mod trouble;
