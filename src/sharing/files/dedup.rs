//! Saves disk space: above a limit, old transcripts of a profile are hard links to those of `~/.claude`.
//!
//! A copy takes disk space where the file system cannot clone. Claude Code treats a transcript with two names like any other (`--continue`, `--resume`,
//! `/resume`, appends, cleanup), except that it does not send or publish it, and skips it in `/auto-mode-setup`. Of files of other kinds it refuses more,
//! so only `projects/*/*.jsonl` become links.
//!
//! 1. When a session begins, the first look adds up the profile's files. If they are above [`LIMIT`], the oldest quiet transcripts become links until the
//!    copies are below it, a part in each turn of the helper. Otherwise each link becomes a copy again.
//! 2. A transcript is quiet if neither side wrote it for a week, both have the same bytes, and no live client of either side has its session open.
//! 3. A link is made under a temporary name and exchanged for the copy. If one of the two changed since they were compared, it is exchanged back.
//! 4. Whatever is written through one name is in the same file under all names, so nothing needs to be carried. The first helper that sees that a linked
//!    transcript is not old any more gives the profile's name a file of its own, once no live client of the profile has the session open: a client may
//!    refuse to write to another inode than it has read.
//! 5. Only the profile's name gets another file, never that of `~/.claude`. So every file with several names is the hub's, and no line can reach two
//!    profiles in a way that two helpers would both carry to the hub.
//!
//! A killed helper leaves at most a temporary name, which is one more name of the hub's file or the profile's old copy; the next look removes it.

use std::cmp::Reverse;
use std::fs;
use std::io::{self as stdio, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Result;

use super::log::{Agreed, tail};
use super::names_below::{is_never_carried, is_transcript};
use super::record::{Kind, stat_hash};
use super::side::{Entry, Stat, look};
use super::transfer::{Fate, Replaced};
use super::walk::SOON;
use super::{Mirror, PAUSE, is_live};
use crate::io;
use crate::sharing::decide::Side;
use crate::sharing::link_mode::LinkMode;
use crate::sys;

/// The most that the copies of one profile take, in bytes, before transcripts become links. Claude Code deletes transcripts after 30 days, so this is reached
/// by 70 MB a day, or by who keeps them for longer.
pub const LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// A transcript that was not written for so long is old.
const OLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many bytes are compared or copied before the helper looks for events again.
const TURN: u64 = 16 * 1024 * 1024;

/// What becomes of the transcripts that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Link,
    Separate,
}

/// What is still to do.
#[derive(Debug)]
pub struct Dedup {
    limit: u64,
    job: Job,
    /// The transcripts that wait; the next one is the last.
    waiting: Vec<PathBuf>,
    /// Whether copies between the two sides are clones, once that was tried.
    has_clones: Option<bool>,
}

impl Dedup {
    /// Begins with nothing to do. `limit` is in bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, job: Job::Link, waiting: Vec::new(), has_clones: None }
    }

    /// Whether there is something to do.
    pub fn is_due(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Leaves it to the next session.
    pub fn stop(&mut self) {
        self.waiting = Vec::new();
    }
}

/// Whether a file with a second name in the hub may be one that is kept so: an old transcript.
pub fn may_be_linked(relative: &Path, path: &Path) -> bool {
    is_transcript(relative) && matches!(look(path), Entry::File(stat) if is_old(stat))
}

impl Mirror {
    /// Looks at a transcript whose file has other names; returns whether both sides are the same now, and `None` for any other file.
    pub(super) fn visit_linked(&mut self, relative: &Path, entries: [Entry; 2]) -> Result<Option<bool>> {
        let [Entry::File(own), Entry::File(hub)] = entries else { return Ok(None) };
        let is_one = own.identity == hub.identity;
        let may_share = is_transcript(relative) && (is_one || self.is_beginning);
        if !may_share || !sys::has_other_names(&self.sides.path(Side::Own, relative)) {
            return Ok(None);
        }
        if is_one && is_old(own) {
            self.agree_on_one(relative, own)?;
            self.removals.settled(relative)?;
            return Ok(Some(true));
        }
        if is_live(&self.sides, relative, Side::Own) {
            if !is_one {
                return Ok(None);
            }
            self.agree_on_one(relative, own)?;
            self.look_later(relative, PAUSE);
            return Ok(Some(false));
        }
        self.separate_own(relative, [own, hub]).map(Some)
    }

