//! What is tried again, and when: after a pause that doubles with each try.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(600);

/// When something is tried again, and how long the pause before that was.
#[derive(Debug, Clone, Copy)]
struct Retry {
    due: Instant,
    pause: Duration,
}

/// Things that are tried again.
#[derive(Debug)]
pub struct Retries<K>(BTreeMap<K, Retry>);

impl<K: Ord + Clone> Retries<K> {
    /// Begins with none.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Tries something again: after this pause the first time, then after twice the last one.
    pub fn later(&mut self, what: K, first: Duration) {
        let pause = self.0.get(&what).map_or(first, |retry| (retry.pause * 2).min(LONGEST));
        self.0.insert(what, Retry { due: Instant::now() + pause, pause });
    }

    /// Tries something again after a time that says nothing about the pauses: the next one is twice `pause`.
    pub fn after(&mut self, what: K, wait: Duration, pause: Duration) {
        self.0.insert(what, Retry { due: Instant::now() + wait, pause });
    }

    /// Tries something no more.
    pub fn remove(&mut self, what: &K) {
        self.0.remove(what);
    }

    /// Tries only these again.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.0.retain(|what, _| keep(what));
    }

    /// Returns what is due.
    pub fn due(&self) -> Vec<K> {
        let now = Instant::now();
        self.0.iter().filter(|(_, retry)| retry.due <= now).map(|(what, _)| what.clone()).collect()
    }

    /// How long to wait until the first is due.
    pub fn wait(&self) -> Option<Duration> {
        self.0.values().map(|retry| retry.due.saturating_duration_since(Instant::now())).min()
    }

    /// How long to wait until this one is due.
    pub fn wait_for(&self, what: &K) -> Option<Duration> {
        self.0.get(what).map(|retry| retry.due.saturating_duration_since(Instant::now()))
    }
}
