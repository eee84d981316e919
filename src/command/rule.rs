//! `clauth use PROFILE --remote`: a rule in config.toml for every clone of a repository.

use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde::Deserialize;
use toml::Spanned;

use super::settings_file;
use crate::config::{Config, Pattern, Remote};
use crate::context::Context;
use crate::error::Mistake;
use crate::io;
use crate::layout::Writable;
use crate::selection::binding::Target;
use crate::selection::{self, Outcome, Source, Watch};

/// What the file of settings says about remotes, and where.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    rule: Vec<WrittenRule>,
}

#[derive(Deserialize)]
struct WrittenRule {
    remote: Option<Pattern>,
    profile: Spanned<String>,
}

/// Writes a rule for a pattern, or else for the remote of the repository around a canonical directory.
pub fn write(context: &Context, target: &Target, pattern: &str, directory: &Path) -> Result<ExitCode> {
    let pattern = if pattern.is_empty() { of_repository(&context.config()?, directory)?.to_string() } else { pattern.into() };
    let bad = |reason| Mistake::BadRemote { remote: pattern.clone(), reason };
    let pattern = Pattern::try_from(pattern.clone()).map_err(bad)?;
    add(context, context.layout.writable()?, target, &pattern)?;
    io::say(format_args!("any repository with the remote {pattern} is bound to {}", target.as_str()));
    let found = context.resolve(&context.config()?, directory);
    match found.source {
        Some(Source::File(file)) => io::say(format_args!("here {} decides", file.display())),
        Some(Source::Rule(ruled)) => io::say(format_args!("here the rule for {} decides", ruled.display())),
        Some(Source::Remote(_) | Source::DefaultProfile) | None => {}
    }
    if let Outcome::Refused(mistake) = found.outcome {
        io::say(mistake);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the one remote that a repository has, or that of `origin`.
fn of_repository(config: &Config, directory: &Path) -> Result<Remote, Mistake> {
    let mut found = selection::remotes(directory, &config.git, &mut Watch::default())?;
    found.retain(|named| !named.remote.to_string().contains('*')); // a repository says that itself, and as a pattern it would mean more
    let shown = || directory.display().to_string();
    if found.iter().any(|named| found[0].name != named.name) {
        let origins: Vec<_> = found.iter().filter(|named| named.name == "origin").cloned().collect();
        if origins.is_empty() {
            let known: Vec<_> = found.iter().map(|named| named.remote.to_string()).collect();
            return Err(Mistake::ManyRemotes { directory: shown(), known: known.join(", ") });
        }
        found = origins;
    }
    // One with a domain rather than a name of this machine's, such as `gh:` or a Host of ~/.ssh/config.
    let best = found.iter().position(|named| named.remote.host().contains('.')).unwrap_or_default();
    let remote = found.into_iter().nth(best).map(|named| named.remote);
    remote.ok_or_else(|| Mistake::NoRemote { directory: shown() })
}

/// Changes the profile of the rule with this pattern, or adds one behind all else. What the user wrote stays as it is.
fn add(context: &Context, layout: Writable<'_>, target: &Target, pattern: &Pattern) -> Result<()> {
    let file = layout.config().display().to_string();
    let unwritten = || Mistake::RuleUnwritten { file: file.clone(), remote: pattern.to_string(), profile: target.as_str().into() };
    settings_file::edit(context, layout, |text| {
        let mut text = text.to_owned();
        match places(&text, pattern).ok_or_else(unwritten)?.as_slice() {
            [] => {
                if !text.is_empty() {
                    text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
                }
                text.push_str(&format!("[[rule]]\nremote = \"{pattern}\"\nprofile = \"{}\"\n", target.as_str()));
            }
            rules => rules.iter().rev().for_each(|place| settings_file::put_name(&mut text, place.clone(), target.as_str())),
        }
        // As it would be read: a list in another form takes no further table.
        if Config::parse(&layout, &context.env, &text).is_err() || places(&text, pattern).is_none_or(|places| places.is_empty()) {
            bail!(unwritten());
        }
        Ok(text)
    })
}

/// Returns where the profiles of the rules with this pattern stand; `None` where the text cannot be read.
fn places(text: &str, pattern: &Pattern) -> Option<Vec<Range<usize>>> {
    let written: Written = toml::from_str(text).ok()?;
    let rules = written.rule.into_iter().filter(|rule| rule.remote.as_ref() == Some(pattern));
    Some(rules.map(|rule| rule.profile.span()).collect())
}
