//! The mirror: directories that are real on both sides and whose files are one.
//!
//! Claude Code lets its model use its own memory, plans, tasks and transcripts without asking, but only where the path and what it resolves to lie
//! in the config directory. So these are no links to directories but directories whose files are hard links: an append on one side is on the
//! other in the same instant. What is created, replaced by rename or removed on one side is carried across here. Between file systems files are
//! copied.
//!
//! Killed anywhere it loses nothing: a file is given under a temporary name and exchanged with what it replaces; what turns out to be newer than
//! thought, or lost against something newer, goes to `rescued/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use self::manifest::Manifest;
use self::verdict::{Agreed, Verdict, verdict};
use super::link_mode::LinkMode;
use super::names::{self, MIRRORED, is_temporary};
use super::sides::{Entry, Identity, Seen, Side, Sides, look};
use crate::{io, sys};

mod manifest;
#[cfg(test)]
mod tests;
mod verdict;

/// Keeps a profile's mirrored directories and the hub's the same.
#[derive(Debug)]
pub struct Mirror {
    sides: Sides,
    /// A shared name that is kept in step by somebody else.
    without: Option<PathBuf>,
    manifest_file: PathBuf,
    manifest: Manifest,
    /// What one side removed and the other still has.
    removals: BTreeSet<PathBuf>,
    /// When the newest of them was seen.
    last_removal: Instant,
    /// Those that are carried across now; any other is only noted.
    carried: BTreeSet<PathBuf>,
    /// What could not be done, by path, for as long as it is so.
    troubles: BTreeMap<PathBuf, String>,
}

/// Told of each directory before it is listed, so that what appears in it afterwards is told by the kernel.
pub trait Watcher {
    /// Watches one directory of one side. With `writes`, what is written to its files has to be told too.
    fn watch(&mut self, relative: &Path, directory: &Path, writes: bool);
}

/// How long nothing must have been removed before removals are carried across.
const QUIET: Duration = Duration::from_secs(1);

impl Mirror {
    /// Takes up the mirror where the last session left it.
    pub fn open(sides: Sides, without: Option<PathBuf>, manifest: &Path) -> Self {
        manifest.parent().into_iter().for_each(io::forget_unfinished);
        Self {
            sides,
            without,
            manifest: Manifest::load(manifest),
            manifest_file: manifest.into(),
            removals: BTreeSet::new(),
            last_removal: Instant::now(),
            carried: BTreeSet::new(),
            troubles: BTreeMap::new(),
        }
    }

    /// Brings everything together; returns what is in the way, if anything is.
    pub fn settle(&mut self, watcher: &mut dyn Watcher) -> Option<String> {
        for name in self.names() {
            self.settle_path(&name, watcher);
        }
        self.trouble()
    }

    /// Shares files in another way from now on; whether that is another one.
    pub fn share_by(&mut self, mode: LinkMode) -> bool {
        std::mem::replace(&mut self.sides.mode, mode) != mode
    }

    /// The top-level names that are mirrored: those that must be real, and without symbolic links all that are shared.
    fn names(&self) -> BTreeSet<PathBuf> {
        let mut names: BTreeSet<PathBuf> = MIRRORED.iter().map(PathBuf::from).collect();
        if self.sides.mode != LinkMode::Symlink {
            for side in [Side::Own, Side::Hub] {
                let entries = fs::read_dir(self.sides.root(side)).into_iter().flatten().flatten();
                names.extend(entries.map(|entry| entry.file_name()).filter(|name| names::is_shared(name)).map(PathBuf::from));
            }
            names.extend(self.manifest.names_in(Path::new("")));
            names.retain(|name| self.is_mirrored(name));
        }
        names
    }

    /// Whether a top-level name is mirrored: not what is kept in step by somebody else, and not a directory that is shared by a link.
    fn is_mirrored(&self, name: &Path) -> bool {
        let is_directory = || [Side::Own, Side::Hub].iter().any(|side| self.sides.root(*side).join(name).is_dir());
        let is_real = MIRRORED.iter().any(|mirrored| name == Path::new(mirrored));
        self.without.as_deref() != Some(name) && (is_real || !self.sides.mode.links_directories() || !is_directory())
    }

    /// Brings one path together, and what lies below it; returns what is in the way, there or elsewhere.
    pub fn settle_path(&mut self, relative: &Path, watcher: &mut dyn Watcher) -> Option<String> {
        match self.assert_present() {
            Ok(()) if !relative.iter().next().is_some_and(|name| self.is_mirrored(Path::new(name))) => {}
            Ok(()) => self.visit(relative, watcher),
            Err(error) => return Some(format!("{error:#}")),
        }
        self.trouble()
    }

