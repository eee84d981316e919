//! What a directory asks for, and what a shell must look at to know that the answer still holds.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::binding::{Binding, Target};
use super::find::{self, Candidate, Step};
use super::git::{self, Worktree};
use super::trust;
use super::watch::Watch;
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::config::{Config, Disagreement, Pattern, Rule};
use crate::env::{Env, direnv};
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
    /// The rule for a remote of this repository, by its pattern.
    Remote(String),
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
    /// The top of the linked worktree whose main checkout decided.
    pub worktree: Option<PathBuf>,
    /// How far up no file may appear.
    pub absent: Vec<usize>,
    /// The directories of ignored files: a shell that looks for nearer files must not see these.
    pub ignored: Vec<PathBuf>,
    /// What else decided.
    pub watch: Watch,
    /// The deciding file's text, where a shell may hold it: allowed, short and plain.
    pub text: Option<String>,
}

/// Finds out what applies in a canonical directory: a `CLAUDE_CONFIG_DIR` of the user's own, from an `.envrc` that is nearer than the deciding file, or
/// what that file says.
pub fn resolve(env: &Env, layout: &Layout, config: &Config, directory: &Path) -> Resolution {
    let mut found = bound_here(layout, config, directory);
    let is_own = env.non_empty(CLAUDE_CONFIG_DIR).is_some_and(|value| !layout.owns(value));
    if is_own
        && matches!(found.outcome, Outcome::Bound(_))
        && direnv::has_set_for(env, CLAUDE_CONFIG_DIR, directory)
        && let Some(decider) = &found.decider
        && direnv::directory(env).is_some_and(|loaded| {
            let is_nearer = loaded != decider.directory && loaded.starts_with(&decider.directory);
            is_nearer || found.worktree.as_ref().is_some_and(|top| loaded.starts_with(top)) // the file stands in the main checkout
        })
    {
        found.outcome = Outcome::Unbound;
    }
    found
}

/// Finds out what files, rules and the default ask for, whatever the environment of this process says: for those that other programs start.
pub fn bound_here(layout: &Layout, config: &Config, directory: &Path) -> Resolution {
    let mut answer = Resolution {
        outcome: Outcome::Unbound,
        source: None,
        decider: None,
        worktree: None,
        absent: Vec::new(),
        ignored: Vec::new(),
        watch: Watch::default(),
        text: None,
    };
    let (mut watch, mut more) = (Watch::default(), Watch::default());
    let mut through: Vec<Worktree> = Vec::new();
    let decided = find::walk(directory, &mut watch, |step| match step {
        Step::Nothing(candidate) => {
            match candidate.level {
                Some(level) => answer.absent.push(level),
                None => more.absent(candidate.file()),
            }
            ControlFlow::Continue(())
        }
        Step::File(candidate) => {
            let followed = match trust::is_denied(layout, &candidate.directory) {
                Ok(true) => Ok(None),
                Ok(false) => follow(layout, config, &candidate, &mut more),
                Err(mistake) => Err(mistake),
            };
            answer.outcome = match followed {
                Ok(None) => {
                    answer.ignored.push(candidate.directory);
                    return ControlFlow::Continue(());
                }
                Ok(Some(binding)) => {
                    let outcome = wanted(layout, config, &binding.target);
                    answer.text = binding.fits_a_shell().then_some(binding.text);
                    outcome
                }
                Err(mistake) => Outcome::Refused(mistake),
            };
            answer.source = Some(Source::File(candidate.file()));
            answer.decider = Some(candidate);
            ControlFlow::Break(())
        }
        Step::Rules { directory, below } => match config.rule_for(directory) {
            Some((ruled, rule)) if below.is_none_or(|below| ruled.starts_with(below)) => {
                answer.source = Some(Source::Rule(ruled));
                answer.outcome = chosen(layout, config, rule.profile.as_ref());
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        },
        Step::Worktree(Some(worktree)) => {
            through.push(worktree.clone());
            ControlFlow::Continue(())
        }
        Step::Worktree(None) => {
            through.clear();
            ControlFlow::Continue(())
        }
    });
    if decided.is_continue() {
        through.clear();
        let by_remote = if config.has_rules_for_remotes() { rule_for_remotes(config, directory, &mut more) } else { Ok(None) };
        (answer.source, answer.outcome) = match (by_remote, &config.default_profile) {
            (Err(mistake), _) => (None, Outcome::Refused(mistake)),
            (Ok(Some((pattern, rule))), _) => (Some(Source::Remote(pattern.to_string())), chosen(layout, config, rule.profile.as_ref())),
            (Ok(None), Some(name)) => (Some(Source::DefaultProfile), chosen(layout, config, Some(name))),
            (Ok(None), None) => (None, Outcome::Unbound),
        };
    }
    if let (Outcome::Bound(_), Some(unsure)) = (&answer.outcome, through.iter().find(|worktree| !worktree.is_sure)) {
        let (top, common) = (unsure.top.display().to_string(), unsure.common.display().to_string());
        answer.outcome = Outcome::Refused(Mistake::WorktreeUnsure { directory: top, repository: common });
    }
    answer.worktree = through.into_iter().next().map(|worktree| worktree.top);
    watch.append(more);
    answer.watch = watch;
    answer
}

/// Returns the binding if it may choose, and `None` if it was denied in the main checkout, which counts for its worktrees.
fn follow(layout: &Layout, config: &Config, candidate: &Candidate, watch: &mut Watch) -> Result<Option<Binding>, Mistake> {
    let file = candidate.file();
    let trusted = Binding::read(&file).and_then(|binding| {
        if trust::is_allowed(layout, config, &candidate.directory, &binding, watch) {
            return Ok(Some(binding));
        }
        // A profile that does not exist is said before the question of trust: `clauth allow` would fail. Only by name, since an untrusted file loads nothing.
        if let Target::Profile(name) = &binding.target
            && !profile::names(layout).contains(config.resolve_alias(layout, name))
        {
            bound(layout, config, name)?;
        }
        Err(Mistake::NotAllowed { file: file.display().to_string(), profile: binding.target.as_str().into() })
    });
    match trusted {
        Err(_) if trust::is_denied_in_main_checkout(layout, &candidate.directory, watch)? => Ok(None),
        other => other,
    }
}

/// Returns the rule for a remote of the repository around a directory.
fn rule_for_remotes<'a>(config: &'a Config, directory: &Path, watch: &mut Watch) -> Result<Option<(&'a Pattern, &'a Rule)>, Mistake> {
    let remotes: Vec<_> = git::remotes::remotes(directory, &config.git, watch)?.into_iter().map(|named| named.remote).collect();
    config.rule_for_remotes(&remotes).map_err(|Disagreement { one, other }| Mistake::RemotesDisagree {
        directory: directory.display().to_string(),
        one: one.0,
        wants: one.1,
        other: other.0,
        asks: other.1,
    })
}

fn wanted(layout: &Layout, config: &Config, target: &Target) -> Outcome {
    match target {
        Target::Default => Outcome::Unbound,
        Target::Profile(name) => chosen(layout, config, Some(name)),
    }
}

/// What a rule or the default asks for; `None` for what there is without clauth.
fn chosen(layout: &Layout, config: &Config, name: Option<&ProfileName>) -> Outcome {
    name.map_or(Ok(Outcome::Unbound), |name| bound(layout, config, name)).unwrap_or_else(Outcome::Refused)
}

fn bound(layout: &Layout, config: &Config, name: &ProfileName) -> Result<Outcome, Mistake> {
    profile::load(layout, config.resolve_alias(layout, name)).map(Outcome::Bound)
}
