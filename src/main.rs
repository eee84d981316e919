//! clauth picks the Claude Code account by directory, as direnv picks environment.
//!
//! `main` is the table of contents: the shim, the wrapper and the hook's evaluation come first, since they run at other programs' starts and at prompts;
//! everything else is a subcommand in `command/`.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use crate::command::shim::{self, Called};
use crate::context::Context;
use crate::env::Env;
use crate::layout::Layout;

mod account;
mod claude_code;
mod cli;
mod command;
mod config;
mod context;
mod doctor;
mod editor;
mod env;
mod error;
mod hub;
mod io;
mod layout;
mod name;
mod profile;
mod selection;
mod session;
mod sharing;
mod shell;
mod sys;

/// The commands that run at prompts, or that a program waits for.
const IN_PASSING: &[&str] = &["api-key", "export", "helper", "status", "statusline"];

fn main() -> ExitCode {
    let arguments = env::arguments();
    let env = Env::snapshot();
    let (called, rest) = arguments.split_first().map_or((OsStr::new("clauth"), &[][..]), |(called, rest)| (called.as_os_str(), rest));
    let program = env::program(called, &env).unwrap_or_else(|| called.into());
    let (env, program, stand_in) = match Called::by(called) {
        Some(stand_in) => {
            let env = if let Some(home) = Layout::home_around(&program) { env.of_installation(&home) } else { env };
            (env, shim::behind(&program), Some(stand_in))
        }
        None => (env, program, None),
    };
    let is_in_passing = stand_in.is_some() || rest.first().is_some_and(|word| IN_PASSING.iter().any(|command| word == command));
    let context = || {
        let context = Context::new(env, program)?;
        // What cannot be settled stops those who need it, and these ask again.
        let _ = if is_in_passing { context.settle_transfer_in_passing() } else { context.settle_transfer() };
        Ok(context)
    };
    run(context, called, stand_in, rest).unwrap_or_else(|error| {
        io::complain(&error);
        if stand_in.is_some() {
            shim::tell_caller(rest, &error);
        }
        command::failure_code(rest, &error, stand_in.is_some())
    })
}

/// Runs what was asked for; the surroundings are looked at only by what needs them.
fn run(context: impl FnOnce() -> anyhow::Result<Context>, called: &OsStr, stand_in: Option<Called>, rest: &[OsString]) -> anyhow::Result<ExitCode> {
    if let Some(stand_in) = stand_in {
        return shim::run(&context()?, stand_in, rest);
    }
    // What programs call, before clap: it runs at prompts and after answers, or lives for as long as a shell and should be small.
    match rest.first().and_then(|command| command.to_str()) {
        Some("export") => return command::export::run(&context()?, &rest[1..]),
        Some("helper") => return command::helper::run(&context()?, &rest[1..]),
        Some("fresh") => return command::fresh::run(&rest[1..]),
        Some("statusline") if rest.len() == 1 => return command::statusline::run(&context()?),
        // As a prompt's theme has it; any other spelling is clap's.
        Some("status") if rest.len() == 3 && rest[1] == "--format" && rest[2].to_str().is_some() => {
            io::keep_memory_private();
            return command::status::for_a_prompt(&context()?, &rest[2].to_string_lossy());
        }
        Some("api-key") => {
            io::keep_memory_private();
            return command::api_key::run(&context()?, &rest[1..]);
        }
        _ => {}
    }
    io::keep_memory_private(); // most of these read a login
    let name = Path::new(called).file_stem().unwrap_or(OsStr::new("clauth"));
    cli::run(context, name, rest)
}