    /// How long the removals still have to wait, if there are any. They wait until nothing more is removed, since the same events tell of somebody
    /// who takes all of clauth away (`rm -rf ~/.clauth`) and means none of the hub's history: by then the caller knows whether the profile is there.
    pub fn removals_wait(&self) -> Option<Duration> {
        (!self.removals.is_empty()).then(|| QUIET.saturating_sub(self.last_removal.elapsed()))
    }

    fn note_removal(&mut self, relative: &Path) {
        if self.removals.insert(relative.into()) {
            self.last_removal = Instant::now();
        }
    }

    /// Carries removals across.
    pub fn carry_removals(&mut self, watcher: &mut dyn Watcher) -> Option<String> {
        self.carried = std::mem::take(&mut self.removals);
        for path in self.carried.clone() {
            self.settle_path(&path, watcher);
        }
        self.carried.clear();
        self.trouble()
    }

    /// Whether the removal of a path, or of a directory above it, is carried across now.
    fn carries(&self, relative: &Path) -> bool {
        relative.ancestors().any(|path| self.carried.contains(path))
    }

    /// Forgets removals that nobody meant.
    pub fn forget_removals(&mut self) {
        self.removals.clear();
    }

    /// A side that is away (unmounted, moved) has removed nothing. To be asked after something was found to be absent.
    fn assert_present(&self) -> Result<()> {
        for root in [Side::Own, Side::Hub].map(|side| self.sides.path(side, Path::new(""))) {
            anyhow::ensure!(root.is_dir(), "{} is not there, so nothing is shared", root.display());
        }
        Ok(())
    }

    fn trouble(&self) -> Option<String> {
        let first = self.troubles.values().next()?;
        let more = self.troubles.len() - 1;
        Some(if more == 0 { first.clone() } else { format!("{first} (and {more} more)") })
    }

    /// Remembers what was agreed.
    pub fn save(&mut self) -> Result<()> {
        io::create_parent(&self.manifest_file)?;
        self.manifest.save(&self.manifest_file)
    }

    fn visit(&mut self, relative: &Path, watcher: &mut dyn Watcher) {
        let paths = [Side::Own, Side::Hub].map(|side| self.sides.path(side, relative));
        let done = if is_temporary(&relative.file_name().unwrap_or_default().to_string_lossy()) {
            paths.iter().try_for_each(|path| self.sides.take_up(path, relative))
        } else {
            match (look(&paths[0]), look(&paths[1])) {
                (Entry::Directory(own), Entry::Directory(hub)) => self.visit_directory(relative, Some(own), Some(hub), watcher),
                (Entry::Directory(own), Entry::Absent) => self.visit_directory(relative, Some(own), None, watcher),
                (Entry::Absent, Entry::Directory(hub)) => self.visit_directory(relative, None, Some(hub), watcher),
                (Entry::File(own), Entry::File(hub)) => self.settle_file(relative, Some(own), Some(hub)),
                (Entry::File(own), Entry::Absent) => self.settle_file(relative, Some(own), None),
                (Entry::Absent, Entry::File(hub)) => self.settle_file(relative, None, Some(hub)),
                (Entry::Absent, Entry::Absent) => {
                    self.forget(relative);
                    Ok(())
                }
                (Entry::Other, Entry::Absent) | (Entry::Absent, Entry::Other) => {
                    Err(anyhow::anyhow!("is neither a file nor a directory that can be shared"))
                }
                _ => Err(anyhow::anyhow!(
                    "is not the same kind of thing in the profile and in {}, so both stay",
                    self.sides.path(Side::Hub, Path::new("")).display()
                )),
            }
        };
        match done {
            Ok(()) => drop(self.troubles.remove(relative)),
            Err(error) => drop(self.troubles.insert(relative.into(), format!("{}: {error:#}", relative.display()))),
        }
    }

