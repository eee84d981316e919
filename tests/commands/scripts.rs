//! What `clauth completions` and `clauth hook` print, in the shells that it is for.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::finished::Finished;
use crate::support::world::World;
use crate::support::{Language, Sandbox, Shell, Startup, Terminal};

/// The checked-in scripts, by the names under which the shells look for them.
const COMPLETIONS: [(&str, &str); 4] = [("bash", "clauth.bash"), ("zsh", "_clauth"), ("fish", "clauth.fish"), ("pwsh", "_clauth.ps1")];

fn completions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}

fn script_of(shell: &Shell) -> PathBuf {
    let (_, name) = COMPLETIONS.iter().find(|(language, _)| *language == shell.language.name()).unwrap();
    completions().join(name)
}

/// Returns the line that loads a shell's script.
fn load(shell: &Shell) -> String {
    match shell.language {
        Language::Bash | Language::Fish => format!("source '{}'", script_of(shell).display()),
        Language::Zsh => format!("fpath=('{}' $fpath); autoload -Uz compinit; compinit -u -D", completions().display()),
        Language::Pwsh => format!(". '{}'", script_of(shell).display()),
    }
}

#[test]
fn the_checked_in_completions_are_those_of_the_program() {
    let sandbox = Sandbox::new();
    for (shell, name) in COMPLETIONS {
        let printed = sandbox.clauth(&["completions", shell]).success();
        let checked_in = fs::read_to_string(completions().join(name)).unwrap_or_default();
        assert!(printed.stdout() == checked_in, "the command line has changed; run: cargo run -- completions {shell} > completions/{name}");
    }
    let mut names: Vec<_> = fs::read_dir(completions()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["_clauth", "_clauth.ps1", "clauth.bash", "clauth.fish"]);
}

#[test]
fn completions_are_printed_without_a_home() {
    // A package is built where there is none.
    let sandbox = Sandbox::new();
    for (shell, _) in COMPLETIONS {
        let mut command = sandbox.command("clauth");
        command.args(["completions", shell]).env_remove("HOME");
        assert!(Finished::run(command).success().stdout().contains("status"));
    }
    let mut command = sandbox.command("clauth");
    command.arg("--version").env_remove("HOME");
    assert!(Finished::run(command).success().stdout().starts_with("clauth "));
}

#[test]
fn a_posix_shell_has_neither_hook_nor_completions() {
    let sandbox = Sandbox::new();
    sandbox.clauth(&["completions", "sh"]).complains(1, "sh has no ");
    sandbox.clauth(&["hook", "sh"]).complains(1, "sh has no prompt hook");
    sandbox.clauth(&["hook", "tcsh"]).exits_with(2);
}

#[test]
fn subcommands_complete() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let file = script_of(shell);
        let mut command = sandbox.command(&shell.program);
        match shell.language {
            Language::Bash => {
                let script =
                    "source \"$0\"; complete -p clauth; COMP_WORDS=(clauth sta) COMP_CWORD=1; _clauth clauth sta clauth; echo \"${COMPREPLY[@]}\"";
                command.args(["--norc", "-c", script]).arg(file);
                let told = Finished::run(command).success();
                let (registered, replies) = told.stdout().trim_end().split_once('\n').unwrap();
                assert!(registered.contains(" -F _clauth ") && registered.ends_with(" clauth"), "{told:?}");
                assert_eq!((replies, told.stderr()), ("start status statusline", ""));
            }
            // What it completes needs its line editor: `a_completion_is_typed` does that.
            Language::Zsh => {
                let script = "fpath=($1 $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[clauth]; autoload +X _clauth";
                command.args(["-f", "-c", script, "zsh"]).arg(completions());
                let told = Finished::run(command).success();
                assert_eq!((told.stdout(), told.stderr()), ("_clauth\n", ""));
            }
            Language::Fish => {
                command.args(["--no-config", "-c", "source $argv[1]; complete -C 'clauth sta'"]).arg(file);
                let told = Finished::run(command).success();
                let words: Vec<_> = told.stdout().lines().filter_map(|line| line.split('\t').next()).collect();
                assert_eq!((words, told.stderr()), (vec!["start", "status", "statusline"], ""));
            }
            Language::Pwsh => {
                let script = ". $args[0]; (TabExpansion2 'clauth sta' 10).CompletionMatches.CompletionText -join ' '";
                command.args(["-NoLogo", "-NoProfile", "-c", &format!("& {{ {script} }} {}", shell.quote(file.to_str().unwrap()))]);
                assert_eq!(Finished::run(command).success().stdout().trim_end(), "start status statusline");
            }
        }
    });
}

