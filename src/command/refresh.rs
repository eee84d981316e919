//! `clauth refresh`: new tokens for a login before the old ones end.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use jiff::SignedDuration;

use super::status;
use crate::account::Services;
use crate::account::refresh::{Refresh, Refreshed};
use crate::context::Context;
use crate::error::Mistake;
use crate::io::clock::in_words;
use crate::layout::Writable;
use crate::profile::{self, Profile};
use crate::{env, io};

/// Refresh a login that ends soon, while Claude Code runs or not
#[derive(Args)]
pub struct Arguments {
    /// The profile; the one that applies here when absent
    #[arg(conflicts_with = "all")]
    profile: Option<String>,
    /// Every profile that has a login
    #[arg(long)]
    all: bool,
    /// Refresh though it does not end soon
    #[arg(long)]
    force: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let services = Services::from_env(&context.env)?;
    let refresh = |profile: &Profile| one(context, layout, &services, profile, arguments.force);
    if !arguments.all {
        let config = context.config()?;
        let profile = match &arguments.profile {
            Some(name) => context.profile(&config, name)?,
            None => status::profile_here(context, &config, &env::current_dir()?)?,
        };
        refresh(&profile)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut code = ExitCode::SUCCESS;
    for name in profile::names(&layout) {
        match profile::load(&layout, &name).map_err(anyhow::Error::from).and_then(|profile| refresh(&profile)) {
            Ok(()) => {}
            Err(error) if has_none(&error) => io::say(format_args!("{name}: no login to refresh")),
            Err(error) => {
                io::complain(&error);
                code = ExitCode::FAILURE; // the others have logins of their own
            }
        }
    }
    Ok(code)
}

fn one(context: &Context, layout: Writable<'_>, services: &Services, profile: &Profile, force: bool) -> Result<()> {
    let name = &profile.name;
    if profile.has_api_key {
        bail!(Mistake::KeyNeedsNoRefresh { name: name.to_string(), file: layout.profile_file(name).display().to_string() });
    }
    let words = |time: Duration| in_words(SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX));
    let told = match (Refresh { layout, name, config_dir: &profile.config_dir, services, env: &context.env, force }).run()? {
        Refreshed::Renewed(time) => format!("refreshed, good for {}", words(time)),
        Refreshed::NotDue(time) => format!("good for {} still, so nothing was sent (`--force` refreshes all the same)", words(time)),
        Refreshed::Finished => "what an interrupted refresh brought is in its place now".into(),
        Refreshed::ByAnother => "another program refreshed it meanwhile".into(),
    };
    io::say(format_args!("{name}: {told}"));
    Ok(())
}

/// Whether this says that there is nothing to be refreshed in a profile, which is no failure of `--all`.
fn has_none(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            Mistake::KeyNeedsNoRefresh { .. }
                | Mistake::NotSignedIn { .. }
                | Mistake::TokenNeedsNoRefresh { .. }
                | Mistake::ConsoleNeedsNoRefresh { .. }
                | Mistake::OrganizationLogin { .. }
                | Mistake::KeychainOverflow { .. }
        )
    )
}
