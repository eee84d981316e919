//! The merge base of a pair of JSON files: a hash of each member, so that it holds no secret.
//!
//! A record's group is the path of an object, its member a key in it; of a list of scalars each item is a member. How a pass is made safe:
//!
//! 1. Before it writes a file, it notes the versions that it is about to make the agreed ones ([`Memory::intend`]).
//! 2. It writes the hub's file, then the profile's, and notes each when it is done ([`Memory::has_written`]).
//! 3. It notes that they are agreed on ([`Memory::agree`]).
//!
//! A pass that was killed between 1 and 3 leaves its intentions. Where the side that had to be written was, both sides had what was intended, and whoever
//! differs has changed it since. A side that was written and not noted has left the agreed version.
//!
//! Settings may be written, without the lock, by a program that had read them before clauth wrote them: what clauth gave it would look removed or changed back. So
//! for a while it counts as not seen yet, where a side has the version again that it had before ([`Memory::doubting_echoes`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use super::fingerprint::Fingerprints;
use super::merge::{Agreed, ROOT};
use super::sources::{Source, Sources};
use super::steps::{Recorded, Step, steps};
use crate::claude_code::LIMIT;
use crate::io;
use crate::io::json::Object;
use crate::sharing::base::{Base, Key};
use crate::sharing::decide::Side;

/// Tells intentions from what is agreed on.
const INTENDED: u64 = 0x696e_7465_6e74;

/// Tells what was given a moment ago from what is agreed on.
const GIVEN: u64 = 0x0067_6976_656e;

/// How long a program may take from its reading of a file to its writing, in milliseconds.
const WHILE: u32 = 2000;

/// The group of what is known of the two files as a whole.
const TEXTS: u64 = 0x7465_7874;

/// The member of that group that says which files were written.
const WRITTEN: u64 = 2;

/// Knows what the two files last agreed on.
pub struct Memory {
    base: Base<8>,
    /// How values are compared, and told in the base.
    pub fingerprints: Fingerprints,
    /// What a pass that was killed was about to make the agreed versions, as [`intention`] writes it.
    intended: BTreeMap<Key, u64>,
    /// Whether a side that is changed back at once may not have seen what it was given.
    doubts_echoes: bool,
    /// The files that it had written.
    written: u64,
    /// Intentions that turned out to be agreed on.
    met: RefCell<BTreeMap<Key, u64>>,
}

impl Memory {
    /// Opens the base of this owner. One in the format of clauth 0.6, the agreed text itself, is taken over.
    pub fn open(file: &Path, owner: &str, earlier: &Path) -> Result<Self> {
        let base = Base::<8>::open(file, owner);
        let fingerprints = Fingerprints::new(base.hash(b"json"));
        let mut memory = Self { base, fingerprints, intended: BTreeMap::new(), doubts_echoes: false, written: 0, met: RefCell::default() };
        memory.take_over(earlier)?;
        let mut groups = vec![ROOT];
        while let Some(group) = groups.pop() {
            for member in memory.base.members(group ^ INTENDED) {
                let intended = memory.record(Key { group: group ^ INTENDED, member }).unwrap_or_default();
                memory.intended.insert(Key { group, member }, intended);
                groups.push(fingerprints.group(group, member));
            }
        }
        memory.written = memory.record(Key { group: TEXTS, member: WRITTEN }).unwrap_or_default();
        Ok(memory)
    }

    /// The same for files that are also written without a lock.
    pub fn doubting_echoes(self) -> Self {
        Self { doubts_echoes: true, ..self }
    }

    /// Takes an earlier version's base over. With an intention beside it, it is doubtful, and doubt makes a union.
    fn take_over(&mut self, earlier: &Path) -> Result<()> {
        let intention = earlier.with_extension("next");
        if fs::symlink_metadata(earlier).is_err() {
            return Ok(());
        }
        if self.base.is_empty() && fs::symlink_metadata(&intention).is_err() {
            let text = io::read_regular(earlier, LIMIT).ok().flatten().unwrap_or_default();
            let steps = Object::document(&text)
                .map(|agreed| steps(&agreed, self.fingerprints, |_| false, self, &Sources::default(), false))
                .unwrap_or_default();
            self.base.set_all(steps.iter().map(as_change).collect());
            self.base.record()?;
        }
        // The earlier format holds secrets.
        io::remove(earlier)?;
        io::remove(&intention)
    }

