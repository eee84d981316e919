//! The completions of PowerShell, whose generator knows neither values of options nor arguments: a table of what there is, and a script that reads it.

use std::fmt::Write as _;

use clap::{Arg, Command, ValueHint};

use super::quote;

/// Returns the script for this command line.
pub fn script(cli: &mut Command) -> String {
    cli.build();
    let mut table = String::new();
    describe(cli, "clauth", &mut table);
    include_str!("../../../shells/completions.ps1").replace("@COMMANDS@\n", &table)
}

/// Writes an entry for a command and for those below it.
fn describe(command: &Command, path: &str, table: &mut String) {
    let below: Vec<_> = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help").collect();
    let words = below.iter().map(|below| format!("{} = {}", quote(below.get_name()), help(below.get_about())));
    let options = command.get_opts().chain(command.get_arguments().filter(|argument| !argument.get_action().takes_values()));
    let options = options.filter(|option| !option.is_hide_set()).flat_map(|option| {
        let spellings = option.get_long().map(|long| format!("--{long}")).into_iter().chain(option.get_short().map(|short| format!("-{short}")));
        let kind = if option.get_action().takes_values() { kind(option) } else { String::new() };
        let entry = format!("@({}, {})", help(option.get_help()), quote(&kind));
        spellings.map(move |spelling| format!("{} = {entry}", quote(&spelling))).collect::<Vec<_>>()
    });
    let arguments = command.get_positionals().filter(|argument| !argument.is_last_set()).map(|argument| quote(&kind(argument)));
    let behind = command.get_positionals().find(|argument| argument.is_last_set()).map_or("", |_| "commands");
    let [words, options, arguments] =
        [words.collect::<Vec<_>>().join("; "), options.collect::<Vec<_>>().join("; "), arguments.collect::<Vec<_>>().join(", ")];
    let _ = writeln!(
        table,
        "        {} = @{{ Words = [ordered]@{{ {words} }}; Options = [ordered]@{{ {options} }}; \
         Arguments = @({arguments}); Behind = {} }}",
        quote(path),
        quote(behind)
    );
    for below in below {
        describe(below, &format!("{path} {}", below.get_name()), table);
    }
}

/// Returns what an argument, or the value of an option, can be.
fn kind(argument: &Arg) -> String {
    let words: Vec<_> =
        argument.get_possible_values().into_iter().filter(|word| !word.is_hide_set()).map(|word| word.get_name().to_owned()).collect();
    match argument.get_value_hint() {
        _ if argument.get_id() == "profile" => "profiles".into(),
        _ if !words.is_empty() => format!("={}", words.join(" ")),
        ValueHint::DirPath => "directories".into(),
        ValueHint::AnyPath | ValueHint::FilePath => "paths".into(),
        _ => "none".into(),
    }
}

/// A completion needs a description that is not empty.
fn help(text: Option<&clap::builder::StyledStr>) -> String {
    quote(&text.map(ToString::to_string).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".into()))
}
