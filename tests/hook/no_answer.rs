//! An evaluation that gives no answer: interrupted, killed, failed, or without a program. `claude` refuses, and the prompt works.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

/// The beginning of what a shell says when it got no answer.
const NO_ANSWER: &str = "clauth: could not find out the account of this directory";

/// Asserts that, in the bound directory where the shell is, `claude` refuses and that the prompts say nothing more.
#[track_caller]
fn assert_refuses_quietly(world: &World, terminal: &mut Terminal, what: &str) {
    assert_eq!(terminal.run(""), "", "{what}");
    assert_eq!(terminal.run("claude"), world.claude_refusal(), "{what}");
    assert_eq!(terminal.run("echo alive"), "alive", "{what}");
}

/// Puts the program back and asserts that everything is right again.
#[track_caller]
fn assert_recovers(world: &World, terminal: &mut Terminal, what: &str) {
    world.restore_program();
    let shell = terminal.shell().clone();
    assert_eq!(terminal.run(""), entered("work"), "{what}");
    assert_eq!(terminal.run("claude"), world.claude("work"), "{what}");
    assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"), "{what}");
    assert_eq!(terminal.run("claude"), PLAIN_CLAUDE, "{what}");
}

#[test]
fn ctrl_c_during_an_evaluation_leaves_a_working_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        // It blocks once: where cd itself tells the hook, the prompt behind it asks again.
        let once = world.path("blocked-once");
        world.replace_program(&format!(
            "#!/bin/sh\nmkdir '{}' 2>/dev/null || exit 130\necho evaluating >&2\nexec tail -f /dev/null\n",
            once.display()
        ));
        let trap = if shell.language == Language::Pwsh { "" } else { "trap 'echo mine' INT" };
        terminal.run(trap);
        terminal.type_line(&shell.cd(&bound));
        terminal.wait_for("evaluating");
        let said = terminal.interrupt();
        assert_eq!(said.matches(NO_ANSWER).count(), 1, "{said}");
        terminal.run("");
        assert_refuses_quietly(&world, &mut terminal, "interrupted");
        assert_recovers(&world, &mut terminal, "interrupted");
        assert!(world.processes_named("tail").is_empty());
        if shell.language != Language::Pwsh {
            assert!(terminal.run(shell.list_traps()).contains("echo mine"), "the user's trap");
        }
    });
}

#[test]
fn without_an_answer_no_key_is_left_to_serve_by_and_all_comes_back() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let own =
            [("ANTHROPIC_CONFIG_DIR", "/my own"), ("CLAUDE_CONFIG_DIR", "/mine"), ("ANTHROPIC_API_KEY", "sk-it's"), ("ANTHROPIC_PROFILE", "console")];
        let startup = own.iter().fold(Startup::hooked(), |startup, (name, value)| startup.before(&shell.export(name, value)));
        let mut terminal = Terminal::start(&world, shell, &startup);
        for is_loaded in [false, true] {
            if is_loaded {
                terminal.run(&shell.cd(&bound));
            }
            world.replace_program("#!/bin/sh\nexit 1\n");
            terminal.run(&shell.cd(if is_loaded { world.plain() } else { bound.clone() }));
            for _ in 0..2 {
                terminal.run("");
                assert_eq!(terminal.run("claude"), world.claude_refusal());
                assert!(terminal.run(&shell.show_exported(own[0].0)).ends_with("refused/run-clauth-status"));
                for (name, _) in &own[2..] {
                    assert!(["", UNSET].contains(&terminal.run(&shell.show_exported(name)).as_str()), "{name}");
                }
            }
            world.restore_program();
            terminal.run(&shell.cd(world.plain()));
            terminal.run("");
            for (name, value) in own {
                assert_eq!(terminal.run(&shell.show_exported(name)), value, "{name}");
            }
        }
    });
}

/// Programs in the place of clauth that give no answer, or half of one.
fn broken_programs() -> Vec<(&'static str, String)> {
    let real = env!("CARGO_BIN_EXE_clauth");
    let killed_behind = |bytes: usize| format!("#!/bin/sh\n'{real}' \"$@\" 2>/dev/null | head -c {bytes}\nkill -KILL $$\n");
    vec![
        ("fails", "#!/bin/sh\nexit 1\n".into()),
        ("killed at once", "#!/bin/sh\nkill -KILL $$\n".into()),
        ("killed behind its first bytes", killed_behind(40)),
        ("killed in the middle", killed_behind(400)),
        ("killed behind a whole answer", killed_behind(100_000)),
        ("a part of an answer and status 0", format!("#!/bin/sh\n'{real}' \"$@\" 2>/dev/null | head -c 400\n")),
        ("another program", "#!/bin/sh\necho hello\n".into()),
        ("prints nothing", "#!/bin/sh\n".into()),
    ]
}

