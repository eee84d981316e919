//! Running a program under a profile: what `exec`, `start`, the shim and the wrapper have in common.

use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Result, bail};

use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::config::Config;
use crate::context::Context;
use crate::env::change::{self, Directories};
use crate::env::record::Chosen;
use crate::env::{self, direnv, variable};
use crate::error::Mistake;
use crate::io;
use crate::name::DEFAULT;
use crate::profile::Profile;
use crate::selection::Outcome;
use crate::selection::decide::Loaded;
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

/// Does the same for what the working directory asks for, as the hook does; fails where that cannot be followed.
pub fn enter_by_directory(context: &Context, holder: Holder, command: &mut Command) -> Result<()> {
    let config = context.config()?;
    let before = context.before();
    let loaded = context.loaded();
    let directory = env::current_dir();
    let is_direnvs = directory.as_ref().is_ok_and(|directory| direnv::has_set_for(&context.env, CLAUDE_CONFIG_DIR, directory));
    // A choice by hand, in this process's ancestry, outranks the directory. Not so in an editor: it is one process with a window for each of many
    // directories, and has inherited the choice from whichever shell happened to start it.
    let is_chosen = before.chosen() == Chosen::Hand && holder != Holder::Editor;
    let chosen = if is_chosen || is_direnvs { before.chosen() } else { Chosen::Hook };
    let outcome = match &loaded {
        Loaded::Profile(dir) if is_chosen || is_direnvs => {
            let name = context.layout.profile_of(dir.as_os_str()).map(|name| name.to_string()).unwrap_or_default();
            Outcome::Bound(context.profile(&config, &name)?)
        }
        _ => context.resolve(&config, &directory?).outcome,
    };
    match outcome {
        Outcome::Refused(mistake) => bail!(mistake),
        Outcome::Unbound => change::apply(&before.leave(), command),
        Outcome::Bound(profile) => enter(context, &config, &profile, holder, chosen, command)?,
    }
    Ok(())
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
