//! What a line that cannot be understood was meant to be, and what to type instead. Pure.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Mistake;
use crate::name::nearest;

/// What other programs call it.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("accounts", "list"),
    ("activate", "use PROFILE"),
    ("adopt", "import DIR NAME"),
    ("auth", "login PROFILE"),
    ("bind", "use PROFILE"),
    ("block", "deny"),
    ("check", "doctor"),
    ("choose", "use PROFILE"),
    ("create", "add NAME"),
    ("current", "status"),
    ("deactivate", "env --unset"),
    ("default", "use --global PROFILE"),
    ("delete", "remove PROFILE"),
    ("destroy", "remove PROFILE"),
    ("diagnose", "doctor"),
    ("enter", "shell PROFILE"),
    ("global", "use --global PROFILE"),
    ("grant", "allow"),
    ("info", "status"),
    ("init", "setup"),
    ("install", "setup"),
    ("kill", "stop"),
    ("limits", "usage"),
    ("local", "use PROFILE"),
    ("log-in", "login PROFILE"),
    ("logout", "exec PROFILE -- claude auth logout"),
    ("permit", "allow"),
    ("profiles", "list"),
    ("prompt", "status --format TEMPLATE"),
    ("prune", "removals empty"),
    ("quota", "usage"),
    ("revoke", "deny"),
    ("run", "start PROFILE"),
    ("save", "capture NAME"),
    ("select", "use PROFILE"),
    ("set", "use PROFILE"),
    ("set-default", "use --global PROFILE"),
    ("show", "status"),
    ("sign-in", "login PROFILE"),
    ("signin", "login PROFILE"),
    ("signout", "exec PROFILE -- claude auth logout"),
    ("subshell", "shell PROFILE"),
    ("trust", "allow"),
    ("unbind", "unuse"),
    ("undo", "removals"),
    ("uninstall", "setup --uninstall"),
    ("unset", "use --global --unset"),
    ("users", "list"),
    ("version", "--version"),
    ("where", "status"),
    ("who", "status"),
    ("why", "status"),
];

/// What other programs can do and clauth cannot: what is nearly called so does something else.
const NOTHING_LIKE_IT: &[&str] = &["rename", "update", "upgrade"];

/// Returns the mistake in one line, with what to type; `profiles` are the names that there are.
pub fn explain(error: &clap::Error, cli: &Command, arguments: &[OsString], profiles: &[String]) -> Mistake {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" and "),
        _ => String::new(),
    };
    let (command, called) = called(cli, arguments);
    let usage = usage(command, &called);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<_> = plain(&context(ContextKind::InvalidArg)).split(" and ").map(|name| format!("a {name}")).collect();
            let hint = if missing.iter().any(|name| name == "a PROFILE") { " (`clauth list` shows your profiles)" } else { "" };
            Mistake::MissingArgument { called, missing: missing.join(" and "), usage, hint: hint.into() }
        }
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue).is_empty() => {
            let missing = format!("a value for `{}`", plain(&context(ContextKind::InvalidArg)));
            Mistake::MissingArgument { called, missing, usage, hint: String::new() }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            let words: Vec<_> = command.get_subcommands().map(|command| format!("`{called} {}`", command.get_name())).collect();
            Mistake::MissingWord { called, words: words.join(" or ") }
        }
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand);
            let meant = meant(command, &called, &word, profiles).map(|line| format!("`{line}`, or ")).unwrap_or_default();
            Mistake::UnknownCommand { command: format!("{called} {word}"), instead: format!("{meant}`{called} --help` to see what there is") }
        }
        ErrorKind::InvalidValue => {
            let (value, known) = (context(ContextKind::InvalidValue), context(ContextKind::ValidValue).replace(" and ", ", "));
            let argument = plain(&context(ContextKind::InvalidArg));
            Mistake::UnknownValue { value, argument: argument.rsplit(' ').next().unwrap_or_default().into(), known }
        }
        ErrorKind::ArgumentConflict => {
            Mistake::Conflict { one: plain(&context(ContextKind::InvalidArg)), other: plain(&context(ContextKind::PriorArg)), called }
        }
        _ => Mistake::Misused { called, argument: plain(&context(ContextKind::InvalidArg)), usage },
    }
}

/// Returns the subcommand that was called, as far as there is one, and how.
fn called<'a>(cli: &'a Command, arguments: &[OsString]) -> (&'a Command, String) {
    let mut found = (cli, cli.get_name().to_owned());
    for argument in arguments {
        let Some(next) = argument.to_str().and_then(|name| found.0.find_subcommand(name)) else { break };
        found = (next, format!("{} {}", found.1, next.get_name()));
    }
    found
}

/// Returns what a line of this command looks like, in the words of its help.
fn usage(command: &Command, called: &str) -> String {
    // `--dir` is `[DIR]` by name, where there is one.
    let has_path = command.get_arguments().any(|argument| argument.get_id() == "path");
    let is_shown = |argument: &&clap::Arg| match argument.get_id().as_str() {
        "help" => false,
        "dir" => argument.is_required_set() || !has_path,
        _ => true,
    };
    let shown = command.get_arguments().filter(is_shown);
    let words = shown.map(|argument| {
        let value = argument.get_value_names().unwrap_or_default().join(" ");
        let many = if matches!(argument.get_num_args(), Some(number) if number.max_values() > 1) { "…" } else { "" };
        let word = match argument.get_long() {
            Some(long) if argument.is_require_equals_set() => format!("--{long}[={value}]"),
            Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
            Some(long) => format!("--{long}"),
            None if argument.is_last_set() => format!("-- {value}{many}"),
            None => format!("{value}{many}"),
        };
        // Of those of which one is needed, the first is the usual one.
        let is_usual = command.get_groups().any(|group| group.is_required_set() && group.get_args().next() == Some(argument.get_id()));
        if argument.is_required_set() || is_usual { word } else { format!("[{word}]") }
    });
    // What must be there comes first, as it is typed.
    let (needed, free): (Vec<_>, Vec<_>) = words.partition(|word| !word.starts_with('['));
    let help = command.has_subcommands().then(|| "--help".to_owned());
    std::iter::once(called.to_owned()).chain(needed).chain(free).chain(help).collect::<Vec<_>>().join(" ")
}

/// Returns what to type for a subcommand that there is not, if that can be told.
fn meant(command: &Command, called: &str, word: &str, profiles: &[String]) -> Option<String> {
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == word).map(|(_, instead)| (*instead).to_owned());
    let profile = || profiles.iter().find(|name| *name == word).map(|name| format!("start {name}"));
    let known = command.get_subcommands().map(Command::get_name).filter(|_| !NOTHING_LIKE_IT.contains(&word));
    let instead = other.or_else(profile).or_else(|| nearest(known, word).map(str::to_owned))?;
    Some(format!("{called} {instead}"))
}

/// Returns an argument as a person types it: clap puts a value's name into brackets.
fn plain(argument: &str) -> String {
    let name = argument.replace(['<', '>', '[', ']'], "").replace("...", "");
    name.split('|').next().unwrap_or_default().into()
}
