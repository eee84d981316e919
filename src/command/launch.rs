//! Running a program under a profile: what `exec`, `start` and the shim have in common.

use std::io::ErrorKind;
use std::process::Command;

use anyhow::Result;

use crate::config::Config;
use crate::context::Context;
use crate::env::change::{self, Directories};
use crate::env::record::Chosen;
use crate::env::variable;
use crate::error::Mistake;
use crate::io;
use crate::name::DEFAULT;
use crate::profile::Profile;
use crate::session::{self, Holder, Lease, Lifetime, Trouble};
use crate::sys;

/// Registers this process and gives a command the profile's environment. The lease stays valid when this process becomes the program: its pid
/// and start time do not change.
pub fn enter(context: &Context, config: &Config, profile: &Profile, holder: Holder, chosen: Chosen, command: &mut Command) -> Result<()> {
    let lease = Lease::of(std::process::id(), holder);
    match lease.map_or(Ok(()), |lease| session::join(context, config, profile, &lease, Lifetime::Replaced)) {
        Ok(()) => {}
        Err(Trouble::Registration(error)) => io::complain(&error),
        Err(trouble @ Trouble::Tree(_)) => return Err(trouble.into_error()),
    }
    load(context, config, profile, chosen, command);
    Ok(())
}

/// Does the same for a name that was given by hand: a profile's, or `default`, with which everything is as if there were no clauth.
pub fn enter_by_name(context: &Context, name: &str, holder: Holder, command: &mut Command) -> Result<()> {
    let config = context.config()?;
    if name == DEFAULT {
        change::apply(&context.before().leave(), command);
        command.env(variable::CLAUTH_DISABLE, "1"); // what it starts would otherwise choose by the directory again
        return Ok(());
    }
    let profile = context.profile(&config, name)?;
    enter(context, &config, &profile, holder, Chosen::Hand, command)
}

/// Gives a command the profile's environment, and registers nobody.
pub fn load(context: &Context, config: &Config, profile: &Profile, chosen: Chosen, command: &mut Command) {
    let directories = Directories { config: &profile.exported(), anthropic: &profile.exported_anthropic() };
    change::apply(&context.before().load(profile.name.as_str(), directories, chosen, &config.keep_env), command);
}

/// Becomes a program; returns only the reason why that failed.
pub fn become_program(command: &mut Command) -> Mistake {
    let error = sys::replace_process(command);
    let shown = command.get_program().to_string_lossy().into_owned();
    match error.kind() {
        ErrorKind::NotFound => Mistake::CommandNotFound { command: shown },
        _ => Mistake::CommandNotRunnable { command: shown, reason: error.to_string() },
    }
}
