//! What two JSON values have in common if they say the same: a hash of what they mean, and not of how they are laid out.
//!
//! White space, the order of an object's keys and the spelling of a string's characters do not count; the spelling of a number does. Bytes that are not
//! UTF-8 mean U+FFFD, as they do to the client.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::io::Read as _;
use std::path::Path;

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::claude_code::LIMIT;
use crate::io;
use crate::io::json::{Object, Scanner, Span, Visitor, unescaped};

/// Hashes values. The key makes hashes that tell nothing to somebody who has only them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints(u64);

impl Fingerprints {
    /// Makes hashes by this key.
    pub fn new(key: u64) -> Self {
        Self(key)
    }

    /// Makes hashes by a key that is used only now.
    pub fn fresh() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// Hashes the name of a member, by its raw key.
    pub fn key(self, raw: &[u8]) -> u64 {
        // The client reads bytes that are not UTF-8 as U+FFFD, and writes them back so: that is not a change of the user's.
        let text = String::from_utf8_lossy(raw);
        xxh3_64_with_seed(&unescaped(text.as_bytes()), self.0)
    }

    /// Hashes a value; never to [`Self::ABSENT`].
    pub fn value(self, text: &[u8], value: Span) -> u64 {
        let mut meaning = Meaning { fingerprints: self, open: Vec::new(), members: Vec::new(), value: Self::ABSENT };
        // What is hashed was scanned before, so that this cannot fail.
        let _ = Scanner::new(text, value.start()).value(&mut meaning);
        meaning.value.max(1)
    }

    /// Whether two whole texts mean the same.
    pub fn are_equal(self, one: &[u8], other: &[u8]) -> bool {
        let [one, other] = [one, other].map(|text| Object::document(text).map(|whole| self.value(text, whole.span)));
        matches!((one, other), (Ok(one), Ok(other)) if one == other)
    }

    /// Hashes a whole text, by its bytes.
    pub fn bytes(self, text: &[u8]) -> u64 {
        xxh3_64_with_seed(text, self.0)
    }

