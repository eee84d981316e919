//! `clauth exec`: runs any command under a profile.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use super::launch;
use crate::context::Context;
use crate::session::Holder;

/// Run a command under a profile
#[derive(Args)]
pub struct Arguments {
    /// The profile, or `default` for the account you have without clauth
    profile: String,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let mut command = Command::new(&arguments.command[0]);
    command.args(&arguments.command[1..]);
    launch::enter_by_name(context, &arguments.profile, Holder::Exec, &mut command)?;
    Err(launch::become_program(&mut command).into())
}
