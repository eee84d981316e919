//! Modes and functions of the user's that change what shell text means.

use super::tour;
use crate::support::world::World;
use crate::support::{Language, Shell, Startup, Terminal};

/// Functions in the place of builtins, each of which would do something else; the shell must never come to call them.
const SHADOWED: [&str; 12] = ["eval", "export", "unset", "printf", "read", "trap", "[", "test", "echo", "local", "declare", "typeset"];

/// Returns sets of modes, each by the lines that set it; what does not contradict itself stands together, since each costs a shell.
fn modes(shell: &Shell) -> Vec<&'static str> {
    let mut modes = match shell.language {
        Language::Bash => vec![
            "set -f\nshopt -s nocasematch nocaseglob extglob globstar dotglob\nIFS=/0-",
            "set -a\nshopt -s failglob\nIFS=",
            "set -o posix\nIFS='= :\"'\"'\"",
            "set -T -E\ntrap 'SEEN=$SEEN.' DEBUG\ntrap 'echo failed' ERR\nexport CDPATH=$HOME:/",
        ],
        Language::Zsh => vec![
            "setopt err_return null_glob ignore_braces\nIFS=/0-",
            "setopt csh_null_glob all_export extended_glob no_case_match no_case_glob\nIFS=",
            "setopt warn_nested_var no_equals magic_equal_subst rc_expand_param rc_quotes c_bases octal_zeroes no_multi_func_def",
            "emulate sh",
            "emulate ksh",
            "emulate csh",
        ],
        Language::Fish => vec!["set -g IFS /0-\nset -gx CDPATH $HOME /\nfunction path; end\nfunction printf; end"],
        Language::Pwsh => vec!["$ErrorActionPreference = 'Stop'"],
    };
    modes.push(shell.strict());
    modes
}

#[test]
fn every_mode_of_the_users_is_survived() {
    Shell::each(|shell| {
        let world = World::new();
        for mode in modes(shell) {
            let mut terminal = Terminal::start(&world, shell, &Startup::hooked().before(mode));
            assert!(!terminal.transcript().contains("clauth: "), "{mode}: {}", terminal.transcript());
            tour(&world, &mut terminal);
        }
    });
}

#[test]
fn a_mode_set_behind_the_hook_is_survived() {
    Shell::each(|shell| {
        let world = World::new();
        for mode in modes(shell) {
            let mut terminal = Terminal::start(&world, shell, &Startup::hooked().after(mode));
            tour(&world, &mut terminal);
        }
    });
}

/// Returns functions that stand in the place of some builtins.
fn shadows(names: &[&str]) -> String {
    names.iter().map(|name| format!("function {name} {{ /bin/echo shadowed {name}; }}\n")).collect()
}

#[test]
fn builtins_may_be_shadowed() {
    Shell::each(|shell| {
        if !matches!(shell.language, Language::Bash | Language::Zsh) {
            return; // fish forbids it
        }
        // Whoever shadows `eval` cannot source a hook behind that.
        let but_eval = SHADOWED.into_iter().filter(|name| *name != "eval").collect::<Vec<_>>();
        let world = World::new();
        for startup in [Startup::hooked().before(&shadows(&but_eval)), Startup::hooked().after(&shadows(&SHADOWED))] {
            let mut terminal = Terminal::start(&world, shell, &startup);
            tour(&world, &mut terminal);
        }
    });
}

#[test]
fn builtins_may_be_aliased() {
    Shell::each(|shell| {
        if !matches!(shell.language, Language::Bash | Language::Zsh) {
            return; // an alias is a function there
        }
        let aliases: String = SHADOWED[..6].iter().map(|name| format!("alias {name}='/bin/echo aliased'\n")).collect();
        let world = World::new();
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().after(&aliases));
        tour(&world, &mut terminal);
    });
}
