//! The client as a program: how it is called, and what running clients and the daemon of a config directory write there.

use std::path::{Path, PathBuf};

/// The program.
pub const PROGRAM: &str = "claude";

/// What clauth's wrapper of it is called.
pub const WRAPPER: &str = "claude-wrapper";

/// What runs the client where it is a script, as before 2.1: editors that bring such a one, and the Agent SDK, start it so.
pub const RUNTIME: &str = "node";

/// Whether a program is a script for [`RUNTIME`], by the endings that the Agent SDK 0.3.332 goes by.
pub fn is_script(program: &Path) -> bool {
    program.extension().is_some_and(|ending| ["js", "mjs", "ts", "tsx", "jsx"].iter().any(|known| ending == *known))
}

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
