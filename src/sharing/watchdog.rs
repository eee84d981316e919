//! What a helper keeps in step while a profile is in use: `.claude.json`, the links, the mirror.
//!
//! Every duty is the same three moves: watch, look at everything, act on what differs. Events only say which duty has something to look at; a
//! duty that found nothing writes nothing, so the events of our own writes end there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::json::{self, Pair};
use super::link_mode::LinkMode;
use super::links::Use;
use super::mirror::{Mirror, Watcher};
use super::names;
use super::tree::{Tree, held_back};
use crate::account;
use crate::claude_code::{SETTINGS, STATE};
use crate::context::Context;
use crate::io;
use crate::profile::Profile;
use crate::sys::{self, Events, Interest, Watch};

/// What an event can say about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
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
    /// The profile's config directory.
    Own,
    /// The hub.
    Hub,
    /// The hub's `.claude.json`, or the directory where it will appear.
    HubClaudeJson,
    /// The hub's settings, where the profile has its own.
    HubSettings,
    /// A directory of the mirror, relative to both roots.
    Mirrored(PathBuf),
}

/// Keeps one profile and the hub in step.
#[derive(Debug)]
pub struct Watchdog {
    tree: Tree,
    claude_json: Pair,
    mirror: Mirror,
    places: HashMap<Watch, Place>,
    due: BTreeSet<Duty>,
    /// Where `clauth status` looks for complaints.
    troubles: PathBuf,
    /// What each duty complains about now.
    said: BTreeMap<&'static str, String>,
    /// What waits for a lock, or for somebody who holds a file for a moment.
    again: BTreeSet<Duty>,
}

/// How long to wait before what was not to be had is tried again; of a lock it takes seconds until one whose holder died may be taken over.
const RETRY: Duration = Duration::from_millis(500);

impl Watchdog {
    /// Makes a watchdog that watches nothing yet.
    pub fn new(context: &Context, profile: &Profile, troubles: PathBuf) -> Result<Self> {
        let tree = Tree::new(context, context.hub(&context.config()?)?, profile);
        let claude_json = tree.claude_json();
        let mirror = Mirror::open(tree.sides.clone(), tree.has_own_settings().then(|| SETTINGS.into()), &tree.base.join("mirror"));
        Ok(Self { tree, claude_json, mirror, places: HashMap::new(), due: BTreeSet::new(), troubles, said: BTreeMap::new(), again: BTreeSet::new() })
    }

    /// Watches, then makes everything due.
    pub fn begin(&mut self, events: &mut Events) {
        let _ = fs::remove_file(&self.troubles); // those of an earlier session, which this one may not have
        let (own, hub) = (self.tree.config_dir.clone(), self.tree.hub.directory.clone());
        self.watch(events, &own, Interest::Contents, Place::Own);
        self.watch(events, &hub, self.interest(), Place::Hub);
        self.look_again();
    }

    /// Makes everything due: some events were not told.
    pub fn look_again(&mut self) {
        self.due.extend([Duty::ClaudeJson, Duty::Links, Duty::WholeMirror]);
    }

    /// Notes what an event makes due.
    pub fn note(&mut self, watch: Watch, name: Option<&OsStr>) {
        match (self.places.get(&watch), name) {
            (Some(Place::Own | Place::Hub), Some(name)) if name == STATE => drop(self.due.insert(Duty::ClaudeJson)),
            (Some(Place::HubSettings), _) => drop(self.due.insert(Duty::Links)),
            (Some(Place::HubClaudeJson), _) => drop(self.due.insert(Duty::ClaudeJson)),
            (Some(Place::Own | Place::Hub), Some(name)) if names::MIRRORED.iter().any(|mirrored| name == *mirrored) => {
                self.due.insert(Duty::WholeMirror);
            }
            (Some(Place::Own | Place::Hub), Some(name)) if names::is_shared(name) => {
                let mode = self.tree.sides.mode;
                let is_copy = name == SETTINGS && self.tree.has_own_settings();
                self.due.extend((mode.links_directories() || is_copy).then_some(Duty::Links));
                self.due.extend((mode != LinkMode::Symlink).then(|| Duty::Mirror(name.into())));
            }
            (Some(Place::Mirrored(directory)), Some(name)) => drop(self.due.insert(Duty::Mirror(directory.join(name)))),
            (Some(Place::Mirrored(directory)), None) => drop(self.due.insert(Duty::Mirror(directory.clone()))),
            // A system that does not tell the name.
            (Some(Place::Own | Place::Hub), None) => self.look_again(),
            _ => {}
        }
    }

    /// Returns how long to wait for an event at most: for ever, unless something waits for others or for a quiet moment.
    pub fn patience(&self) -> Option<Duration> {
        (!self.again.is_empty()).then_some(RETRY).into_iter().chain(self.mirror.removals_wait()).min()
    }

    /// Carries removals across that have waited long enough, if the profile is still there.
    fn carry_removals(&mut self, events: &mut Events) {
        if self.mirror.removals_wait() != Some(Duration::ZERO) {
            return;
        }
        if !self.tree.profile_file.exists() {
            self.mirror.forget_removals();
            return;
        }
        self.keep_mirror(events, Mirror::carry_removals);
    }

