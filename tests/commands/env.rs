//! `clauth env`: what it prints for each shell, what `eval` makes of it, and that a failure can be seen by `eval`.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::support::finished::Finished;
use crate::support::syntax::UNSET;
use crate::support::{Sandbox, Shell, Startup, Terminal};

/// How each shell says that it is pinned, which no two of them say alike; the last is what any POSIX shell reads.
const PINS: [(&str, &str); 5] = [
    ("bash", "\\builtin export -n __clauth_pin='work';"),
    ("zsh", "\\builtin typeset -g __clauth_pin='work'; \\builtin typeset -g +x __clauth_pin;"),
    ("fish", "set -g __clauth_pin 'work';"),
    ("pwsh", "$global:__clauth_pin = 'work'"),
    ("sh", "__clauth_pin='work';"),
];

fn pin(shell: &str) -> &'static str {
    PINS.iter().find(|(name, _)| *name == shell).unwrap().1
}

#[test]
fn each_syntax_can_be_asked_for() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    for (shell, pin) in PINS {
        let told = sandbox.script("/bin/sh", &format!("clauth env work --shell {shell}; :")).success();
        assert_eq!(told.stdout().lines().last(), Some(pin), "{told:?}");
        assert!(told.stdout().contains(sandbox.runtime("work").to_str().unwrap()));
        assert_eq!(told.stderr(), "");
    }
    let dash = sandbox.script("/bin/sh", "clauth env work --shell dash; :").success();
    assert_eq!(dash.stdout().lines().last(), Some(pin("sh")));
}

#[test]
fn the_calling_shells_syntax_is_printed() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let told = sandbox.script(&shell.program, "clauth env work; true").success();
        assert_eq!(told.stdout().lines().last(), Some(pin(shell.language.name())), "{told:?}");
    });
}

#[test]
fn whatever_else_calls_gets_the_syntax_that_every_posix_shell_reads() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    symlink("/bin/sh", sandbox.path("bin/strange")).unwrap();
    for caller in [Path::new("/bin/sh"), &sandbox.path("bin/strange")] {
        let told = sandbox.script(caller, "clauth env work; :").success();
        assert_eq!(told.stdout().lines().last(), Some(pin("sh")), "{told:?}");
    }
    let Ok(dash) = which::which("dash") else { return };
    assert_eq!(sandbox.script(dash, "clauth env work; :").success().stdout().lines().last(), Some(pin("sh")));
}

#[test]
fn a_script_is_answered_in_the_syntax_of_its_interpreter() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let line = format!("{}\n{}\n", shell.pin("work"), shell.show_exported("CLAUTH_PROFILE"));
        let script = sandbox.program("deploy", &format!("#!{}\n{line}", shell.program.display()));
        let told = Finished::run(sandbox.command(script)).success();
        assert_eq!((told.stdout(), told.stderr()), ("work\n", ""));
    });
}

#[test]
fn eval_loads_a_profile_and_unset_brings_everything_back() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let startup = Startup::bare().variable("ANTHROPIC_API_KEY", "sk-1'2 $(x)").variable("CLAUDE_CONFIG_DIR", "/my own");
        let mut terminal = Terminal::start(&sandbox, shell, &startup);
        assert_eq!(terminal.run(&shell.pin("work")), "");
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), sandbox.runtime("work").to_str().unwrap());
        assert_eq!(terminal.run(&shell.show_exported("CLAUTH_PROFILE")), "work");
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_API_KEY")), UNSET);
        assert_eq!(terminal.run(&shell.call(&["claude", "-p"])), sandbox.claude_says(Some("work")).trim_end().to_owned() + "-p");
        // The value waits in the shell alone: no child sees it under any name.
        assert!(!terminal.run(&shell.call(&["env"])).contains("sk-1"));

        assert_eq!(terminal.run(&shell.evaluate("clauth env --unset")), "");
        assert_eq!(terminal.run(&shell.show_exported("CLAUDE_CONFIG_DIR")), "/my own");
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_API_KEY")), "sk-1'2 $(x)");
        for name in ["CLAUTH_PROFILE", "CLAUTH_STATE", "__clauth_pin", "__clauth_aside_ANTHROPIC_API_KEY"] {
            assert_eq!(terminal.run(&shell.show(name)), UNSET, "{name}");
        }
    });
}

#[test]
fn a_mistake_at_a_terminal_prints_nothing_but_the_complaint() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        let shown = terminal.run(&shell.call(&["clauth", "env", "wrok"]));
        assert!(shown.contains("there is no profile `wrok`") && !shown.contains("false") && !shown.contains("throw"), "{shown}");
    });
}

