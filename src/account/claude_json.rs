//! What of `.claude.json` belongs to the account that is signed in: who it is, and what the client knows of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keychain::Item;
use super::{Credentials, Login, Store};
use crate::claude_code::state::{self, is_private};
use crate::claude_code::{LIMIT, OLD_STATE, STATE};
use crate::error::Mistake;
use crate::io::json::{Broken, Change, Edits, Object, is_pretty};
use crate::io::{self, ClientLock};
use crate::layout::Layout;
use crate::sys;

/// Names a config directory with the `.claude.json` that belongs to it: beside the default one, inside every other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The config directory.
    pub directory: PathBuf,
    /// Its state.
    pub claude_json: PathBuf,
}

/// What two places have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinship {
    /// Nothing that is known of.
    None,
    /// Two logins of one account: that is fine.
    SameAccount,
    /// Two copies of one login, of which the first refresh ends both.
    Copy,
}

/// Returns the state of an old installation in a config directory, if the client uses it there: then it uses no other.
pub fn old_state(directory: &Path) -> Option<PathBuf> {
    let file = directory.join(OLD_STATE);
    fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() > 0).then_some(file)
}

impl Place {
    /// Names a directory that a `CLAUDE_CONFIG_DIR` leads to.
    pub fn of(config_dir: &Path) -> Self {
        Self { directory: config_dir.into(), claude_json: old_state(config_dir).unwrap_or_else(|| config_dir.join(STATE)) }
    }

    /// Where its login lies.
    pub fn store(&self, layout: &Layout) -> Store {
        Store::new(&self.directory, layout.keychain().map(|keychain| Item::of(keychain, self.spelling())))
    }

    /// The `CLAUDE_CONFIG_DIR` that leads here, as it is spelled; `None` for the default one, whose state lies beside it.
    fn spelling(&self) -> Option<&Path> {
        let around = self.claude_json.parent()?;
        if around == self.directory {
            return Some(&self.directory); // its spelling: a slash at the end counts in the Keychain, and is nothing in a comparison of paths
        }
        sys::same_file(around, &self.directory).then_some(around)
    }

    /// Returns the account's part of its state; empty where there is no state yet.
    pub fn account(&self) -> Result<Map<String, Value>> {
        let mut account = self.state()?.unwrap_or_default();
        account.retain(|key, _| is_private(key));
        Ok(account)
    }

    /// Returns the login that lies there, and all that lies beside it: what can be moved.
    pub fn login(&self, layout: &Layout) -> Result<(Credentials, Login), Mistake> {
        let broken = |error: anyhow::Error| error.downcast().unwrap_or_else(|error| Mistake::BrokenLogin { reason: format!("{error:#}") });
        let store = self.store(layout);
        store.refuse_overflow()?;
        let place = || self.directory.display().to_string();
        let credentials = store.read().map_err(broken)?.ok_or_else(|| Mistake::NoLogin { place: place() })?;
        match credentials.login() {
            _ if credentials.has_organization() => Err(Mistake::OrganizationLogin { place: place() }),
            Some(login) => Ok((credentials, login)),
            None => Err(Mistake::NoLogin { place: place() }),
        }
    }

    /// Whether a login lies there; fails where nobody can say, as of a locked Keychain.
    pub fn is_signed_in(&self, layout: &Layout) -> Result<bool, Mistake> {
        match self.login(layout) {
            Ok(_) | Err(Mistake::OrganizationLogin { .. } | Mistake::KeychainOverflow { .. }) => Ok(true),
            Err(Mistake::NoLogin { .. } | Mistake::BrokenLogin { .. }) => Ok(false),
            Err(unknown) => Err(unknown),
        }
    }

    /// Compares two places where somebody is signed in.
    pub fn kinship(&self, layout: &Layout, other: &Self) -> Kinship {
        let (Ok((_, own)), Ok((_, others))) = (self.login(layout), other.login(layout)) else { return Kinship::None };
        let account = |place: &Self, key: &str| place.account().ok()?.get(state::ACCOUNT)?.get(key)?.as_str().map(str::to_lowercase);
        let same = |key: &str| account(self, key).zip(account(other, key)).map(|(own, other)| own == other);
        if own.is_copy_of(&others) {
            return Kinship::Copy;
        }
        if same("accountUuid").or(same("emailAddress")).unwrap_or(false) { Kinship::SameAccount } else { Kinship::None }
    }

    /// Takes the client's lock of its state; `None` when somebody else holds it for too long.
    pub fn lock(&self) -> Result<Option<ClientLock>> {
        ClientLock::take(&self.claude_json)
    }

    /// Replaces the account's part of its state, under its lock; all else stays as it is, in its order.
    pub fn set_account(&self, _lock: &ClientLock, account: &Map<String, Value>) -> Result<()> {
        if *account == self.account()? {
            return Ok(());
        }
        let text = io::read_if_any(&self.claude_json, LIMIT)?.unwrap_or_else(|| b"{}".into());
        let state = Object::document(&text).map_err(|broken| self.unreadable(broken))?;
        let is_accounts = |place: &usize| std::str::from_utf8(&state.key(state.members[*place])).is_ok_and(is_private);
        let mut change = Change { removed: (0..state.members.len()).filter(is_accounts).collect(), added: Vec::new() };
        for (key, value) in account {
            let value = String::from_utf8_lossy(&io::pretty_json(value)?).replace('\n', "\n  ").into_bytes();
            change.added.push((io::json(key)?.into(), value.into()));
        }
        let mut edits = Edits::default();
        change.note(&state, is_pretty(&state), 0, &mut edits);
        io::write_durably(&io::resolved(&self.claude_json), &edits.apply(&text))
    }

    /// Returns its state, to be looked at; `None` where there is none yet.
    pub fn state(&self) -> Result<Option<Map<String, Value>>> {
        let Some(text) = io::read_if_any(&self.claude_json, LIMIT)? else { return Ok(None) };
        io::json::state(&text).map(Some).map_err(|broken| self.unreadable(broken))
    }

    fn unreadable(&self, broken: Broken) -> anyhow::Error {
        anyhow!("it is not a JSON object ({broken})").context(format!("could not read {}", self.claude_json.display()))
    }
}
