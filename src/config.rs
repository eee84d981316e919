//! The user's own settings: `~/.clauth/config.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::env::{Env, variable};
use crate::error::Mistake;
use crate::io::{self, Complaint};
use crate::layout::Layout;
use crate::name::{DEFAULT, ProfileName};
use crate::sys;

pub use remote::{Pattern, Remote};

mod remote;

/// Where an administrator lays down git's settings for everybody.
const GIT_FOR_ALL: &str = "/etc/gitconfig";

/// Holds the settings; every one has a default, and no file means all defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The hub that profiles share; `~/.claude` when absent.
    pub claude_home: Option<Spanned<PathBuf>>,
    /// The profile where nothing is bound.
    pub default_profile: Option<ProfileName>,
    /// Directories and remotes, and the profiles that are used there where no `.clauth.toml` decides.
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
    /// Where the user's settings of git stand.
    #[serde(skip)]
    pub git: GitSettings,
}

/// The places of the user's settings of git, which may spell URLs anew.
#[derive(Debug, Clone, Default)]
pub struct GitSettings {
    /// The files, the one that wins last.
    pub files: Vec<PathBuf>,
    /// What `~` means in them.
    pub home: Option<PathBuf>,
}

impl GitSettings {
    fn of(env: &Env) -> Self {
        let home = env.home_dir().ok();
        let own = if let Some(file) = env.non_empty(variable::GIT_CONFIG_GLOBAL) {
            vec![PathBuf::from(file)]
        } else {
            let base = env.non_empty(variable::XDG_CONFIG_HOME).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".config")));
            [base.map(|base| base.join("git/config")), home.as_ref().map(|home| home.join(".gitconfig"))].into_iter().flatten().collect()
        };
        let files = [GIT_FOR_ALL.into()].into_iter().chain(own).collect();
        Self { files, home }
    }
}

/// Binds a directory, or every repository with a remote, without a file in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RuleAsWritten")]
pub struct Rule {
    /// What it is about.
    pub about: About,
    /// The profile; `None` for `default`, as if nothing were bound there.
    pub profile: Option<ProfileName>,
}

/// What a rule is about.
#[derive(Debug, Clone)]
pub enum About {
    /// A directory; what lies below it is meant too.
    Directory(Spanned<PathBuf>),
    /// Repositories with such a remote.
    Remote(Pattern),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleAsWritten {
    dir: Option<Spanned<PathBuf>>,
    remote: Option<Pattern>,
    #[serde(deserialize_with = "profile_or_default")]
    profile: Option<ProfileName>,
}

impl TryFrom<RuleAsWritten> for Rule {
    type Error = &'static str;

    fn try_from(written: RuleAsWritten) -> Result<Self, Self::Error> {
        let about = match (written.dir, written.remote) {
            (Some(directory), None) => About::Directory(directory),
            (None, Some(remote)) => About::Remote(remote),
            _ => return Err("a rule has either `dir` or `remote`"),
        };
        Ok(Self { about, profile: written.profile })
    }
}

/// Two rules that ask for two profiles for one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// A remote and the profile for it.
    pub one: (String, String),
    /// Another one.
    pub other: (String, String),
}

fn profile_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProfileName>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name == DEFAULT { Ok(None) } else { name.parse().map(Some).map_err(D::Error::custom) }
}

impl Config {
    /// Reads the settings; a file that is wrong is an error, since half of the user's rules could mean the wrong account.
    pub fn load(layout: &Layout, env: &Env) -> Result<Self, Mistake> {
        match io::read_text(&layout.config()) {
            Ok(text) => Self::parse(layout, env, &text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { git: GitSettings::of(env), ..Self::default() }),
            Err(error) => Err(invalid(layout, Complaint { line: 1, column: 1, reason: error.to_string() })),
        }
    }

