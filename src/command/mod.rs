//! One file for each subcommand: its arguments beside what it does.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::error::Mistake;

pub mod add;
pub mod allow;
pub mod api_key;
mod arrive;
pub mod binding;
pub mod capture;
pub mod completions;
pub mod doctor;
pub mod editors;
pub mod env;
mod everywhere;
pub mod exec;
pub mod export;
mod former;
pub mod fresh;
pub mod helper;
pub mod hook;
pub mod import;
mod launch;
pub mod list;
pub mod login;
pub mod refresh;
mod removal;
pub mod removals;
pub mod remove;
mod rule;
mod settings_file;
pub mod setup;
pub mod shell;
pub mod shim;
pub mod start;
pub mod status;
mod status_format;
pub mod statusline;
pub mod stop;
pub mod unuse;
pub mod usage;

/// The exit code of a line that cannot be understood.
pub const USAGE: u8 = 2;

/// Returns the exit code of a failure, as the tools that run other programs have it (env(1), nohup(1)): 127 not found, 126 cannot run, 125
/// our own; 1 for every other command. `env` answers a failure on its standard output too.
pub fn failure_code(arguments: &[OsString], error: &anyhow::Error, is_stand_in: bool) -> ExitCode {
    if !is_stand_in && env::is_asked_for(arguments) && !std::io::stdout().is_terminal() {
        env::print_failure(arguments);
    }
    let runs_a_program =
        is_stand_in || arguments.first().is_some_and(|command| ["exec", "shell", "start", "switch"].iter().any(|runner| command == runner));
    ExitCode::from(match error.downcast_ref() {
        Some(mistake) if is_misuse(mistake) => USAGE,
        _ if !runs_a_program => 1,
        Some(Mistake::CommandNotFound { .. } | Mistake::NoClaude { .. } | Mistake::ProgramGone { .. }) => 127,
        Some(Mistake::CommandNotRunnable { .. }) => 126,
        // The shim and the wrapper refuse where the prompt would; that is no failure of the one who runs a program for another.
        Some(mistake) if is_stand_in && !matches!(mistake, Mistake::ShimLoop { .. } | Mistake::WrapperLoop { .. }) => 1,
        _ => 125,
    })
}

/// Whether it is a mistake of the command line itself, whatever stands on the disk.
fn is_misuse(mistake: &Mistake) -> bool {
    use Mistake::{Conflict, MissingArgument, MissingWord, Misused, UnknownCommand, UnknownValue};
    matches!(mistake, MissingArgument { .. } | MissingWord { .. } | UnknownCommand { .. } | Misused { .. } | UnknownValue { .. } | Conflict { .. })
}
