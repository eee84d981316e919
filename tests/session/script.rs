//! Whose life the lease of `clauth env` follows: that of the shell that evaluates it, wherever the command stands.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::files::make_fifo;
use crate::support::finished::Finished;
use crate::support::session::may_unshare;
use crate::support::{Holder, Language, Session, Shell, Startup, Terminal, World, wait_until};

/// Returns the ways in which a shell evaluates `clauth env work`.
fn evaluations(language: Language) -> &'static [&'static str] {
    match language {
        Language::Bash => &[
            r#"eval "$(clauth env work)""#,
            r#"f() { eval "$(clauth env work)"; }; f"#,
            r#"eval "$(clauth env work | cat)""#,
            r#"eval "$(true | clauth env work)""#,
            "clauth env work | cat >kept; . ./kept",
            "true | clauth env work >kept; . ./kept",
            "clauth env work >kept; . ./kept",
            // bash 3.2 reads nothing from `. <(…)`.
            r#"IFS= read -rd '' kept < <(clauth env work); eval "$kept""#,
        ],
        Language::Zsh => &[
            r#"eval "$(clauth env work)""#,
            r#"f() { eval "$(clauth env work)"; }; f"#,
            r#"eval "$(clauth env work | cat)""#,
            "clauth env work | cat >kept; . ./kept",
            "true | clauth env work >kept; . ./kept",
            ". <(clauth env work)",
        ],
        Language::Fish => &[
            "clauth env work | source",
            "function f; clauth env work | source; end; f",
            "eval (clauth env work | string collect)",
            "true | clauth env work >kept; source kept",
            "clauth env work | cat >kept; source kept",
            "source (clauth env work | psub)",
        ],
        Language::Pwsh => &["(clauth env work) -join \"`n\" | Invoke-Expression"],
    }
}

#[test]
fn a_shell_that_evaluates_env_holds_the_lease() {
    Shell::each(|shell| {
        let world = World::new();
        let session = Session::of(&world, "work");
        for line in evaluations(shell.language) {
            let mut terminal = Terminal::start(&world, shell, &Startup::bare());
            assert_eq!(terminal.run(line), "", "{line}");
            let leases = session.leases();
            assert!(leases.keys().eq([&terminal.pid()]), "{line}: {leases:?} instead of {}", terminal.pid());
            assert_eq!(leases[&terminal.pid()], "env");
            session.assert_serves(terminal.pid());
            terminal.kill();
            session.wait_for_end();
        }
    });
}

#[test]
fn a_script_that_evaluates_env_holds_the_lease_and_not_the_shell_that_runs_it() {
    Shell::each(|shell| {
        let world = World::new();
        let session = Session::of(&world, "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::bare());
        for line in evaluations(shell.language).iter().filter(|line| !line.contains("f()")) {
            let wait = match shell.language {
                Language::Bash | Language::Zsh => "echo \"pid $$.\"; read -r line",
                Language::Fish => "echo \"pid $fish_pid.\"; read line",
                Language::Pwsh => "\"pid $PID.\"; $null = Read-Host",
            };
            let script = world.write("home/script", format!("{line}\n{wait}\n"));
            terminal.type_line(&shell.call(&[shell.program.to_str().unwrap(), script.to_str().unwrap()]));
            terminal.wait_for("pid ");
            let script: u32 = terminal.wait_for(".").parse().unwrap();
            assert!(session.leases().keys().eq([&script]), "{line}: {:?} instead of {script}", session.leases());
            session.assert_serves(script);
            terminal.send("\r");
            terminal.wait_for_prompt();
            session.wait_for_end();
        }
    });
}

#[test]
fn a_script_in_the_background_whose_starter_is_gone_holds_the_lease_itself() {
    let world = World::new();
    let session = Session::of(&world, "work");
    let wait_for_starter = "while kill -0 \"$1\" 2>/dev/null; do :; done";
    let script = world.program(
        "script",
        &format!("#!/bin/sh\n{wait_for_starter}\neval \"$(clauth env work)\"\necho $$ >pid.new; mv pid.new pid; read -r line <end\n"),
    );
    make_fifo(&world.path("home/end"));
    let mut starter = world.command("/bin/sh");
    // Not inherited: the starter's output would stay open for as long as the script runs.
    starter.args(["-c", r#""$0" $$ >/dev/null 2>&1 &"#]).arg(script).process_group(0);
    Finished::run(starter).success();
    let pid = world.path("home/pid");
    wait_until("the script has evaluated", || pid.exists());
    session.assert_serves(fs::read_to_string(pid).unwrap().trim().parse().unwrap());
    assert!(Path::new(&world.config_dir("work")).join("settings.json").exists());
    fs::write(world.path("home/end"), "\n").unwrap();
    session.wait_for_end();
}

#[test]
fn a_shell_in_a_pid_namespace_whose_group_leader_is_outside_holds_the_lease() {
    let world = World::new();
    let within = |script: &str| {
        let mut command = world.command("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "/bin/sh", "-c", script]);
        Finished::run(command)
    };
    if !may_unshare() {
        return;
    }
    let outside = Holder::start(&world);
    let work = world.bind("home/work", "work");
    outside.evaluate(&world, &work).success();
    let said = within(r#"eval "$(clauth env work)" && clauth status --json && echo "$CLAUTH_PROFILE""#).success();
    assert_eq!(said.stderr(), "");
    let (json, profile) = said.stdout().trim_end().rsplit_once('\n').unwrap();
    assert_eq!(profile, "work");
    let status: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(status["holders"], serde_json::json!([{"pid": 1, "kind": "env"}]), "{status}");
    assert!(status["helper"]["pid"].is_u64(), "{status}");
    // The shells outside are another session's.
    assert_eq!(world.holders(&work), [outside.pid()]);
}
