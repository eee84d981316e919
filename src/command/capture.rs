//! `clauth capture`: the login that `~/.claude` holds becomes a profile's.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use super::{arrive, removal};
use crate::account::{self, ClaudeJson, Place};
use crate::claude_code::CREDENTIALS;
use crate::context::Context;
use crate::error::Mistake;
use crate::io::{self, epoch};
use crate::name::ProfileName;
use crate::profile;

/// Move the login of ~/.claude into a profile; plain `claude` is signed out then
///
/// `--back` moves a profile's login to ~/.claude instead.
#[derive(Args)]
pub struct Arguments {
    /// The profile: a new one, or one without a login
    name: String,
    /// The other way round: move the profile's login to ~/.claude, where nobody may be signed in
    #[arg(long)]
    back: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let name: ProfileName = arguments.name.parse()?;
    if arguments.back {
        return give_back(context, &name, arguments.yes);
    }
    let layout = context.layout.writable()?;
    context.refuse_unsettled()?;
    let hub = context.hub(&context.config()?)?;
    let from = arrive::hub_place(&hub);
    from.login(&layout)?;
    removal::finish(context, &name)?;
    // Before the lock: an older clauth's profile is taken over under it.
    arrive::refuse_unfit(context, &name)?;
    arrive::refuse_clients(&from.directory)?;
    let item = from.store(&layout).held_by()?.map(|item| format!(", out of the Keychain item {item},")).unwrap_or_default();
    let question =
        format!("move the login of {} ({}){item} to the profile {name}? plain `claude` is signed out then", from.directory.display(), who(&from));
    io::confirm(&question, arguments.yes)?;
    let state = profile::lock_state(layout)?;
    arrive::refuse_unfit(context, &name)?;
    arrive::refuse_clients(&from.directory)?;
    from.login(&layout)?;
    let profile = arrive::make_ready(layout, &state, &hub, &name)?;
    let remains = account::transfer(layout, &from, &Place::of(&profile.config_dir))?;
    epoch::advance(layout)?;
    drop(state); // what is told of other profiles may take one of an older clauth over, under this very lock
    io::say(format_args!(
        "the login of {} moved to the profile {name} ({}), and plain `claude` is signed out; bind directories with `clauth use {name}`, or make it the one for \
         everywhere else with `clauth use --global {name}`; `clauth capture --back {name}` moves it back",
        from.directory.display(),
        who(&Place::of(&profile.config_dir)),
    ));
    arrive::tell_what_remains(&from, remains.as_deref());
    arrive::tell_kin(context, &hub, &profile, arrive::Came::Moved);
    Ok(ExitCode::SUCCESS)
}

/// Moves a profile's login to the config directory that plain `claude` uses.
fn give_back(context: &Context, name: &ProfileName, yes: bool) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    context.refuse_unsettled()?;
    let config = context.config()?;
    let (hub, profile) = (context.hub(&config)?, context.profile(&config, name.as_str())?);
    let (from, to) = (Place::of(&profile.config_dir), arrive::hub_place(&hub));
    from.login(&layout)?;
    let refuse = || {
        if to.is_signed_in(&layout)? {
            bail!(Mistake::HomeSignedIn { place: to.directory.display().to_string() });
        }
        arrive::refuse_clients(&from.directory)?;
        Ok(arrive::refuse_clients(&to.directory)?)
    };
    refuse()?;
    let question =
        format!("move the login of the profile {} ({}) to {}? the profile is signed out then", profile.name, who(&from), to.directory.display());
    io::confirm(&question, yes)?;
    let state = profile::lock_state(layout)?;
    refuse()?;
    // A revoked login leaves its file, in which other things lie, too.
    to.store(&layout).clear(&layout.rescue(&profile.name).join(CREDENTIALS))?;
    let remains = account::transfer(layout, &from, &to)?;
    epoch::advance(layout)?;
    drop(state);
    io::say(format_args!("the login of the profile {} moved to {} ({})", profile.name, to.directory.display(), who(&to)));
    arrive::tell_what_remains(&from, remains.as_deref());
    Ok(ExitCode::SUCCESS)
}

/// Returns the account that is shown at a place.
fn who(place: &Place) -> String {
    ClaudeJson::read(&place.claude_json).oauth_account.and_then(|identity| identity.email_address).unwrap_or_else(|| "account unknown".into())
}
