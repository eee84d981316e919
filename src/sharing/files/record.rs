//! What the base knows of one name.

use std::path::Path;

use super::log::Agreed;
use super::side::Stat;
use crate::sharing::base::{Base, Key};

/// The bytes of a record in the base.
pub const BYTES: usize = 32;

/// The base of the mirrored files: a directory is a group.
pub type Files = Base<BYTES>;

/// What both sides had when they last agreed on a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// A hash of what `lstat` told, for each side.
    pub stats: [u64; 2],
    /// What it was.
    pub kind: Kind,
}

/// What a name was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file that is carried whole, or a link, with the hash of its content.
    Whole(u64),
    /// A log.
    Log(Agreed),
}

const DIRECTORY: u64 = 1;
const WHOLE: u64 = 2;
/// Longer than any file, so that a log's length tells it from the others.
const LOG: u64 = 3;

impl Record {
    /// Returns the bytes that lie in the base.
    pub fn to_bytes(self) -> [u8; BYTES] {
        let (kind, value) = match self.kind {
            Kind::Directory => (DIRECTORY, 0),
            Kind::Whole(content) => (WHOLE, content),
            Kind::Log(Agreed { length, tails: [own, hub] }) => (LOG + length, (u64::from(own) << 32) | u64::from(hub)),
        };
        let mut bytes = [0; BYTES];
        for (place, number) in bytes.chunks_exact_mut(8).zip([self.stats[0], self.stats[1], kind, value]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Record::to_bytes`] made.
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        let mut numbers = bytes.chunks_exact(8).map(|number| number.try_into().map_or(0, u64::from_le_bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let (stats, kind, value) = ([next(), next()], next(), next());
        let kind = match kind {
            DIRECTORY => Kind::Directory,
            WHOLE => Kind::Whole(value),
            log => Kind::Log(Agreed { length: log.saturating_sub(LOG), tails: halves(value) }),
        };
        Self { stats, kind }
    }
}

fn halves(value: u64) -> [u32; 2] {
    [value >> 32, value & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or_default())
}

/// Returns the key of a relative path.
pub fn key(base: &Files, relative: &Path) -> Key {
    let directory = relative.parent().unwrap_or(Path::new(""));
    let member = relative.file_name().unwrap_or_default();
    Key { group: group(base, directory), member: base.hash(member.as_encoded_bytes()) }
}

/// Returns the group of a directory.
pub fn group(base: &Files, directory: &Path) -> u64 {
    base.hash(directory.as_os_str().as_encoded_bytes())
}

/// Returns a hash of what a look told. It holds the inode number: where that is not stable, each file counts as new at the next session's start, and
/// is compared by its content.
pub fn stat_hash(base: &Files, stat: Stat) -> u64 {
    let mut bytes = [0; 24];
    for (place, number) in bytes.chunks_exact_mut(8).zip([stat.identity.1, stat.length, stat.modified]) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    base.hash(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_what_it_was() {
        for kind in [
            Kind::Directory,
            Kind::Whole(7),
            Kind::Log(Agreed { length: 0, tails: [1, u32::MAX] }),
            Kind::Log(Agreed { length: 1 << 40, tails: [0, 2] }),
        ] {
            let record = Record { stats: [3, u64::MAX], kind };
            assert_eq!(Record::from_bytes(record.to_bytes()), record);
        }
    }
}
