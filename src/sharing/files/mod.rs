//! The mirrored directories (`projects`, `plans`, `tasks`, `agent-memory`): real directories on both sides, with real files that have one name each.
//!
//! Claude Code refuses or skips links and second names in many of its features, so the helper copies. In: an event names a path. Out: both sides are the
//! same there. The invariant: every byte that was written, and not removed by the user, is on both sides or in `rescued/`.
//!
//! 1. A look at both sides and the base goes into [`decide`](super::decide), which opens no file.
//! 2. [`transfer`] and [`log`] carry it out. Each replacement looks again at what it took out and undoes itself if that is not what was decided on.
//! 3. The base learns last what was done.
//! 4. What vanished waits; see [`removals`]. Nothing is put into a hole before that.
//! 5. What fails is said and tried again, after a pause that doubles.
//!
//! Start reading in [`walk`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use self::dedup::Dedup;
use self::intent::Intent;
use self::record::Files;
use self::removals::Removals;
use super::base::between;
use super::decide::Side;
use super::link_mode::LinkMode;
use super::names::{self, Kind, MIRRORED};
use super::retries::Retries;
use crate::account;
use crate::io;
use crate::sys::{Interest, Listing};

mod carry;
pub mod dedup;
mod filled;
mod intent;
mod log;
mod meet;
pub mod names_below;
mod purge;
mod record;
pub mod removals;
pub mod side;
mod size;

pub mod transfer;
pub mod trash;
mod walk;

pub use self::side::Sides;
pub use size::{Size, Space};

/// Told of each directory before it is listed, so that the kernel tells what appears in it afterwards.
pub trait Watcher {
    /// Watches one directory, or one file, of one side.
    fn watch(&mut self, relative: &Path, path: &Path, interest: Interest);

    /// The same for a directory that is open for listing.
    fn watch_listing(&mut self, relative: &Path, path: &Path, _: &Listing, interest: Interest) {
        self.watch(relative, path, interest);
    }

    /// Told of each file that was put into a watched directory.
    fn note_given(&mut self) {}
}

/// Watches nothing: for a look outside of a session.
pub struct Nobody;

impl Watcher for Nobody {
    fn watch(&mut self, _: &Path, _: &Path, _: Interest) {}
}

/// The first pause before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Keeps a profile's mirrored directories and the hub's the same.
#[derive(Debug)]
pub struct Mirror {
    sides: Sides,
    /// The two directories, by device and inode.
    roots: [Option<(u64, u64)>; 2],
    base: Files,
    base_file: PathBuf,
    intent: Intent,
    removals: Removals,
    /// The paths whose vanishing is acted on at this moment.
    carried: BTreeSet<PathBuf>,
    /// What could not be done, by path, for as long as it is so.
    troubles: BTreeMap<PathBuf, String>,
    retries: Retries<PathBuf>,
    /// The sessions whose directories are watched.
    active: BTreeSet<PathBuf>,
    /// The directories that were watched and are no more.
    unwatched: BTreeSet<PathBuf>,
    /// The directories on which a file system is mounted.
    mounted: BTreeSet<PathBuf>,
    /// Whether this is the first look of a session, which knows what happened before only from the base.
    is_beginning: bool,
    /// What the profile's files take, as of the last whole look.
    space: Space,
    space_file: PathBuf,
    /// The transcripts that are to become links.
    dedup: Dedup,
    /// Whether directories that are known are listed too. An event tells what changed in one, so it need not be.
    is_deep: bool,
    /// The ending of temporary names.
    ending: String,
}

impl Mirror {
    /// Takes up the mirror where the last session left it. `base` is the directory of what was agreed on; `limit` is how many bytes of copies there may be
    /// before old transcripts become links.
    pub fn open(sides: Sides, base: &Path, limit: u64) -> Self {
        io::forget_unfinished(base);
        let base_file = base.join("files");
        Self {
            base: Files::open(&base_file, &owner(&sides)),
            intent: Intent::new(base.join("append")),
            removals: Removals::open(base.join("removals.json")),
            base_file,
            roots: identities(&sides),
            sides,
            carried: BTreeSet::new(),
            troubles: BTreeMap::new(),
            retries: Retries::new(),
            active: BTreeSet::new(),
            unwatched: BTreeSet::new(),
            mounted: BTreeSet::new(),
            is_beginning: true,
            space: Space::default(),
            space_file: base.join("copies"),
            dedup: Dedup::new(limit),
            is_deep: false,
            ending: io::own_ending(),
        }
    }

