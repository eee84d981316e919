//! `clauth exec`: runs any command under a profile.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use super::launch;
use crate::context::Context;
use crate::env::record::Chosen;
use crate::session::Holder;

/// Run a command under a profile
#[derive(Args)]
pub struct Arguments {
    /// The profile
    profile: String,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let config = context.config()?;
    let profile = context.profile(&config, &arguments.profile)?;
    let mut command = Command::new(&arguments.command[0]);
    command.args(&arguments.command[1..]);
    launch::enter(context, &config, &profile, Holder::Exec, Chosen::Hand, &mut command)?;
    Err(launch::become_program(&mut command).into())
}
