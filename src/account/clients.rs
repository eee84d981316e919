//! The clients that run in a config directory.

use std::fs;
use std::path::Path;

use crate::sys;

/// Returns the live Claude Code processes that run in a config directory, by the files they keep there.
pub fn live_clients(config_dir: &Path) -> Vec<u32> {
    let entries = fs::read_dir(config_dir.join("sessions")).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.path().file_stem()?.to_str()?.parse().ok());
    pids.filter(|pid| sys::start_time(*pid).is_some()).collect()
}
