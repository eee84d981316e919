//! The client's own locks: directories, made by whoever holds the lock and touched while held.
//!
//! Claude Code takes `FILE.lock` around a write of FILE (npm `proper-lockfile`). Holding it, clauth reads again and writes; a client that wants it
//! meanwhile waits.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};

use crate::sys;

/// How long a lock stays valid without a touch; the client's own figure is 10 s, and it refreshes at half of that.
const STALE: Duration = Duration::from_secs(15);

/// How long to wait for a client that writes: it does so for milliseconds. Whoever holds a lock for longer is not waited for but asked again.
const PATIENCE: Duration = Duration::from_millis(500);

/// Holds the client's lock of one file until it is dropped. It is held for milliseconds, so it needs no touch.
#[derive(Debug)]
pub struct ClientLock {
    directory: PathBuf,
}

impl ClientLock {
    /// Takes the lock of a file; `None` when somebody else holds it for too long.
    pub fn take(file: &Path) -> Result<Option<Self>> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let directory = file.with_file_name(name);
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_micros(200);
        loop {
            match sys::create_lock_dir(&directory) {
                Ok(()) => return Ok(Some(Self { directory })),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // One that is just being removed can be in the way, too.
                Err(error) if sys::is_momentary(&error) && Instant::now() <= deadline => {}
                Err(error) => return Err(error).with_context(|| format!("could not lock {}", directory.display())),
            }
            if is_stale(&directory) {
                let _ = fs::remove_dir(&directory); // whoever makes it next holds it
            } else if Instant::now() > deadline {
                return Ok(None);
            } else {
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(10));
            }
        }
    }
}

impl Drop for ClientLock {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.directory);
    }
}

fn is_stale(directory: &Path) -> bool {
    let touched = fs::metadata(directory).and_then(|meta| meta.modified());
    touched.is_ok_and(|touched| SystemTime::now().duration_since(touched).is_ok_and(|age| age > STALE))
}