    fn visit_directory(&mut self, relative: &Path, own: Option<Identity>, hub: Option<Identity>, watcher: &mut dyn Watcher) -> Result<()> {
        let agreed = self.manifest.get(relative);
        let is_root = MIRRORED.iter().any(|name| relative == Path::new(name));
        let is_same = |now: Option<Identity>, then: Identity| now.is_some_and(|now| now.is_one_file_with(&then));
        if is_root && !agreed.is_some_and(|agreed| is_same(own, agreed.own) && is_same(hub, agreed.hub)) {
            // Taken away or made anew as a whole: that says nothing of the files in it, which are given again, though not under the hands of whoever
            // takes them away.
            if agreed.is_some() && own.is_none() != hub.is_none() && !self.carries(relative) {
                self.note_removal(relative);
                return Ok(());
            }
            // Nor does it of those noted with it: if they are missing again, somebody takes it all away once more.
            self.carried.retain(|path| !path.starts_with(relative));
            self.forget(relative);
        }
        let verdict = verdict(own.as_ref(), hub.as_ref(), self.manifest.get(relative).as_ref());
        if let Verdict::Remove(side) = verdict {
            if !self.carries(relative) {
                self.note_removal(relative);
                return Ok(());
            }
            self.assert_present()?;
            // The other side removed the directory: what was agreed in it goes, what is new in it brings the directory back.
            self.visit_names(relative, watcher);
            if fs::remove_dir(self.sides.path(side, relative)).is_ok() {
                self.forget(relative);
                return Ok(());
            }
        }
        let directories = [Side::Own, Side::Hub].map(|side| self.sides.path(side, relative));
        for (directory, _) in directories.iter().zip([own, hub]).filter(|(_, present)| present.is_none()) {
            match sys::create_private_dir(directory) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(error).with_context(|| format!("could not create {}", directory.display()));
                }
                _ => {}
            }
        }
        let writes = self.sides.are_copies(relative);
        for directory in &directories {
            watcher.watch(relative, directory, writes);
        }
        self.note_directory(relative);
        self.visit_names(relative, watcher);
        Ok(())
    }

    fn visit_names(&mut self, directory: &Path, watcher: &mut dyn Watcher) {
        let mut names: BTreeSet<PathBuf> = self.manifest.names_in(directory).into_iter().collect();
        for side in [Side::Own, Side::Hub] {
            let entries = fs::read_dir(self.sides.path(side, directory)).into_iter().flatten().flatten();
            names.extend(entries.map(|entry| directory.join(entry.file_name())));
        }
        for name in names {
            self.visit(&name, watcher);
        }
    }

    /// Both names are gone: so is everything that was agreed below them.
    fn forget(&mut self, relative: &Path) {
        for name in self.manifest.names_in(relative) {
            self.forget(&name);
        }
        self.manifest.set(relative, None);
        self.troubles.retain(|path, _| !path.starts_with(relative));
    }

    fn note_directory(&mut self, relative: &Path) {
        let [own, hub] = [Side::Own, Side::Hub].map(|side| look(&self.sides.path(side, relative)).directory());
        self.manifest.set(relative, Agreed::of(own, hub));
    }

    fn settle_file(&mut self, relative: &Path, own: Option<Identity>, hub: Option<Identity>) -> Result<()> {
        let agreed = self.manifest.get(relative);
        let (from, is_dispensable) = match verdict(own.as_ref(), hub.as_ref(), agreed.as_ref()) {
            Verdict::Agree => {
                self.manifest.set(relative, Agreed::of(own, hub));
                return Ok(());
            }
            Verdict::Remove(_) if !self.carries(relative) => {
                self.note_removal(relative);
                return Ok(());
            }
            Verdict::Remove(side) => {
                self.assert_present()?;
                self.sides.remove(relative, side, if side == Side::Own { own } else { hub }.as_ref())?;
                self.manifest.set(relative, None);
                return Ok(());
            }
            Verdict::Give(from) | Verdict::Clash(from) if self.leads_across(relative, from) => (from.other(), true),
            Verdict::Clash(from) if self.leads_across(relative, from.other()) => (from, true),
            Verdict::Give(from) => {
                let (given, replaced) = if from == Side::Own { (own, hub) } else { (hub, own) };
                // A linked file can be written to after another took its place elsewhere: then it is not what was replaced there.
                let was_linked = agreed.is_some_and(|agreed| agreed.are_linked());
                let is_newer = was_linked && replaced.zip(given).is_some_and(|(replaced, given)| replaced.modified >= given.begun());
                (from, !is_newer)
            }
            Verdict::Clash(newer) => {
                let paths = [Side::Own, Side::Hub].map(|side| self.sides.path(side, relative));
                // Two copies of one text are no clash: they become one file, or stay two where that cannot be, and nothing needs a rescue.
                let is_same = io::is_same_content(&paths[0], &paths[1]);
                if is_same && self.sides.are_copies(relative.parent().unwrap_or(relative)) {
                    self.manifest.set(relative, Agreed::of(own, hub));
                    return Ok(());
                }
                (newer, is_same)
            }
        };
        let (given, replaced) = if from == Side::Own { (own, hub) } else { (hub, own) };
        let given = self.sides.give(relative, from, &Seen { given, replaced, is_dispensable })?;
        // What was looked at and what was made of it, not what stands there now: that may be somebody's next version, which would count as agreed.
        let agreed = match from {
            Side::Own => Agreed::of(own, given),
            Side::Hub => Agreed::of(given, hub),
        };
        self.manifest.set(relative, agreed);
        Ok(())
    }

    /// Whether one side has a link that leads to the other side's file: it must not replace what it leads to.
    fn leads_across(&self, relative: &Path, side: Side) -> bool {
        let (link, file) = (self.sides.path(side, relative), self.sides.path(side.other(), relative));
        link.is_symlink() && !file.is_symlink() && sys::same_file(&link, &file)
    }
}
