//! What the user has of the variables that clauth changes is, outside, as it was: in scope, in kind, and in every byte (cases I and W).

use crate::support::startup::PROMPT;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

/// The two directories.
const DIRECTORIES: [&str; 2] = ["CLAUDE_CONFIG_DIR", "ANTHROPIC_CONFIG_DIR"];

/// Returns what the shell itself says of a variable, with all that makes it what it is.
fn described(terminal: &mut Terminal, name: &str) -> String {
    let line = match terminal.shell().language {
        Language::Bash => format!("declare -p {name}"),
        Language::Zsh => format!("typeset -p {name}"),
        Language::Fish => format!("set -S {name}"),
        Language::Pwsh => unreachable!("it has variables of one kind"),
    };
    terminal.run(&line)
}

/// Lines that make a variable of each kind.
fn kinds(shell: &Shell) -> &'static [&'static str] {
    match shell.language {
        Language::Bash => &[
            "export N=/own",
            "export N=",
            "N=/own",
            "N=",
            "unset N",
            "declare -x N",
            "export N=$'/x\\xff y\\n\\'\"'",
            "N=(a 'b c')",
            "declare -ax N='([0]=\"a\")'",
            "declare -A N=([k]=v)",
            "declare -ux N=abc",
            "set -k; export N; N=/own",
        ],
        Language::Zsh => &[
            "export N=/own",
            "export N=",
            "N=/own",
            "N=",
            "unset N",
            "export N=$'/x\\xff y\\n\\'\"'",
            "N=(a 'b c')",
            "typeset -A N=(k v)",
            "typeset -ux N=abc",
        ],
        Language::Fish => &[
            "set -gx N /own",
            "set -gx N ''",
            "set -g N /own",
            "set -gx N /a '/b c'",
            "set -gx N",
            "set -e N",
            "set -gx N /x\\xff",
            "set -Ux N /own",
            "set -U N /own",
            "set -Ux N /a /b",
            "set -U N /own; set -gx N /other",
        ],
        Language::Pwsh => &[],
    }
}

#[test]
fn a_directory_of_the_users_own_is_what_it_was() {
    Shell::each(|shell| {
        for kind in kinds(shell) {
            for name in DIRECTORIES {
                let world = World::new();
                let bound = world.bind("home/w", "work");
                world.write("home/r/.clauth.toml", "profile = \"work\"\n");
                let mut terminal = world.start(shell);
                let line = kind.replace("N;", &format!("{name};")).replace("N=", &format!("{name}=")).replace(" N", &format!(" {name}"));
                terminal.run(&line);
                let before = described(&mut terminal, name);
                for place in [bound.clone(), world.path("home/r")] {
                    terminal.run(&shell.cd(&place));
                    let inside = terminal.run(&shell.show_exported(name));
                    assert!(inside.contains("/.clauth/"), "{line}: {inside}");
                    terminal.run(&shell.cd(world.plain()));
                    assert_eq!(described(&mut terminal, name), before, "{line} {}", place.display());
                }
                // Without an answer the shell itself makes `claude` refuse, and gives back the same way.
                let program = world.path("program/clauth");
                std::fs::rename(&program, program.with_extension("away")).unwrap();
                terminal.run(&shell.cd(&bound));
                let inside = terminal.run(&shell.show_exported(name));
                assert!(inside.contains("/.clauth/refused/"), "{line}: {inside}");
                std::fs::rename(program.with_extension("away"), program).unwrap();
                terminal.run(&shell.cd(world.plain()));
                assert_eq!(described(&mut terminal, name), before, "{line}, without an answer");
            }
        }
    });
}

#[test]
fn a_directory_that_no_process_sees_costs_no_evaluation() {
    Shell::each(|shell| {
        let world = World::new();
        let mut terminal = world.start(shell);
        for kind in kinds(shell).iter().filter(|kind| !kind.contains("set -k")) {
            terminal.run(&kind.replace("N=", "CLAUDE_CONFIG_DIR=").replace(" N", " CLAUDE_CONFIG_DIR"));
            terminal.run("");
            // Without an answer from the program an evaluation is told.
            let program = world.path("program/clauth");
            std::fs::rename(&program, program.with_extension("away")).unwrap();
            let said = terminal.run("") + &terminal.run("");
            std::fs::rename(program.with_extension("away"), program).unwrap();
            assert_eq!(said, "", "{kind}");
        }
    });
}

