//! Kinds of fault that real set-ups showed, by the letter they have in the project's list of cases.

use std::os::unix::fs::symlink;

use crate::support::world::{PLAIN_CLAUDE, World, entered};
use crate::support::{Language, Shell, Startup, Terminal};

/// What `claude` says where a directory is refused.
const REFUSED: &str = "run-clauth-status";

#[test]
fn w_a_subshell_has_the_account_of_the_directory_that_it_goes_to() {
    Shell::each(|shell| {
        let [there, back]: [&[&str]; 2] = match shell.language {
            Language::Zsh => [
                &["(cd w && claude)", "print -r -- $(cd w; claude)", "{ cd w && claude } | cat", "f() ( cd w; claude ); f"],
                &["(cd ..; claude)", "print -r -- $(cd ..; claude)"],
            ],
            // There the change outlives the substitution.
            Language::Fish => [&["echo (cd w; claude; cd ..)"], &["echo (cd ..; claude; cd w)"]],
            Language::Bash | Language::Pwsh => return, // one acts at prompts alone, the other has no subshells
        };
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        for line in there {
            assert_eq!(terminal.run(line), world.claude("work"), "{line}");
            assert_eq!(terminal.run("claude"), PLAIN_CLAUDE, "{line}");
        }
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
        for line in back {
            assert_eq!(terminal.run(line), PLAIN_CLAUDE, "{line}");
            assert_eq!(terminal.run("claude"), world.claude("work"), "{line}");
            assert!(world.holders(&bound).contains(&terminal.pid()), "{line}: the shell itself stays a user");
        }
    });
}

#[test]
fn w_without_a_home_no_account_is_used() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // it has a home of its own, whatever the variable says
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        for gone in [shell.unset("HOME"), shell.export("HOME", "")] {
            let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&bound));
            assert_eq!(terminal.run("claude"), world.claude("work"));
            terminal.run(&gone);
            assert!(terminal.run("claude").contains(REFUSED), "{gone}: {}", terminal.transcript());
            terminal.run(&shell.cd(world.plain()));
            assert!(terminal.run("claude").contains(REFUSED), "{gone}: {}", terminal.transcript());
        }
    });
}

#[test]
fn p_a_binding_in_a_parent_that_leads_nowhere_is_seen_at_once() {
    Shell::each(|shell| {
        let world = World::new();
        let (deep, other) = (world.mkdir("home/p/q/r"), world.mkdir("home/o/x"));
        symlink("nowhere", world.path("home/p/.clauth.toml")).unwrap();
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().in_directory(&other));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        terminal.run(&shell.cd(&deep));
        assert!(terminal.run("claude").contains(REFUSED), "{}", terminal.transcript());
        terminal.run(&shell.cd(&other));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        symlink("nowhere", other.join(".clauth.toml")).unwrap();
        terminal.run("");
        assert!(terminal.run("claude").contains(REFUSED), "where the shell stands: {}", terminal.transcript());
    });
}

#[test]
fn y_a_trace_shows_no_key() {
    Shell::each(|shell| {
        if !matches!(shell.language, Language::Bash | Language::Zsh) {
            return; // no trace shows what they evaluate
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().variable("ANTHROPIC_API_KEY", "sk-own"));
        let mut said = terminal.run("set -x");
        for place in [&bound, &world.plain(), &bound] {
            said += &terminal.run(&shell.cd(place));
            said += &terminal.run("");
        }
        assert!(said.contains("__clauth_hook") && !said.contains("sk-own"), "{said}");
        assert!(terminal.run("true").contains("true"), "the user's trace goes on");
    });
}

#[test]
fn j_a_list_that_cannot_be_changed_is_said_and_the_startup_file_goes_on() {
    Shell::each(|shell| {
        let (list, before) = match shell.language {
            Language::Bash => ("PROMPT_COMMAND", "PROMPT_COMMAND=true; readonly PROMPT_COMMAND"),
            Language::Zsh => ("precmd_functions", "typeset -ra precmd_functions=(true)"),
            Language::Fish | Language::Pwsh => return, // no such lists
        };
        let world = World::new();
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().before(before).after("REST=read"));
        let told = format!("clauth: {list} is read-only, so no directory chooses an account in this shell; run `clauth doctor`");
        assert_eq!(terminal.transcript().matches(&told).count(), 1, "{}", terminal.transcript());
        assert_eq!(terminal.run(&shell.show("REST")), "read");
    });
}

