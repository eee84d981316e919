//! Finding the client, and what runs it: on PATH, or where installers put it.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::Context;
use crate::claude_code::places::{self, Below, PLACES};
use crate::claude_code::processes::PROGRAM;
use crate::env::variable;
use crate::error::Mistake;
use crate::{io, sys};

/// More than any description of a package has, in bytes.
const LIMIT: usize = 1024 * 1024;

/// The client that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Its program.
    pub path: PathBuf,
    /// Whether PATH leads to it; else it was found where an installer put it.
    #[serde(rename = "on_path")]
    pub is_on_path: bool,
}

impl Context {
    /// Finds the real `claude`: the first on PATH that is neither clauth itself nor its shim, or else the newest that an installer has left.
    pub fn client(&self) -> Result<Client, Mistake> {
        if let Some(path) = self.on_path(PROGRAM) {
            return Ok(Client { path, is_on_path: true });
        }
        let mut found: Vec<_> = self.in_places(PROGRAM).collect();
        found.sort_by_cached_key(|program| Reverse(version(program))); // stable: the order of the places, where none tells its version
        let newest = found.into_iter().next().map(|path| Client { path, is_on_path: false });
        newest.ok_or_else(|| Mistake::NoClaude { variable: variable::PATH.into() })
    }

    /// Returns its program alone.
    pub fn real_claude(&self) -> Result<PathBuf, Mistake> {
        self.client().map(|client| client.path)
    }

    /// Finds another program that an installer of the client may have left.
    pub fn installed(&self, name: &str) -> Option<PathBuf> {
        self.on_path(name).or_else(|| self.in_places(name).next())
    }

    fn on_path(&self, name: &str) -> Option<PathBuf> {
        which::which_in_all(name, Some(self.env.absolute_path()), "/").into_iter().flatten().find(|found| !self.is_own(found))
    }

    fn in_places(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let home = self.env.home_dir().ok();
        let directories = PLACES.iter().filter_map(move |(below, path)| match below {
            Below::Home => Some(home.as_ref()?.join(path)),
            Below::Variable(name) => Some(Path::new(self.env.non_empty(name)?).join(path)),
            Below::Root => Some(path.into()),
        });
        let directories = directories.flat_map(|place| expanded(&place)).filter(|directory| directory.is_absolute());
        directories.filter_map(move |directory| which::which_in(name, Some(directory), "/").ok()).filter(|found| !self.is_own(found))
    }

    /// Whether a program is clauth, or a shim that leads to it: one of another `$CLAUTH_HOME` too.
    fn is_own(&self, found: &Path) -> bool {
        sys::same_file(found, &self.program)
            || sys::same_file(found, &self.layout.shim())
            || sys::linked_program(found).is_ok_and(|program| sys::same_file(&program, &self.program))
    }
}

/// Returns what a path with at most one `*` in it stands for.
fn expanded(place: &Path) -> Vec<PathBuf> {
    let mut parts = place.iter();
    let before: PathBuf = parts.by_ref().take_while(|part| *part != "*").collect();
    let after = parts.as_path();
    if before == place {
        return vec![before];
    }
    fs::read_dir(before).into_iter().flatten().flatten().map(|entry| entry.path().join(after)).collect()
}

/// Returns the version of an installed client, from where it lies or what lies around it. It is not run for that.
pub(super) fn version(program: &Path) -> Option<Vec<u64>> {
    let real = fs::canonicalize(program).ok()?;
    // `versions/2.1.332` of the native installer, `Caskroom/claude-code/2.1.332/claude` of Homebrew.
    let named = real.ancestors().take(2).find_map(|path| places::version(path.file_name()?.to_str()?));
    named.or_else(|| {
        let package = real.ancestors().find(|directory| directory.ends_with(places::PACKAGE))?;
        let text = io::read_regular(&package.join(places::DESCRIPTION), LIMIT).ok()??;
        places::version(serde_json::from_slice::<Value>(&text).ok()?["version"].as_str()?)
    })
}
