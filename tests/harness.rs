//! The harness tested by itself: when one of these fails, no other failure means anything.

use std::process::Stdio;

use crate::support::claude::HOME_ACCOUNT;
use crate::support::finished::Finished;
use crate::support::meanwhile::meanwhile;
use crate::support::shell::shells_found;
use crate::support::syntax::UNSET;
use crate::support::{Language, Sandbox, Shell, Started, Startup, Terminal, Traced, wait_until};

/// Words that each shell must pass on unharmed; a terminal's line carries no line breaks.
const AWKWARD: [&str; 8] = ["a b", "it's", "\"quoted\"", "$(echo no) `echo no` $HOME", "back\\slash", "*[a]?{b,c}~!x", "-n", "é’‘"];

#[test]
fn bash_zsh_and_fish_are_looked_for() {
    let speaks = |language| shells_found().iter().any(|shell| shell.language == language);
    assert_eq!(speaks(Language::Bash), which::which("bash").is_ok());
    assert_eq!(speaks(Language::Zsh), which::which("zsh").is_ok());
    assert_eq!(speaks(Language::Fish), which::which("fish").is_ok());
}

#[test]
fn a_line_gives_its_output_and_nothing_else() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        for _ in 0..20 {
            assert_eq!(terminal.run("echo hello"), "hello");
            assert_eq!(terminal.run(""), "");
            assert_eq!(terminal.run("printf abc"), "abc");
            let both = shell.call(&["/bin/sh", "-c", "echo one; echo two >&2"]);
            assert_eq!(terminal.run(&both), "one\ntwo");
        }
        assert_eq!(terminal.shell(), shell);
        assert!(terminal.transcript().contains("hello"));
    });
}

#[test]
fn strict_shells_take_lines_too() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let startup = Startup::hooked().before(shell.strict());
        let mut terminal = Terminal::start(&sandbox, shell, &startup);
        assert_eq!(terminal.run("echo hello"), "hello");
        assert_eq!(terminal.run(&shell.show("CLAUDE_CONFIG_DIR")), UNSET);
        assert_eq!(terminal.run(&shell.exit_with(0)), "");
        assert_eq!(terminal.run(&shell.show_status()), "0");
        assert_strict(terminal);
    });
}

/// Asserts that the strict modes are in force, for which bash and zsh have to die.
fn assert_strict(mut terminal: Terminal) {
    let shell = terminal.shell().clone();
    match shell.language {
        Language::Bash | Language::Zsh => {
            terminal.type_line(&shell.exit_with(3));
            assert_eq!(terminal.wait_for_end().code(), Some(3));
        }
        Language::Fish => assert_eq!(terminal.run(r"count (printf 'a\nb\n')"), "1"),
        Language::Pwsh => {
            let error = terminal.run("$NoSuchVariable");
            assert!(error.contains("NoSuchVariable"), "{error}");
        }
    }
}

#[test]
#[should_panic(expected = "the shell ended")]
fn a_shell_that_ends_is_not_waited_for() {
    let sandbox = Sandbox::new();
    let shell = &shells_found()[0];
    Terminal::start(&sandbox, shell, &Startup::bare()).run("exit");
}

#[test]
fn the_status_of_a_line_is_seen() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        terminal.run(&shell.exit_with(3));
        assert_eq!(terminal.run(&shell.show_status()), "3");
        assert_eq!(terminal.run(&shell.show_status()), "0");
    });
}

