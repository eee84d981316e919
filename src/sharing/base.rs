//! The merge base: what two sides last agreed on, kept between sessions.
//!
//! A map from a key (the hash of a group and of a name in it) to a record of `N` bytes. It holds hashes and sizes, so no secret and no name. On disk:
//!
//! | file | what |
//! |---|---|
//! | `FILE` | one header line, then the records, sorted by key. Rewritten only when the journal has outgrown it |
//! | `FILE.journal` | one header line, then what changed since, appended |
//!
//! 1. A base belongs to what it describes. `owner` says what that is; with any other owner the base is empty.
//! 2. An empty base is always safe: it makes a union. So whatever is doubtful (a torn file, another generation, a journal of another boot, which may
//!    tell of files that never reached the disk) makes it empty.
//!    So does a file of another boot that was not written after what it describes was synced.
//! 3. It is written last. `set` only notes; `record` writes what was noted, after it was done.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xxhash_rust::xxh3;

use self::sorted::Sorted;
use super::names::TOKEN;
use crate::io::{self, with_ending};
use crate::sys;

mod sorted;

/// Names one record: a group, such as a directory, and a member of it. Both are hashes; see [`Base::hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The hash of the group.
    pub group: u64,
    /// The hash of the name in the group.
    pub member: u64,
}

/// Stands for any boot: what the base describes is on the disk.
const SYNCED: &str = "synced";

/// So many changes in memory are folded into the sorted records, which are smaller; of many records, a share.
const MANY: usize = 1024;
const SHARE: usize = 16;

/// The most that is read, in bytes.
const LIMIT: usize = 1024 * 1024 * 1024;

/// A journal below this size, in bytes, is never folded into the sorted file.
const SMALL_JOURNAL: u64 = 64 * 1024;

/// The bytes of a key.
const KEY: usize = 16;

/// Holds what was agreed on.
#[derive(Debug)]
pub struct Base<const N: usize> {
    file: PathBuf,
    header: Header,
    /// Whether the file holds everything, and was written after what it describes was synced.
    is_synced: bool,
    /// The sorted records, those of the file as a rule.
    sorted: Sorted<N>,
    /// What changed since; `None` for a record that is gone.
    changes: BTreeMap<Key, Option<[u8; N]>>,
    /// What was noted and not yet written.
    noted: Vec<(Key, Option<[u8; N]>)>,
    /// Whether the journal cannot take what is to be written next, so that the sorted file has to be written.
    needs_save: bool,
    journal_length: u64,
}

/// Names two directories as the owner of a base: by path and inode number, and a profile's by the token in it, since a number can be used again. Not by the
/// time of birth, which some file systems lack, and others change.
pub fn between(own: &Path, hub: &Path) -> String {
    let place = |path: &Path| format!("{} {}", path.display(), sys::look_at(path).map_or(0, |(_, (_, inode, _))| inode));
    let token = std::fs::read_to_string(own.join(TOKEN)).unwrap_or_default();
    format!("{} {} {}", place(own), token.trim(), place(hub)).replace('\n', " ")
}

/// The first line of both files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    owner: String,
    /// The boot that wrote it, or [`SYNCED`].
    boot: String,
    /// The key of all hashes, so that they tell nothing to somebody who has only the base.
    seed: u64,
    /// Counts the rewrites, so that a journal is never read beside another file than its own.
    generation: u64,
}

impl<const N: usize> Base<N> {
    /// The bytes of a record in the journal: whether there is one, the record, a checksum.
    const ENTRY: usize = 1 + KEY + N + 4;

    /// Opens the base of `owner`, one line of text. It is empty if there is none, or any doubt about it.
    pub fn open(file: &Path, owner: &str) -> Self {
        Self::load(file, owner).unwrap_or_else(|| Self::empty(file, owner))
    }

    fn empty(file: &Path, owner: &str) -> Self {
        let header = Header { owner: owner.into(), boot: sys::boot_and_namespace(), seed: RandomState::new().build_hasher().finish(), generation: 0 };
        Self {
            file: file.into(),
            header,
            is_synced: false,
            sorted: Sorted::new(file.into(), &[], Vec::new()),
            changes: BTreeMap::new(),
            noted: Vec::new(),
            needs_save: false,
            journal_length: u64::MAX,
        }
    }

