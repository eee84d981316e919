//! Scenarios for the table of mistakes: lines that cannot be understood.

use super::mistakes::error::Mistake;
use crate::support::Sandbox;
use crate::support::finished::Finished;

pub(super) fn missing_argument(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let mistake = Mistake::MissingArgument {
        called: "clauth use".into(),
        missing: "a PROFILE".into(),
        usage: "clauth use PROFILE [DIR] [--remote[=HOST/PATH]] [--global] [--unset] [--yes]".into(),
        hint: " (`clauth list` shows your profiles)".into(),
    };
    (sandbox.clauth(&["use"]), mistake)
}

pub(super) fn missing_word(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let words = "`clauth shim install` or `clauth shim remove`".into();
    (sandbox.clauth(&["shim"]), Mistake::MissingWord { called: "clauth shim".into(), words })
}

pub(super) fn unknown_command(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let instead = "`clauth status`, or `clauth --help` to see what there is".into();
    (sandbox.clauth(&["sttaus"]), Mistake::UnknownCommand { command: "clauth sttaus".into(), instead })
}

pub(super) fn misused(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let usage = "clauth stop [PROFILE]".into();
    (sandbox.clauth(&["stop", "work", "more"]), Mistake::Misused { called: "clauth stop".into(), argument: "more".into(), usage })
}

pub(super) fn unknown_value(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let known = "bash, zsh, fish, pwsh, direnv".into();
    (sandbox.clauth(&["hook", "tcsh"]), Mistake::UnknownValue { value: "tcsh".into(), argument: "SHELL".into(), known })
}

pub(super) fn conflict(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    let mistake = Mistake::Conflict { called: "clauth list".into(), one: "--names".into(), other: "--json".into() };
    (sandbox.clauth(&["list", "--names", "--json"]), mistake)
}

pub(super) fn directory_for_profile(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["use", "../home"]), Mistake::DirectoryForProfile { directory: "../home".into(), line: "clauth use PROFILE ../home".into() })
}

pub(super) fn no_profile_by_default(sandbox: &mut Sandbox) -> (Finished, Mistake) {
    (sandbox.clauth(&["login", "default"]), Mistake::NoProfileByDefault { name: "default".into() })
}
