//! What became of refresh tokens: each is good for one request, and one that is sent twice ends the login. Only their hashes are kept.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;

use crate::account::Secret;
use crate::io;

/// How many tokens are remembered: a year of them, at three a day, is as good as all.
const REMEMBERED: usize = 1024;

/// The most that is read of the file, in bytes.
const LIMIT: usize = 1024 * 1024;

/// What is known of a refresh token that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was sent: spent, or nobody knows.
    Sent,
    /// The service refused it for ever.
    Refused,
}

impl Fate {
    const NAMES: [(Self, &str); 2] = [(Self::Sent, "sent"), (Self::Refused, "refused")];
}

/// The record of one profile.
#[derive(Debug, Clone)]
pub struct Spent {
    file: PathBuf,
}

impl Spent {
    /// Names the record; looks at nothing.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Returns what is known of a token; `None` for one that was never sent.
    pub fn fate(&self, token: &Secret) -> Result<Option<Fate>> {
        let hash = token.fingerprint();
        Ok(self.read()?.into_iter().find(|(known, _)| *known == hash).map(|(_, fate)| fate))
    }

    /// Notes what is known of a token. It is on the disk when this returns.
    pub fn note(&self, token: &Secret, fate: Fate) -> Result<()> {
        self.replace(token, Some(fate))
    }

    /// Forgets a token that is as good as one never sent.
    pub fn forget(&self, token: &Secret) -> Result<()> {
        self.replace(token, None)
    }

    fn replace(&self, token: &Secret, fate: Option<Fate>) -> Result<()> {
        let hash = token.fingerprint();
        let mut all = self.read()?;
        all.retain(|(known, _)| *known != hash);
        all.extend(fate.map(|fate| (hash, fate)));
        let text = all.iter().skip(all.len().saturating_sub(REMEMBERED)).fold(String::new(), |mut text, (hash, fate)| {
            let name = Fate::NAMES.iter().find(|(known, _)| known == fate).map_or("", |(_, name)| name);
            let _ = writeln!(text, "{hash} {name}");
            text
        });
        io::write_for_good(&self.file, text.as_bytes())
    }

    /// Reads the record, oldest first. A line that is none is as if absent, but a record that cannot be read may hold any token.
    fn read(&self) -> Result<Vec<(String, Fate)>> {
        let text = io::read_if_any(&self.file, LIMIT)?.unwrap_or_default();
        let entry = |line: &str| {
            let (hash, name) = line.split_once(' ')?;
            Some((hash.to_owned(), Fate::NAMES.iter().find(|(_, known)| *known == name)?.0))
        };
        Ok(String::from_utf8_lossy(&text).lines().filter_map(entry).collect())
    }
}