    fn load(file: &Path, owner: &str) -> Option<Self> {
        let mut text = io::read_regular(file, LIMIT).ok()??;
        let (line, records) = split_line(&text)?;
        let header = Header::parse(line).filter(|header| header.owner == owner && header.is_trusted())?;
        let count = usize::try_from(u64::from_le_bytes(*records.first_chunk()?)).ok()?;
        let head: Vec<u8> = text.drain(..line.len() + 1 + 8).collect();
        if text.len() != count.checked_mul(Sorted::<N>::RECORD)? {
            return None;
        }
        let is_synced = header.boot == SYNCED;
        let header = Header { boot: sys::boot_and_namespace(), ..header };
        let sorted = Sorted::new(file.into(), &head, text);
        let mut base = Self { header, is_synced, sorted, ..Self::empty(file, owner) };
        let journal = io::read_regular(&base.journal_file(), LIMIT).ok()??;
        let (line, entries) = split_line(&journal)?;
        let (generation, boot) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        match generation.parse::<u64>().ok()?.cmp(&base.header.generation) {
            Ordering::Less => return Some(base), // folded in already; what is recorded next begins a journal
            Ordering::Greater => return None,
            Ordering::Equal if boot != sys::boot_and_namespace() && !entries.is_empty() => return None,
            Ordering::Equal => base.journal_length = 0,
        }
        for entry in entries.chunks_exact(Self::ENTRY) {
            let Some((key, record)) = Self::parse_entry(entry) else { break };
            base.changes.insert(key, record);
            base.journal_length += Self::ENTRY as u64;
        }
        if base.journal_length != entries.len() as u64 {
            base.journal_length = u64::MAX; // torn by a kill: what is appended behind it could not be read
        }
        Some(base)
    }

