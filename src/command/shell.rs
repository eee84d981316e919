//! `clauth shell`: a shell of the user's own kind, pinned to a profile.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use super::launch;
use crate::context::Context;
use crate::session::Holder;
use crate::shell::Shell;

/// Start a shell that stays with one profile in every directory; `exit` leaves it
#[derive(Args)]
pub struct Arguments {
    /// The profile, or `default` for the account you have without clauth
    profile: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let mut command = Command::new(program(context));
    launch::enter_by_name(context, &arguments.profile, Holder::Exec, &mut command)?;
    Err(launch::become_program(&mut command).into())
}

/// Returns the shell that called, by the path that `$SHELL` has for one of its kind; else the login shell.
fn program(context: &Context) -> OsString {
    let login = context.env.non_empty("SHELL");
    let kind_of = |path: &OsStr| Shell::from_program(Path::new(path).file_name()?);
    match (Shell::at_hand(), login) {
        (Some(here), Some(login)) if kind_of(login) == Some(here) => login.into(),
        (Some(here), _) => here.to_string().into(),
        (None, Some(login)) => login.into(),
        (None, None) => Shell::Sh.to_string().into(),
    }
}
