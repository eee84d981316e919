//! `clauth capture`: the login that `~/.claude` holds becomes a profile's.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::{arrive, removal};
use crate::account::{self, Place};
use crate::context::Context;
use crate::io::{self, epoch};
use crate::name::ProfileName;
use crate::profile;

/// Move the login of ~/.claude into a profile; plain `claude` is signed out then
#[derive(Args)]
pub struct Arguments {
    /// The profile: a new one, or one without a login
    name: String,
    /// Do not ask whether to take the login out of the macOS Keychain
    #[arg(long, short)]
    yes: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let name: ProfileName = arguments.name.parse()?;
    let layout = context.layout.writable()?;
    context.refuse_unsettled()?;
    let hub = context.hub(&context.config()?)?;
    let from = arrive::hub_place(&hub);
    from.login(&layout)?;
    arrive::agree_to_delete(context, &from, arguments.yes)?;
    removal::finish(context, &name)?;
    // Before the lock: an older clauth's profile is taken over under it.
    arrive::refuse_unfit(context, &name)?;
    let state = profile::lock_state(layout)?;
    arrive::refuse_unfit(context, &name)?;
    arrive::refuse_clients(&from.directory)?;
    from.login(&layout)?;
    let profile = arrive::make_ready(layout, &state, &hub, &name)?;
    let remains = account::transfer(layout, &from, &Place::of(&profile.config_dir))?;
    epoch::advance(layout)?;
    drop(state); // what is told of other profiles may take one of an older clauth over, under this very lock
    let account = account::address(&profile.config_dir);
    io::say(format_args!(
        "the login of {} moved to the profile {name} ({}), and plain `claude` is signed out; bind directories with `clauth use {name}`, or make it the \
         one for everywhere else: `default_profile = \"{name}\"` in {}",
        from.directory.display(),
        account.as_deref().unwrap_or("account unknown"),
        layout.config().display()
    ));
    arrive::tell_what_remains(&from, remains.as_deref());
    arrive::tell_kin(context, &hub, &profile, arrive::Came::Moved);
    Ok(ExitCode::SUCCESS)
}