    /// Gives the profile's name a file of its own; returns whether both sides are the same then.
    fn separate_own(&mut self, relative: &Path, found: [Stat; 2]) -> Result<bool> {
        let [own, hub] = found;
        if !self.sides.separate(relative, Side::Own, own, &self.ending)? {
            self.look_later(relative, SOON);
            return Ok(false);
        }
        if own.identity != hub.identity {
            self.look_later(relative, SOON);
            return Ok(false);
        }
        self.space.separate(own.length);
        match look(&self.sides.path(Side::Own, relative)) {
            Entry::File(copy) if copy.length == hub.length => {
                let agreed = self.agreed_on(relative, copy.length)?;
                self.agree(relative, [copy, hub], Kind::Log(agreed));
                self.removals.settled(relative)?;
                Ok(true)
            }
            _ => {
                // The copy ends before a line that is being written. What was agreed on may include it.
                self.set(relative, None);
                self.look_later(relative, SOON);
                Ok(false)
            }
        }
    }

    /// Notes that both names are one file.
    fn agree_on_one(&mut self, relative: &Path, stat: Stat) -> Result<()> {
        let hash = stat_hash(&self.base, stat);
        if self.get(relative).is_some_and(|record| record.stats == [hash; 2]) {
            return Ok(());
        }
        let agreed = self.agreed_on(relative, stat.length)?;
        self.agree(relative, [stat; 2], Kind::Log(agreed));
        Ok(())
    }

    fn agreed_on(&self, relative: &Path, length: u64) -> Result<Agreed> {
        let end = tail(&mut sys::open_for_reading(&self.sides.path(Side::Hub, relative))?, length)?.unwrap_or_default();
        Ok(Agreed { length, tails: [end; 2] })
    }

    /// Counts a file that a whole look has found.
    pub(super) fn count(&mut self, found: [Option<Stat>; 2]) {
        match found {
            [Some(own), Some(hub)] if own.identity == hub.identity => self.space.links.add(own.length),
            [Some(stat), _] | [None, Some(stat)] => self.space.copies.add(stat.length),
            [None, None] => {}
        }
    }

    /// Gives the profile a link to an old transcript that it lacks, if its copies take too much already; false where it must be copied.
    pub(super) fn give_link(&mut self, relative: &Path, from: Side, found: [Option<Stat>; 2]) -> Result<bool> {
        let (Side::Hub, [None, Some(hub)]) = (from, found) else { return Ok(false) };
        let is_wanted = self.is_beginning && is_transcript(relative) && self.space.copies.bytes > self.dedup.limit;
        if !is_wanted || !self.is_quiet(relative, &[hub]) || !self.may_link(relative) {
            return Ok(false);
        }
        let Ok(Some(temp)) = self.link(relative, hub) else { return Ok(false) };
        if !self.sides.place(&temp, &self.sides.path(Side::Own, relative), relative, None)? {
            return Ok(false);
        }
        self.agree_on_one(relative, hub)?;
        self.space.link(hub.length);
        Ok(true)
    }

    /// Decides after the first look of a session which transcripts become links, or copies again.
    pub(super) fn plan_links(&mut self) {
        let [copies, links] = [self.space.copies, self.space.links];
        let is_over = copies.bytes + links.bytes > self.dedup.limit;
        if !is_over && links.files == 0 {
            return;
        }
        let mut transcripts = self.transcripts();
        let may_link = is_over && transcripts.first().is_some_and(|(_, relative, _)| self.may_link(relative));
        self.dedup.job = if may_link { Job::Link } else { Job::Separate };
        transcripts.retain(|(_, _, is_one)| *is_one != may_link);
        transcripts.sort_by_key(|(modified, _, _)| Reverse(*modified));
        self.dedup.waiting = transcripts.into_iter().map(|(_, relative, _)| relative).collect();
    }

