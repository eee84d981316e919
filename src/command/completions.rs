//! `clauth completions`: prints a completion script.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use clap_complete::Shell as Generator;

use crate::error::Mistake;
use crate::io;
use crate::shell::Shell;

/// Print the completion script of a shell
#[derive(Args)]
pub struct Arguments {
    /// bash, zsh, fish or pwsh
    shell: Shell,
}

pub fn run(arguments: &Arguments, cli: &mut clap::Command) -> Result<ExitCode> {
    let Some(script) = script(arguments.shell, cli) else { bail!(Mistake::NoHook { shell: arguments.shell.to_string() }) };
    io::print(script)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a shell's completion script; `None` for a shell without completions.
pub fn script(shell: Shell, cli: &mut clap::Command) -> Option<Vec<u8>> {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
        Shell::Pwsh => Generator::PowerShell,
        Shell::Sh => return None,
    };
    let mut script = Vec::new();
    clap_complete::generate(generator, cli, "clauth", &mut script);
    Some(script)
}
