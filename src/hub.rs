//! The hub: the config directory that all profiles share, the user's `~/.claude`.

use std::path::PathBuf;

use crate::account::old_state;
use crate::claude_code::{DIRECTORY, STATE};
use crate::config::Config;
use crate::env::Env;
use crate::error::Mistake;
use crate::sys;

/// Names the config directory that all profiles share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The directory, fully resolved.
    pub directory: PathBuf,
    /// Its `.claude.json`, which lies beside the default directory and inside a chosen one; in an old installation another file inside.
    pub claude_json: PathBuf,
}

impl Hub {
    /// Finds the hub; it must exist, since clauth cannot tell a missing one from one that was moved.
    pub fn locate(config: &Config, env: &Env) -> Result<Self, Mistake> {
        let (spelled, claude_json) = match &config.claude_home {
            Some(home) => (home.get_ref().clone(), home.get_ref().join(STATE)),
            None => (env.home_dir()?.join(DIRECTORY), env.home_dir()?.join(STATE)),
        };
        match sys::physical(&spelled) {
            Ok(directory) if directory.is_dir() => {
                let claude_json = old_state(&directory).unwrap_or(claude_json);
                Ok(Self { directory, claude_json })
            }
            _ => Err(Mistake::NoClaudeHome { path: spelled.display().to_string() }),
        }
    }
}