    /// Returns the old transcripts that both sides have: when each was written, its path, and whether it is one file.
    fn transcripts(&self) -> Vec<(u64, PathBuf, bool)> {
        let mut found = Vec::new();
        let names = |relative: &Path| {
            let entries = fs::read_dir(self.sides.path(Side::Own, relative)).into_iter().flatten().flatten();
            entries.map(|entry| relative.join(entry.file_name())).filter(|path| !path.file_name().is_some_and(is_never_carried)).collect::<Vec<_>>()
        };
        for project in names(Path::new("projects")) {
            if Side::BOTH.iter().any(|side| look(&self.sides.path(*side, &project)).directory().is_none()) {
                continue;
            }
            for relative in names(&project).into_iter().filter(|relative| is_transcript(relative)) {
                if let Some([own, hub]) = self.files(&relative)
                    && own.length > 0
                    && is_old(own)
                    && is_old(hub)
                {
                    found.push((own.modified, relative, own.identity == hub.identity));
                }
            }
        }
        found
    }

    /// Does a part of what was planned.
    pub(super) fn dedup(&mut self) {
        if self.assert_present().is_err() {
            self.dedup.stop();
        }
        let mut done = 0;
        while done < TURN && self.dedup.is_due() {
            if self.dedup.job == Job::Link && self.space.copies.bytes <= self.dedup.limit {
                self.dedup.stop();
                break;
            }
            let Some(relative) = self.dedup.waiting.pop() else { break };
            let Some(found) = self.files(&relative) else { continue };
            let settled = match self.dedup.job {
                Job::Link => {
                    done += self.link_own(&relative, found).unwrap_or_else(|error| {
                        self.fail(&relative, &error);
                        0
                    });
                    continue;
                }
                Job::Separate if found[0].identity != found[1].identity || is_live(&self.sides, &relative, Side::Own) => continue,
                Job::Separate => self.separate_own(&relative, found),
            };
            done += found[0].length;
            if let Err(error) = settled {
                self.fail(&relative, &error);
            }
        }
        if !self.dedup.is_due() {
            self.write_space();
        }
    }

    /// Makes the profile's name of a transcript one more name of the hub's file, if it is quiet; returns how many bytes were compared.
    fn link_own(&mut self, relative: &Path, found: [Stat; 2]) -> Result<u64> {
        let [own, hub] = found;
        if own.identity == hub.identity || !self.is_agreed(relative, found) || !self.is_quiet(relative, &found) {
            return Ok(0);
        }
        let paths = Side::BOTH.map(|side| self.sides.path(side, relative));
        if !is_same(&paths).unwrap_or(false) {
            return Ok(own.length);
        }
        let temp = match self.link(relative, hub) {
            Ok(Some(temp)) => temp,
            Ok(None) => return Ok(own.length),
            Err(error) => {
                // One file can have too many names. Any other reason is one for all of them.
                if error.kind() != ErrorKind::TooManyLinks {
                    self.dedup.stop();
                }
                return Ok(own.length);
            }
        };
        // By the system's own exchange alone: without it, a kill could leave the profile without the file for the next helper to take for removed.
        if sys::exchange(&temp, &paths[0]).is_err() {
            sys::remove_file(&temp)?;
            self.dedup.stop();
            return Ok(own.length);
        }
        if look(&temp) == Entry::File(own) && look(&paths[0]) == Entry::File(hub) {
            self.sides.dispose(&temp, relative, Replaced { stat: own, fate: Fate::Contained })?;
            self.agree_on_one(relative, hub)?;
            self.space.link(own.length);
            return Ok(own.length);
        }
        sys::exchange(&temp, &paths[0])?;
        if sys::same_file(&temp, &paths[1]) {
            sys::remove_file(&temp)?;
        } else {
            self.sides.rescue(&temp, relative)?;
        }
        self.look_later(relative, SOON);
        Ok(own.length)
    }

