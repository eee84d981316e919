//! What lies in a config directory that the user made without clauth, and where it goes when a profile takes it over.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::links::{Present, survey};
use super::names::{self, Kind};
use super::settle::{Kept, Mover, carry_all};
use super::{depart, places};
use crate::account::old_state;
use crate::claude_code::settings;
use crate::claude_code::{CREDENTIALS, LIMIT, OLD_STATE, SETTINGS, STATE};
use crate::hub::Hub;
use crate::io::json::Object;
use crate::{io, sys};

/// Where a file is while it is compared with the hub's: in the directory itself, and so on its file system.
const STAGING: &str = ".clauth-import";

/// Holds the top-level names of such a directory, sorted by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    /// Shared names, each with the files at and below it: they go to the hub.
    pub shared: Vec<(OsString, Vec<PathBuf>)>,
    /// Links that lead to what the hub has itself: sharing done by hand, of no more use.
    pub links: Vec<OsString>,
    /// What stays: bound to that directory or its processes, unknown and hidden, or a link to somewhere else.
    pub staying: Vec<OsString>,
    /// What is one place with a name of the hub, which leads here: it stays, each with that name.
    pub places: Vec<(OsString, PathBuf)>,
    /// Settings which say whose account or service they are for: they are kept beside, and never the hub's.
    pub has_own_settings: bool,
    /// Whether it has a login of its own, and not a link to the hub's.
    pub has_login: bool,
    /// The same of the client's state.
    pub has_state: bool,
}

impl Belongings {
    /// Looks at a directory.
    pub fn of(directory: &Path, hub: &Hub) -> Result<Self> {
        let mut found = Self::default();
        let state = if old_state(directory).is_some() { OLD_STATE } else { STATE };
        for (name, present) in survey(directory)? {
            let path = directory.join(&name);
            let text = name.to_string_lossy();
            let is_link = matches!(present, Present::Link { .. });
            if name == STAGING {
                continue; // of an import that was killed: this one goes on with it
            }
            if let Some(of_hub) = if is_link { None } else { places::hub_name_meeting(hub, &path)? } {
                found.places.push((name, of_hub));
                continue;
            }
            if is_link && is_the_hubs(&path, &name, hub) {
                found.links.push(name);
            } else if name == CREDENTIALS {
                found.has_login = true;
            } else if name == state {
                found.has_state = true;
            } else if is_link
                || matches!(present, Present::Other)
                || text.starts_with('.')
                || matches!(names::kind(&text), Kind::Private | Kind::Unknown)
            {
                found.staying.push(name);
            } else if name == SETTINGS && is_of_one_account(&path) {
                found.has_own_settings = true;
            } else {
                let mut files = Vec::new();
                depart::collect_files(directory, Path::new(&name), &mut files)?;
                found.shared.push((name, files));
            }
        }
        Ok(found)
    }

    /// Returns all files that go to the hub.
    pub fn files(&self) -> Vec<PathBuf> {
        self.shared.iter().flat_map(|(_, files)| files.clone()).collect()
    }

    /// Returns the files of which the hub has another version.
    pub fn in_conflict(&self, directory: &Path, hub: &Hub) -> Vec<PathBuf> {
        let differs = |file: &PathBuf| {
            let there = hub.directory.join(file);
            let is_there = fs::symlink_metadata(&there).is_ok() && !is_empty_in_hub(file, hub);
            let is_log = file.extension().is_some_and(|extension| extension == "jsonl"); // the hub's gets the lines that it lacks
            is_there && !is_log && !io::is_same_content(&directory.join(file), &there)
        };
        self.files().into_iter().filter(differs).collect()
    }

    /// Moves what is shared to the hub and drops the links. Returns what is elsewhere now.
    pub fn share(&self, directory: &Path, hub: &Hub, rescue: &Path) -> Result<Kept> {
        let staging = directory.join(STAGING);
        // Empty settings give way, with no moment without any.
        for file in self.files().iter().filter(|file| is_empty_in_hub(file, hub)) {
            let path = directory.join(file);
            let text = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            io::write_durably(&io::resolved(&hub.directory.join(file)), &text)?;
        }
        let mover = Mover { from: directory, to: &hub.directory, staging: &staging, rescue };
        let mut kept = carry_all(&mover, &self.files())?;
        if self.has_own_settings {
            depart::keep_if_present(&directory.join(SETTINGS), &rescue.join(SETTINGS))?;
            kept.rescued.push(SETTINGS.into());
        }
        depart::remove_links_and_directories(&staging)?;
        for (name, _) in &self.shared {
            depart::remove_empty_directories(&directory.join(name))?;
        }
        for link in self.links.iter().map(|name| directory.join(name)).filter(|link| link.is_symlink()) {
            fs::remove_file(&link).with_context(|| format!("could not remove {}", link.display()))?;
        }
        Ok(kept)
    }
}

/// Whether settings belong to one account; what cannot be read as settings may.
fn is_of_one_account(file: &Path) -> bool {
    let text = io::read_regular(file, LIMIT).ok().flatten().unwrap_or_default();
    Object::document(&text).map_or(true, |document| settings::of_one_account().any(|key| document.has(key)))
}

/// Whether a file is the settings, and the hub's are empty, as earlier versions made them.
fn is_empty_in_hub(file: &Path, hub: &Hub) -> bool {
    file == Path::new(SETTINGS) && fs::read(hub.directory.join(file)).is_ok_and(|text| text.trim_ascii() == b"{}")
}

/// Whether a link leads to what the hub has: into it, to where the hub's own link of that name leads, or, dangling, to where it would be.
fn is_the_hubs(link: &Path, name: &OsString, hub: &Hub) -> bool {
    let of_hub = if name == STATE { hub.claude_json.clone() } else { hub.directory.join(name) };
    let leads_into = sys::physical(link).is_ok_and(|target| target.starts_with(&hub.directory));
    leads_into || sys::same_file(link, &of_hub) || fs::read_link(link).is_ok_and(|target| target == of_hub)
}
