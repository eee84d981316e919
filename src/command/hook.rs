//! `clauth hook`: prints the prompt hook.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::context::Context;
use crate::error::Mistake;
use crate::io;
use crate::shell::Shell;

/// Print the prompt hook of a shell
///
/// In ~/.bashrc: `eval "$(clauth hook bash)"`. In ~/.zshrc: `eval "$(clauth hook zsh)"`. In config.fish: `clauth hook fish | source`.
/// For PowerShell see the README.
#[derive(Args)]
pub struct Arguments {
    /// bash, zsh, fish or pwsh
    shell: Shell,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let Some(hook) = arguments.shell.hook(&context.program.to_string_lossy()) else {
        bail!(Mistake::NoHook { shell: arguments.shell.to_string() });
    };
    io::print(hook)?;
    Ok(ExitCode::SUCCESS)
}