    /// Does what is due; whether anything was.
    pub fn work(&mut self, events: &mut Events) -> bool {
        self.due.append(&mut self.again);
        if !self.tree.profile_file.exists() {
            self.due.clear(); // somebody takes the profile away
        }
        let has_work = !self.due.is_empty();
        while let Some(duty) = self.due.pop_first() {
            match duty {
                Duty::ClaudeJson => self.keep_claude_json(events),
                Duty::Links => self.keep_links(events, Use::InUse),
                Duty::Mirror(path) => self.keep_mirror(events, |mirror, watcher| mirror.settle_path(&path, watcher)),
                Duty::WholeMirror => {
                    self.due.retain(|duty| !matches!(duty, Duty::Mirror(_)));
                    self.keep_mirror(events, Mirror::settle);
                }
            }
        }
        self.carry_removals(events);
        has_work
    }

    /// Does what waited for the last shell to go, unless a client still runs; then writes down what was agreed, for the next session.
    pub fn finish(&mut self, events: &mut Events) {
        if account::live_clients(&self.tree.config_dir).is_empty() {
            self.keep_links(events, Use::Quiet);
        }
        let trouble = self.mirror.save().err().map(|error| format!("{error:#}"));
        self.complain("manifest", trouble.as_deref());
        let trouble = json::save(&self.claude_json).err().map(|error| format!("{error:#}"));
        self.complain("agreed state", trouble.as_deref());
    }

    fn keep_links(&mut self, events: &mut Events, use_: Use) {
        if self.tree.has_own_settings() {
            let settings = self.tree.hub.directory.join(SETTINGS);
            self.watch(events, &settings, Interest::File, Place::HubSettings);
        }
        let troubles = self.tree.prepare(use_).unwrap_or_else(|error| vec![error]);
        if self.mirror.share_by(self.tree.sides.mode) {
            self.due.insert(Duty::WholeMirror);
        }
        self.again.extend(troubles.iter().any(io::is_hindered).then_some(Duty::Links));
        self.complain("links", troubles.first().map(|error| format!("{error:#}")).as_deref());
    }

    fn keep_claude_json(&mut self, events: &mut Events) {
        // The file is watched by its inode, which every save replaces; before the first save, the directory where it will appear.
        let file = self.claude_json.hub.clone();
        self.places.retain(|_, place| *place != Place::HubClaudeJson); // else each save of the client's would leave one behind
        if !self.watch(events, &file, Interest::File, Place::HubClaudeJson) {
            // The hub's own directory is watched already, and a second watch would take the place of the first.
            let directory = file.parent().filter(|directory| !sys::same_file(directory, &self.tree.hub.directory)).map(Path::to_path_buf);
            if let Some(directory) = directory {
                self.watch(events, &directory, Interest::Names, Place::HubClaudeJson);
            }
        }
        let complaint = match json::sync(&self.claude_json) {
            Ok(report) => {
                self.tree.say_what_lost(STATE, &report.lost);
                if !report.held.is_empty() {
                    // Said until the user decides: the next pass finds the keys where they were, and nothing wrong.
                    self.complain("deletions", Some(&held_back(STATE, &report.held)));
                } else if self.said.contains_key("deletions") && !self.tree.deletions.are_waiting() {
                    self.complain("deletions", None);
                }
                self.again.extend(report.is_locked.then_some(Duty::ClaudeJson));
                report.left
            }
            Err(error) => {
                self.again.extend(io::is_hindered(&error).then_some(Duty::ClaudeJson));
                Some(format!("{error:#}"))
            }
        };
        self.complain(STATE, complaint.as_deref());
    }

    /// A linked file has one content; of a copy each write must be told.
    fn interest(&self) -> Interest {
        if self.tree.sides.mode == LinkMode::Copy { Interest::Contents } else { Interest::Names }
    }

    fn keep_mirror(&mut self, events: &mut Events, work: impl FnOnce(&mut Mirror, &mut dyn Watcher) -> Option<String>) {
        let mut watcher = MirrorWatcher { events, places: &mut self.places, trouble: None };
        let trouble = work(&mut self.mirror, &mut watcher);
        let trouble = trouble.or(watcher.trouble.map(|error| format!("{error:#}")));
        self.complain("mirror", trouble.as_deref());
    }

    fn watch(&mut self, events: &mut Events, path: &Path, interest: Interest, place: Place) -> bool {
        match events.watch(path, interest) {
            Ok(watch) => {
                self.places.insert(watch, place);
                true
            }
            Err(error) => {
                if place != Place::HubClaudeJson {
                    self.complain("watch", Some(&format!("could not watch {}: {error}", path.display())));
                }
                false
            }
        }
    }

    /// Says a complaint once for as long as it stays so, in the log and where `clauth status` finds it.
    fn complain(&mut self, about: &'static str, complaint: Option<&str>) {
        let before = match complaint {
            Some(complaint) => self.said.insert(about, complaint.into()),
            None => self.said.remove(about),
        };
        if before.as_deref() == complaint {
            return;
        }
        complaint.into_iter().for_each(io::say);
        let lines: String = self.said.values().map(|complaint| io::terminal_safe(complaint) + "\n").collect();
        if let Err(error) = io::write(&self.troubles, lines.as_bytes()) {
            io::say(format_args!("{error:#}"));
        }
    }
}

/// Watches the mirror's directories as they are found.
struct MirrorWatcher<'a> {
    events: &'a mut Events,
    places: &'a mut HashMap<Watch, Place>,
    trouble: Option<anyhow::Error>,
}

impl Watcher for MirrorWatcher<'_> {
    fn watch(&mut self, relative: &Path, directory: &Path, writes: bool) {
        match self.events.watch(directory, if writes { Interest::Contents } else { Interest::Names }) {
            Ok(watch) => drop(self.places.insert(watch, Place::Mirrored(relative.into()))),
            Err(error) => {
                let trouble = anyhow::Error::new(error).context(format!("could not watch {}", directory.display()));
                self.trouble.get_or_insert(trouble);
            }
        }
    }
}
