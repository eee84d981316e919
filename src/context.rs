//! What every command needs: the environment, the paths, the settings.

use std::path::PathBuf;

use anyhow::Result;

use crate::config::Config;
use crate::env::Env;
use crate::error::Mistake;
use crate::layout::Layout;
use crate::profile::{self, Profile};
use crate::runtime::Hub;

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

    /// Reads the user's settings.
    pub fn config(&self) -> Result<Config, Mistake> {
        Config::load(&self.layout, &self.env)
    }

    /// Returns the profile that this name, or the alias of this name, means.
    pub fn profile(&self, config: &Config, name: &str) -> Result<Profile, Mistake> {
        let name = name.parse()?;
        profile::load(&self.layout, config.resolve_alias(&self.layout, &name))
    }

    /// Returns the config directory that all profiles share.
    pub fn hub(&self, config: &Config) -> Result<Hub, Mistake> {
        Hub::locate(config, &self.env)
    }
}
