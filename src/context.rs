//! What every command needs: the environment, the paths, the settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::account::{self, Settled};
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::config::Config;
use crate::env::Env;
use crate::env::change::Before;
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io::{self, FileLock};
use crate::layout::Layout;
use crate::name::ProfileName;
use crate::profile::{self, Profile};
use crate::selection::decide::Loaded;
use crate::selection::{self, Resolution};
mod installed;

pub use installed::Client;

/// How long to wait for a command that moves a login at this moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// Holds what was read once at the start and is passed down.
pub struct Context {
    /// The environment.
    pub env: Env,
    /// The paths.
    pub layout: Layout,
    /// This program, by the name it was called by; a helper is started from it.
    pub program: PathBuf,
}

impl Context {
    /// Reads the surroundings of this process.
    pub fn new(env: Env, program: PathBuf) -> Result<Self, Mistake> {
        Ok(Self { layout: Layout::from_env(&env)?, env, program })
    }

    /// Finds out what applies in a canonical directory.
    pub fn resolve(&self, config: &Config, directory: &Path) -> Resolution {
        selection::resolve(&self.env, &self.layout, config, directory)
    }

    /// Settles what a killed `capture` or `import` left of a login, so that no command meets two copies. With nothing of the kind this is one look.
    ///
    /// What cannot be settled is an error here. It concerns only who moves a login ([`Self::refuse_unsettled`]) or enters one of its two places, and
    /// `doctor`: any other command goes on.
    pub fn settle_transfer(&self) -> Result<()> {
        if fs::symlink_metadata(self.layout.transfer()).is_err() {
            return Ok(());
        }
        let layout = self.layout.writable()?;
        // One that is at work is done in a moment.
        let Some(_state) = FileLock::exclusive_within(&layout.state_lock(), PATIENCE)? else { return Ok(()) };
        let told = match account::settle(layout, |config_dir| !account::live_clients(config_dir).is_empty())? {
            Some(Settled::Undone(place)) => Some(("undone: it is still", place)),
            Some(Settled::Finished(place)) => Some(("finished: it is", place)),
            None => None,
        };
        if let Some((outcome, place)) = told {
            io::say(format_args!("the move of a login was interrupted and is {outcome} at {}", place.display()));
        }
        Ok(())
    }

    /// The same at a prompt, or for a program that waits for an answer: where only the account's name remains at the old place, which could not be removed
    /// before, it is not tried again and again.
    pub fn settle_transfer_in_passing(&self) -> Result<()> {
        let is_whole =
            fs::symlink_metadata(self.layout.transfer()).is_ok() && account::unsettled(&self.layout).is_some_and(|left| left.remains.is_some());
        if is_whole { Ok(()) } else { self.settle_transfer() }
    }

    /// Fails while an earlier move of a login is not settled: the next one would need its journal.
    pub fn refuse_unsettled(&self) -> Result<()> {
        self.settle_transfer()?;
        let Some(left) = account::unsettled(&self.layout) else { return Ok(()) };
        let reason = left.remains.unwrap_or_else(|| format!("claude runs in {}", left.places[0].display()));
        bail!(Mistake::LoginUnsettled { place: left.places[1].display().to_string(), reason })
    }

    /// Returns a path as the user meant it: in quotes, and behind `--dir=`, no shell expands a `~/`.
    pub fn typed(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.env.home_dir()) {
            (Ok(rest), Ok(home)) if fs::symlink_metadata(path).is_err() => home.join(rest),
            _ => path.into(),
        }
    }

    /// Reads the user's settings.
    pub fn config(&self) -> Result<Config, Mistake> {
        Config::load(&self.layout, &self.env)
    }

    /// Returns the profile that this name, or the alias of this name, means.
    pub fn profile(&self, config: &Config, name: &str) -> Result<Profile, Mistake> {
        profile::load(&self.layout, config.resolve_alias(&self.layout, &profile_name(name)?))
    }

    /// Returns what this shell has loaded.
    pub fn loaded(&self) -> Loaded {
        Loaded::from_value(&self.layout, self.env.non_empty(CLAUDE_CONFIG_DIR))
    }

    /// Returns what this shell had before clauth changed it.
    pub fn before(&self) -> Before<'_> {
        Before::of(&self.env, |config_dir| self.layout.owns(config_dir))
    }

    /// Returns the config directory that all profiles share.
    pub fn hub(&self, config: &Config) -> Result<Hub, Mistake> {
        Hub::locate(config, &self.env)
    }
}

/// Reads the name of a profile that there is, or could be.
pub fn profile_name(name: &str) -> Result<ProfileName, Mistake> {
    name.parse().map_err(|mistake| match mistake {
        Mistake::ReservedName { name } => Mistake::NoProfileByDefault { name },
        other => other,
    })
}
