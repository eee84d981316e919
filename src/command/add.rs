//! `clauth add`: makes a profile.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::context::Context;
use crate::{io, profile};

/// Make a profile; Claude Code asks to sign in on its first use
#[derive(Args)]
pub struct Arguments {
    /// 1 to 64 letters, digits, `.`, `_` or `-`
    name: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.name.parse()?;
    context.hub(&context.config()?)?;
    profile::add(context.layout.writable()?, &name)?;
    io::say(format_args!("the profile {name} is ready; bind a directory with `clauth use {name}`, then sign in by running `claude` there"));
    Ok(ExitCode::SUCCESS)
}
