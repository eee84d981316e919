//! The process environment: read once, then passed down as a value.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::claude_code::variables::{self, Overriding};
use crate::error::Mistake;
use crate::sys;

pub mod change;
pub mod direnv;
mod keychain;
mod mise;
pub mod record;
mod terminal;
pub mod variable;

pub use keychain::Keychain;

/// Where clauth keeps profiles, in the user's home.
pub const USUAL_HOME: &str = ".clauth";

/// Holds the environment as it was when the process started.
#[derive(Clone, Default)]
pub struct Env {
    variables: HashMap<OsString, OsString>,
}

impl Env {
    /// Takes the snapshot.
    pub fn snapshot() -> Self {
        Self { variables: std::env::vars_os().map(|(name, value)| (key(name, sys::IGNORES_CASE_OF_VARIABLES), value)).collect() }
    }

    /// Returns a variable's value, empty or not; all names that clauth asks for are upper case.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Returns what stands between two directories of a PATH.
    pub fn path_separator() -> String {
        std::env::join_paths(["", ""]).unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns a variable's value unless it is empty: Claude Code ignores empty ones, and so does clauth.
    pub fn non_empty(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether the user asked clauth to step aside.
    pub fn disabled(&self) -> bool {
        self.non_empty(variable::CLAUTH_DISABLE).is_some()
    }

    /// Completes the environment of a program that was installed into this `$CLAUTH_HOME`. An editor that was started from a dock knows no `CLAUTH_HOME`,
    /// and one in a sandbox (Flatpak, snap) has another HOME: neither may lead to other profiles and bindings than a shell's.
    pub fn of_installation(mut self, home: &Path) -> Self {
        let usual = |user: PathBuf| user.join(USUAL_HOME);
        if self.non_empty(variable::CLAUTH_HOME).is_some() || self.home_dir().map(usual).is_ok_and(|usual| usual == home) {
            return self;
        }
        if let (true, Some(user)) = (home.ends_with(USUAL_HOME), home.parent()) {
            self.variables.insert(sys::HOME_VARIABLE.into(), user.into());
        }
        self.variables.insert(variable::CLAUTH_HOME.into(), home.into());
        self
    }

    /// Returns the user's home directory, which must be named by the environment: guessing one from the user database would write to a
    /// place that the shell at hand does not mean.
    pub fn home_dir(&self) -> Result<PathBuf, Mistake> {
        self.non_empty(sys::HOME_VARIABLE).map(sys::spelled).ok_or_else(|| Mistake::HomeUnset { variable: sys::HOME_VARIABLE.into() })
    }

    /// Returns the overriding variables that are set now and change the account, empty ones too, but for those to keep.
    pub fn overriding<'a>(&'a self, keep: &'a [String]) -> impl Iterator<Item = &'static str> + 'a {
        to_set_aside(keep).filter(|name| self.get(name).is_some() && !self.is_harmless(name))
    }

    /// Whether an overriding variable has a value that overrides nothing.
    pub fn is_harmless(&self, name: &str) -> bool {
        self.non_empty(name).is_some_and(|value| !variables::is_effective(name, &value.to_string_lossy()))
    }

    /// Returns those that have a value, and so win over a login.
    pub fn winning<'a>(&'a self, keep: &'a [String]) -> impl Iterator<Item = &'static str> + 'a {
        self.overriding(keep).filter(|name| self.non_empty(name).is_some())
    }

    /// Returns PATH without its relative and empty entries, which would let a project choose the program.
    pub fn absolute_path(&self) -> OsString {
        let path = self.get(variable::PATH).unwrap_or_default();
        std::env::join_paths(std::env::split_paths(path).filter(|directory| directory.is_absolute())).unwrap_or_default()
    }

    /// Returns how long what a test puts in the place of something real may take for an answer, if the test says so.
    pub fn patience_with_stand_ins(&self) -> Option<Duration> {
        let seconds = self.non_empty(variable::CLAUTH_TIMEOUT)?.to_str()?.parse().ok()?;
        Duration::try_from_secs_f32(seconds).ok()
    }

    /// Returns the locale's variables, which a helper inherits beside its own few.
    pub fn locale(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let is_locale = |name: &OsStr| name.to_str().is_some_and(|name| name == "LANG" || name.starts_with("LC_"));
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())).filter(move |(name, _)| is_locale(name))
    }
}

/// Returns the name under which a variable is kept, where the system takes no notice of its case.
fn key(name: OsString, ignores_case: bool) -> OsString {
    if ignores_case { name.to_ascii_uppercase() } else { name }
}

/// Returns the overriding variables that clauth sets aside: all but those that the user's `keep_env` exempts.
pub fn to_set_aside(keep: &[String]) -> impl Iterator<Item = &'static str> + '_ {
    chosen(keep, |_| true)
}

/// Returns those of them that a shell looks for at each prompt.
pub fn looked_for(keep: &[String]) -> impl Iterator<Item = &'static str> + Clone + '_ {
    chosen(keep, |variable| variable.is_watched)
}

fn chosen(keep: &[String], is_wanted: fn(&Overriding) -> bool) -> impl Iterator<Item = &'static str> + Clone + '_ {
    let wanted = variables::overriding().filter(is_wanted).map(|variable| variable.name);
    wanted.filter(|name| !keep.iter().any(|kept| kept == name))
}

/// Returns the physical working directory.
pub fn current_dir() -> Result<PathBuf, Mistake> {
    std::env::current_dir().and_then(sys::working_directory).map_err(|error| Mistake::DirectoryGone { reason: error.to_string() })
}

/// Returns the command line, the program's own name first: its path, where the system knows it.
pub fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let own = sys::KNOWS_OWN_PROGRAM.then(std::env::current_exe).and_then(Result::ok);
    if let (Some(called), Some(own)) = (arguments.first_mut(), own) {
        *called = sys::paths::plain(&own).into();
    }
    arguments
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_a_name_counts_where_it_does_for_the_system() {
        for (given, kept) in [("Path", "PATH"), ("Anthropic_Api_Key", "ANTHROPIC_API_KEY"), ("é_x", "é_X")] {
            assert_eq!(key(given.into(), true), kept);
            assert_eq!(key(given.into(), false), given);
        }
    }
}