    fn record(&self, key: Key) -> Option<u64> {
        self.base.get(key).map(u64::from_le_bytes)
    }

    fn note(&mut self, key: Key, version: Option<u64>) {
        self.base.set(key, version.map(u64::to_le_bytes));
    }

    /// Takes the intentions off the record, as changes of the base.
    fn ended(&mut self) -> Vec<(Key, Option<[u8; 8]>)> {
        let keys = std::mem::take(&mut self.intended).into_keys();
        keys.map(|key| (Key { group: key.group ^ INTENDED, ..key }, None)).collect()
    }

    /// Whether these two texts, by their hashes, are agreed on: then there is nothing to do.
    pub fn knows(&self, [own, hub]: [u64; 2]) -> bool {
        let text = |member| self.record(Key { group: TEXTS, member });
        self.intended.is_empty() && text(0) == Some(own) && text(1) == Some(hub)
    }

    /// Returns what changes when a text becomes the agreed one; `hashes` are those of the two texts that were merged.
    pub fn steps_to(&mut self, agreed: &Object<'_>, is_private: fn(&[u8]) -> bool, sources: &Sources, hashes: [u64; 2]) -> Vec<Step> {
        for (key, version) in std::mem::take(self.met.get_mut()) {
            self.note(key, (version != Fingerprints::ABSENT).then_some(version));
        }
        // Where one text is as agreed, what is equal in both is as recorded.
        let is_as_agreed = |member: u64| self.record(Key { group: TEXTS, member }) == usize::try_from(member).ok().map(|side| hashes[side]);
        let is_known = self.intended.is_empty() && (is_as_agreed(0) || is_as_agreed(1));
        steps(agreed, self.fingerprints, is_private, self, sources, is_known)
    }

    /// Notes what is about to be written.
    pub fn intend(&mut self, steps: &[Step]) -> Result<()> {
        if self.base.is_empty() {
            return Ok(()); // what is killed now makes a union again
        }
        let mut changes = self.ended();
        self.note_written(0);
        let mut intended = Vec::new();
        for step in steps {
            let (key, version, source) = *step;
            if source == Source::Both {
                changes.push(as_change(step)); // whatever happens now, it is agreed on
                continue;
            }
            if self.doubts_echoes && source != Source::Apart {
                let given = given(self.record(key), source);
                changes.push((Key { group: key.group ^ GIVEN, ..key }, Some(given.to_le_bytes())));
            }
            let intention = intention(version, source);
            intended.push((key, intention));
            changes.push((Key { group: key.group ^ INTENDED, ..key }, Some(intention.to_le_bytes())));
        }
        self.intended = intended.into_iter().collect();
        self.base.set_all(changes);
        self.base.record()
    }

    /// Notes that a file was written.
    pub fn has_written(&mut self, side: Side) -> Result<()> {
        let side = if side == Side::Own { OWN } else { HUB };
        if self.base.is_empty() {
            return Ok(());
        }
        self.note_written(self.written | side);
        self.base.record()
    }

    /// Takes back what was intended for a side that another program wrote first: it has not got that, and what it says now is a change of its own.
    pub fn withdraw(&mut self, side: Side) -> Result<()> {
        let source = if side == Side::Own { HUB } else { OWN };
        let intended = std::mem::take(&mut self.intended).into_iter();
        let (withdrawn, left): (BTreeMap<_, _>, _) = intended.partition(|(_, intended)| *intended & SOURCE == source);
        self.intended = left;
        self.base.set_all(withdrawn.into_keys().map(|key| (Key { group: key.group ^ INTENDED, ..key }, None)).collect());
        self.base.record()
    }

    fn note_written(&mut self, written: u64) {
        self.written = written;
        self.note(Key { group: TEXTS, member: WRITTEN }, (written > 0).then_some(written));
    }

