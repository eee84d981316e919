//! Watching a directory that this process has made and filled.
//!
//! Watched from the start, each file that is put there would make four events. So it is watched when it is full, and then listed: what another process
//! did there meanwhile differs from what was agreed on, and what it does later is told.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use super::names_below::is_never_carried;
use super::record::{group, key, stat_hash};
use super::side::Entry;
use super::walk::is_gone;
use super::{Mirror, Watcher};
use crate::sharing::decide::Side;
use crate::sys::{Interest, Listing};

impl Mirror {
    /// Watches the directory of one side, and visits what is not as agreed there.
    pub(super) fn watch_filled(&mut self, relative: &Path, side: Side, interest: Interest, watcher: &mut dyn Watcher) -> Result<()> {
        let directory = self.sides.path(side, relative);
        let listing = match Listing::open(&directory) {
            Err(error) if is_gone(&error) => return Ok(()), // the directory above tells that
            opened => opened.with_context(|| format!("could not list {}", directory.display()))?,
        };
        watcher.watch_listing(relative, &directory, &listing, interest);
        let group = group(&self.base, relative);
        let mut missing: BTreeSet<u64> = self.base.members(group).into_iter().collect();
        let mut changed = Vec::new();
        for (name, looked) in listing.entries().with_context(|| format!("could not list {}", directory.display()))? {
            let inside = relative.join(&name);
            missing.remove(&key(&self.base, &inside).member);
            let entry = Entry::from(looked);
            let hash = entry.leaf().or(entry.directory()).map(|stat| stat_hash(&self.base, stat));
            let is_agreed = hash.is_some() && hash == self.get(&inside).map(|record| record.stats[side as usize]);
            if !is_agreed && !is_never_carried(&name) {
                changed.push(inside);
            }
        }
        if !missing.is_empty() {
            let other = self.sides.path(side.other(), relative);
            let entries = Listing::open(&other).and_then(Listing::entries).with_context(|| format!("could not list {}", other.display()))?;
            let inside = entries.into_iter().map(|(name, _)| relative.join(name));
            changed.extend(inside.filter(|inside| missing.contains(&key(&self.base, inside).member)));
        }
        for inside in changed {
            self.visit(&inside, watcher);
        }
        Ok(())
    }
}