    /// Hashes bytes for a [`Key`] or for a record.
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        xxh3::xxh3_64_with_seed(bytes, self.header.seed)
    }

    /// Returns what the base belongs to.
    pub fn owner(&self) -> &str {
        &self.header.owner
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.sorted.len() == 0 && self.changes.is_empty()
    }

    /// Returns a record.
    pub fn get(&self, key: Key) -> Option<[u8; N]> {
        match self.changes.get(&key) {
            Some(changed) => *changed,
            None => self.sorted.get(self.sorted.place(key)).filter(|(found, _)| *found == key).map(|(_, record)| record),
        }
    }

    /// Notes a record, or that there is none; [`Base::record`] writes it.
    pub fn set(&mut self, key: Key, record: Option<[u8; N]>) {
        if self.get(key) != record {
            self.changes.insert(key, record);
            self.noted.push((key, record));
            self.is_synced = false;
            if self.is_many(self.changes.len()) {
                self.merge();
            }
        }
    }

    /// Notes records, or that there are none, as [`Base::set`] does; of two for one key the later one counts.
    ///
    /// Many go into the sorted records at once, in linear time: a tree of a hundred thousand changes is slow, and its journal longer than the file.
    pub fn set_all(&mut self, records: Vec<(Key, Option<[u8; N]>)>) {
        if records.len() <= MANY {
            return records.into_iter().for_each(|(key, record)| self.set(key, record));
        }
        self.changes.extend(records);
        self.merge();
        self.noted.clear(); // it is among the sorted records now
        self.needs_save = true;
        self.is_synced = false;
    }

    /// Merges the changes into the sorted records in memory.
    fn merge(&mut self) {
        self.sorted = Sorted::new(self.file.clone(), &[], self.merged());
        self.changes.clear();
    }

    fn is_many(&self, changes: usize) -> bool {
        changes > MANY.max(self.sorted.len() / SHARE)
    }

    /// Returns the members of a group that have a record.
    pub fn members(&self, group: u64) -> Vec<u64> {
        let first = Key { group, member: 0 };
        let sorted = (self.sorted.place(first)..).map_while(|place| self.sorted.get(place)).map(|(key, _)| key);
        let members: Vec<u64> = sorted.take_while(|key| key.group == group).map(|key| key.member).collect();
        let mut changes = self.changes.range(first..=Key { group, member: u64::MAX }).peekable();
        if changes.peek().is_none() {
            return members;
        }
        let mut members = BTreeSet::from_iter(members);
        for (key, record) in changes {
            if record.is_some() {
                members.insert(key.member)
            } else {
                members.remove(&key.member)
            };
        }
        members.into_iter().collect()
    }

    /// Writes what was noted since, a few bytes for each record.
    pub fn record(&mut self) -> Result<()> {
        if self.noted.is_empty() && !self.needs_save {
            return Ok(());
        }
        let is_long = self.journal_length > SMALL_JOURNAL.max((self.sorted.len() * Sorted::<N>::RECORD) as u64);
        if self.needs_save || !self.file.exists() || is_long || self.is_many(self.noted.len()) {
            return self.save();
        }
        let text: Vec<u8> = std::mem::take(&mut self.noted).into_iter().flat_map(|(key, record)| Self::entry(key, record)).collect();
        let journal = self.journal_file();
        let appended = File::options().append(true).open(&journal).and_then(|mut file| file.write_all(&text));
        self.needs_save = appended.is_err(); // what is appended behind a part of an entry could not be read
        self.journal_length = self.journal_length.saturating_add(text.len() as u64);
        appended.with_context(|| format!("could not write {}", journal.display()))
    }

    /// Gives back memory before a pause: what is needed is read again.
    pub fn rest(&mut self) -> Result<()> {
        if self.needs_save || !self.sorted.is_saved() || self.is_many(self.changes.len()) {
            self.save()?;
        }
        self.sorted.rest();
        Ok(())
    }

    /// Writes everything into the sorted file, for the time after the next boot too. To be called when a session ends, after what the base describes was
    /// synced to the disk.
    pub fn save_synced(&mut self) -> Result<()> {
        if self.is_synced {
            return Ok(());
        }
        self.header.boot = SYNCED.into();
        let saved = self.save();
        self.header.boot = sys::boot_and_namespace();
        self.is_synced = saved.is_ok();
        saved
    }

    /// Writes everything into the sorted file, durably, and begins a new journal.
    fn save(&mut self) -> Result<()> {
        let records = self.merged();
        self.changes.clear();
        self.replace(records)
    }

    /// Returns the sorted records with all changes.
    fn merged(&self) -> Vec<u8> {
        let mut records = Vec::with_capacity((self.sorted.len() + self.changes.len()) * Sorted::<N>::RECORD);
        let mut push = |key: Key, record: &[u8]| {
            records.extend(key.group.to_be_bytes());
            records.extend(key.member.to_be_bytes());
            records.extend_from_slice(record);
        };
        let mut changes = self.changes.iter().peekable();
        for (old, record) in self.sorted.all().chunks_exact(Sorted::<N>::RECORD).filter_map(Sorted::<N>::parse) {
            while let Some((key, changed)) = changes.next_if(|(key, _)| **key < old) {
                if let Some(record) = changed {
                    push(*key, record);
                }
            }
            match changes.next_if(|(key, _)| **key == old) {
                Some((_, Some(changed))) => push(old, changed),
                Some((_, None)) => {}
                None => push(old, &record),
            }
        }
        for (key, changed) in changes {
            if let Some(record) = changed {
                push(*key, record);
            }
        }
        records
    }

    /// Forgets everything, on the disk first. To be called before what the base describes is taken apart.
    pub fn forget(&mut self) -> Result<()> {
        self.changes.clear();
        self.replace(Vec::new())
    }

    fn replace(&mut self, records: Vec<u8>) -> Result<()> {
        self.header.generation += 1;
        self.noted.clear();
        self.needs_save = true; // until it is done
        let mut head = (self.header.text() + "\n").into_bytes();
        head.extend(((records.len() / Sorted::<N>::RECORD) as u64).to_le_bytes());
        let text = [&head[..], &records].concat();
        // In no file until it is written: a write that fails must leave them in memory.
        self.sorted = Sorted::new(self.file.clone(), &[], records);
        io::create_parent(&self.file)?;
        io::write_durably(&self.file, &text)?;
        self.sorted.saved_behind(&head);
        self.begin_journal()?;
        self.needs_save = false;
        Ok(())
    }

    /// Begins an empty journal of this generation.
    fn begin_journal(&mut self) -> Result<()> {
        let file = with_ending(&self.file, ".journal");
        let header = format!("{} {}\n", self.header.generation, sys::boot_and_namespace());
        io::write(&file, header.as_bytes())?;
        self.journal_length = 0;
        Ok(())
    }

    fn journal_file(&self) -> PathBuf {
        with_ending(&self.file, ".journal")
    }

    fn entry(key: Key, record: Option<[u8; N]>) -> Vec<u8> {
        let mut entry = Vec::with_capacity(Self::ENTRY);
        entry.push(u8::from(record.is_some()));
        entry.extend(key.group.to_be_bytes());
        entry.extend(key.member.to_be_bytes());
        entry.extend(record.unwrap_or([0; N]));
        entry.extend(checksum(&entry));
        entry
    }

    fn parse_entry(entry: &[u8]) -> Option<(Key, Option<[u8; N]>)> {
        let (body, check) = entry.split_last_chunk::<4>()?;
        let (is_there, record) = body.split_first()?;
        let (key, record) = Sorted::<N>::parse(record).filter(|_| *check == checksum(body))?;
        Some((key, (*is_there == 1).then_some(record)))
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [first, second, third, fourth, ..] = xxh3::xxh3_64(bytes).to_le_bytes();
    [first, second, third, fourth]
}

/// Splits a text after its first line.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', text)?;
    Some((&text[..end], &text[end + 1..]))
}

impl Header {
    fn text(&self) -> String {
        format!("clauth-base-1 {} {:x} {} {}", self.generation, self.seed, self.boot, self.owner)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.strip_prefix("clauth-base-1 ")?.splitn(4, ' ');
        let (generation, seed) = (words.next()?.parse().ok()?, u64::from_str_radix(words.next()?, 16).ok()?);
        let boot = words.next()?.into();
        Some(Self { owner: words.next()?.into(), boot, seed, generation })
    }

    fn is_trusted(&self) -> bool {
        self.boot == SYNCED || self.boot == sys::boot_and_namespace()
    }
}

#[cfg(test)]
mod tests;
