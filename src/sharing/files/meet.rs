//! Bringing one file together: given, merged, or taken apart.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::log::{Agreed, Merged, OPEN_END};
use super::names_below::is_log;
use super::record::{Kind, Record, stat_hash};
use super::removals::QUIET;
use super::side::{Stat, look};
use super::transfer::{Fate, Given, Outcome, Replaced, UNKNOWN, content_of};
use super::walk::SOON;
use super::{Mirror, PAUSE, is_live};
use crate::sharing::decide::Side;
use crate::{io, sys};

impl Mirror {
    pub(super) fn give(&mut self, relative: &Path, from: Side, found: [Option<Stat>; 2], record: Option<Record>) -> Result<bool> {
        let agreed = match record.map(|record| record.kind) {
            Some(Kind::Whole(content)) => content,
            _ => UNKNOWN,
        };
        let is_emptied = found[from as usize].is_some_and(|stat| stat.length == 0);
        let fate = if is_emptied { Fate::Trash } else { Fate::DropIf(agreed) };
        let replaced = found[from.other() as usize].map(|stat| Replaced { stat, fate });
        self.transfer(relative, from, replaced)
    }

    fn transfer(&mut self, relative: &Path, from: Side, replaced: Option<Replaced>) -> Result<bool> {
        match self.sides.give(relative, from, &self.ending, replaced)? {
            Outcome::Overtaken => {
                self.look_later(relative, SOON);
                Ok(false)
            }
            Outcome::Given(Given { source, target, content, end, is_link }) => {
                // A link into its own side is another text on the other side; a log may have been given without its last line.
                let given = if is_link { source } else { Stat { length: target.length, ..source } };
                let stats = if from == Side::Own { [given, target] } else { [target, given] };
                let agreed = Agreed { length: target.length, tails: [end, end] };
                let kind = if is_log(relative) && !is_link { Kind::Log(agreed) } else { Kind::Whole(content) };
                self.agree(relative, stats, kind);
                let is_whole = given == source;
                if !is_whole {
                    self.look_later(relative, OPEN_END);
                }
                Ok(is_whole)
            }
        }
    }

    pub(super) fn settle_conflict(&mut self, relative: &Path, found: [Option<Stat>; 2]) -> Result<bool> {
        let [Some(own), Some(hub)] = found else { return Ok(true) };
        let paths = Side::BOTH.map(|side| self.sides.path(side, relative));
        let meanings = Side::BOTH.map(|side| self.sides.meaning(&paths[side as usize], side));
        if io::is_same_content(&paths[0], &paths[1]) || (meanings[0].is_some() && meanings[0] == meanings[1]) {
            let content = meanings[0].or_else(|| content_of(&paths[0])).unwrap_or(UNKNOWN);
            self.agree(relative, [own, hub], Kind::Whole(content));
            return Ok(true);
        }
        let is_own_newer = match high_water_marks(&paths) {
            Some([own, hub]) => own >= hub, // numbers below it are taken, whoever wrote last
            None => (own.modified, own.length) >= (hub.modified, hub.length),
        };
        let (newer, older) = if is_own_newer { (Side::Own, hub) } else { (Side::Hub, own) };
        self.transfer(relative, newer, Some(Replaced { stat: older, fate: Fate::Rescue }))
    }

    pub(super) fn is_log(&self, relative: &Path) -> bool {
        is_log(relative) && !Side::BOTH.iter().any(|side| self.sides.path(*side, relative).is_symlink())
    }

    pub(super) fn merge(&mut self, relative: &Path, found: [Option<Stat>; 2], record: Option<Record>) -> Result<bool> {
        let agreed = match record.map(|record| record.kind) {
            Some(Kind::Log(agreed)) => Some(agreed),
            _ => None,
        };
        let sides = self.sides.clone();
        let is_live = |side| is_live(&sides, relative, side);
        let [Some(own), Some(hub)] = found else { return Ok(true) };
        let found = [own, hub];
        let hashes = found.map(|stat| stat_hash(&self.base, stat));
        let changed = record.map(|record| Side::BOTH.map(|side| hashes[side as usize] != record.stats[side as usize]));
        let merged = match agreed {
            Some(agreed) => self.sides.merge_edited(relative, found, agreed, changed.unwrap_or_default(), &is_live, &self.ending)?,
            None => None,
        };
        let merged = match merged {
            Some(merged) => merged,
            None => self.sides.merge_log(relative, found, agreed, &self.intent, &is_live, &self.ending)?,
        };
        self.note_merged(relative, merged)
    }

    fn note_merged(&mut self, relative: &Path, merged: Merged) -> Result<bool> {
        match merged {
            Merged::Equal { agreed, stats } => {
                self.agree(relative, stats, Kind::Log(agreed));
                self.removals.settled(relative)?;
                return Ok(true);
            }
            Merged::Again => self.look_later(relative, QUIET + SOON),
            Merged::Live => self.look_later(relative, PAUSE),
        }
        Ok(false)
    }

    /// Gives each name of a file a file of its own, as clauth 0.6 made one of them. A live client keeps the file that it has open; whatever is written to
    /// the old file later is merged like any other change.
    pub(super) fn split(&mut self, relative: &Path, found: [Stat; 2]) -> Result<bool> {
        let is_one = found[0].identity == found[1].identity;
        for side in [Side::Hub, Side::Own] {
            let has_other_names = sys::has_other_names(&self.sides.path(side, relative));
            if has_other_names && !is_live(&self.sides, relative, side) {
                self.sides.separate(relative, side, found[side as usize], &self.ending)?;
            }
        }
        let [own, hub] = Side::BOTH.map(|side| look(&self.sides.path(side, relative)).leaf());
        if is_one
            && own.zip(hub).is_some_and(|(own, hub)| own.identity == hub.identity && sys::has_other_names(&self.sides.path(Side::Own, relative)))
        {
            self.look_later(relative, PAUSE); // a live client has both open
            return Ok(false);
        }
        Ok(true)
    }
}

/// Returns the numbers of two files that hold the highest number of a task that was ever given.
fn high_water_marks(paths: &[PathBuf; 2]) -> Option<[u64; 2]> {
    let number = |path: &Path| std::str::from_utf8(&io::read_regular(path, 64).ok()??).ok()?.trim().parse().ok();
    let is_mark = paths[0].file_name().is_some_and(|name| name == ".highwatermark");
    if is_mark { Some([number(&paths[0])?, number(&paths[1])?]) } else { None }
}
