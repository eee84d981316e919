//! The clients that run in a config directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use crate::claude_code::processes::sessions;
use crate::{io, sys};

/// The most that is read of what a client says about itself, in bytes.
const LIMIT: usize = 256 * 1024;

/// What a client says about itself.
#[derive(Default, Deserialize)]
struct Client {
    #[serde(rename = "sessionId")]
    session_id: Option<String>,
}

/// Returns the live Claude Code processes that run in a config directory, by the files they keep there.
pub fn live_clients(config_dir: &Path) -> Vec<u32> {
    let entries = fs::read_dir(sessions(config_dir)).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.path().file_stem()?.to_str()?.parse().ok());
    pids.filter(|pid| sys::start_time(*pid).is_some()).collect()
}

/// Returns those of them that have written there since a time: no other process has their number by now, as after a restart of the machine.
pub fn live_clients_since(config_dir: &Path, time: SystemTime) -> Vec<u32> {
    let has_written = |pid: &u32| fs::metadata(file_of(config_dir, *pid)).and_then(|meta| meta.modified()).is_ok_and(|written| written >= time);
    live_clients(config_dir).into_iter().filter(has_written).collect()
}

fn file_of(config_dir: &Path, pid: u32) -> PathBuf {
    sessions(config_dir).join(format!("{pid}.json"))
}

/// Whether a live client has this session open. One that does not say which session it has open may have any.
pub fn has_live_session(config_dir: &Path, session: &str) -> bool {
    let says_another = |pid: &u32| {
        let text = io::read_regular(&file_of(config_dir, *pid), LIMIT).ok().flatten().unwrap_or_default();
        let client: Client = serde_json::from_slice(&text).unwrap_or_default();
        client.session_id.is_some_and(|open| open != session)
    };
    live_clients(config_dir).iter().any(|pid| !says_another(pid))
}
