//! A second file system, to which nothing can be renamed or linked.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::shell::skip;
use super::system;

/// Holds a directory on another file system than the sandbox's.
pub(crate) struct Elsewhere(PathBuf);

impl Elsewhere {
    /// Makes the directory for the test of this name; a visible skip where there is no second file system.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let root = Path::new("/dev/shm");
        let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
        if device(root).is_none() || device(root) == device(&system::temporary()) {
            skip("no second file system at /dev/shm", "CLAUTH_REQUIRE_SHELLS");
            return None;
        }
        let path = root.join(format!("clauth-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path); // left by a killed run whose process id came round again
        fs::create_dir(&path).unwrap();
        Some(Self(path))
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // What is left on a memory file system is gone with the machine.
        let _ = fs::remove_dir_all(&self.0);
    }
}
