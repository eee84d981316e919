//! Carrying removals across, once they have waited: see [`removals`](super::removals) for when.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::record::Kind;
use super::removals::Answer;
use super::side::{Entry, look};
use super::walk::Version;
use super::{Mirror, Watcher};
use crate::sharing::decide::{Side, is_held};

/// So few files may be all that a side had, and their removal is carried across all the same.
const NEXT_TO_NONE: usize = 3;

impl Mirror {
    /// Acts on what vanished, all at once, so that it is seen how much that is.
    pub(super) fn carry_removals(&mut self, watcher: &mut dyn Watcher) {
        let noted = self.removals.take();
        self.note_purges(&noted);
        let mut gone = BTreeMap::new();
        let mut removed: BTreeMap<(Side, PathBuf), usize> = BTreeMap::new();
        for relative in noted.iter().filter(|relative| !self.removals.is_purged(relative)) {
            if relative.ancestors().skip(1).any(|above| noted.contains(above)) {
                continue;
            }
            for side in Side::BOTH {
                let files = self.removable(relative, side);
                if files > 0 {
                    *removed.entry((side.other(), top(relative).into())).or_default() += files;
                    gone.insert(relative.clone(), side.other());
                }
            }
        }
        let files = |from: Side| removed.iter().filter(|((side, _), _)| *side == from).map(|(_, files)| files).sum();
        let is_emptied = |from: Side| removed.iter().any(|((side, top), files)| *side == from && self.is_emptied(top, from, *files));
        let is_too_much = Side::BOTH.into_iter().any(|from| is_held(files(from), is_emptied(from)));
        if is_too_much && let Err(error) = self.removals.hold(&gone, removed.values().sum()) {
            self.fail(Path::new(""), &error);
        }
        self.carry(&noted, watcher);
        let purged: Vec<&PathBuf> = noted.iter().filter(|relative| self.removals.is_purged(relative)).collect();
        for purged in purged {
            if let Err(error) = self.sides.forget_removed(purged) {
                self.fail(purged, &error);
            }
        }
    }

    /// Visits paths whose vanishing may be acted on now.
    fn carry(&mut self, paths: &BTreeSet<PathBuf>, watcher: &mut dyn Watcher) {
        self.carried.clone_from(paths);
        for relative in paths {
            // A change beats a removal, one that is held too.
            if (self.removals.is_held(relative) && !self.is_changed(relative)) || self.assert_present().is_err() {
                continue;
            }
            if self.visit_replaced_above(relative, watcher) {
                continue;
            }
            for side in Side::BOTH {
                self.remove_directory(relative, side);
            }
            self.visit(relative, watcher);
        }
        self.carried.clear();
    }

    pub(super) fn act_on(&mut self, answer: Answer, paths: &BTreeSet<PathBuf>, watcher: &mut dyn Watcher) {
        if answer == Answer::Restore {
            for path in paths {
                self.forget(path);
            }
        }
        self.carry(paths, watcher);
        if let Err(error) = self.removals.ended() {
            self.fail(Path::new(""), &error);
        }
    }

    pub(super) fn is_carried(&self, relative: &Path) -> bool {
        relative.ancestors().any(|path| self.carried.contains(path))
    }

    /// Counts the files at and below a path of one side that the other side lacks though both had agreed on them. What clauth itself took from the hub, for
    /// another profile, needs no second answer.
    fn removable(&self, relative: &Path, side: Side) -> usize {
        let Some(record) = self.get(relative) else { return 0 };
        let other = look(&self.sides.path(side.other(), relative));
        match (look(&self.sides.path(side, relative)), record.kind) {
            (Entry::Directory(_), Kind::Directory) => {
                let entries = fs::read_dir(self.sides.path(side, relative)).into_iter().flatten().flatten();
                entries.map(|entry| self.removable(&relative.join(entry.file_name()), side)).sum()
            }
            (Entry::File(stat) | Entry::Link(stat), Kind::Whole(_) | Kind::Log(_)) if other == Entry::Absent => {
                let is_removable = self.version(relative, side, stat, Some(record), true) == Version::Agreed;
                usize::from(is_removable && (side == Side::Hub || !self.sides.is_in_trash(&self.sides.path(side, relative), relative)))
            }
            _ => 0,
        }
    }

    /// Whether the one side that has a file has changed it.
    fn is_changed(&self, relative: &Path) -> bool {
        let record = self.get(relative);
        let is_changed = |side| {
            matches!(look(&self.sides.path(side, relative)), Entry::File(stat) | Entry::Link(stat)
            if self.version(relative, side, stat, record, true) != Version::Agreed)
        };
        record.is_some() && Side::BOTH.into_iter().any(is_changed)
    }

    /// Lets go of a held directory that stands on both sides again; what is still missing below it stays held.
    pub(super) fn settle_directory(&mut self, relative: &Path) -> Result<()> {
        if !self.removals.is_held_by_name(relative) {
            return Ok(());
        }
        let mut missing = BTreeMap::new();
        for side in Side::BOTH {
            for entry in fs::read_dir(self.sides.path(side, relative)).into_iter().flatten().flatten() {
                let inside = relative.join(entry.file_name());
                if self.get(&inside).is_some() && look(&self.sides.path(side.other(), &inside)) == Entry::Absent {
                    missing.insert(inside, side.other());
                }
            }
        }
        self.removals.hold_inside(relative, &missing)
    }

    /// Whether a side lost a top-level directory, or every file in it, unless those were next to none.
    fn is_emptied(&self, top: &Path, side: Side, removed: usize) -> bool {
        let is_directory = self.get(top).is_some_and(|record| record.kind == Kind::Directory);
        let directory = self.sides.path(side, top);
        is_directory && (look(&directory).directory().is_none() || (removed > NEXT_TO_NONE && !has_files(directory)))
    }

    /// Removes what is agreed on in a directory that the other side removed, and the directory if nothing else is left in it.
    fn remove_directory(&mut self, relative: &Path, side: Side) {
        let directory = self.sides.path(side, relative);
        let is_removed = self.get(relative).is_some_and(|record| record.kind == Kind::Directory)
            && look(&directory).directory().is_some()
            && look(&self.sides.path(side.other(), relative)) == Entry::Absent;
        if !is_removed {
            return;
        }
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let inside = relative.join(entry.file_name());
            let Some(record) = self.get(&inside) else { continue };
            match look(&entry.path()) {
                Entry::Directory(_) => self.remove_directory(&inside, side),
                Entry::File(stat) | Entry::Link(stat) if self.version(&inside, side, stat, Some(record), true) == Version::Agreed => {
                    match self.sides.remove(&inside, side, stat, &self.ending) {
                        Ok(true) => self.set(&inside, None),
                        Ok(false) => {}
                        Err(error) => self.fail(&inside, &error),
                    }
                }
                _ => {}
            }
        }
        if fs::remove_dir(&directory).is_ok() {
            self.forget(relative);
        }
    }
}

/// The top-level name of a relative path.
fn top(relative: &Path) -> &Path {
    relative.iter().next().map_or(relative, Path::new)
}

/// Whether there is a file anywhere below a directory.
fn has_files(directory: PathBuf) -> bool {
    let mut waiting = vec![directory];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                _ => return true,
            }
        }
    }
    false
}