#[test]
fn eval_switches_between_profiles_and_remembers_the_first_values() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work", "other"]);
        let startup = Startup::bare().variable("ANTHROPIC_AUTH_TOKEN", "first");
        let mut terminal = Terminal::start(&sandbox, shell, &startup);
        for profile in ["work", "other", "other", "work"] {
            assert_eq!(terminal.run(&shell.pin(profile)), "");
            assert_eq!(terminal.run("claude"), sandbox.claude_says(Some(profile)).trim_end());
        }
        terminal.run(&shell.evaluate("clauth env --unset"));
        assert_eq!(terminal.run("claude"), sandbox.claude_says(None).trim_end());
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_AUTH_TOKEN")), "first");
        // Once more takes nothing more away.
        assert_eq!(terminal.run(&shell.evaluate("clauth env --unset")), "");
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_AUTH_TOKEN")), "first");
    });
}

#[test]
fn a_plain_posix_shell_in_its_strictest_mode_takes_it_too() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let script = r#"
        set -eu
        export ANTHROPIC_API_KEY="it's mine"
        eval "$(clauth env work)"
        claude one
        env | grep -c mine || :
        eval "$(clauth env --unset)"
        claude two
    "#;
    let none = sandbox.claude_says(None);
    let expected = format!("{}one\n0\n{}two\n", sandbox.claude_says(Some("work")).trim_end(), none.trim_end().replace("key=none", "key=it's mine"));
    for shell in ["/bin/sh", "dash", "bash", "zsh"] {
        if which::which(shell).is_ok() {
            assert_eq!(sandbox.script(shell, script).success().stdout(), expected, "{shell}");
        }
    }
}

#[test]
fn a_failure_fails_the_eval() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        assert!(terminal.run(&shell.pin("wrok")).contains("clauth: there is no profile `wrok`"));
        assert_ne!(terminal.run(&shell.show_status()), "0");
        assert_eq!(terminal.run(&shell.show("CLAUDE_CONFIG_DIR")), UNSET);
    });
}

#[test]
fn on_any_error_stdout_is_exactly_false() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let mistakes = [&["wrok"][..], &["../work"], &["default"], &["wrok", "--shell", "fish"], &["wrok", "--json"]];
    let misuses = [
        &[][..],
        &["work", "other"],
        &["--bogus"],
        &["work", "--unset"],
        &["work", "--shell", "tcsh"],
        &["work", "--shell"],
        &["--unset", "--json"],
        &["--shell=bash"],
    ];
    for (code, cases) in [(1, &mistakes[..]), (2, &misuses[..])] {
        for arguments in cases {
            let finished = sandbox.clauth(&[&["env"], *arguments].concat()).exits_with(code);
            assert_eq!(finished.stdout(), "false\n", "{arguments:?}");
            assert!(!finished.stderr().is_empty(), "{arguments:?}");
        }
    }
    let surroundings = [
        "unset HOME; clauth env work",
        "CLAUTH_HOME=relative clauth env work",
        "CLAUTH_HOME=relative clauth env --unset",
        "echo 'quiet = 7' >~/.clauth/config.toml; clauth env work; code=$?; rm ~/.clauth/config.toml; exit $code",
        "mv ~/.claude ~/away; clauth env work; code=$?; mv ~/away ~/.claude; exit $code",
        "mv ~/.clauth/profiles/work/profile.toml ~; clauth env work; code=$?; mv ~/profile.toml ~/.clauth/profiles/work; exit $code",
    ];
    for script in surroundings {
        let finished = sandbox.script("/bin/sh", script).failure();
        assert_eq!(finished.stdout(), "false\n", "{script}: {finished:?}");
        assert!(finished.complaint().contains("; "), "{script}: {finished:?}");
    }
}

#[test]
fn json_tells_the_same_for_programs() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.set_variable("ANTHROPIC_API_KEY", "sk-secret");
    sandbox.set_variable("CLAUDE_CONFIG_DIR", "/mine");
    let told = sandbox.script("/bin/sh", "clauth env work --json; :").success();
    assert!(!told.stdout().contains("sk-secret"));
    let told = told.json();
    let config_dir = sandbox.runtime("work");
    assert_eq!(told["schema"], 1);
    assert_eq!((&told["profile"], &told["config_dir"]), (&json!("work"), &json!(config_dir)));
    assert_eq!(told["unset"], json!(["ANTHROPIC_API_KEY"]));
    assert_eq!((&told["export"]["CLAUDE_CONFIG_DIR"], &told["export"]["CLAUTH_PROFILE"]), (&json!(config_dir), &json!("work")));
    assert!(told["export"]["CLAUTH_STATE"].as_str().unwrap().contains("/mine"));
    assert_eq!(told["export"]["ANTHROPIC_CONFIG_DIR"], json!(sandbox.path("home/.clauth/profiles/work/anthropic")));
    assert_eq!(told["export"].as_object().unwrap().len(), 4);
}

#[test]
fn a_profile_taken_by_hand_is_held_for_as_long_as_the_shell_lives() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let project = sandbox.bind("project", "work");
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        terminal.run(&shell.pin("work"));
        assert_eq!(sandbox.status(&project)["holders"], json!([{"pid": terminal.pid(), "kind": "env"}]));
        terminal.run(&shell.evaluate("clauth env --unset"));
        assert_eq!(sandbox.status(&project)["holders"], json!([]));
        sandbox.assert_no_helpers_left();
    });
}