#[test]
fn a_completion_is_typed() {
    Shell::each(|shell| {
        if shell.language == Language::Pwsh {
            return; // PSReadLine redraws the line as it likes; TabExpansion2 above is what it asks
        }
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, shell, &Startup::bare().before(&load(shell)));
        // Keys are taken in their order: Enter runs what Tab has made of the line.
        terminal.send("clauth stat\t\r");
        terminal.wait_for("none: `claude` uses the account");
    });
}

/// Lines, and what PowerShell offers at their ends.
const IN_POWERSHELL: [(&str, &str); 18] = [
    ("clauth use ac", "acme"),
    ("clauth exec wo", "work"),
    ("clauth remove w", "work"),
    ("clauth hook dir", "direnv"),
    ("clauth hook ", "bash direnv fish pwsh zsh"),
    ("clauth shim ", "install remove"),
    ("clauth removals e", "empty"),
    ("clauth remove work --", "--delete-login --help --yes"),
    ("clauth remove work --d", "--delete-login"),
    ("clauth use work --d", "--dir"),
    ("clauth use work --dir ", "./below"),
    ("clauth use --dir below wo", "work"),
    ("clauth status b", "./below"),
    ("clauth env --shell ", "bash fish pwsh zsh"),
    ("clauth env --shell pwsh ac", "acme"),
    ("clauth env work --shell p", "pwsh"),
    ("clauth exec work -- clauth", "clauth"),
    ("clauth exec work -- clauth b", "./below"),
];

#[test]
fn profiles_and_directories_are_typed() {
    Shell::each(|shell| {
        let world = World::new();
        if shell.language == Language::Pwsh {
            let (asked, expected): (Vec<_>, Vec<_>) = IN_POWERSHELL.into_iter().unzip();
            let lines: Vec<_> = asked.iter().map(|line| shell.quote(line)).collect();
            let script = format!(
                ". $args[0]; sh -c 'exit 7'; foreach ($line in {}) {{
                (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText -join ' ' }}; $LASTEXITCODE; $Error.Count",
                lines.join(", ")
            );
            let mut command = world.command(&shell.program);
            let file = shell.quote(script_of(shell).to_str().unwrap());
            command
                .args(["-NoLogo", "-NoProfile", "-c", &format!("& {{ {script} }} {file}")])
                .current_dir(world.mkdir("home/plain/below").parent().unwrap());
            let told = Finished::run(command).success();
            // The last two: Tab leaves the user's status and errors alone.
            let expected: Vec<_> = expected.into_iter().chain(["7", "0"]).collect();
            assert_eq!(told.stdout().lines().collect::<Vec<_>>(), expected, "{asked:?}");
            return;
        }
        let startup = Startup::bare().before(&load(shell));
        let mut terminal = Terminal::start(&world, shell, &startup);
        terminal.send("clauth use ac\t --dir pla\t\r");
        terminal.wait_for("/home/plain is bound to acme");
        // Where nothing is bound there is no name to take.
        terminal.send("clauth use ac\t pla\t\r");
        terminal.wait_for("/home/plain is bound to acme");
        terminal.send("clauth status pla\t --format '<{profile}>'\r");
        terminal.wait_for("<acme>");
        // Behind `--` a command, and then what that command completes, or files.
        terminal.send("clauth exec wo\t -- claud\t pla\t\r");
        terminal.wait_for("args=plain");
        terminal.send("clauth remove w\t --yes\r");
        terminal.wait_for("the profile work is removed");
    });
}