#[test]
fn variables_are_set_exported_shown_and_removed() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let startup = Startup::bare().variable("GIVEN", "from outside");
        let mut terminal = Terminal::start(&sandbox, shell, &startup);
        assert_eq!(terminal.run(&shell.show_exported("GIVEN")), "from outside");
        for value in AWKWARD {
            assert_eq!(terminal.run(&shell.set("KEPT", value)), "");
            assert_eq!(terminal.run(&shell.show("KEPT")), value);
            assert_eq!(terminal.run(&shell.show_exported("KEPT")), UNSET);
            terminal.run(&shell.export("GIVEN", value));
            assert_eq!(terminal.run(&shell.show("GIVEN")), value);
            assert_eq!(terminal.run(&shell.show_exported("GIVEN")), value);
        }
        for name in ["KEPT", "GIVEN", "NEVER_SET"] {
            terminal.run(&shell.unset(name));
            assert_eq!(terminal.run(&shell.show(name)), UNSET);
            assert_eq!(terminal.run(&shell.show_exported(name)), UNSET);
        }
    });
}

#[test]
fn every_directory_can_be_entered() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let start = sandbox.mkdir("start here");
        let startup = Startup::bare().in_directory(&start);
        let mut terminal = Terminal::start(&sandbox, shell, &startup);
        let print_directory = shell.call(&["/bin/pwd", "-P"]);
        assert_eq!(terminal.run(&print_directory), start.to_str().unwrap());
        // pwsh takes the backslash for a separator of paths on every system.
        let possible = |name: &&str| shell.language != Language::Pwsh || !name.contains('\\');
        for name in AWKWARD.into_iter().filter(possible) {
            let directory = sandbox.mkdir(name);
            assert_eq!(terminal.run(&shell.cd(&directory)), "");
            assert_eq!(terminal.run(&print_directory), directory.to_str().unwrap());
        }
    });
}

#[test]
fn ctrl_c_interrupts_what_runs() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        terminal.type_line(&shell.call(&["/bin/sh", "-c", "echo ready; exec cat"]));
        terminal.wait_for("ready");
        terminal.send("echoed\r");
        terminal.wait_for("echoed");
        terminal.interrupt();
        assert_eq!(terminal.run("echo alive"), "alive");
        assert!(sandbox.processes_named("cat").is_empty());
    });
}

#[test]
fn a_nested_shell_has_the_same_prompt() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        terminal.run(&shell.set("OUTER", "yes"));
        terminal.run(&shell.nested(&sandbox));
        assert_eq!(terminal.run(&shell.show("OUTER")), UNSET);
        terminal.run("exit");
        assert_eq!(terminal.run(&shell.show("OUTER")), "yes");
    });
}

#[test]
fn rc_lines_stand_around_the_hook() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        // In the place of the program under test, one whose hook tells when it ran.
        let told = shell.export("ORDER", "hook");
        let hook = format!("#!/bin/sh\ncat <<'END'\n{told}\nEND\n");
        sandbox.program("clauth", &hook);
        let startup = Startup::hooked().before(&shell.export("ORDER", "before")).after(&shell.set("SEEN_BEHIND", "yes"));
        let mut terminal = Terminal::start(&sandbox, shell, &startup);
        assert_eq!(terminal.run(&shell.show("ORDER")), "hook");
        assert_eq!(terminal.run(&shell.show("SEEN_BEHIND")), "yes");
    });
}

#[test]
fn the_fake_claude_is_found_and_tells_what_it_got() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare());
        assert_eq!(terminal.run(&shell.call(&["claude", "-p", "hi"])), "claude config_dir=none key=none args=-p hi");
        terminal.run(&shell.export("CLAUDE_CONFIG_DIR", "/some/dir"));
        terminal.run(&shell.export("ANTHROPIC_API_KEY", "sk"));
        assert_eq!(terminal.run("claude"), "claude config_dir=/some/dir key=sk args=");
    });
}

#[test]
fn the_fake_claude_refuses_below_a_regular_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.write("home/.clauth/refused", "");
    for below in [file.clone(), file.join("run-clauth-status"), file.join("a/b")] {
        sandbox.set_variable("CLAUDE_CONFIG_DIR", &below);
        let refused = Finished::run(sandbox.command("claude")).failure();
        assert_eq!(refused.stdout(), "");
        assert!(refused.stderr().contains("ENOTDIR"), "{refused:?}");
    }
    sandbox.set_variable("CLAUDE_CONFIG_DIR", sandbox.path("home/.clauth/new"));
    Finished::run(sandbox.command("claude")).success();
}

