//! The shell stays the user's: status, traps, and whatever else runs at the prompt.

use crate::support::world::{World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

/// Prints the statuses of the last pipe.
fn show_pipe_status(shell: &Shell) -> Option<&'static str> {
    match shell.language {
        Language::Bash => Some(r#"echo "${PIPESTATUS[*]}""#),
        Language::Zsh => Some(r#"echo "${pipestatus[*]}""#),
        Language::Fish => Some(r#"echo "$pipestatus""#),
        Language::Pwsh => None, // no such thing
    }
}

/// Runs a pipe whose members end with 0, 4 and 3.
const PIPE: &str = "true | sh -c 'exit 4' | sh -c 'exit 3'";

#[test]
fn the_status_of_the_users_command_outlives_every_prompt() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        // In a refused directory each prompt evaluates.
        let refused = world.write("home/r/.clauth.toml", "profile = \"work\"\n");
        let mut terminal = world.start(shell);
        for directory in [&bound, refused.parent().unwrap(), &world.plain()] {
            terminal.run(&shell.cd(directory));
            terminal.run(&shell.exit_with(3));
            assert_eq!(terminal.run(&shell.show_status()), "3", "{}", directory.display());
            assert_eq!(terminal.run(&shell.show_status()), "0", "{}", directory.display());
            if let Some(show) = show_pipe_status(shell) {
                terminal.run(PIPE);
                assert_eq!(terminal.run(show), "0 4 3", "{}", directory.display());
            }
        }
    });
}

/// Returns lines for an rc file that make another user of the prompt write down the status that it sees in `SEEN`, and the statuses
/// of the pipe where the shell lets a second user see them.
fn observer(shell: &Shell) -> &'static str {
    match shell.language {
        Language::Bash => {
            "observe() { SEEN=\"$? ${PIPESTATUS[*]}\"; }\n\
             if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then PROMPT_COMMAND=(observe)\n\
             else observe() { SEEN=\"$? 0 4 3\"; }; PROMPT_COMMAND=observe; fi\n"
        }
        Language::Zsh => "observe() { SEEN=\"$? ${pipestatus[*]}\"; }\nprecmd_functions+=(observe)\n",
        Language::Fish => "function observe --on-event fish_prompt; set -g SEEN \"$status $pipestatus\"; end\n",
        Language::Pwsh => "",
    }
}

#[test]
fn others_at_the_prompt_see_the_users_status() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // its prompt is one function, wrapped: see the tests of that
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let refused = world.write("home/r/.clauth.toml", "profile = \"work\"\n");
        for startup in [Startup::hooked().before(observer(shell)), Startup::hooked().after(observer(shell))] {
            let mut terminal = Terminal::start(&world, shell, &startup);
            for directory in [&bound, refused.parent().unwrap()] {
                terminal.run(&shell.cd(directory));
                terminal.run(PIPE);
                assert_eq!(terminal.run(&shell.show("SEEN")), "3 0 4 3");
            }
        }
    });
}

/// Returns a line that has the shell send itself an interrupt.
fn interrupt_itself(shell: &Shell) -> &'static str {
    if shell.language == Language::Fish { "kill -INT $fish_pid" } else { "kill -INT $$" }
}

#[test]
fn the_users_interrupt_trap_is_kept() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // no traps
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&format!("trap {} INT", shell.quote(r#"echo "it's trapped""#)));
        let before = terminal.run(shell.list_traps());
        assert!(before.contains("trapped"), "{before}");
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
        assert_eq!(terminal.run(shell.list_traps()), before);
        let said = terminal.run(interrupt_itself(shell));
        assert!(said.contains("it's trapped"), "{said}");
    });
}

