//! What Claude Code calls its files, and where its locks are, as seen in the version that is named here.

use std::path::{Path, PathBuf};

use crate::io::{self, ClientLock};

/// The version that all of clauth's facts about it were measured on.
pub const VERSION: &str = "2.1.329";

/// The config directory without a `CLAUDE_CONFIG_DIR`, in the user's home.
pub const DIRECTORY: &str = ".claude";

/// A login, where it does not lie in a keychain.
pub const CREDENTIALS: &str = ".credentials.json";

/// The client's state, who is signed in with it: inside a config directory, and beside the default one.
pub const STATE: &str = ".claude.json";

/// The user's settings.
pub const SETTINGS: &str = "settings.json";

/// The most that is read of a state or of settings, in bytes: what is larger is none of a client's, and stays as it is.
pub const LIMIT: usize = 40 * 1024 * 1024;

/// Returns the locks around a refresh, in the order in which they are taken: that inside the config directory, and the older one beside it, without which
/// the client goes on where it cannot be made.
pub fn refresh_locks(config_dir: &Path) -> (PathBuf, PathBuf) {
    (config_dir.join(".oauth_refresh.lock"), ClientLock::of(&io::resolved(config_dir)))
}

/// Returns the lock around a write of the login.
pub fn write_lock(config_dir: &Path) -> PathBuf {
    config_dir.join(".storage-write.lock")
}
