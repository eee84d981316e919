//! What a helper complains about: said once in its log, and kept where `clauth status` finds it for as long as it is so.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::io;

/// The complaints of one helper, by what they are about.
#[derive(Debug)]
pub struct Complaints {
    file: PathBuf,
    said: BTreeMap<&'static str, String>,
}

impl Complaints {
    /// Begins without any; those of an earlier session end here.
    pub fn new(file: PathBuf) -> Self {
        let _ = std::fs::remove_file(&file);
        Self { file, said: BTreeMap::new() }
    }

    /// Whether there is a complaint about something.
    pub fn has(&self, about: &str) -> bool {
        self.said.contains_key(about)
    }

    /// Says a complaint, or that there is none any more.
    pub fn say(&mut self, about: &'static str, complaint: Option<&str>) {
        let before = match complaint {
            Some(complaint) => self.said.insert(about, complaint.into()),
            None => self.said.remove(about),
        };
        if before.as_deref() == complaint {
            return;
        }
        complaint.into_iter().for_each(io::say);
        let lines: String = self.said.values().map(|complaint| io::terminal_safe(complaint) + "\n").collect();
        if let Err(error) = io::write(&self.file, lines.as_bytes()) {
            io::say(format_args!("{error:#}"));
        }
    }
}