    /// Notes what was written: the steps are done, and the two texts are agreed on.
    pub fn agree(&mut self, steps: &[Step], [own, hub]: [u64; 2]) -> Result<()> {
        let mut changes = self.ended();
        self.note_written(0);
        let texts = [(0, own), (1, hub)].map(|(member, hash): (u64, u64)| (Key { group: TEXTS, member }, Some(hash.to_le_bytes())));
        changes.extend(texts);
        changes.extend(steps.iter().map(as_change));
        self.base.set_all(changes);
        self.base.record()
    }

    /// Has everything outlive the machine's next start.
    pub fn save(&mut self) -> Result<()> {
        if self.base.is_empty() { Ok(()) } else { self.base.save_synced() }
    }

    /// Forgets everything: the next pass makes a union.
    pub fn forget(&mut self) -> Result<()> {
        self.intended.clear();
        self.base.forget()
    }
}

impl Memory {
    /// Returns the side that has the version again that it had before it was given another one, a moment ago: then that is what the two have in common.
    fn echo(&self, key: Key, agreed: Option<u64>, own: Option<u64>, hub: Option<u64>) -> Option<Side> {
        let was_given = self.record(Key { group: key.group ^ GIVEN, ..key }).filter(|_| self.doubts_echoes)?;
        let is_from_own = was_given & SOURCE == OWN;
        let (theirs, others, source, side) = if is_from_own { (hub, own, Source::Own, Side::Hub) } else { (own, hub, Source::Hub, Side::Own) };
        let is_echo = theirs != agreed && others == agreed && given(theirs, source) << 32 == was_given << 32;
        let age = now().wrapping_sub(u32::try_from(was_given >> 32).unwrap_or_default());
        (is_echo && age < WHILE).then_some(side)
    }
}

impl Agreed for Memory {
    fn version(&self, key: Key, own: Option<u64>, hub: Option<u64>) -> Option<u64> {
        let agreed = self.record(key);
        match self.echo(key, agreed, own, hub) {
            Some(Side::Own) => return own,
            Some(Side::Hub) => return hub,
            None => {}
        }
        let Some(intended) = self.intended.get(&key) else { return agreed };
        let is_intended = |version: Option<u64>| intention(version, Source::Apart) == *intended & !SOURCE;
        // A file without a lock may be as it was before, though it was written.
        let was_written = |side: u64| !self.doubts_echoes && self.written & side > 0;
        let is_met = match *intended & SOURCE {
            OWN => was_written(HUB) || hub != agreed,
            HUB => was_written(OWN) || own != agreed,
            _ => was_written(OWN) || (is_intended(own) && hub != agreed) || (is_intended(hub) && own != agreed),
        };
        if !is_met {
            return agreed;
        }
        // A version that neither side has any more is equal to none.
        let version = [own, hub].into_iter().find(|version| is_intended(*version)).unwrap_or(Some(*intended));
        self.met.borrow_mut().insert(key, version.unwrap_or(Fingerprints::ABSENT));
        version
    }
}

/// The bits of an intention that say which side had it already.
const SOURCE: u64 = 3;
const OWN: u64 = 1;
const HUB: u64 = 2;

/// Returns what a step changes in the base.
fn as_change((key, version, _): &Step) -> (Key, Option<[u8; 8]>) {
    (*key, version.map(u64::to_le_bytes))
}

/// Returns how a version that is about to be agreed on is put on record.
fn intention(version: Option<u64>, source: Source) -> u64 {
    let source = match source {
        Source::Own => OWN,
        Source::Hub => HUB,
        Source::Apart | Source::Both => 0,
    };
    version.unwrap_or(Fingerprints::ABSENT) & !SOURCE | source
}

/// Returns what a side had before it was given another version, by whom, and the time, for the record.
fn given(before: Option<u64>, source: Source) -> u64 {
    u64::from(now()) << 32 | (intention(before, source) << 32) >> 32
}

/// Returns the time in milliseconds, of which only differences count.
fn now() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u32::try_from(now & u128::from(u32::MAX)).unwrap_or_default()
}

impl Recorded for Memory {
    fn recorded(&self, key: Key) -> Option<u64> {
        self.record(key)
    }

    fn members(&self, group: u64) -> Vec<u64> {
        self.base.members(group)
    }
}
