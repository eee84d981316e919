//! `clauth start`: runs Claude Code under a profile.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use super::launch;
use crate::context::Context;
use crate::session::Holder;

/// Run `claude` under a profile
#[derive(Args)]
pub struct Arguments {
    /// The profile, or `default` for the account you have without clauth
    profile: String,
    /// Arguments for `claude`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let mut command = Command::new(context.real_claude()?);
    command.args(&arguments.arguments);
    launch::enter_by_name(context, &arguments.profile, Holder::Start, &mut command)?;
    Err(launch::become_program(&mut command).into())
}
