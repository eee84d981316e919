//! What a helper keeps in step while a profile is in use: `.claude.json`, the links, the mirrored directories.
//!
//! Every duty is the same three moves: watch, look at everything, act on what differs. Events only say which duty has something to look at. A duty that
//! found nothing writes nothing, so the events of our own writes end there. A duty that failed is tried again after a pause that doubles.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use self::watcher::MirrorWatcher;
use super::complaints::Complaints;
use super::decide::Side;
use super::files::removals::QUIET;
use super::files::{Mirror, Watcher, names_below, trash};
use super::json::{self, Pair, Seen};
use super::link_mode::LinkMode;
use super::links::{self, Use};
use super::names::{self, is_shared};
use super::retries::Retries;
use super::tree::{InTurn, Tree, held_back};
use crate::account;
use crate::claude_code::{SETTINGS, STATE};
use crate::context::Context;
use crate::io::ClientLock;
use crate::profile::Profile;
use crate::sys::{self, Events, Interest, Watch};

mod watcher;

/// What an event can say about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
    /// The two directories themselves.
    Roots,
    ClaudeJson,
    Links,
    /// A path below the mirrored directories.
    Mirror(PathBuf),
    /// All of them.
    WholeMirror,
}

/// What a watch is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The profile's config directory, or the hub.
    Root(Side),
    /// The directory in which one of those will appear again.
    Parent,
    /// The hub's `.claude.json`, or the directory where it will appear.
    HubClaudeJson,
    /// The hub's settings.
    HubSettings,
    /// A directory of the mirror, or a file in it, relative to both roots.
    Mirrored(Rc<Path>),
}

/// Keeps one profile and the hub in step.
#[derive(Debug)]
pub struct Watchdog {
    tree: Tree,
    claude_json: Pair,
    /// Both `.claude.json` as they were agreed on.
    seen: Seen,
    mirror: Mirror,
    places: HashMap<Watch, Place>,
    due: BTreeSet<Duty>,
    again: Retries<Duty>,
    /// The lock of `.claude.json` that was in the way, by the time of its last touch.
    stuck: Option<SystemTime>,
    /// The directories that could not be watched.
    unwatched: BTreeSet<PathBuf>,
    /// What each duty complains about now.
    complaints: Complaints,
    /// How many files were given since events were last read.
    given: usize,
}

/// How long to wait for others that write the same file, one after the other.
const TURN: Duration = Duration::from_millis(50);

/// The first pause before a duty that failed is tried again. A client holds a lock for milliseconds, and one whose holder died can be taken over after
/// seconds.
const PAUSE: Duration = Duration::from_secs(1);

impl Watchdog {
    /// Makes a watchdog that watches nothing yet; `troubles` is the file that tells the user what is not shared.
    pub fn new(context: &Context, profile: &Profile, troubles: PathBuf) -> Result<Self> {
        let tree = Tree::new(context, context.hub(&context.config()?)?, profile);
        let claude_json = tree.claude_json();
        let mirror = tree.mirror();
        Ok(Self {
            tree,
            claude_json,
            seen: Seen::default(),
            mirror,
            places: HashMap::new(),
            due: BTreeSet::new(),
            again: Retries::new(),
            stuck: None,
            unwatched: BTreeSet::new(),
            complaints: Complaints::new(troubles),
            given: 0,
        })
    }

    /// Watches, then makes everything due.
    pub fn begin(&mut self, events: &mut Events) {
        let tidied = trash::tidy(&self.tree.sides.trash).err();
        self.complaints.say("trash", tidied.map(|error| format!("could not tidy {}: {error}", self.tree.sides.trash.display())).as_deref());
        self.keep_roots(events, true);
    }

    /// Makes everything due: some events were not told.
    pub fn look_again(&mut self) {
        self.due.extend([Duty::ClaudeJson, Duty::Links, Duty::WholeMirror]);
    }

    /// Acts on the user's word about removals that are held.
    pub fn obey(&mut self, events: &mut Events) {
        self.with_mirror(events, Mirror::obey);
    }

    /// Notes that what was watched is gone.
    pub fn note_gone(&mut self, watch: Watch) {
        match self.places.remove(&watch) {
            Some(Place::Root(_)) => drop(self.due.insert(Duty::Roots)),
            Some(Place::Mirrored(path)) => {
                self.mirror.note_unwatched(&path);
                self.due.insert(Duty::Mirror(path.to_path_buf()));
            }
            Some(Place::HubSettings) => drop(self.due.insert(Duty::Links)),
            Some(Place::HubClaudeJson) => drop(self.due.insert(Duty::ClaudeJson)),
            _ => {}
        }
    }

