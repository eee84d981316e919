//! Where a login lies: in a file of its config directory, or in the Keychain.
//!
//! With a keychain, Claude Code looks for the item first and then for the file, so what is read here is what it would read. A new login goes into the
//! item, but where there is no keychain, or only a file by now, or no room in a line of `security`: then it goes into the file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Credentials;
use super::keychain::{Held, Item, in_ascii};
use crate::claude_code::CREDENTIALS;
use crate::claude_code::credentials::LOGIN;
use crate::error::Mistake;
use crate::io;
use crate::layout::Layout;

/// The most that is read of a login, in bytes.
const LIMIT: usize = 16 * 1024 * 1024;

/// How much longer new tokens may be than the old ones, in bytes.
const GROWTH: usize = 128;

/// The key by which an emptied item is known as clauth's.
const MOVED: &str = "clauthMoved";

/// The place where a config directory's login lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    file: PathBuf,
    item: Option<Item>,
}

impl Store {
    /// Names the place that belongs to a `CLAUDE_CONFIG_DIR`; looks at nothing.
    pub fn of(layout: &Layout, config_dir: &Path) -> Self {
        Self::new(config_dir, layout.keychain().map(|keychain| Item::of(keychain, Some(config_dir))))
    }

    /// Names a place.
    pub fn new(directory: &Path, item: Option<Item>) -> Self {
        Self { file: directory.join(CREDENTIALS), item }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the item, if that is what holds the login.
    pub fn held_by(&self) -> Result<Option<&Item>, Mistake> {
        Ok(self.in_item()?.map(|(item, _)| item))
    }

    fn in_item(&self) -> Result<Option<(&Item, Vec<u8>)>, Mistake> {
        let Some(item) = &self.item else { return Ok(None) };
        match item.read()? {
            Held::Text(text) => Ok(Some((item, text))),
            Held::Nothing | Held::NoKeychain => Ok(None),
        }
    }

    /// Reads what lies there; `None` when nothing does.
    pub fn read(&self) -> Result<Option<Credentials>> {
        if let Some((item, text)) = self.in_item()? {
            return Credentials::parse(&text).map(Some).with_context(|| format!("could not read {item} of the Keychain"));
        }
        let Some(text) = io::read_if_any(&self.file, LIMIT)? else { return Ok(None) };
        Credentials::parse(&text).map(Some).with_context(|| format!("could not read {}", self.file.display()))
    }

    /// Fails where the item goes on in a second one, which only the client can open: what is read here may be a part.
    pub fn refuse_overflow(&self) -> Result<(), Mistake> {
        match self.in_item()? {
            Some((item, text)) if Credentials::parse(&text).is_ok_and(|found| found.overflows()) => {
                Err(Mistake::KeychainOverflow { item: item.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Replaces what lies there. It is on the disk, or has been read back from the Keychain, when this returns.
    pub fn write(&self, credentials: &Credentials) -> Result<()> {
        let json = credentials.to_json()?;
        if let Some(item) = &self.item {
            let text = in_ascii(&json);
            let is_for_item = match item.read()? {
                Held::Text(_) => true,
                Held::Nothing => item.takes(text.len()) && !self.file.exists(),
                Held::NoKeychain => false,
            };
            if is_for_item {
                return Ok(item.write(&text)?);
            }
            if !item.takes(text.len()) {
                io::say(format_args!(
                    "the login is too long for a line of `security`, so it lies in {}, where Claude Code looks too",
                    self.file.display()
                ));
            }
        }
        io::write_for_good(&self.file, json.as_bytes())
    }

    /// Fails where a login that is a little longer than the present one could not be written: before the present one is spent for it.
    pub fn refuse_full(&self) -> Result<(), Mistake> {
        match self.in_item()? {
            Some((item, text)) if !item.takes(text.len() + GROWTH) => Err(Mistake::KeychainTooLong { item: item.to_string() }),
            _ => Ok(()),
        }
    }

    /// Copies what lies there to a file that did not exist, byte for byte.
    pub fn copy_to(&self, to: &Path) -> Result<()> {
        match self.in_item()? {
            Some((_, text)) => io::write_durably(to, &text),
            None => io::copy_new(&self.file, to).with_context(|| format!("could not copy {}", self.file.display())),
        }
    }

    /// Makes room for a login where there is none any more: what else lies there is kept in a file.
    pub fn clear(&self, kept: &Path) -> Result<()> {
        if self.held_by()?.is_some() {
            io::create_parent(kept)?;
            return self.copy_to(kept); // the item itself is written over
        }
        if self.file.exists() { io::keep(&self.file, kept) } else { Ok(()) }
    }

    /// Returns the file that the login can be set aside to; `None` where it lies in an item, which is emptied instead.
    pub fn aside(&self) -> Result<Option<PathBuf>, Mistake> {
        if self.held_by()?.is_some() {
            return Ok(None);
        }
        Ok(Some(io::with_ending(&io::resolved(&self.file), ".moved")))
    }

    /// Takes the login out of its place in one step, so that nobody can take it for one; an item is marked as of this login.
    pub fn set_aside(&self, aside: Option<&Path>, mark: &str) -> Result<()> {
        match (aside, &self.item) {
            (Some(aside), _) => fs::rename(io::resolved(&self.file), aside).with_context(|| format!("could not move {}", self.file.display())),
            (None, None) => bail!("there is no keychain any more"),
            (None, Some(item)) => {
                if fs::symlink_metadata(&self.file).is_ok() {
                    io::keep(&self.file, &self.file.with_extension("json.old"))?; // an older one, which would be read when the item is gone
                }
                let emptied = json!({ LOGIN: { "accessToken": "", "refreshToken": "", "expiresAt": 0 }, MOVED: mark });
                Ok(item.write(&emptied.to_string())?)
            }
        }
    }

    /// Whether the login was set aside.
    pub fn is_aside(&self, aside: Option<&Path>, mark: &str) -> Result<bool, Mistake> {
        match aside {
            Some(aside) => Ok(fs::symlink_metadata(aside).is_ok()),
            None => Ok(self.marked(mark)?.is_some()),
        }
    }

    /// Removes what was set aside.
    pub fn forget_aside(&self, aside: Option<&Path>, mark: &str) -> Result<()> {
        match aside {
            Some(aside) => io::remove(aside)?,
            None => self.marked(mark)?.map_or(Ok(()), Item::delete)?,
        }
        if self.file.is_symlink() && !self.file.exists() {
            let _ = fs::remove_file(&self.file); // led to what is gone; the client replaces it all the same
        }
        Ok(())
    }

    /// Returns the item, if it is one that was emptied for this login and not used since.
    fn marked(&self, mark: &str) -> Result<Option<&Item>, Mistake> {
        let is_marked = |text: &[u8]| Credentials::parse(text).is_ok_and(|found| found.login().is_none() && found.says(MOVED, mark));
        Ok(self.in_item()?.filter(|(_, text)| is_marked(text)).map(|(item, _)| item))
    }

    /// Takes what lies there away. The caller knows that clauth put it there.
    pub fn remove(&self) -> Result<()> {
        match self.held_by()? {
            Some(item) => Ok(item.delete()?),
            None => io::remove(&self.file),
        }
    }
}
