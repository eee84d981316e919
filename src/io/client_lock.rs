//! The client's own locks: directories, made by whoever holds the lock and touched while held.
//!
//! Claude Code takes `FILE.lock` around a write of FILE, and two locks of their own kind around a refresh (npm `proper-lockfile`). Holding one, clauth
//! reads again and writes; a client that wants it meanwhile waits.
//!
//! A lock that nobody has touched for long is of a process that died, and whoever wants it takes it away. Two who do that at once could each take away
//! what the other had just made. So clauth renames it first and looks at what it got: a lock that is not the one it had seen goes back. And since a client
//! that looked earlier may still take clauth's own away, clauth waits a moment after such a change and looks whether it has it still.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};

use super::temporary;
use crate::claude_code::lock_of;
use crate::sys;

/// How long to wait for a client that writes: it does so for milliseconds. Whoever holds a lock for longer is not waited for but asked again.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long to wait where another look follows anyway: each wait wakes the processor a few times.
const BRIEF_PATIENCE: Duration = Duration::from_millis(15);

/// How often a lock that is held for longer is touched, as the client does it.
const TOUCH: Duration = Duration::from_secs(5);

/// How long somebody who saw the lock of a dead process may take until he takes it away.
const SETTLING: Duration = Duration::from_millis(50);

/// What a lock is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A write, for milliseconds.
    Writing,
    /// A refresh, for seconds: it is touched all the while.
    Refreshing,
}

impl Purpose {
    /// How long a lock stays valid without a touch: the client's own figures are 10 s or 15 s, and 60 s.
    fn stale(self) -> Duration {
        Duration::from_secs(if self == Self::Writing { 15 } else { 60 })
    }

    fn longest_pause(self) -> Duration {
        Duration::from_millis(if self == Self::Writing { 10 } else { 100 })
    }
}

/// Holds one of the client's locks until it is dropped.
#[derive(Debug)]
pub struct ClientLock {
    directory: PathBuf,
    /// Kept open, so that no other directory can be taken for this one.
    made: File,
    touching: Option<(Sender<()>, JoinHandle<()>)>,
}

impl ClientLock {
    /// Takes the lock of a file; `None` when somebody else holds it for too long.
    pub fn take(file: &Path) -> Result<Option<Self>> {
        let deadline = Instant::now() + PATIENCE;
        Self::wait(&lock_of(file), Purpose::Writing, &|| Instant::now() > deadline)
    }

    /// Returns when the lock of a file was last touched; `None` if nobody holds one, or if its holder died and it may be taken over.
    pub fn held_since(file: &Path) -> Option<SystemTime> {
        let meta = fs::symlink_metadata(lock_of(file)).ok()?;
        let touched = meta.modified().ok()?;
        let is_stale = meta.is_dir() && touched.elapsed().is_ok_and(|age| age > Purpose::Writing.stale());
        (!is_stale).then_some(touched)
    }

    /// Takes the lock of a file for a caller that tries again later; `None` when somebody else holds it for longer than a write takes.
    pub fn take_soon(file: &Path) -> Result<Option<Self>> {
        let deadline = Instant::now() + BRIEF_PATIENCE;
        Self::wait(&lock_of(file), Purpose::Writing, &|| Instant::now() > deadline)
    }

    /// Takes this lock; `None` when somebody else holds it until the waiting is over.
    pub fn wait(directory: &Path, purpose: Purpose, is_over: &dyn Fn() -> bool) -> Result<Option<Self>> {
        let locking = || format!("could not lock {}", directory.display());
        let mut pause = Duration::from_micros(200);
        let mut settling = Duration::ZERO;
        loop {
            match Self::make(directory) {
                Ok(lock) => {
                    thread::sleep(settling);
                    if lock.is_held() {
                        return if purpose == Purpose::Refreshing { lock.touched().with_context(locking).map(Some) } else { Ok(Some(lock)) };
                    }
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // One that is just being removed can be in the way, too.
                Err(error) if sys::is_momentary(&error) && !is_over() => {}
                Err(error) => return Err(error).with_context(locking),
            }
            if remove_stale(directory, purpose.stale()) {
                settling = SETTLING; // whoever makes it next holds it
            } else if is_over() {
                return Ok(None);
            } else {
                thread::sleep(pause);
                pause = (pause * 2).min(purpose.longest_pause());
            }
        }
    }

    fn make(directory: &Path) -> io::Result<Self> {
        sys::create_lock_dir(directory)?;
        match sys::open_directory(directory) {
            Ok(made) => Ok(Self { directory: directory.into(), made, touching: None }),
            Err(error) => fs::remove_dir(directory).and(Err(error)),
        }
    }

    /// Whether it was not taken away: a process that did not run for a minute (a suspended machine) is taken for dead.
    pub fn is_held(&self) -> bool {
        let (made, there) = (sys::identity(&self.made), sys::look_at(&self.directory));
        matches!((made, there), (Ok(made), Ok((_, there))) if made == there)
    }

    /// Keeps it valid for as long as it is held. The caller holds back signals, or one could end this thread's process first.
    fn touched(mut self) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let made = self.made.try_clone()?;
        let touch = move || {
            while stopped.recv_timeout(TOUCH) == Err(RecvTimeoutError::Timeout) {
                let _ = made.set_modified(SystemTime::now()); // one that fails is made up for by the next
            }
        };
        self.touching = Some((stop, thread::Builder::new().spawn(touch)?));
        Ok(self)
    }
}

impl Drop for ClientLock {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.touching.take() {
            drop(stop);
            let _ = thread.join();
        }
        if self.is_held() {
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// Takes away the lock of a process that died; false where there is none.
fn remove_stale(directory: &Path, limit: Duration) -> bool {
    let Ok((seen, who)) = sys::look_at(directory) else { return false };
    let touched = |meta: &Metadata| meta.modified().ok();
    let age = touched(&seen).and_then(|touched| SystemTime::now().duration_since(touched).ok());
    if !seen.is_dir() || age.is_none_or(|age| age <= limit) {
        return false;
    }
    let aside = temporary(directory);
    if fs::rename(directory, &aside).is_err() {
        return false; // somebody else was faster
    }
    // Without its birth, which Wine takes for the time of its last change: a number that is used again comes with another time.
    let is_same = |(meta, now): (Metadata, (u64, u64, u128))| (now.0, now.1) == (who.0, who.1) && touched(&meta) == touched(&seen);
    let is_removed = sys::look_at(&aside).is_ok_and(is_same) && fs::remove_dir(&aside).is_ok();
    if !is_removed && sys::rename_new(&aside, directory).is_err() {
        let _ = fs::remove_dir(&aside); // somebody made another meanwhile, and only that one counts
    }
    is_removed
}