#[test]
fn a_sandbox_is_a_signed_in_home_and_nothing_else() {
    let sandbox = Sandbox::new();
    let environment = Finished::run(sandbox.command("env")).success();
    let mut names: Vec<_> = environment.stdout().lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH", "TERM"]);
    for name in ["settings.json", "history.jsonl", "commands", "projects"] {
        assert!(sandbox.home().join(".claude").join(name).exists(), "{name}");
    }
    let client: serde_json::Value = serde_json::from_str(&sandbox.read("home/.claude.json")).unwrap();
    assert_eq!(client["oauthAccount"]["emailAddress"], HOME_ACCOUNT);
}

#[test]
fn the_clauth_under_test_is_on_path() {
    let sandbox = Sandbox::new();
    sandbox.clauth(&["--version"]).success();
    let found = sandbox.script("/bin/sh", "command -v clauth");
    let program = sandbox.path("program/clauth");
    assert_eq!(found.success().stdout().trim_end(), program.to_str().unwrap());
}

#[test]
fn exit_codes_are_told_apart() {
    let sandbox = Sandbox::new();
    let exit = |code: i32| sandbox.script("/bin/sh", &format!("exit {code}"));
    exit(0).success();
    exit(1).failure();
    exit(125).exits_with(125);
    assert_eq!(exit(7).code(), Some(7));
}

#[test]
fn a_dropped_sandbox_leaves_no_process_and_no_file() {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    // As a helper is: its parent gone; and deaf to everything but SIGKILL.
    let script = "sh -c 'trap \"\" HUP INT TERM; echo ready; while :; do sleep 60; done' helper >helper.log &";
    let mut command = sandbox.command("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    wait_until("the process is ready", || std::fs::read_to_string(home.join("helper.log")).is_ok_and(|text| text == "ready\n"));
    // For an instant it is found twice: a child has its parent's arguments until it runs its own program.
    wait_until("one helper is found", || sandbox.helpers().len() == 1);
    let other = Sandbox::new();
    assert_eq!(other.processes(), [], "not those of another sandbox");
    other.assert_no_helpers_left();

    drop(sandbox);
    assert!(!home.exists());
    assert_eq!(crate::support::processes::with_home(&home), []);
}

#[test]
#[should_panic(expected = "the test fails")]
fn what_goes_on_beside_a_test_ends_though_it_fails() {
    meanwhile(|| {}, || panic!("the test fails"));
}

#[test]
fn a_shell_can_be_left_and_killed() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let start = || Terminal::start(&sandbox, shell, &Startup::bare());
        let mut left = start();
        assert_eq!(left.exit().code(), Some(0));

        let mut killed = start();
        let id = i32::try_from(killed.pid()).unwrap();
        assert!(sandbox.processes().iter().any(|process| process.id == id));
        killed.kill();
        assert!(!sandbox.processes().iter().any(|process| process.id == id));
    });
}

#[test]
fn processes_are_counted() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let Some(mut traced) = Traced::start(&sandbox, shell, &Startup::bare()) else {
            return;
        };
        let nothing = traced.processes_started(|terminal| {
            terminal.run("");
            terminal.run(&shell.cd(sandbox.home()));
        });
        assert_eq!(nothing, Started::default());
        let true_program = shell.call(&["/bin/true"]);
        let two = traced.processes_started(|terminal| {
            terminal.run(&true_program);
            terminal.run(&true_program);
        });
        assert_eq!((two.processes, two.programs.len()), (2, 2), "{two:?}");
        // The shell itself is what was started, not strace.
        let id = traced.terminal.pid().to_string();
        let program = std::fs::read_link(format!("/proc/{id}/exe")).unwrap();
        assert_eq!(program, shell.program.canonicalize().unwrap());
    });
}
