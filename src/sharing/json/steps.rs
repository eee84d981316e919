//! What changes on record when a text becomes the agreed one.

use std::collections::BTreeMap;

use super::fingerprint::{Fingerprints, is_set};
use super::merge::{Agreed, ITEM, LEVELS, ROOT, Table};
use super::sources::{Source, Sources};
use crate::io::json::{Object, Span, elements};
use crate::sharing::base::Key;

/// A member, its version from now on, and who has that version already.
pub type Step = (Key, Option<u64>, Source);

/// What is on record, to be compared with a text.
pub trait Recorded {
    /// Returns the version of a member.
    fn recorded(&self, key: Key) -> Option<u64>;
    /// Returns the members of a group.
    fn members(&self, group: u64) -> Vec<u64>;
}

/// A base that lives as long as a merge.
impl Recorded for BTreeMap<Key, u64> {
    fn recorded(&self, key: Key) -> Option<u64> {
        self.get(&key).copied()
    }

    fn members(&self, group: u64) -> Vec<u64> {
        self.range(Key { group, member: 0 }..=Key { group, member: u64::MAX }).map(|(key, _)| key.member).collect()
    }
}

impl Agreed for BTreeMap<Key, u64> {
    fn version(&self, key: Key, _: Option<u64>, _: Option<u64>) -> Option<u64> {
        self.recorded(key)
    }
}

/// Returns what changes on record when a text becomes the agreed one. What is as recorded is not looked into; nor is what both sides had, if that is
/// known to be on record as it is.
pub fn steps(
    agreed: &Object<'_>,
    fingerprints: Fingerprints,
    is_private: fn(&[u8]) -> bool,
    recorded: &dyn Recorded,
    sources: &Sources,
    is_known: bool,
) -> Vec<Step> {
    let mut walk = Walk { fingerprints, recorded, sources, is_known, steps: Vec::new() };
    let table = Table::new(agreed, fingerprints, is_private);
    walk.object(ROOT, agreed, &table, 1, Source::Apart);
    walk.steps
}

struct Walk<'a> {
    fingerprints: Fingerprints,
    recorded: &'a dyn Recorded,
    sources: &'a Sources,
    /// Whether what both sides had is on record as it is.
    is_known: bool,
    steps: Vec<Step>,
}

impl Walk<'_> {
    fn object(&mut self, group: u64, object: &Object<'_>, table: &Table, level: usize, source: Source) {
        let mut present = Vec::new();
        for (place, member) in table.counting() {
            let (key, value) = (Key { group, member }, object.members[place].value);
            if self.is_known && self.source(key, source) == Source::Both {
                continue;
            }
            let version = self.fingerprints.value(object.text, value);
            present.push(member);
            if self.recorded.recorded(key) != Some(version) {
                let source = self.source(key, source);
                self.steps.push((key, Some(version), source));
                self.inside(self.fingerprints.group(group, member), object.text, value, level, source);
            }
        }
        if !self.is_known {
            present.sort_unstable();
            return self.clear(group, &present, source);
        }
        // A side is as agreed: whatever is gone, the other side removed.
        let sources = self.sources;
        for (key, source) in sources.of_group(group).iter().filter(|(key, _)| table.place(key.member).is_none()) {
            if self.recorded.recorded(*key).is_some() {
                self.steps.push((*key, None, *source));
                self.clear(self.fingerprints.group(group, key.member), &[], *source);
            }
        }
    }

    /// Returns who has a member's new version; who has all of an object has each member.
    fn source(&self, key: Key, around: Source) -> Source {
        if around != Source::Apart {
            return around;
        }
        self.sources.get(key).unwrap_or(Source::Both)
    }

    fn inside(&mut self, group: u64, text: &[u8], value: Span, level: usize, source: Source) {
        let object = if level < LEVELS { Object::at(text, value) } else { None };
        if let Some(object) = object {
            let table = Table::new(&object, self.fingerprints, |_| false);
            return self.object(group, &object, &table, level + 1, source);
        }
        let items = if is_set(text, value) { elements(text, value).unwrap_or_default() } else { Vec::new() };
        // In the order in which the record and the sources have them, so that each is found near the one before.
        let mut items: Vec<_> = items.into_iter().map(|item| self.fingerprints.value(text, item)).collect();
        items.sort_unstable();
        items.dedup();
        for &member in &items {
            let key = Key { group, member };
            if self.recorded.recorded(key) != Some(ITEM) {
                self.steps.push((key, Some(ITEM), self.source(key, source)));
            }
        }
        self.clear(group, &items, source);
    }

    /// Takes the members off the record that are not there any more, and all that is in them; those that are there are given sorted.
    fn clear(&mut self, group: u64, present: &[u64], source: Source) {
        let mut groups = vec![(group, Some(present), source)];
        while let Some((group, present, source)) = groups.pop() {
            for member in self.recorded.members(group) {
                if present.is_none_or(|present| present.binary_search(&member).is_err()) {
                    let source = self.source(Key { group, member }, source);
                    self.steps.push((Key { group, member }, None, source));
                    groups.push((self.fingerprints.group(group, member), None, source));
                }
            }
        }
    }
}