#[test]
fn without_a_whole_answer_nothing_is_evaluated_and_claude_refuses() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        for (what, script) in broken_programs() {
            world.replace_program(&script);
            let said = terminal.run(&shell.cd(&bound));
            assert_eq!(said.matches(NO_ANSWER).count(), 1, "{what}: {said}");
            assert_eq!(said.matches("clauth: ").count(), 1, "{what}: {said}");
            terminal.run("");
            assert_refuses_quietly(&world, &mut terminal, what);
            assert_recovers(&world, &mut terminal, what);
        }
    });
}

#[test]
fn a_bound_directory_keeps_no_account_that_cannot_be_confirmed() {
    Shell::each(|shell| {
        let world = World::new();
        let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        world.replace_program("#!/bin/sh\nexit 1\n");
        assert_eq!(terminal.run(""), "", "nothing changed, so nothing is asked");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        terminal.run(&shell.cd(&other));
        assert_refuses_quietly(&world, &mut terminal, "acme");
        terminal.run(&shell.cd(&bound));
        assert_recovers(&world, &mut terminal, "work");
    });
}

#[test]
fn a_program_that_is_gone_is_said_once() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        world.remove_program();
        let said = terminal.run(&shell.cd(&bound));
        let program = world.path("program/clauth");
        assert!(said.starts_with(&format!("clauth: {} is gone", program.display())) && said.lines().count() == 1, "{said}");
        assert_refuses_quietly(&world, &mut terminal, "gone");
        assert_recovers(&world, &mut terminal, "gone");
    });
}

#[test]
fn a_program_that_cannot_be_run_is_said_once_and_the_next_reason_is_not_lost() {
    Shell::each(|shell| {
        let world = World::new();
        let waiting = world.mkdir("home/waiting");
        world.write("home/waiting/.clauth.toml", "profile = \"work\"\n");
        let mut terminal = world.start(shell);
        world.replace_program("#!/nowhere/at/all\n");
        let said = terminal.run(&shell.cd(&waiting));
        assert_eq!(said.matches(NO_ANSWER).count(), 1, "{said}");
        if shell.language.name() == "fish" {
            assert!(!terminal.run("").contains(NO_ANSWER), "but fish itself has its word each time");
        } else {
            assert_refuses_quietly(&world, &mut terminal, "cannot be run");
        }
        world.restore_program();
        let said = terminal.run("");
        assert!(said.contains("is not allowed yet"), "{said}");
        assert_refuses_quietly(&world, &mut terminal, "not allowed");
    });
}

#[test]
fn without_the_program_a_link_to_nothing_may_still_be_a_binding() {
    Shell::each(|shell| {
        let world = World::new();
        let dangling = world.mkdir("home/dangling");
        symlink("nowhere", dangling.join(".clauth.toml")).unwrap();
        let mut terminal = world.start(shell);
        world.remove_program();
        terminal.run(&shell.cd(&dangling));
        assert_eq!(terminal.run("claude"), world.claude_refusal());
    });
}

#[test]
fn where_nothing_is_bound_a_missing_program_takes_nothing_away() {
    Shell::each(|shell| {
        let world = World::new();
        let other = world.mkdir("home/other");
        let mut terminal = world.start(shell);
        world.remove_program();
        let mut said = String::new();
        for directory in [&other, &world.plain(), &other] {
            said += &terminal.run(&shell.cd(directory));
            said += &terminal.run("");
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        }
        assert!(said.matches("clauth: ").count() <= 1, "{said}");
    });
}

#[test]
fn an_upgrade_under_a_running_shell_is_not_noticed() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        world.restore_program();
        assert_eq!(terminal.run(""), "");
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
    });
}

#[test]
fn a_hook_without_its_program_does_not_harm_the_start_of_a_shell() {
    Shell::each(|shell| {
        let world = World::new();
        world.bind("home/w", "work");
        world.remove_program();
        let mut terminal = world.start(shell);
        assert_eq!(terminal.run("echo alive"), "alive");
        assert_eq!(terminal.run(&shell.cd(Path::new("w"))), "");
    });
}