    /// Gives the hub's file a temporary name beside the profile's; `None` if it is not what was looked at.
    fn link(&self, relative: &Path, hub: Stat) -> stdio::Result<Option<PathBuf>> {
        let temp = io::temporary_ending(&self.sides.path(Side::Own, relative), &self.ending);
        let source = self.sides.path(Side::Hub, relative);
        if !sys::owned_by_this_user(&source)? {
            return Ok(None);
        }
        match fs::hard_link(&source, &temp) {
            // Left by a process that had our number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                sys::remove_file(&temp)?;
                fs::hard_link(&source, &temp)?;
            }
            linked => linked?,
        }
        if look(&temp) == Entry::File(hub) {
            return Ok(Some(temp));
        }
        sys::remove_file(&temp)?;
        Ok(None)
    }

    /// Whether links may be made at all: not where the user, or the file system, wants copies, and not where copies are clones.
    fn may_link(&mut self, relative: &Path) -> bool {
        if self.sides.mode == LinkMode::Copy {
            return false;
        }
        let has_clones = self.dedup.has_clones.unwrap_or_else(|| self.tries_clone(relative));
        self.dedup.has_clones = Some(has_clones);
        !has_clones
    }

    fn tries_clone(&self, relative: &Path) -> bool {
        let temp = io::temporary_ending(&self.sides.path(Side::Own, relative), &self.ending);
        let cloned = sys::open_for_reading(&self.sides.path(Side::Hub, relative)).and_then(|file| sys::clone_file(&file, &temp));
        let _ = sys::remove_file(&temp);
        cloned.is_ok()
    }

    /// Whether a transcript was left alone for long, and no client has its session open.
    fn is_quiet(&self, relative: &Path, found: &[Stat]) -> bool {
        found.iter().all(|stat| is_old(*stat)) && !Side::BOTH.iter().any(|side| is_live(&self.sides, relative, *side))
    }

    /// Whether both sides are what was agreed on, and were equal then.
    fn is_agreed(&self, relative: &Path, found: [Stat; 2]) -> bool {
        let stats = found.map(|stat| stat_hash(&self.base, stat));
        self.get(relative).is_some_and(|record| {
            let is_equal = matches!(record.kind, Kind::Log(Agreed { length, tails: [own, hub] }) if own == hub && found.iter().all(|stat| stat.length == length));
            is_equal && record.stats == stats
        })
    }

    fn files(&self, relative: &Path) -> Option<[Stat; 2]> {
        match Side::BOTH.map(|side| look(&self.sides.path(side, relative))) {
            [Entry::File(own), Entry::File(hub)] => Some([own, hub]),
            _ => None,
        }
    }

    /// Writes down for `clauth status` how much space the files take.
    pub(super) fn write_space(&mut self) {
        if let Err(error) = self.space.write(&self.space_file) {
            self.fail(Path::new(""), &error);
        }
    }
}

/// Whether a file was left alone for long. One that is from the future was not.
fn is_old(stat: Stat) -> bool {
    UNIX_EPOCH.elapsed().is_ok_and(|now| now.saturating_sub(Duration::from_nanos(stat.modified)) >= OLD)
}

/// Whether two files have the same bytes.
fn is_same(paths: &[PathBuf; 2]) -> stdio::Result<bool> {
    const BLOCK: u64 = 64 * 1024;
    let (mut one, mut other) = (sys::open_for_reading(&paths[0])?, sys::open_for_reading(&paths[1])?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        (&mut one).take(BLOCK).read_to_end(&mut left)?;
        (&mut other).take(BLOCK).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}
