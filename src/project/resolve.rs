//! What a directory asks for, and what a shell must look at to know that the answer still holds.

use std::path::{Path, PathBuf};

use super::binding::{Binding, Target};
use super::find::{self, Candidate};
use super::trust;
use crate::config::Config;
use crate::error::Mistake;
use crate::layout::Layout;
use crate::name::ProfileName;
use crate::profile::{self, Profile};

/// What applies in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is bound here.
    Unbound,
    /// This profile is.
    Bound(Profile),
    /// Something is, and it cannot be followed: `claude` must refuse.
    Refused(Mistake),
}

/// What said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This `.clauth.toml`.
    File(PathBuf),
    /// The rule for this directory in the user's settings.
    Rule(PathBuf),
    /// `default_profile` in the user's settings.
    DefaultProfile,
}

/// Holds the answer for one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What applies.
    pub outcome: Outcome,
    /// What said so; `None` when nothing did.
    pub source: Option<Source>,
    /// The canonical directory of the deciding file, and how far up it stands.
    pub decider: Option<Candidate>,
    /// How far up ignored files stand: a shell that looks for nearer files must not see these.
    pub ignored: Vec<usize>,
    /// The deciding file's text, where a shell may hold it: allowed, short and plain.
    pub text: Option<String>,
}

/// Finds out what applies in a canonical directory.
pub fn resolve(layout: &Layout, config: &Config, directory: &Path) -> Resolution {
    let mut answer = Resolution { outcome: Outcome::Unbound, source: None, decider: None, ignored: Vec::new(), text: None };
    for candidate in find::candidates(directory) {
        let followed = match trust::is_denied(layout, &candidate.directory) {
            Ok(true) => {
                answer.ignored.push(candidate.level);
                continue;
            }
            Ok(false) => follow(layout, config, &candidate),
            Err(mistake) => Err(mistake),
        };
        answer.source = Some(Source::File(candidate.file()));
        answer.outcome = match followed {
            Ok((outcome, binding)) => {
                answer.text = binding.fits_a_shell().then_some(binding.text);
                outcome
            }
            Err(mistake) => Outcome::Refused(mistake),
        };
        answer.decider = Some(candidate);
        return answer;
    }
    let chosen = match config.rule_for(directory) {
        Some((ruled, rule)) => Some((Source::Rule(ruled), rule.profile.as_ref())),
        None => config.default_profile.as_ref().map(|name| (Source::DefaultProfile, Some(name))),
    };
    if let Some((source, name)) = chosen {
        answer.source = Some(source);
        answer.outcome = name.map_or(Ok(Outcome::Unbound), |name| bound(layout, config, name)).unwrap_or_else(Outcome::Refused);
    }
    answer
}

fn follow(layout: &Layout, config: &Config, candidate: &Candidate) -> Result<(Outcome, Binding), Mistake> {
    let binding = Binding::read(&candidate.file())?;
    if !trust::is_allowed(layout, config, &candidate.directory, &binding.target) {
        return Err(Mistake::NotAllowed { file: candidate.file().display().to_string(), profile: binding.target.as_str().into() });
    }
    let outcome = match &binding.target {
        Target::Default => Outcome::Unbound,
        Target::Profile(name) => bound(layout, config, name)?,
    };
    Ok((outcome, binding))
}

fn bound(layout: &Layout, config: &Config, name: &ProfileName) -> Result<Outcome, Mistake> {
    profile::load(layout, config.resolve_alias(layout, name)).map(Outcome::Bound)
}
