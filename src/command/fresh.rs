//! `clauth fresh SHELL ARGUMENTS`: becomes a shell without a terminal, for `setup` and `doctor` to look at (see [`crate::shell::fresh`]).

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::sys;

/// Becomes the shell.
pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let Some((shell, arguments)) = arguments.split_first() else { bail!("this command is for `clauth doctor`; run that instead") };
    sys::detach().context("could not leave the terminal")?;
    Err(sys::replace_process(Command::new(shell).args(arguments)).into())
}