    /// Hashes what a regular file says, as [`Self::bytes`] does its text; `None` where that cannot be told. It is not read whole for that.
    pub fn file(self, path: &Path) -> Option<u64> {
        let mut file = io::open_regular(path, LIMIT).ok()??;
        let mut hasher = Xxh3::with_seed(self.0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(hasher.digest()),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    /// Returns the group of the members of an object, given the group that it is in and its own name there.
    pub fn group(self, group: u64, member: u64) -> u64 {
        self.join(group ^ GROUP, member)
    }

    /// Stands for "nothing".
    pub const ABSENT: u64 = 0;

    /// Mixes two hashes, in this order.
    fn join(self, one: u64, other: u64) -> u64 {
        let product = u128::from(one ^ self.0 ^ ODD.0) * u128::from(other ^ ODD.1);
        let [low, high] = [product, product >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or_default());
        low ^ high
    }
}

/// Hashes in a set or a map: they are spread already.
#[derive(Debug, Default, Clone, Copy)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash << 8 ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A set of hashes.
pub type HashesOf = HashSet<u64, BuildHasherDefault<AsIs>>;

/// A map from hashes to places.
pub type PlacesOf = HashMap<u64, u32, BuildHasherDefault<AsIs>>;

/// Numbers without a meaning, of about as many ones as zeros.
const ODD: (u64, u64) = (0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03);
const GROUP: u64 = 0x8cb9_2ba7_2f3d_8dd7;
const OBJECT: u64 = 0xaaaa_1e3c_95d3_1b57;
const LIST: u64 = 0x5f35_6495_c1a1_73b1;

/// Hashes a value while it is scanned.
struct Meaning {
    fingerprints: Fingerprints,
    open: Vec<Open>,
    /// The hashes of keys and values of all objects that are open.
    members: Vec<(u64, u64)>,
    value: u64,
}

/// A list or an object that is open.
struct Open {
    is_object: bool,
    /// The key whose value follows.
    key: u64,
    /// Where its members begin.
    first: usize,
    /// What its elements come to.
    elements: u64,
}

impl Meaning {
    fn is_complete(&mut self, value: u64) {
        match self.open.last_mut() {
            None => self.value = value,
            Some(open) if open.is_object => self.members.push((open.key, value)),
            Some(open) => open.elements = self.fingerprints.join(open.elements, value),
        }
    }
}

impl Visitor for Meaning {
    fn scalar(&mut self, raw: &[u8]) {
        // A number or a literal has no quotes, so that it never looks like a string.
        let value = if raw.starts_with(b"\"") { self.fingerprints.key(raw) } else { xxh3_64_with_seed(raw, !self.fingerprints.0) };
        self.is_complete(value);
    }

    fn key(&mut self, raw: &[u8]) {
        let key = self.fingerprints.key(raw);
        if let Some(open) = self.open.last_mut() {
            open.key = key;
        }
    }

    fn open(&mut self, is_object: bool) {
        self.open.push(Open { is_object, key: 0, first: self.members.len(), elements: LIST });
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let value = if open.is_object {
            let members = &mut self.members[open.first..];
            members.sort_by_key(|(key, _)| *key); // of two with one key, the later one stays the later
            let counts = |place: usize| members.get(place + 1).is_none_or(|next| next.0 != members[place].0);
            let join = |sum, place: usize| self.fingerprints.join(self.fingerprints.join(sum, members[place].0), members[place].1);
            let value = (0..members.len()).filter(|place| counts(*place)).fold(OBJECT, join);
            self.members.truncate(open.first);
            value
        } else {
            open.elements
        };
        self.is_complete(value);
    }
}

/// Whether a value is a list without lists or objects in it.
pub fn is_set(text: &[u8], value: Span) -> bool {
    struct Flat {
        depth: usize,
        is_flat: bool,
    }
    impl Visitor for Flat {
        fn scalar(&mut self, _: &[u8]) {}
        fn key(&mut self, _: &[u8]) {}
        fn open(&mut self, is_object: bool) {
            self.is_flat &= self.depth == 0 && !is_object;
            self.depth += 1;
        }
        fn close(&mut self) {
            self.depth -= 1;
        }
    }
    if text.get(value.start()) != Some(&b'[') {
        return false;
    }
    let mut flat = Flat { depth: 0, is_flat: true };
    Scanner::new(text, value.start()).value(&mut flat).is_ok() && flat.is_flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(value: &str) -> u64 {
        let text = format!("{{\"v\":{value}}}");
        let object = Object::document(text.as_bytes()).unwrap();
        Fingerprints::new(7).value(object.text, object.get("v").unwrap().value)
    }

    #[test]
    fn what_means_the_same_has_one_hash() {
        let same = [
            (r#"{"a":1,"b":[true,null]}"#, "{ \"b\" : [ true,\n null ] , \"a\" : 1 }"),
            (r#""A/é""#, r#""\u0041\/\u00e9""#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"a":{"x":1},"b":0,"a":{"y":2}}"#, r#"{"b":0,"a":{"y":2}}"#),
        ];
        for (one, other) in same {
            assert_eq!(hash(one), hash(other), "{one} {other}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_mean_what_the_client_reads_instead() {
        let hash = |text: &[u8]| Fingerprints::new(7).value(text, Span::new(0..text.len()));
        for (raw, read) in [(&b"\"a\xff\""[..], "\"a\u{fffd}\""), (b"{\"\xe9\": [\"\xc3\"]}", "{\"\u{fffd}\": [\"\\ufffd\"]}")] {
            assert_eq!(hash(raw), hash(read.as_bytes()), "{read}");
        }
        assert_ne!(hash(b"\"\xff\""), hash(b"\"\""));
        assert_ne!(hash(b"\"\xff\""), hash(br#""\ud800""#));
    }

    #[test]
    fn what_differs_has_another_hash() {
        let all = [
            "1",
            "\"1\"",
            "1.0",
            "10",
            "null",
            "\"null\"",
            "true",
            "[]",
            "{}",
            "[[]]",
            "[{}]",
            "[1]",
            "[1,1]",
            "[1,2]",
            "[2,1]",
            "[[1],2]",
            "[1,[2]]",
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"b":1}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"1":"a"}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":1,"b":2}"#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ufffd""#,
            "\"\"",
        ];
        for (number, one) in all.iter().enumerate() {
            for other in &all[number + 1..] {
                assert_ne!(hash(one), hash(other), "{one} {other}");
            }
        }
    }
}