#[test]
fn each_hook_is_sound_in_the_eyes_of_its_shell() {
    Shell::each(|shell| {
        let sandbox = Sandbox::new();
        let hook = sandbox.clauth(&["hook", shell.language.name()]).success();
        // The line evaluates a text; this is what it would evaluate.
        let (_, text) = hook.stdout().split_once(if shell.language == Language::Pwsh { "Create(" } else { "eval " }).unwrap();
        let print = match shell.language {
            Language::Pwsh => format!("[Console]::Out.Write({})", text.rsplit_once(") } else").unwrap().0.rsplit_once(')').unwrap().0),
            _ => format!("printf %s {text}"),
        };
        let script = sandbox.write("print.ps1", print);
        let text = Finished::run({
            let mut command = sandbox.command(&shell.program);
            command.arg(script);
            command
        });
        let program = sandbox.path("program/clauth").display().to_string();
        assert!(text.stdout().contains(&format!("'{program}'\n")) && !text.stdout().contains("@CLAUTH@"), "{text:?}");
        let file = sandbox.write("hook", text.stdout());
        let mut command = sandbox.command(&shell.program);
        match shell.language {
            Language::Pwsh => {
                let parse = format!("$null = [scriptblock]::Create([IO.File]::ReadAllText({}))", shell.quote(file.to_str().unwrap()));
                command.args(["-NoLogo", "-NoProfile", "-c", &parse]);
            }
            _ => drop(command.arg("-n").arg(&file)),
        }
        let checked = Finished::run(command).success();
        assert_eq!((checked.stdout(), checked.stderr()), ("", ""));
    });
}

#[test]
fn a_hook_names_the_program_by_an_absolute_path_however_it_is_called() {
    let sandbox = Sandbox::new();
    let odd = sandbox.mkdir("it's $(odd)");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_clauth"), odd.join("clauth")).unwrap();
    let program = sandbox.path("program/clauth").display().to_string();
    let expected = [
        ("clauth hook bash".to_owned(), program.clone()),
        ("cd ../program; ./clauth hook bash".into(), program),
        ("../program/clauth hook bash".into(), format!("{}/../program/clauth", sandbox.home().display())),
        (format!("'{}/clauth' hook bash", odd.display().to_string().replace('\'', r"'\''")), format!("{}/clauth", odd.display())),
    ];
    for (script, path) in expected {
        let told = sandbox.script("bash", &format!("eval \"$({script})\"; printf %s \"$__clauth_program\"")).success();
        assert_eq!(told.stdout(), path, "{script}");
    }
}

/// The ways to load a hook that stand in the documents of neighbours: direnv, starship, zoxide, oh-my-posh, mise.
fn ways_to_load(shell: &Shell) -> Vec<String> {
    let (name, ways) = match shell.language {
        Language::Bash | Language::Zsh => {
            (shell.language.name(), &["eval \"$(HOOK)\"", "eval $(HOOK)", "eval `HOOK`", "source <(HOOK)", "set -f; eval $(HOOK)"][..])
        }
        Language::Fish => ("fish", &["HOOK | source", "eval (HOOK)", "source (HOOK | psub)"][..]),
        Language::Pwsh => (
            "powershell",
            &[
                "Invoke-Expression \"$(HOOK)\"",
                "Invoke-Expression (& HOOK)",
                "HOOK | Invoke-Expression",
                "(& HOOK) | Out-String | Invoke-Expression",
                "Invoke-Expression (& { (HOOK | Out-String) })",
                ". ([scriptblock]::Create((& HOOK) -join \"`n\"))",
            ][..],
        ),
    };
    ways.iter().map(|way| way.replace("HOOK", &format!("clauth hook {name}"))).collect()
}

#[test]
fn a_hook_is_loaded_in_the_words_of_every_neighbour() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_profiles(&["work"]);
        let bound = sandbox.bind("w", "work");
        // What an unquoted hook must not be mixed with.
        sandbox.write("home/x)\nexit 9\n", "");
        for way in ways_to_load(shell) {
            let at_a_prompt = match shell.language {
                Language::Bash => "; __clauth_hook",
                _ => "", // at a change of directory
            };
            let begin = if shell.language == Language::Fish { "; emit fish_prompt" } else { "" };
            let line = format!("{way}{begin}; {}{at_a_prompt}; {}", shell.cd(&bound), shell.show_exported("CLAUTH_PROFILE"));
            let mut command = sandbox.command(&shell.program);
            command.args(if shell.language == Language::Pwsh { &["-NoProfile", "-c"][..] } else { &["-c"] }).arg(&line);
            let told = Finished::run(command).success();
            assert!(told.stdout().contains("work\n"), "{line}: {told:?}");
        }
    });
}
