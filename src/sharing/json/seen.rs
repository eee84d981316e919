//! The two files as a pass left them, so that the events of its own writes do not cost a second one.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::fingerprint::Fingerprints;
use super::pair::Pair;

/// Knows what both files said when they were last agreed on. While they say it, there is nothing to do.
#[derive(Debug, Default)]
pub struct Seen(Option<Agreed>);

#[derive(Debug)]
struct Agreed {
    fingerprints: Fingerprints,
    /// The hashes of the profile's text and of the hub's.
    hashes: [u64; 2],
    /// Length and time of each file: where these differ already, neither is read for its hash.
    marks: [Option<(u64, SystemTime)>; 2],
}

impl Seen {
    /// Notes the hashes of the two texts that were agreed on, the profile's first.
    pub(super) fn note(&mut self, pair: &Pair, fingerprints: Fingerprints, hashes: [u64; 2]) {
        self.0 = Some(Agreed { fingerprints, hashes, marks: marks(pair) });
    }

    /// Whether both files say what was agreed on. They are read for that, in small parts.
    pub(super) fn is_still_so(&self, pair: &Pair) -> bool {
        let Some(agreed) = &self.0 else { return false };
        let says = |file: &Path, hash| agreed.fingerprints.file(file) == Some(hash);
        agreed.marks == marks(pair) && says(&pair.own, agreed.hashes[0]) && says(&pair.hub, agreed.hashes[1])
    }
}

fn marks(pair: &Pair) -> [Option<(u64, SystemTime)>; 2] {
    let mark = |file: &Path| {
        let meta = fs::metadata(file).ok()?;
        Some((meta.len(), meta.modified().ok()?))
    };
    [mark(&pair.own), mark(&pair.hub)]
}
