//! `clauth completions`: prints a completion script.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use clap_complete::Shell as Generator;

use crate::error::Mistake;
use crate::io;
use crate::shell::{self, Shell, Taker, Takes};

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
pub fn script(shell: Shell, cli: &mut clap::Command) -> Option<String> {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
        Shell::Pwsh => return Some(shell::powershell_completions(cli)),
        Shell::Sh => return None,
    };
    let mut script = Vec::new();
    clap_complete::generate(generator, cli, "clauth", &mut script);
    Some(shell.with_takers(String::from_utf8_lossy(&script).into_owned(), &takers(cli)))
}

/// Returns the subcommands that take a profile, by the name of that argument, or one of some words.
fn takers(cli: &clap::Command) -> Vec<Taker> {
    let taker = |command: &clap::Command| {
        let argument = command.get_positionals().next()?;
        let words: Vec<_> = argument.get_possible_values().iter().filter(|word| !word.is_hide_set()).map(|word| word.get_name().to_owned()).collect();
        let takes = match argument.get_id().as_str() {
            "profile" => Takes::Profile,
            _ if !words.is_empty() => Takes::Words(words),
            _ => return None,
        };
        let runs = command.get_positionals().any(clap::Arg::is_last_set);
        Some(Taker { command: command.get_name().to_owned(), takes, runs })
    };
    cli.get_subcommands().filter_map(taker).collect()
}
