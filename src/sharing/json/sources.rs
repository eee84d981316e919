//! Which side had what becomes of a member, for the merge base.

use crate::sharing::base::Key;
use crate::sharing::decide::Side;

/// Who has the new version of a member already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The profile.
    Own,
    /// The hub.
    Hub,
    /// Both sides.
    Both,
    /// Each member of it is another matter.
    Apart,
}

impl From<Side> for Source {
    fn from(side: Side) -> Self {
        if side == Side::Own { Self::Own } else { Self::Hub }
    }
}

/// The sources of members, sorted by key. Of a member that is not named, both sides have the new version.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<(Key, Source)>);

impl Sources {
    /// Notes the source of a member; [`Sources::sort`] must follow before any is looked up.
    pub fn insert(&mut self, key: Key, source: Source) {
        self.0.push((key, source));
    }

    /// Sorts what was noted. An item that a list has twice is noted twice, with the same source.
    pub fn sort(&mut self) {
        self.0.sort_unstable_by_key(|(key, _)| *key);
        self.0.dedup_by_key(|(key, _)| *key);
    }

    /// Returns the source of a member, if it is named.
    pub fn get(&self, key: Key) -> Option<Source> {
        let place = self.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(self.0[place].1)
    }

    /// Returns the members of a group that are named.
    pub fn of_group(&self, group: u64) -> &[(Key, Source)] {
        let first = self.0.partition_point(|(key, _)| key.group < group);
        let rest = &self.0[first..];
        &rest[..rest.partition_point(|(key, _)| key.group == group)]
    }
}
