//! Leases, the gate and the helper: who uses a profile, and who looks after it for exactly as long.

mod anywhere;
#[cfg(target_os = "linux")]
mod containers;
mod crowd;
#[cfg(target_os = "linux")]
mod detached;
#[cfg(windows)]
mod interrupt;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(unix)]
mod life;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod script;
mod stop;
#[cfg(unix)]
mod trouble;