#[test]
fn k_a_prompt_command_keeps_its_type() {
    Shell::each(|shell| {
        if shell.language != Language::Bash {
            return;
        }
        for (before, expected) in [
            ("PROMPT_COMMAND='true'", "declare -- PROMPT_COMMAND=\"__clauth_hook && :;true\""),
            ("unset PROMPT_COMMAND", "declare -- PROMPT_COMMAND=\"__clauth_hook\""),
            ("PROMPT_COMMAND=(true false)", "declare -a PROMPT_COMMAND=([0]=\"__clauth_hook\" [1]=\"true\" [2]=\"false\")"),
        ] {
            let world = World::new();
            let mut terminal = Terminal::start(&world, shell, &Startup::hooked().before(before));
            assert_eq!(terminal.run("declare -p PROMPT_COMMAND"), expected, "{before}");
        }
    });
}

#[test]
fn k_the_users_traps_see_as_little_as_can_be_of_the_hook() {
    Shell::each(|shell| {
        if shell.language != Language::Bash {
            return;
        }
        for before in ["", "PROMPT_COMMAND=:", "PROMPT_COMMAND=(: :)", "export PROMPT_COMMAND=:", "PROMPT_COMMAND=:\nset -E"] {
            let world = World::new();
            let bound = world.bind("home/w", "work");
            let fired = |startup: Startup, trap: &str| {
                let mut terminal = Terminal::start(&world, shell, &startup.before(before));
                terminal.run(&format!("trap 'echo \"FIRED\"' {trap}"));
                let place = [shell.cd(&bound), shell.cd(world.plain())];
                let lines = ["false", "", "true", &place[0], "false", "", &place[1], "false"];
                lines.map(|line| terminal.run(line).matches("FIRED").count())
            };
            assert_eq!(fired(Startup::hooked(), "ERR"), fired(Startup::bare(), "ERR"), "{before}");
            // bash itself tells of each command of a prompt: of the hook's one, and of what keeps its status from an ERR trap.
            let (with, without) = (fired(Startup::hooked(), "DEBUG"), fired(Startup::bare(), "DEBUG"));
            assert!(with.iter().zip(without).all(|(with, without)| *with <= without + 3), "{before}: {with:?} {without:?}");
        }
    });
}

#[test]
fn w_what_a_shell_cannot_change_is_said_once_and_no_account_is_chosen() {
    Shell::each(|shell| {
        if !matches!(shell.language, Language::Bash | Language::Zsh) {
            return; // the others have no variables of the environment that cannot be changed
        }
        for name in ["ANTHROPIC_API_KEY", "CLAUDE_CONFIG_DIR", "ANTHROPIC_CONFIG_DIR", "ANTHROPIC_BASE_URL"] {
            let world = World::new();
            let bound = world.bind("home/w", "work");
            let startup = Startup::hooked().before(&format!("export {name}=/own; readonly {name}"));
            let mut terminal = Terminal::start(&world, shell, &startup);
            let said = terminal.run(&shell.cd(&bound)) + &terminal.run("") + &terminal.run("");
            let told = format!("clauth: {name} is read-only in this shell, so no account can be chosen here");
            assert_eq!((said.matches(&told).count(), said.lines().count()), (1, 1), "{name}: {said}");
            let claude = terminal.run("claude");
            assert!(!claude.contains("profiles/work") && (name == "CLAUDE_CONFIG_DIR" || claude.contains(REFUSED)), "{name}: {claude}");
            terminal.run(&shell.cd(world.plain()));
            let own = ["none", "/own"].map(|_| terminal.run(&shell.show(name)));
            assert_eq!(own, ["/own", "/own"], "{name}");
        }
    });
}
