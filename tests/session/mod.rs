//! Leases, the gate and the helper: who uses a profile, and who looks after it for exactly as long.

mod crowd;
#[cfg(target_os = "linux")]
mod detached;
#[cfg(target_os = "linux")]
mod launch;
mod life;
mod place;
mod script;
mod stop;
mod trouble;
