//! Where the client's locks are: directories beside what they lock.

use std::path::{Path, PathBuf};

/// Returns the lock of a file or of a directory, by the path as it is spelled.
pub fn lock_of(path: &Path) -> PathBuf {
    let mut lock = path.to_path_buf();
    lock.as_mut_os_string().push(".lock");
    lock
}

/// Returns the locks around a refresh, in the order in which they are taken: that inside the config directory, and the older one beside the directory that
/// it resolves to, without which the client goes on where it cannot be made.
pub fn refresh_locks(config_dir: &Path, resolved: &Path) -> (PathBuf, PathBuf) {
    (config_dir.join(".oauth_refresh.lock"), lock_of(resolved))
}

/// Returns the lock around a write of the login.
pub fn write_lock(config_dir: &Path) -> PathBuf {
    config_dir.join(".storage-write.lock")
}
