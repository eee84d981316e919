//! The process environment: read once, then passed down as a value.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::Mistake;
use crate::sys;

pub mod change;
pub mod direnv;
mod mise;
pub mod record;
mod terminal;
pub mod variable;

/// Holds the environment as it was when the process started.
#[derive(Clone, Default)]
pub struct Env {
    variables: HashMap<OsString, OsString>,
}

impl Env {
    /// Takes the snapshot.
    pub fn snapshot() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// Returns a variable's value, empty or not.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Returns a variable's value unless it is empty: Claude Code ignores empty ones, and so does clauth.
    pub fn non_empty(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether the user asked clauth to step aside.
    pub fn disabled(&self) -> bool {
        self.non_empty(variable::CLAUTH_DISABLE).is_some()
    }

    /// Returns the user's home directory, which must be named by the environment: guessing one from the user database would write to a
    /// place that the shell at hand does not mean.
    pub fn home_dir(&self) -> Result<PathBuf, Mistake> {
        self.non_empty(sys::HOME_VARIABLE).and_then(|_| dirs::home_dir()).ok_or_else(|| Mistake::HomeUnset { variable: sys::HOME_VARIABLE.into() })
    }

    /// Returns the overriding variables that are set now, empty ones too, but for those to keep.
    pub fn overriding<'a>(&'a self, keep: &'a [String]) -> impl Iterator<Item = &'static str> + 'a {
        watched(keep).filter(|name| self.get(name).is_some())
    }

    /// Returns PATH without its relative and empty entries, which would let a project choose the program.
    pub fn absolute_path(&self) -> OsString {
        let path = self.get(variable::PATH).unwrap_or_default();
        std::env::join_paths(std::env::split_paths(path).filter(|directory| directory.is_absolute())).unwrap_or_default()
    }

    /// Returns the locale's variables, which a helper inherits beside its own few.
    pub fn locale(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let is_locale = |name: &OsStr| name.to_str().is_some_and(|name| name == "LANG" || name.starts_with("LC_"));
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())).filter(move |(name, _)| is_locale(name))
    }
}

/// Returns the overriding variables that clauth watches: all but those that the user's `keep_env` exempts.
pub fn watched(keep: &[String]) -> impl Iterator<Item = &'static str> + '_ {
    variable::OVERRIDING.iter().copied().filter(|name| !keep.iter().any(|kept| kept == name))
}

/// Returns the physical working directory.
pub fn current_dir() -> Result<PathBuf, Mistake> {
    std::env::current_dir().map_err(|error| Mistake::DirectoryGone { reason: error.to_string() })
}

/// Returns the command line, the program's own name first.
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// Returns the absolute path of this program by the name it was called by.
///
/// Not `current_exe`: that resolves links, and the path it names is gone after an upgrade.
pub fn program(called: &OsStr, env: &Env) -> Option<PathBuf> {
    let called = Path::new(called);
    if called.is_absolute() {
        return Some(called.into());
    }
    if called.components().count() > 1 {
        return Some(std::env::current_dir().ok()?.join(called).components().collect());
    }
    which::which_in(called, env.get(variable::PATH), "/").ok().filter(|found| found.is_absolute())
}
