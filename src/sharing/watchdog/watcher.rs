//! Watching the mirror's directories as they are found.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::{Place, Watcher};
use crate::sys::{Events, Interest, Listing, Watch};

/// After so many given files events are read, each making four: the kernel keeps 16,384.
const MANY_GIVEN: usize = 1000;

/// Watches the mirror's directories, and notes what they are.
pub struct MirrorWatcher<'a> {
    pub events: &'a mut Events,
    pub places: &'a mut HashMap<Watch, Place>,
    /// The directories that could not be watched.
    pub unwatched: &'a mut BTreeSet<PathBuf>,
    /// How many files were given since events were last read.
    pub given: &'a mut usize,
    /// Why the first of them could not.
    pub error: Option<io::Error>,
}

impl MirrorWatcher<'_> {
    fn note(&mut self, relative: &Path, path: &Path, watched: io::Result<Watch>) {
        match watched {
            Ok(watch) => {
                self.unwatched.remove(path);
                if !matches!(self.places.get(&watch), Some(Place::Mirrored(known)) if **known == *relative) {
                    self.places.insert(watch, Place::Mirrored(relative.into()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {} // removed since: its removal is an event of its own
            Err(error) => {
                self.unwatched.insert(path.into());
                self.error.get_or_insert(error);
            }
        }
    }
}

impl Watcher for MirrorWatcher<'_> {
    fn watch(&mut self, relative: &Path, path: &Path, interest: Interest) {
        let watched = self.events.watch(path, interest);
        self.note(relative, path, watched);
    }

    fn watch_listing(&mut self, relative: &Path, path: &Path, listing: &Listing, interest: Interest) {
        let watched = self.events.watch_listing(listing, path, interest);
        self.note(relative, path, watched);
    }

    fn note_given(&mut self) {
        *self.given += 1;
        if *self.given >= MANY_GIVEN {
            *self.given = 0;
            let _ = self.events.gather(); // the next wait says what is wrong
        }
    }
}