    /// Notes what an event makes due.
    pub fn note(&mut self, watch: Watch, name: Option<&OsStr>) {
        match (self.places.get(&watch), name) {
            (Some(Place::Root(_)), Some(name)) if name == STATE => drop(self.due.insert(Duty::ClaudeJson)),
            (Some(Place::HubSettings), _) => drop(self.due.insert(Duty::Links)),
            (Some(Place::HubClaudeJson), _) => drop(self.due.insert(Duty::ClaudeJson)),
            (Some(Place::Parent), _) => drop(self.due.insert(Duty::Roots)),
            (Some(Place::Root(_)), Some(name)) if names::MIRRORED.iter().any(|mirrored| name == *mirrored) => {
                self.due.insert(Duty::Mirror(name.into()));
            }
            (Some(Place::Root(_)), Some(name)) if is_shared(name) => {
                let mode = self.tree.sides.mode;
                self.due.extend((mode.links_directories() || name == SETTINGS).then_some(Duty::Links));
                self.due.extend((mode != LinkMode::Symlink).then(|| Duty::Mirror(name.into())));
            }
            (Some(Place::Mirrored(directory)), Some(name)) => drop(self.due.insert(Duty::Mirror(directory.join(name)))),
            (Some(Place::Mirrored(directory)), None) => drop(self.due.insert(Duty::Mirror(directory.to_path_buf()))),
            // A system that does not tell the name.
            (Some(Place::Root(_)), None) => self.look_again(),
            _ => {}
        }
    }

    /// Returns how long to wait for an event at most: for ever, unless something waits for a pause to end.
    pub fn patience(&self) -> Option<Duration> {
        if !self.due.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.is_away() {
            return self.again.wait_for(&Duty::Roots);
        }
        self.again.wait().into_iter().chain(self.mirror.patience()).min()
    }

    /// Does what is due; returns whether anything was.
    pub fn work(&mut self, events: &mut Events) -> bool {
        self.due.extend(self.again.due());
        // Somebody takes the profile away: nothing of what vanishes was meant to vanish elsewhere.
        let is_wanted = self.tree.profile_file.exists();
        if !is_wanted {
            self.due.clear();
            self.again.retain(|_| false);
        }
        if self.is_away() {
            // Nothing else can be done, or may be, until both are there; then everything is looked at.
            self.due.retain(|duty| *duty == Duty::Roots);
            self.again.retain(|duty| *duty == Duty::Roots);
        }
        let mut has_work = !self.due.is_empty();
        while let Some(duty) = self.due.pop_first() {
            match duty {
                Duty::Roots => {
                    self.keep_roots(events, false);
                    if self.is_away() {
                        self.due.clear();
                    }
                }
                Duty::ClaudeJson => self.keep_claude_json(events),
                Duty::Links => self.keep_links(events, Use::Live),
                Duty::Mirror(path) => self.with_mirror(events, |mirror, watcher| mirror.settle_noted(&path, watcher)),
                Duty::WholeMirror => {
                    self.due.retain(|duty| !matches!(duty, Duty::Mirror(_)));
                    self.again.remove(&Duty::WholeMirror);
                    self.unwatched.clear();
                    self.with_mirror(events, Mirror::settle);
                }
            }
        }
        if !self.is_away() && self.mirror.patience() == Some(Duration::ZERO) {
            has_work = true;
            self.with_mirror(events, |mirror, watcher| mirror.look_again(is_wanted, watcher));
        }
        if has_work {
            self.mirror.rest();
        }
        has_work
    }

    /// Does what waited for the last shell to go, unless a client still runs; then writes down what was agreed, for the next session.
    pub fn finish(&mut self, events: &mut Events) {
        if !self.tree.profile_file.exists() {
            return;
        }
        if account::live_clients(&self.tree.config_dir).is_empty() {
            self.keep_links(events, Use::Quiet);
        }
        let saved = self.mirror.save().and_then(|()| json::save(&self.claude_json));
        self.complaints.say("base", saved.err().map(|error| format!("{error:#}")).as_deref());
    }

    /// Whether the hub or the config directory is away, or was replaced and is not complete yet.
    fn is_away(&self) -> bool {
        self.complaints.has("roots")
    }

    /// Watches both directories, or waits where one of them will appear again.
    fn keep_roots(&mut self, events: &mut Events, is_first: bool) {
        self.places.retain(|_, place| !matches!(place, Place::Root(_) | Place::Parent));
        let mut away = None;
        for side in Side::BOTH {
            let root = self.tree.sides.root(side).to_path_buf();
            if self.watch(events, &root, Interest::Contents, Place::Root(side)).is_err() {
                if let Some(parent) = root.parent() {
                    let _ = self.watch(events, parent, Interest::Names, Place::Parent); // without it, the pause ends some time
                }
                away = Some(root);
            }
        }
        match away {
            Some(root) => {
                self.complaints.say("roots", Some(&format!("{} cannot be watched or does not exist, so nothing is shared", root.display())));
                self.try_again(Duty::Roots);
            }
            // What came back may not all be back yet: nothing of ours may stand in its way.
            None if !is_first && links::is_being_filled(&self.tree.hub) => {
                self.complaints.say("roots", Some(&format!("{} was replaced; sharing goes on when it is quiet", self.tree.hub.directory.display())));
                self.again.after(Duty::Roots, QUIET, PAUSE);
            }
            None => {
                self.complaints.say("roots", None);
                self.again.remove(&Duty::Roots);
                self.mirror.return_to_sides();
                self.look_again();
            }
        }
    }

