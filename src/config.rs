//! The user's own settings: `~/.clauth/config.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::env::Env;
use crate::error::Mistake;
use crate::io::Complaint;
use crate::layout::Layout;
use crate::name::ProfileName;
use crate::sys;

/// Holds the settings; every one has a default, and no file means all defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The hub that profiles share; `~/.claude` when absent.
    pub claude_home: Option<Spanned<PathBuf>>,
    /// The profile where nothing is bound.
    pub default_profile: Option<ProfileName>,
    /// Directories below which every `.clauth.toml` is allowed.
    pub trusted: Vec<Spanned<PathBuf>>,
    /// Other names for profiles, so that a committed file can use a team's name.
    pub aliases: BTreeMap<ProfileName, ProfileName>,
    /// Overriding variables that stay set inside a profile.
    pub keep_env: Vec<String>,
    /// Whether to say nothing when a profile is entered, switched or left.
    pub quiet: bool,
}

impl Config {
    /// Reads the settings; a file that is wrong is an error, since half of the user's rules could mean the wrong account.
    pub fn load(layout: &Layout, env: &Env) -> Result<Self, Mistake> {
        let file = layout.config();
        let invalid = |complaint: Complaint| Mistake::ConfigInvalid {
            file: file.display().to_string(),
            line: complaint.line.to_string(),
            column: complaint.column.to_string(),
            reason: complaint.reason,
        };
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(invalid(Complaint { line: 1, column: 1, reason: error.to_string() })),
        };
        let mut config: Self = toml::from_str(&text).map_err(|error| invalid(Complaint::new(&text, &error)))?;
        for path in config.trusted.iter_mut().chain(&mut config.claude_home) {
            let (offset, path) = (path.span().start, path.get_mut());
            *path = sys::spelled(expand_home(path, env)?.as_os_str());
            if !path.is_absolute() {
                // Elsewhere in every directory that a shell stands in, a project's own included.
                return Err(invalid(Complaint::at(&text, offset, "neither an absolute path nor one below `~`".into())));
            }
        }
        if sys::IGNORES_CASE_OF_VARIABLES {
            config.keep_env.iter_mut().for_each(|name| name.make_ascii_uppercase());
        }
        Ok(config)
    }

    /// Returns the profile that a name means: itself, where there is a profile of that name.
    pub fn resolve_alias<'a>(&'a self, layout: &Layout, name: &'a ProfileName) -> &'a ProfileName {
        self.aliases.get(name).filter(|_| !layout.profile_file(name).exists()).unwrap_or(name)
    }

    /// Whether every `.clauth.toml` in this canonical directory is allowed: it lies below a trusted one, by whole path components.
    pub fn trusts(&self, directory: &Path) -> bool {
        self.trusted.iter().filter_map(|trusted| sys::physical(trusted.get_ref()).ok()).any(|trusted| directory.starts_with(trusted))
    }
}

fn expand_home(path: &Path, env: &Env) -> Result<PathBuf, Mistake> {
    Ok(match path.strip_prefix("~") {
        Ok(rest) => env.home_dir()?.join(rest),
        Err(_) => path.into(),
    })
}
