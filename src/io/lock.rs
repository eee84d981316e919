//! Advisory locks on files of their own.
//!
//! The kernel drops them with the process, however it dies. A lock file is never the data (a rename would replace what is locked) and is
//! never deleted (two processes could hold "the" lock on two inodes). fs4's methods bear the names of newer std ones, so they are called in
//! full here and nowhere else.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fs4::TryLockError;

use crate::sys;

/// Holds a lock until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits for the exclusive lock, however long that takes.
    pub fn exclusive(path: &Path) -> Result<Self> {
        let file = open(path)?;
        fs4::FileExt::lock(&file).with_context(|| format!("could not lock {}", path.display()))?;
        Ok(Self { _file: file })
    }

    /// Waits for the exclusive lock until the deadline; `None` when someone else still holds it then.
    pub fn exclusive_within(path: &Path, patience: Duration) -> Result<Option<Self>> {
        let file = open(path)?;
        let deadline = Instant::now() + patience;
        // flock has no deadline of its own. Short waits first: the holder is usually done within a millisecond.
        let mut pause = Duration::from_micros(200);
        loop {
            match fs4::FileExt::try_lock(&file) {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(pause),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("could not lock {}", path.display())),
            }
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Takes the exclusive lock; `None` when another process has it, and not for the moment of a shared question.
    pub fn exclusive_unless_held(path: &Path) -> Result<Option<Self>> {
        loop {
            if let Some(lock) = Self::exclusive_within(path, Duration::ZERO)? {
                return Ok(Some(lock));
            }
            if Self::is_held(path)? {
                return Ok(None);
            }
            thread::yield_now();
        }
    }

    /// Whether some process holds the lock exclusively; asks by a shared try-lock, so that two who ask never see each other.
    pub fn is_held(path: &Path) -> Result<bool> {
        let file = open(path)?;
        match fs4::FileExt::try_lock_shared(&file) {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("could not lock {}", path.display())),
        }
    }
}

fn open(path: &Path) -> Result<File> {
    sys::open_lock_file(path).with_context(|| format!("could not open {}", path.display()))
}
