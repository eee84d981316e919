//! Frameworks beside the hook, before and after its line: neither side loses anything. Those of the machine run as they are; of bash-preexec, which atuin,
//! wezterm and others carry, each way of installing itself has a stand-in.

use std::path::Path;

use crate::support::startup::PROMPT;
use crate::support::world::{World, entered, left};
use crate::support::{Language, Shell, Startup, Terminal};

/// What bash-preexec does in each version: it hands each command to `preexec`, and its status to `precmd`.
const PREEXEC: &str = r#"
__bp_interactive_mode() { __bp_ready=on; }
__bp_precmd() { local status=$?; __bp_ready=; precmd "$status"; return "$status"; }
__bp_preexec() { [[ -n ${COMP_LINE-} || -z ${__bp_ready-} || $BASH_COMMAND == __bp_* ]] || { __bp_ready=; preexec "$BASH_COMMAND"; }; }
preexec() { echo "runs $1"; }
precmd() { echo "status $1"; }
"#;

/// How bash-preexec 0.4.1 puts itself around a string, at the first prompt.
const PREEXEC_STRING: &str = r#"
__bp_install() {
  trap '__bp_preexec' DEBUG
  PROMPT_COMMAND="__bp_precmd; ${PROMPT_COMMAND//$'\n'__bp_install*/}; __bp_interactive_mode"
  __bp_precmd
  __bp_interactive_mode
}
PROMPT_COMMAND="${PROMPT_COMMAND:-:}"$'\n'"__bp_install"
"#;

/// How 0.5.0 and later do it, where bash has arrays of commands.
const PREEXEC_ARRAY: &str = r#"
__bp_install() {
  local existing="${PROMPT_COMMAND[*]:-}"
  existing="${existing//$'\n'__bp_install/}"
  trap '__bp_preexec' DEBUG
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    PROMPT_COMMAND=(__bp_precmd "${existing:-:}" __bp_interactive_mode)
  else
    PROMPT_COMMAND="__bp_precmd; ${existing:-:}; __bp_interactive_mode"
  fi
  __bp_precmd
  __bp_interactive_mode
}
PROMPT_COMMAND="${PROMPT_COMMAND:-:}"$'\n'"__bp_install"
"#;

/// A framework of the machine: the shell, the file that it has to have, and the lines of a startup file.
const INSTALLED: &[(Language, &str, &str)] = &[
    (Language::Bash, "/usr/share/autojump/autojump.bash", ". /usr/share/autojump/autojump.bash"),
    (Language::Zsh, "/usr/share/autojump/autojump.zsh", ". /usr/share/autojump/autojump.zsh"),
    (Language::Bash, "/usr/bin/zoxide", "eval \"$(zoxide init bash)\""),
    (Language::Zsh, "/usr/bin/zoxide", "eval \"$(zoxide init zsh)\""),
    (Language::Fish, "/usr/bin/zoxide", "zoxide init fish | source"),
    (Language::Bash, "/usr/share/liquidprompt/liquidprompt", "LP_ENABLE_TITLE=0 LP_PS1_POSTFIX='{PROMPT}'\n. /usr/share/liquidprompt/liquidprompt"),
    (Language::Zsh, "/usr/share/liquidprompt/liquidprompt", "LP_ENABLE_TITLE=0 LP_PS1_POSTFIX='{PROMPT}'\n. /usr/share/liquidprompt/liquidprompt"),
    (Language::Bash, "/usr/bin/starship", "eval \"$(starship init bash)\"\nmark() { PS1='{PROMPT}'; }\nPROMPT_COMMAND=\"$PROMPT_COMMAND;mark\""),
];

/// Returns what a framework says at each of some lines, without what the hook says.
fn said(world: &World, shell: &Shell, startup: &Startup) -> Vec<String> {
    let bound = world.path("home/w");
    let mut terminal = Terminal::start(world, shell, startup);
    let lines =
        ["sh -c 'exit 3'".to_owned(), "echo hi".into(), shell.cd(&bound), "true".into(), shell.cd(world.plain()), String::new(), "echo last".into()];
    let said = lines.map(|line| terminal.run(&line));
    let hooks = |line: &&str| !line.starts_with("clauth: ");
    said.map(|said| said.lines().filter(hooks).collect::<Vec<_>>().join("\n")).into()
}

/// Asserts that a framework says what it says without the hook, and that the hook acts, whichever line comes first. Returns what it says.
fn assert_neither_loses(shell: &Shell, lines: &str) -> Vec<String> {
    let world = World::new();
    let bound = world.bind("home/w", "work");
    let alone = said(&world, shell, &Startup::bare().before(lines));
    for startup in [Startup::hooked().before(lines), Startup::hooked().after(lines)] {
        let with = said(&world, shell, &startup);
        assert_eq!(with, alone, "{lines}");
        let mut terminal = Terminal::start(&world, shell, &startup);
        assert!(terminal.run(&shell.cd(&bound)).contains(&entered("work")), "{}", terminal.transcript());
        assert!(terminal.run("claude").contains(&world.claude("work")), "{}", terminal.transcript());
        assert!(terminal.run(&shell.cd(world.plain())).contains(&left("work")), "{}", terminal.transcript());
    }
    alone
}

#[test]
fn k_what_hands_commands_to_preexec_misses_none() {
    Shell::each(|shell| {
        if shell.language != Language::Bash {
            return;
        }
        for install in [PREEXEC_STRING, PREEXEC_ARRAY] {
            let said = assert_neither_loses(shell, &format!("{PREEXEC}{install}"));
            assert_eq!(said[..2], ["runs sh -c 'exit 3'\nstatus 3", "runs echo hi\nhi\nstatus 0"]);
        }
    });
}

#[test]
fn frameworks_of_the_machine_work_before_and_after_the_hook() {
    Shell::each(|shell| {
        let here = INSTALLED.iter().filter(|(language, file, _)| *language == shell.language && Path::new(file).exists());
        for (_, _, lines) in here {
            assert_neither_loses(shell, &lines.replace("{PROMPT}", PROMPT));
        }
    });
}
