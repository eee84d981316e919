//! The command line.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::command::{
    USAGE, add, allow, binding, capture, completions, doctor, env, exec, hook, import, list, login, refresh, removals, remove, setup, shell, shim,
    start, status, statusline, stop, unuse, usage,
};
use crate::context::Context;

mod mistyped;

/// Picks the Claude Code account by directory, as direnv picks environment.
#[derive(Parser)]
#[command(name = "clauth", version, disable_help_subcommand = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Setup(setup::Arguments),
    Hook(hook::Arguments),
    Use(binding::Arguments),
    Unuse(unuse::Arguments),
    Allow(allow::AllowArguments),
    Deny(allow::DenyArguments),
    Env(env::Arguments),
    Start(start::Arguments),
    #[command(visible_alias = "switch")]
    Shell(shell::Arguments),
    Exec(exec::Arguments),
    #[command(visible_alias = "new")]
    Add(add::Arguments),
    Login(login::Arguments),
    Capture(capture::Arguments),
    Import(import::Arguments),
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    #[command(visible_alias = "rm")]
    Remove(remove::Arguments),
    Removals(removals::Arguments),
    #[command(visible_aliases = ["whoami", "which"])]
    Status(status::Arguments),
    Refresh(refresh::Arguments),
    Doctor(doctor::Arguments),
    Usage(usage::Arguments),
    Statusline(statusline::Arguments),
    Stop(stop::Arguments),
    #[command(subcommand)]
    Shim(shim::Action),
    Completions(completions::Arguments),
}

/// Parses the arguments and runs the subcommand.
pub fn run(context: impl FnOnce() -> Result<Context>, called: &OsStr, arguments: &[OsString]) -> Result<ExitCode> {
    let asks_for_help = arguments.first().is_some_and(|first| first == "help");
    let line = std::iter::once(called).chain(arguments.iter().skip(usize::from(asks_for_help)).map(OsString::as_os_str));
    let cli = match Cli::try_parse_from(line.chain(asks_for_help.then_some(OsStr::new("--help")))) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() || arguments.is_empty() => {
            let _ = error.print();
            return Ok(ExitCode::from(if error.use_stderr() { USAGE } else { 0 }));
        }
        Err(error) => {
            // A word that is no command may be a profile; where nothing can be read there is none.
            let is_word = error.kind() == ErrorKind::InvalidSubcommand;
            let profiles = if is_word { context().map(|context| list::names(&context)).unwrap_or_default() } else { Vec::new() };
            bail!(mistyped::explain(&error, &Cli::command(), arguments, &profiles));
        }
    };
    match cli.command {
        Command::Setup(arguments) => setup::run(&context()?, &arguments, &mut Cli::command()),
        Command::Hook(arguments) => hook::run(&context()?, &arguments),
        Command::Use(arguments) => binding::run(&context()?, &arguments),
        Command::Unuse(arguments) => unuse::run(&context()?, &arguments),
        Command::Allow(arguments) => allow::allow(&context()?, &arguments),
        Command::Deny(arguments) => allow::deny(&context()?, &arguments),
        Command::Env(arguments) => env::run(&context()?, &arguments),
        Command::Start(arguments) => start::run(&context()?, &arguments),
        Command::Shell(arguments) => shell::run(&context()?, &arguments),
        Command::Exec(arguments) => exec::run(&context()?, &arguments),
        Command::Add(arguments) => add::run(&context()?, &arguments),
        Command::Login(arguments) => login::run(&context()?, &arguments),
        Command::Capture(arguments) => capture::run(&context()?, &arguments),
        Command::Import(arguments) => import::run(&context()?, &arguments),
        Command::List(arguments) => list::run(&context()?, &arguments),
        Command::Remove(arguments) => remove::run(&context()?, &arguments),
        Command::Removals(arguments) => removals::run(&context()?, &arguments),
        Command::Refresh(arguments) => refresh::run(&context()?, &arguments),
        Command::Status(arguments) => status::run(&context()?, &arguments),
        Command::Doctor(arguments) => doctor::run(&context()?, &arguments),
        Command::Usage(arguments) => usage::run(&context()?, &arguments),
        Command::Statusline(statusline::Arguments {}) => statusline::run(&context()?),
        Command::Stop(arguments) => stop::run(&context()?, &arguments),
        Command::Shim(action) => shim::install_or_remove(&context()?, &action),
        Command::Completions(arguments) => completions::run(&arguments, &mut Cli::command()),
    }
}
