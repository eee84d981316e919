//! The client as a program: how it is called, and what running clients and the daemon of a config directory write there.

use std::path::{Path, PathBuf};

/// The program.
pub const PROGRAM: &str = "claude";

/// The arguments by which it signs in.
pub const SIGN_IN: [&str; 2] = ["auth", "login"];

/// Those by which it says who is signed in.
pub const WHO: [&str; 3] = ["auth", "status", "--json"];

/// Those by which it ends the daemon of a config directory, which `claude --bg` keeps.
pub const STOP_DAEMON: [&str; 3] = ["daemon", "stop", "--any"];

/// What such a daemon leaves in its config directory.
pub const OF_DAEMON: [&str; 3] = ["daemon", "daemon.json", "daemon.status.json"];

/// The directory with a file for each running client, named by its pid.
pub fn sessions(config_dir: &Path) -> PathBuf {
    config_dir.join("sessions")
}
