//! `usage/ACCOUNT.json`: what was told of an account's limits, and when the service may be asked again.
//!
//! Two locks: `ACCOUNT.lock` for the moments of a write, so that a status line never waits for the service; `ACCOUNT.asking` for as long as somebody
//! asks, so that whoever comes meanwhile waits for that answer and asks no second time. Order: asking → lock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Reading, SKEW};
use crate::io::{self, FileLock};
use crate::layout::{Layout, Writable};

/// How long figures are good enough, and how long nobody asks again.
pub const INTERVAL: SignedDuration = SignedDuration::from_mins(3);

/// The longest that the service can make clauth wait: a clock may have been wrong, and a service too.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// The most that is read of a file, in bytes.
const LIMIT: usize = 1024 * 1024;

/// Names an account in an organisation: it has limits in each that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    uuid: String,
    organization: String,
}

impl Account {
    /// Checks the name of an account, which becomes that of a file.
    pub fn new(uuid: &str, organization: Option<&str>) -> Option<Self> {
        let is_safe = uuid.len() <= 64 && uuid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_safe = is_safe && uuid.starts_with(|first: char| first.is_ascii_alphanumeric());
        is_safe.then(|| Self { uuid: uuid.into(), organization: organization.unwrap_or_default().into() })
    }
}

/// Holds what is known of an account in one organisation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// When the service was last asked, answer or none.
    pub asked_at: Option<Timestamp>,
    /// What was told, once by each source.
    pub readings: Vec<Reading>,
}

/// Holds what is known of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The service wants no question before.
    pub not_before: Option<Timestamp>,
    organizations: BTreeMap<String, Known>,
}

/// Says whether the service may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Ask,
    /// What is known is new enough.
    Fresh,
    /// It was asked a moment ago and gave no answer; again from then on.
    Asked(Timestamp),
    /// It wants no question before.
    Denied(Timestamp),
}

impl Known {
    /// Puts a reading in the place of what its source told before.
    pub fn learn(&mut self, reading: Reading) {
        self.readings.retain(|known| known.source != reading.source);
        self.readings.push(reading);
    }
}

/// Decides whether the service may be asked; `readings` are all that there are, those of the client's own files too.
pub fn turn(kept: &Kept, known: &Known, readings: &[Reading], now: Timestamp) -> Turn {
    let is_ahead = |time: &Timestamp, most: SignedDuration| *time > now && now.duration_until(*time) <= most;
    let again = known.asked_at.and_then(|asked| asked.checked_add(INTERVAL).ok()).filter(|again| is_ahead(again, INTERVAL + SKEW));
    if super::is_fresh(readings, now) {
        Turn::Fresh
    } else if let Some(time) = kept.not_before.filter(|time| is_ahead(time, LONGEST_WAIT)) {
        Turn::Denied(time)
    } else {
        again.map_or(Turn::Ask, Turn::Asked)
    }
}

/// The file of one account.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
    account: Account,
}

impl Cache {
    /// Names the file; looks at nothing.
    pub fn of(layout: &Layout, account: Account) -> Self {
        Self { directory: layout.usage(), account }
    }

    /// Reads what is known. A file that cannot be read holds nothing that could not be asked again.
    pub fn read(&self) -> (Kept, Known) {
        let text = io::read_regular(&self.file("json"), LIMIT).ok().flatten();
        let kept: Kept = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let known = kept.organizations.get(&self.account.organization).cloned().unwrap_or_default();
        (kept, known)
    }

    /// Returns all that was told of the limits: what is known, and what the client's own files say.
    pub fn readings(&self, told: Option<&Reading>) -> Vec<Reading> {
        self.read().1.readings.into_iter().chain(told.cloned()).collect()
    }

    /// Changes what is known; false when another process holds the lock for longer than the patience, and nothing is changed.
    pub fn change(&self, _: Writable<'_>, patience: Duration, change: impl FnOnce(&mut Kept, &mut Known)) -> Result<bool> {
        io::create_dir(&self.directory)?;
        let Some(_lock) = FileLock::exclusive_within(&self.file("lock"), patience)? else { return Ok(false) };
        let (mut kept, mut known) = self.read();
        change(&mut kept, &mut known);
        kept.organizations.insert(self.account.organization.clone(), known);
        io::write(&self.file("json"), &io::json(&kept)?)?;
        Ok(true)
    }

    /// Waits for the turn to ask the service; `None` when it does not come in time.
    pub fn asking(&self, _: Writable<'_>, patience: Duration) -> Result<Option<FileLock>> {
        io::create_dir(&self.directory)?;
        FileLock::exclusive_within(&self.file("asking"), patience)
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.directory.join(format!("{}.{ending}", self.account.uuid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::usage::Source;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn told(minutes: i64) -> Reading {
        Reading { source: Source::Client, at: at(minutes), windows: Vec::new(), extra: None }
    }

    #[test]
    fn only_what_is_safe_as_a_file_names_an_account() {
        for safe in ["684ad39e-2315-5fe6-92d2-b747730e040e", "a", "A1", &"x".repeat(64)] {
            assert!(Account::new(safe, None).is_some(), "{safe}");
        }
        for unsafe_ in ["", "-x", ".", "..", "a/b", "a.b", "../x", "a\0", "é", "a b", &"x".repeat(65)] {
            assert!(Account::new(unsafe_, None).is_none(), "{unsafe_:?}");
        }
    }

    #[test]
    fn the_service_is_asked_in_turn() {
        for (asked_at, not_before, readings, expected) in [
            (None, None, vec![], Turn::Ask),
            (Some(-3), None, vec![], Turn::Ask),
            (Some(-2), None, vec![], Turn::Asked(at(1))),
            (Some(-2), None, vec![told(-2)], Turn::Fresh),
            (Some(-2), None, vec![told(-9)], Turn::Asked(at(1))),
            (None, None, vec![told(-9)], Turn::Ask),
            (None, None, vec![told(-9), told(-2)], Turn::Fresh),
            (None, Some(7), vec![], Turn::Denied(at(7))),
            (None, Some(7), vec![told(-2)], Turn::Fresh),
            (Some(-1), Some(0), vec![], Turn::Asked(at(2))),
            // Times that only a wrong clock can have written.
            (Some(9), None, vec![], Turn::Ask),
            (None, Some(25 * 60), vec![], Turn::Ask),
            (None, None, vec![told(9)], Turn::Ask),
        ] {
            let known = Known { asked_at: asked_at.map(at), readings: Vec::new() };
            let kept = Kept { not_before: not_before.map(at), ..Kept::default() };
            assert_eq!(turn(&kept, &known, &readings, at(0)), expected, "{asked_at:?} {not_before:?} {readings:?}");
        }
    }

    #[test]
    fn each_source_has_one_word() {
        let mut known = Known::default();
        for reading in [told(1), Reading { source: Source::Service, ..told(2) }, told(3)] {
            known.learn(reading);
        }
        assert_eq!(known.readings.iter().map(|reading| reading.at).collect::<Vec<_>>(), [at(2), at(3)]);
    }
}
