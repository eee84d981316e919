//! `clauth hook`: prints the prompt hook, or what direnv needs.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::context::Context;
use crate::env::to_set_aside;
use crate::error::Mistake;
use crate::io;
use crate::shell::{self, Shell};

/// Print the prompt hook of a shell
///
/// In ~/.bashrc: `eval "$(clauth hook bash)"`. In ~/.zshrc: `eval "$(clauth hook zsh)"`. In config.fish: `clauth hook fish | source`.
/// In PowerShell's $PROFILE: `Invoke-Expression (& clauth hook pwsh)`. For `use clauth PROFILE` in an .envrc: `clauth hook direnv > ~/.config/direnv/lib/clauth.sh`.
#[derive(Args)]
pub struct Arguments {
    /// bash, zsh, fish or pwsh; or direnv
    shell: Host,
}

/// What a hook is for.
#[derive(Debug, Clone, Copy)]
enum Host {
    Shell(Shell),
    Direnv,
}

impl ValueEnum for Host {
    fn value_variants<'a>() -> &'a [Self] {
        use Shell::{Bash, Fish, Pwsh, Sh, Zsh};
        &[Self::Shell(Bash), Self::Shell(Zsh), Self::Shell(Fish), Self::Shell(Pwsh), Self::Shell(Sh), Self::Direnv]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Shell(shell) => shell.to_possible_value(),
            Self::Direnv => Some(PossibleValue::new("direnv").help("the function `use clauth PROFILE`")),
        }
    }
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let program = context.program.to_string_lossy();
    let overriding: Vec<_> = to_set_aside(&[]).collect();
    let hook = match arguments.shell {
        Host::Direnv => shell::use_clauth(&program, &overriding),
        Host::Shell(shell) => match shell.hook(&program, &context.layout.home().to_string_lossy(), &overriding) {
            Some(hook) => hook,
            None => bail!(Mistake::NoHook { shell: shell.to_string() }),
        },
    };
    io::print(hook)?;
    Ok(ExitCode::SUCCESS)
}
