//! `clauth start`: runs Claude Code under a profile.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use super::launch;
use crate::context::Context;
use crate::env::record::Chosen;
use crate::session::Holder;

/// Run `claude` under a profile
#[derive(Args)]
pub struct Arguments {
    /// The profile
    profile: String,
    /// Arguments for `claude`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let config = context.config()?;
    let profile = context.profile(&config, &arguments.profile)?;
    let mut command = Command::new(launch::real_claude(context)?);
    command.args(&arguments.arguments);
    launch::enter(context, &config, &profile, Holder::Start, Chosen::Hand, &mut command)?;
    Err(launch::become_program(&mut command).into())
}
