//! The user's own settings: `~/.clauth/config.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::env::Env;
use crate::error::Mistake;
use crate::io::{self, Complaint};
use crate::layout::Layout;
use crate::name::{DEFAULT, ProfileName};
use crate::sys;

/// Holds the settings; every one has a default, and no file means all defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The hub that profiles share; `~/.claude` when absent.
    pub claude_home: Option<Spanned<PathBuf>>,
    /// The profile where nothing is bound.
    pub default_profile: Option<ProfileName>,
    /// Directories and the profiles that are used there and below, where no `.clauth.toml` decides.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
    /// Directories below which every `.clauth.toml` is allowed.
    pub trusted: Vec<Spanned<PathBuf>>,
    /// Other names for profiles, so that a committed file can use a team's name.
    pub aliases: BTreeMap<ProfileName, ProfileName>,
    /// Overriding variables that stay set inside a profile.
    pub keep_env: Vec<String>,
    /// The user's own status line, printed behind that of `clauth statusline`.
    pub statusline: Option<String>,
    /// Whether to say nothing when a profile is entered, switched or left.
    pub quiet: bool,
}

/// Binds a directory without a file in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The directory; what lies below it is meant too.
    pub dir: Spanned<PathBuf>,
    /// The profile; `None` for `default`, as if nothing were bound there.
    #[serde(deserialize_with = "profile_or_default")]
    pub profile: Option<ProfileName>,
}

fn profile_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProfileName>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name == DEFAULT { Ok(None) } else { name.parse().map(Some).map_err(D::Error::custom) }
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
        let text = match io::read_text(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(invalid(Complaint { line: 1, column: 1, reason: error.to_string() })),
        };
        let mut config: Self = toml::from_str(&text).map_err(|error| invalid(Complaint::new(&text, &error)))?;
        let ruled = config.rules.iter_mut().map(|rule| &mut rule.dir);
        for path in ruled.chain(&mut config.trusted).chain(&mut config.claude_home) {
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
        // Where the disk does not say, reading the profile will say why.
        let is_taken = || fs::exists(layout.profile_file(name)).unwrap_or(true);
        self.aliases.get(name).filter(|_| !is_taken()).unwrap_or(name)
    }

    /// Returns the rule for this canonical directory, the one for the deepest directory if several match, and that directory's canonical path.
    pub fn rule_for(&self, directory: &Path) -> Option<(PathBuf, &Rule)> {
        // One that cannot be resolved is the one of that spelling: nobody stands below a directory that is not there, and a failing disk must not
        // let another rule have its place.
        let matching = self.rules.iter().map(|rule| (io::resolved(rule.dir.get_ref()), rule));
        matching.filter(|(ruled, _)| directory.starts_with(ruled)).max_by_key(|(ruled, _)| ruled.components().count())
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