    /// Brings everything together; returns what is in the way, if anything is. At first it mends what a killed helper left.
    pub fn settle(&mut self, watcher: &mut dyn Watcher) -> Option<String> {
        let sides = self.sides.clone();
        let is_live = |relative: &Path, side: Side| is_live(&sides, relative, side);
        if self.is_beginning
            && let Err(error) = self.intent.mend(&self.sides, &is_live, &self.ending)
        {
            self.fail(Path::new("projects"), &error);
        }
        self.space = Space::default();
        for name in self.names() {
            self.settle_deeply(&name, watcher);
        }
        self.write_space();
        if self.is_beginning {
            self.plan_links();
        }
        self.is_beginning = false;
        self.trouble()
    }

    /// Gives back memory before a pause.
    pub fn rest(&mut self) {
        if let Err(error) = self.base.rest() {
            self.fail(Path::new(""), &error);
        }
    }

    /// Takes note that both directories stand where they stood, or that others do (moved away and copied back, say): about those the base says nothing.
    pub fn return_to_sides(&mut self) {
        let owner = owner(&self.sides);
        if self.base.owner() != owner {
            self.removals.forget_noted();
            self.base = Files::open(&self.base_file, &owner);
        }
        self.roots = identities(&self.sides);
    }

    /// Shares top-level names in another way from now on; returns whether it is another one.
    pub fn share_by(&mut self, mode: LinkMode) -> bool {
        std::mem::replace(&mut self.sides.mode, mode) != mode
    }

    /// The top-level names that are mirrored: those that must be real, and without symbolic links all that are shared.
    fn names(&self) -> BTreeSet<PathBuf> {
        let mut names: BTreeSet<PathBuf> = MIRRORED.iter().map(PathBuf::from).collect();
        if self.sides.mode != LinkMode::Symlink {
            for side in Side::BOTH {
                let entries = fs::read_dir(self.sides.root(side)).into_iter().flatten().flatten();
                names.extend(entries.map(|entry| entry.file_name()).filter(|name| names::is_shared_from(side, name)).map(PathBuf::from));
            }
            names.retain(|name| self.is_mirrored(name));
        }
        names
    }

    /// Whether a top-level name is mirrored: not what is kept in step in another way, and not a directory that is shared by a link.
    fn is_mirrored(&self, name: &Path) -> bool {
        let is_directory = || Side::BOTH.iter().any(|side| self.sides.root(*side).join(name).is_dir());
        let is_real = MIRRORED.iter().any(|mirrored| name == Path::new(mirrored));
        let mode = self.sides.mode;
        let is_merged = || names::kind(&name.to_string_lossy()) == Kind::Merged;
        is_real || mode != LinkMode::Symlink && !is_merged() && !(mode.links_directories() && is_directory())
    }

    /// Brings one path together, and what lies below it; returns what is in the way, there or elsewhere.
    pub fn settle_path(&mut self, relative: &Path, watcher: &mut dyn Watcher) -> Option<String> {
        self.sides.look_up_top(relative);
        match self.assert_present() {
            Ok(()) if !relative.iter().next().is_some_and(|name| self.is_mirrored(Path::new(name))) => {}
            Ok(()) => {
                if !self.visit_replaced_above(relative, watcher) {
                    self.visit(relative, watcher);
                }
            }
            Err(error) => {
                self.sides.forget_top();
                return Some(format!("{error:#}"));
            }
        }
        self.sides.forget_top();
        self.record();
        self.trouble()
    }

    /// Brings one path together, and everything below it.
    fn settle_deeply(&mut self, relative: &Path, watcher: &mut dyn Watcher) {
        self.is_deep = true;
        self.settle_path(relative, watcher);
        self.is_deep = false;
    }

    /// Brings together what an event was about.
    pub fn settle_noted(&mut self, relative: &Path, watcher: &mut dyn Watcher) -> Option<String> {
        if names_below::is_path_never_carried(relative) {
            return self.trouble();
        }
        if self.removals.wait().is_none() && self.troubles.is_empty() && !self.removals.is_held(relative) && self.is_as_agreed(relative) {
            return self.trouble();
        }
        if let Some(session) = names_below::session_directory(relative).filter(|session| !self.active.contains(session)) {
            self.active.insert(session.clone());
            self.settle_deeply(&session, watcher);
        }
        self.settle_path(relative, watcher)
    }

