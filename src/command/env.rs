//! `clauth env`: exports for `eval`, by hand.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum as _};
use serde::Serialize;

use crate::context::Context;
use crate::env::change::{Change, Directories};
use crate::env::record::Chosen;
use crate::io;
use crate::profile::Profile;
use crate::session::{self, Holder, Lease, Lifetime, Trouble};
use crate::shell::Shell;
use crate::sys;

/// Print exports for `eval "$(clauth env PROFILE)"`, which pin this shell to the profile
///
/// In fish: `clauth env PROFILE | source`. In PowerShell: `clauth env PROFILE | Invoke-Expression`.
#[derive(Args)]
pub struct Arguments {
    /// The profile
    #[arg(required_unless_present = "unset", conflicts_with = "unset")]
    profile: Option<String>,
    /// bash, zsh, fish, pwsh or sh; the calling shell when absent
    #[arg(long)]
    shell: Option<Shell>,
    /// Print the way back: the pin ends, and the directory chooses again
    #[arg(long)]
    unset: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "unset")]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Environment {
    profile: String,
    config_dir: String,
    export: BTreeMap<&'static str, String>,
    unset: Vec<&'static str>,
}

/// Whether these arguments call this command: whatever goes wrong with it must make `eval` fail.
pub fn is_asked_for(arguments: &[OsString]) -> bool {
    arguments.first().is_some_and(|command| command == "env")
}

/// Prints what makes `eval "$(clauth env …)"` fail, however little of the command line could be understood.
pub fn print_failure(arguments: &[OsString]) {
    let mut words = arguments.iter().filter_map(|word| word.to_str()).flat_map(|word| word.split('='));
    let named = words.find(|word| *word == "--shell").and_then(|_| Shell::from_str(words.next()?, true).ok());
    let _ = io::print(named.or_else(calling_shell).unwrap_or(Shell::Sh).failure());
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let shell = arguments.shell.or_else(calling_shell).unwrap_or(Shell::Sh);
    let before = context.before();
    let holder = holder(shell);
    let Some(name) = &arguments.profile else {
        if let (Ok(layout), Some(pid)) = (context.layout.writable(), holder) {
            session::leave_all_but(layout, None, pid);
        }
        io::print(shell.changes(&before.leave()) + &shell.pin(None))?;
        return Ok(ExitCode::SUCCESS);
    };
    let config = context.config()?;
    let profile = context.profile(&config, name)?;
    if let Some(lease) = holder.and_then(|pid| Lease::of(pid, Holder::Env)) {
        match session::join(context, &config, &profile, &lease, Lifetime::Brief) {
            Ok(()) => context.layout.writable().map(|layout| session::leave_all_but(layout, Some(&profile.name), lease.pid))?,
            Err(Trouble::Registration(error)) => io::complain(&error),
            Err(trouble @ Trouble::Tree(_)) => return Err(trouble.into_error()),
        }
    }
    let directories = Directories { config: &profile.exported(), anthropic: &profile.exported_anthropic() };
    let changes = before.load(profile.name.as_str(), directories, Chosen::Hand, &config.keep_env);
    if arguments.json {
        io::print_json(&environment(&profile, &changes))?;
    } else {
        io::print(shell.changes(&changes) + &shell.pin(Some(profile.name.as_str())))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn environment(profile: &Profile, changes: &[Change]) -> Environment {
    let mut environment =
        Environment { profile: profile.name.to_string(), config_dir: profile.exported(), export: BTreeMap::new(), unset: Vec::new() };
    for change in changes {
        match change {
            Change::Export(name, value) | Change::GiveBack(name, Some(value)) => drop(environment.export.insert(name, value.clone())),
            Change::Unset(name) | Change::SetAside(name) | Change::GiveBack(name, None) => environment.unset.push(name),
            Change::PutBack(..) | Change::Forget(_) | Change::Take(_) => {}
        }
    }
    environment
}

/// The shell that called: by the name it has, or, since a script bears its own, by the program that runs it.
fn calling_shell() -> Option<Shell> {
    let caller = sys::parent_process()?;
    let names = [sys::command_name(caller), sys::program_name(caller)];
    names.into_iter().flatten().find_map(|name| Shell::from_program(&name))
}

/// The process whose life the lease follows: the group's leader, which is the shell in `eval "$(…)"`, in functions and scripts alike. Where the
/// parent is in another group (a job of an interactive shell: a pipeline, zsh `<(…)`), or the leader is gone or out of sight, the parent. PowerShell
/// makes no groups, so there always the parent.
fn holder(shell: Shell) -> Option<u32> {
    let parent = sys::parent_process()?;
    let group = sys::process_group(std::process::id());
    let leader = group.filter(|leader| shell != Shell::Pwsh && sys::process_group(parent) == group && sys::start_time(*leader).is_some());
    Some(leader.unwrap_or(parent))
}