    /// Reads what stands in the file of settings, or is to stand there.
    pub fn parse(layout: &Layout, env: &Env, text: &str) -> Result<Self, Mistake> {
        let mut config: Self = toml::from_str(text).map_err(|error| invalid(layout, Complaint::new(text, &error)))?;
        let ruled = config.rules.iter_mut().filter_map(|rule| match &mut rule.about {
            About::Directory(directory) => Some(directory),
            About::Remote(_) => None,
        });
        for path in ruled.chain(&mut config.trusted).chain(&mut config.claude_home) {
            let (offset, path) = (path.span().start, path.get_mut());
            *path = sys::spelled(expand_home(path, env)?.as_os_str());
            if !path.is_absolute() {
                // Elsewhere in every directory that a shell stands in, a project's own included.
                return Err(invalid(layout, Complaint::at(text, offset, "neither an absolute path nor one below `~`".into())));
            }
        }
        if sys::IGNORES_CASE_OF_VARIABLES {
            config.keep_env.iter_mut().for_each(|name| name.make_ascii_uppercase());
        }
        config.git = GitSettings::of(env);
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
        let ruled = self.rules.iter().filter_map(|rule| match &rule.about {
            About::Directory(directory) => Some((io::resolved(directory.get_ref()), rule)),
            About::Remote(_) => None,
        });
        ruled.filter(|(ruled, _)| directory.starts_with(ruled)).max_by_key(|(ruled, _)| ruled.components().count())
    }

    /// Returns the directories that rules are about.
    pub fn ruled_directories(&self) -> impl Iterator<Item = &Path> {
        self.rules.iter().filter_map(|rule| if let About::Directory(directory) = &rule.about { Some(directory.get_ref().as_path()) } else { None })
    }

    /// Whether any rule is about remotes.
    pub fn has_rules_for_remotes(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.about, About::Remote(_)))
    }

    /// Returns the rule for a repository with these remotes: for each of them the narrowest one, and all of these must ask for one profile.
    pub fn rule_for_remotes(&self, remotes: &[Remote]) -> Result<Option<(&Pattern, &Rule)>, Disagreement> {
        let mut chosen: Option<(&Remote, &Pattern, &Rule)> = None;
        for remote in remotes {
            let patterns = self.rules.iter().filter_map(|rule| match &rule.about {
                About::Remote(pattern) if pattern.matches(remote) => Some((pattern, rule)),
                _ => None,
            });
            let matching: Vec<_> = patterns.collect();
            let narrowest = matching.iter().map(|(pattern, _)| pattern.narrowness()).max();
            for (pattern, rule) in matching.into_iter().filter(|(pattern, _)| Some(pattern.narrowness()) == narrowest) {
                match chosen {
                    Some((one, _, other)) if other.profile != rule.profile => {
                        let told = |remote: &Remote, rule: &Rule| {
                            (remote.to_string(), rule.profile.as_ref().map_or(DEFAULT, ProfileName::as_str).to_owned())
                        };
                        return Err(Disagreement { one: told(one, other), other: told(remote, rule) });
                    }
                    Some(_) => {}
                    None => chosen = Some((remote, pattern, rule)),
                }
            }
        }
        Ok(chosen.map(|(_, pattern, rule)| (pattern, rule)))
    }

    /// Whether every `.clauth.toml` in this canonical directory is allowed: it lies below a trusted one, by whole path components.
    pub fn trusts(&self, directory: &Path) -> bool {
        self.trusted.iter().filter_map(|trusted| sys::physical(trusted.get_ref()).ok()).any(|trusted| directory.starts_with(trusted))
    }
}

fn invalid(layout: &Layout, complaint: Complaint) -> Mistake {
    Mistake::ConfigInvalid {
        file: layout.config().display().to_string(),
        line: complaint.line.to_string(),
        column: complaint.column.to_string(),
        reason: complaint.reason,
    }
}

fn expand_home(path: &Path, env: &Env) -> Result<PathBuf, Mistake> {
    Ok(match path.strip_prefix("~") {
        Ok(rest) => env.home_dir()?.join(rest),
        Err(_) => path.into(),
    })
}
