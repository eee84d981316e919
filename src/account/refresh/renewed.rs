//! What a refresh brought, until it is in its place: kept on the disk first, so that neither a kill nor a write that fails loses it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::Grant;
use crate::account::{Secret, Store};
use crate::claude_code;
use crate::claude_code::credentials::LOGIN;
use crate::io::{self, ClientLock, Purpose};

/// The most that is read of one, in bytes: more than the longest answer.
const LIMIT: usize = 2 * 1024 * 1024;

/// How long to wait for a writer, before a new login is written without waiting any longer: by then his lock is that of a dead process.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer with new tokens.
#[derive(Serialize, Deserialize)]
pub struct Renewed {
    /// The fingerprint of the token that was spent for it.
    spent: String,
    /// When it was asked for, in milliseconds since 1970.
    asked: u64,
    answer: Value,
}

impl Renewed {
    /// Holds an answer to a request with this token.
    pub fn new(sent: &Secret, asked: u64, answer: Value) -> Self {
        Self { spent: sent.fingerprint(), asked, answer }
    }

    /// Reads what an earlier refresh left; `None` when there is nothing.
    pub fn read(file: &Path) -> Result<Option<Self>> {
        let Some(text) = io::read_if_any(file, LIMIT)? else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).with_context(|| format!("could not read {}", file.display()))
    }

    /// Keeps it.
    pub fn write(&self, file: &Path) -> Result<()> {
        io::write_durably(file, &io::json(self)?)
    }

    /// Writes the new tokens to their place, and takes what was kept away; false when another login stands there by now, or none.
    pub fn settle(&self, file: &Path, store: &Store, config_dir: &Path) -> Result<bool> {
        let is_put = self.put(store, config_dir)?;
        let _ = fs::remove_file(file); // once more would change nothing
        Ok(is_put)
    }

    fn put(&self, store: &Store, config_dir: &Path) -> Result<bool> {
        let Some(grant) = Grant::parse(&self.answer) else { return Ok(false) };
        let deadline = Instant::now() + PATIENCE;
        // Without the lock rather than not at all.
        let _writing = ClientLock::wait(&claude_code::write_lock(config_dir), Purpose::Writing, &|| Instant::now() > deadline);
        let Some(mut credentials) = store.read()? else { return Ok(false) };
        let Some(login) = credentials.tree_mut().get_mut(LOGIN).and_then(Value::as_object_mut) else { return Ok(false) };
        if grant.is_in(login) {
            return Ok(true); // it was written, and only the disk did not say that it is safe there
        }
        // Claude Code empties a login that it takes for ended.
        let present = login.get("refreshToken").and_then(Value::as_str);
        if present.is_none_or(|present| !present.is_empty() && Secret::new(present).fingerprint() != self.spent) {
            return Ok(false);
        }
        grant.put_into(login, self.asked);
        store.write(&credentials)?;
        Ok(true)
    }
}