#[test]
fn a_shell_without_traps_has_none_afterwards() {
    Shell::each(|shell| {
        if !matches!(shell.language, Language::Bash | Language::Zsh) {
            return;
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        terminal.run(&shell.cd(&bound));
        assert_eq!(terminal.run(shell.list_traps()), "");
    });
}

/// What users have in `PROMPT_COMMAND`.
const PROMPT_COMMANDS: [&str; 6] = [
    "PROMPT_COMMAND='echo one'",
    "PROMPT_COMMAND='echo one; '",
    "PROMPT_COMMAND='echo one;'",
    "export PROMPT_COMMAND='echo one'",
    "PROMPT_COMMAND=('echo one' 'VAR=2')",
    "declare -a PROMPT_COMMAND; PROMPT_COMMAND[3]='echo one'",
];

#[test]
fn every_kind_of_prompt_command_is_kept() {
    Shell::each(|shell| {
        if shell.language != Language::Bash {
            return;
        }
        for commands in PROMPT_COMMANDS {
            let world = World::new();
            let bound = world.bind("home/w", "work");
            let plain = Terminal::start(&world, shell, &Startup::bare().before(commands)).run("");
            let mut terminal = Terminal::start(&world, shell, &Startup::hooked().before(commands));
            assert_eq!(terminal.run(""), plain, "{commands}");
            let said = [entered("work"), plain.clone()].join("\n");
            assert_eq!(terminal.run(&shell.cd(&bound)), said.trim_end(), "{commands}");
            // One that has no such function, such as `bash --norc`, must not stumble at its prompts.
            let nested = format!("PS1='=clauth-prompt=> ' '{shell}' --norc --noprofile -i");
            let said = terminal.run(&nested);
            assert!(!said.contains("not found"), "{commands}: {said}");
        }
    });
}

#[test]
fn a_prompt_command_that_is_added_later_is_kept() {
    Shell::each(|shell| {
        if shell.language != Language::Bash {
            return;
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let later = "PROMPT_COMMAND=\"${PROMPT_COMMAND:+$PROMPT_COMMAND;}echo one\"";
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().after(later));
        assert_eq!(terminal.run(""), "one");
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work") + "\none");
    });
}

#[test]
fn every_kind_of_zsh_prompt_function_is_kept() {
    Shell::each(|shell| {
        if shell.language != Language::Zsh {
            return;
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let others = "precmd() { echo one }\nautoload -Uz add-zsh-hook\ntwo() { echo two }\nadd-zsh-hook precmd two\nchpwd() { echo moved }\n";
        for startup in [Startup::hooked().before(others), Startup::hooked().after(others)] {
            let mut terminal = Terminal::start(&world, shell, &startup);
            assert_eq!(terminal.run(""), "one\ntwo");
            let said = terminal.run(&shell.cd(&bound));
            assert_eq!(said, format!("moved\n{}\none\ntwo", entered("work")));
            terminal.run(&shell.cd(world.plain()));
        }
    });
}

#[test]
fn a_hook_that_is_sourced_twice_acts_once() {
    Shell::each(|shell| {
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let startup = Startup::hooked().after(&shell.hook_line());
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.run(&shell.hook_line());
        assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
        let registered = match shell.language {
            Language::Bash => r#"printf '%s\n' "${PROMPT_COMMAND[@]}""#,
            Language::Zsh => "print -l $precmd_functions",
            Language::Fish => "functions --handlers-type variable",
            Language::Pwsh => return,
        };
        let registered = terminal.run(registered);
        assert_eq!(registered.matches("__clauth_hook").count(), 1, "{registered}");
        assert_eq!(terminal.run(&shell.hook_line()), "", "again, inside");
        assert_eq!(terminal.run("claude"), world.claude("work"));
        assert_eq!(terminal.run(&shell.cd(world.plain())), left("work"));
    });
}

#[test]
fn a_command_substitution_that_changes_the_directory_is_not_disturbed() {
    Shell::each(|shell| {
        let line = match shell.language {
            Language::Bash | Language::Zsh => "printf '[%s]\\n' \"$(cd w && pwd)\"",
            // There the change outlives the substitution.
            Language::Fish => "printf '[%s]\\n' (cd w; pwd; cd ..)",
            Language::Pwsh => return, // no subshells
        };
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        let said = terminal.run(line);
        assert!(said.contains(&format!("[{}]", bound.display())) && !said.contains("clauth: "), "{said}");
    });
}

#[test]
fn the_account_is_right_within_one_line_where_the_shell_tells_of_a_change() {
    Shell::each(|shell| {
        if shell.language == Language::Bash {
            return; // acts at prompts alone: there the shim is for that
        }
        let world = World::new();
        let bound = world.bind("home/w", "work");
        let mut terminal = world.start(shell);
        let line = format!("{}; claude", shell.cd(&bound));
        assert_eq!(terminal.run(&line), entered("work") + "\n" + &world.claude("work"));
    });
}