    /// Notes that a directory is not watched any more: it was removed or moved, and may come back.
    pub fn note_unwatched(&mut self, relative: &Path) {
        self.unwatched.insert(relative.into());
    }

    /// Notes that the client has forgotten a project: its directory was removed by the user's own word.
    pub fn note_purged(&mut self, relative: &Path) {
        self.removals.note_purged(relative);
    }

    /// Returns how long to wait until something has to be looked at again, if anything has.
    pub fn patience(&self) -> Option<Duration> {
        let dedup = self.dedup.is_due().then_some(Duration::ZERO);
        self.retries.wait().into_iter().chain(self.removals.wait()).chain(dedup).min()
    }

    /// Looks again at what waited long enough. `is_wanted` is false where the profile is being taken away: then nothing of what vanished was meant.
    pub fn look_again(&mut self, is_wanted: bool, watcher: &mut dyn Watcher) -> Option<String> {
        for path in self.retries.due() {
            self.settle_deeply(&path, watcher);
            // One that could not even be tried must not be due again at once.
            if self.retries.wait_for(&path) == Some(Duration::ZERO) {
                self.look_later(&path, PAUSE);
            }
        }
        if self.removals.wait() == Some(Duration::ZERO) {
            if is_wanted {
                self.carry_removals(watcher);
            } else {
                self.removals.forget_noted();
            }
            self.record();
        }
        if !is_wanted {
            self.dedup.stop();
        } else if self.dedup.is_due() {
            self.dedup();
            self.record();
        }
        self.trouble()
    }

    /// Makes or separates at once all links that the first look has planned.
    pub fn finish_links(&mut self) {
        while self.dedup.is_due() {
            self.dedup();
        }
        self.record();
    }

    /// Acts on the user's word about removals that are held.
    pub fn obey(&mut self, watcher: &mut dyn Watcher) -> Option<String> {
        if let Some((answer, paths)) = self.removals.answered() {
            self.act_on(answer, &paths, watcher);
            self.record();
        }
        self.trouble()
    }

    /// A side that is away (unmounted, moved), or another directory than it was, has removed nothing, and nothing is put there.
    fn assert_present(&self) -> Result<()> {
        for (side, now) in Side::BOTH.into_iter().zip(identities(&self.sides)) {
            anyhow::ensure!(
                now.is_some() && now == self.roots[side as usize],
                "{} is away or was replaced, so nothing is shared",
                self.sides.root(side).display()
            );
        }
        Ok(())
    }

    fn trouble(&self) -> Option<String> {
        let held = self.removals.complaint();
        let first = held.as_ref().or_else(|| self.troubles.values().next())?;
        let more = self.troubles.len() - usize::from(held.is_none());
        Some(if more == 0 { first.clone() } else { format!("{first} (and {more} more)") })
    }

    fn fail(&mut self, relative: &Path, error: &anyhow::Error) {
        self.troubles.insert(relative.into(), format!("{}: {error:#}", relative.display()));
        self.look_later(relative, PAUSE);
    }

    /// Looks at a path again after a pause that doubles with each time.
    fn look_later(&mut self, relative: &Path, first: Duration) {
        self.retries.later(relative.into(), first);
    }

    /// Writes down what was agreed on since.
    fn record(&mut self) {
        if let Err(error) = self.base.record() {
            self.troubles.insert(PathBuf::new(), format!("{error:#}"));
        }
    }

    /// Writes down everything for the next session, after the files themselves are on the disk.
    pub fn save(&mut self) -> Result<()> {
        for side in Side::BOTH {
            crate::sys::sync_file_system(self.sides.root(side)).with_context(|| format!("could not sync {}", self.sides.root(side).display()))?;
        }
        self.base.save_synced()
    }
}

/// Whether a client of one side has the session open that a log belongs to.
fn is_live(sides: &Sides, relative: &Path, side: Side) -> bool {
    names_below::session_id(relative).is_some_and(|session| account::has_live_session(sides.root(side), &session))
}

fn identities(sides: &Sides) -> [Option<(u64, u64)>; 2] {
    Side::BOTH.map(|side| side::look(sides.root(side)).directory().map(|stat| stat.identity))
}

/// Says what the base describes: these two directories, in this mode. A directory that was made anew, or restored from a backup, is another one.
fn owner(sides: &Sides) -> String {
    let [own, hub] = Side::BOTH.map(|side| sides.root(side));
    format!("{} {}", sides.mode.name(), between(own, hub))
}