#[test]
fn i_a_universal_variable_of_fish_stays_one() {
    Shell::each(|shell| {
        if shell.language != Language::Fish {
            return;
        }
        for name in ["CLAUDE_CONFIG_DIR", "ANTHROPIC_CONFIG_DIR", "ANTHROPIC_API_KEY"] {
            let world = World::new();
            let bound = world.bind("home/w", "work");
            let mut terminal = world.start(shell);
            let mut another = world.start(shell);
            terminal.run(&format!("set -Ux {name} /a"));
            for (line, expected) in
                [("set -Ux {} /b", "/b"), ("set -Ue {}; set -U {} /c", "<unset>"), ("set -Ux {} /d", "/d"), ("set -Ue {}", "<unset>")]
            {
                assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
                let said = terminal.run("claude");
                assert!([world.claude("work"), world.claude("work").replace("key=none", "key=")].contains(&said), "{name} {line}: {said}");
                another.run(&line.replace("{}", name));
                terminal.run("");
                assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
                assert_eq!(terminal.run(&format!("set -qg {name}; echo $status")), "1", "{name} {line}: it is no global one");
                assert_eq!(terminal.run(&shell.show_exported(name)), expected, "{name} {line}");
            }
        }
    });
}

#[test]
fn a_key_of_fish_keeps_its_scope_and_its_list() {
    Shell::each(|shell| {
        if shell.language != Language::Fish {
            return;
        }
        for line in ["set -gx N a b", "set -gx N ''", "set -U N u; set -gx N g", "set -Ux N u; set -gx N g", "set -Ux N ''", "set -Ux N u"] {
            let world = World::new();
            let bound = world.bind("home/w", "work");
            let mut terminal = world.start(shell);
            terminal.run(&line.replace(" N", " ANTHROPIC_API_KEY"));
            let before = described(&mut terminal, "ANTHROPIC_API_KEY");
            for _ in 0..2 {
                terminal.run(&shell.cd(&bound));
                // Asked a second time inside.
                terminal.run("set -gx ANTHROPIC_BASE_URL http://x; set -e ANTHROPIC_BASE_URL");
                let said = terminal.run("claude");
                assert!([world.claude("work"), world.claude("work").replace("key=none", "key=")].contains(&said), "{line}: {said}");
                terminal.run(&shell.cd(world.plain()));
                assert_eq!(described(&mut terminal, "ANTHROPIC_API_KEY"), before, "{line}");
            }
        }
    });
}

#[test]
fn what_is_local_to_a_function_ends_with_it() {
    Shell::each(|shell| {
        let lines: &[&str] = match shell.language {
            Language::Zsh => &[
                "f() { local -x ANTHROPIC_API_KEY=sk CLAUDE_CONFIG_DIR=/l; cd w; cd ..; claude }",
                "g() { local -x ANTHROPIC_API_KEY=sk CLAUDE_CONFIG_DIR=/l; cd w }",
            ],
            Language::Fish => &[
                "function f; set -lx ANTHROPIC_API_KEY sk; set -lx CLAUDE_CONFIG_DIR /l; cd w; cd ..; claude; end",
                "function g; set -lx ANTHROPIC_API_KEY sk; set -lx CLAUDE_CONFIG_DIR /l; cd w; end",
            ],
            Language::Bash | Language::Pwsh => return, // one acts at prompts alone, the other has no variables of the environment that are local
        };
        let world = World::new();
        world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        for line in lines {
            terminal.run(line);
        }
        let said = terminal.run("f");
        assert!(said.contains("claude config_dir=/l key=sk args="), "{said}");
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
        terminal.run("g");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
    });
}

#[test]
fn a_shell_with_keyword_arguments_has_the_hook() {
    Shell::each(|shell| {
        if shell.language != Language::Bash {
            return;
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().before("set -k"));
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
        assert_eq!(terminal.run("claude"), world.claude("work"));
        terminal.run("sh -c 'exit 3'");
        assert_eq!(terminal.run(&shell.show_status()), "3");
        assert_eq!(terminal.run("case $- in *k*) echo keyed ;; esac"), "keyed");
        assert!(!terminal.transcript().contains("command not found"), "{PROMPT}{}", terminal.transcript());
    });
}
