//! Whatever a value holds, each shell reads back the same characters.

use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::support::finished::Finished;
use crate::support::length::rounds;
use crate::support::world::World;
use crate::support::{Language, Shell};

/// What means something to one shell or another; the quotes of all, typographic ones included, and line breaks most of all.
const SPECIAL: &[char] = &[
    '\'',
    '\'',
    '"',
    '\\',
    '\\',
    '`',
    '$',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    '*',
    '?',
    '!',
    '~',
    '#',
    ';',
    '&',
    '|',
    '<',
    '>',
    '=',
    '%',
    '^',
    '-',
    ',',
    ':',
    ' ',
    '\t',
    '\n',
    '\n',
    '\r',
    '\u{1b}',
    '\u{2018}',
    '\u{2019}',
    '\u{201a}',
    '\u{201b}',
    'a',
    'n',
    'x',
    '0',
    'é',
    '日',
    '\u{1f600}',
    '\u{ad}',
    '\u{202e}',
    '\u{feff}',
];

/// Returns some arbitrary values; the same ones each time.
fn values(count: usize) -> Vec<String> {
    let character = prop_oneof![8 => select(SPECIAL), 1 => any::<char>()];
    let text = vec(character, 1..12).prop_map(String::from_iter);
    let text = text.prop_filter("no environment holds a NUL", |text| !text.contains('\0'));
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| text.new_tree(&mut runner).unwrap().current()).collect()
}

/// Returns a line that prints the variable and a NUL.
fn print_config_dir(shell: &Shell) -> &'static str {
    match shell.language {
        Language::Bash | Language::Zsh | Language::Fish => "printf '%s\\0' \"$CLAUDE_CONFIG_DIR\"\n",
        Language::Pwsh => "[Console]::Out.Write($env:CLAUDE_CONFIG_DIR + \"`0\")\n",
    }
}

/// Returns the command that runs a script file without any rc file.
fn run_script(world: &World, shell: &Shell, script: &str) -> Command {
    let mut command = world.command(&shell.program);
    match shell.language {
        Language::Bash => command.arg(script),
        Language::Zsh => command.args(["-f", script]),
        Language::Fish => command.args(["--no-config", script]),
        Language::Pwsh => command.args(["-NoLogo", "-NoProfile", "-File", script]),
    };
    command
}

#[test]
fn every_value_comes_back_as_it_was() {
    let values = values(rounds(100, 2000));
    Shell::each(|shell| {
        let world = World::new();
        let mut script = String::new();
        for value in &values {
            // The user's own directory, as the record keeps it, is the one value of any form that a shell is told to export.
            let record = serde_json::json!({"config_dir": value});
            let mut unset = world.command("clauth");
            unset.args(["env", "--unset", "--shell", shell.language.name()]);
            unset.env("CLAUDE_CONFIG_DIR", world.config_dir("work")).env("CLAUTH_STATE", record.to_string());
            script += Finished::run(unset).success().stdout();
            script += print_config_dir(shell);
        }
        // pwsh runs nothing that is called otherwise.
        let file = world.write("script.ps1", script);
        let told = Finished::run(run_script(&world, shell, file.to_str().unwrap())).success();
        let read_back: Vec<_> = told.stdout().split_terminator('\0').collect();
        assert_eq!(read_back, values);
    });
}