    fn keep_links(&mut self, events: &mut Events, use_: Use) {
        let settings = self.tree.hub.directory.join(SETTINGS);
        let _ = self.watch(events, &settings, Interest::File, Place::HubSettings); // a missing one is told of by its directory
        let is_settling = use_ == Use::Live && links::is_settling(&self.tree.hub);
        let troubles = self.tree.prepare(use_).unwrap_or_else(|error| vec![error]);
        if self.mirror.share_by(self.tree.sides.mode) {
            self.due.insert(Duty::WholeMirror);
        }
        if !troubles.is_empty() {
            let is_in_turn = troubles.iter().all(anyhow::Error::is::<InTurn>);
            self.again.later(Duty::Links, if is_in_turn { TURN } else { PAUSE });
        } else if is_settling {
            self.again.after(Duty::Links, QUIET, PAUSE);
        } else {
            self.again.remove(&Duty::Links);
        }
        self.complaints.say("links", troubles.first().map(|error| format!("{error:#}")).as_deref());
    }

    fn keep_claude_json(&mut self, events: &mut Events) {
        // The file is watched by its inode, which every save replaces; before the first save, the directory where it will appear.
        let file = self.claude_json.hub.clone();
        self.places.retain(|_, place| *place != Place::HubClaudeJson); // else each save of the client's would leave one behind
        // A link of the user's can be pointed at another file.
        if self.watch(events, &file, Interest::File, Place::HubClaudeJson).is_err() || file.is_symlink() {
            // The hub's own directory is watched already, and a second watch would take the place of the first.
            let directory = file.parent().filter(|directory| !sys::same_file(directory, &self.tree.hub.directory)).map(Path::to_path_buf);
            if let Some(directory) = directory {
                let _ = self.watch(events, &directory, Interest::Names, Place::HubClaudeJson);
            }
        }
        if self.stuck.is_some() && self.stuck == self.lock_held_since() {
            self.try_again(Duty::ClaudeJson); // still the same lock
            return;
        }
        let synced = json::sync_unless(&self.claude_json, &mut self.seen);
        let is_locked = synced.as_ref().is_ok_and(|report| report.is_locked);
        let held_since = if is_locked { self.lock_held_since() } else { None };
        match &synced {
            // Clients and helpers take turns.
            Ok(_) if is_locked && held_since != self.stuck => {
                self.again.after(Duty::ClaudeJson, TURN, TURN);
            }
            Ok(report) if !is_locked && report.left.is_none() => self.again.remove(&Duty::ClaudeJson),
            _ => self.try_again(Duty::ClaudeJson),
        }
        self.stuck = held_since;
        let complaint = match synced {
            Ok(report) => {
                self.tree.say_what_lost(STATE, &report.lost);
                report.removed.iter().filter_map(|pointer| names_below::purged_directory(pointer)).for_each(|path| self.mirror.note_purged(&path));
                if !report.held.is_empty() {
                    // Said until the user decides: the next pass finds the keys where they were, and nothing wrong.
                    self.complaints.say("deletions", Some(&held_back(STATE, &report.held)));
                } else if self.complaints.has("deletions") && !self.tree.deletions.are_waiting() {
                    self.complaints.say("deletions", None);
                }
                report.left
            }
            Err(error) => Some(format!("{error:#}")),
        };
        self.complaints.say(STATE, complaint.as_deref());
    }

    /// Since when one of the two files is locked, if one is.
    fn lock_held_since(&self) -> Option<SystemTime> {
        [&self.claude_json.own, &self.claude_json.hub].into_iter().filter_map(|file| ClientLock::held_since(file)).max()
    }

    fn with_mirror(&mut self, events: &mut Events, work: impl FnOnce(&mut Mirror, &mut dyn Watcher) -> Option<String>) {
        let (places, unwatched, given) = (&mut self.places, &mut self.unwatched, &mut self.given);
        let mut watcher = MirrorWatcher { events, places, unwatched, given, error: None };
        let trouble = work(&mut self.mirror, &mut watcher);
        let error = watcher.error.take();
        self.complaints.say("mirror", trouble.as_deref());
        if let Some(directory) = self.unwatched.first() {
            let more = self.unwatched.len() - 1;
            let (and_more, cause) = (if more == 0 { String::new() } else { format!(" and {more} more") }, error.map(|error| format!(": {error}")));
            let complaint = format!("could not watch {}{and_more}{}", directory.display(), cause.unwrap_or_default());
            self.complaints.say("watch", Some(&complaint));
            self.try_again(Duty::WholeMirror);
        } else {
            self.complaints.say("watch", None);
        }
    }

    fn watch(&mut self, events: &mut Events, path: &Path, interest: Interest, place: Place) -> std::io::Result<()> {
        let watch = events.watch(path, interest)?;
        self.places.insert(watch, place);
        Ok(())
    }

    fn try_again(&mut self, duty: Duty) {
        self.again.later(duty, PAUSE);
    }
}
