//! "Has the hook" means that it runs: `setup` and `doctor` start a fresh shell and look (case J).

use std::fs;
use std::path::Path;

use crate::support::finished::Finished;
use crate::support::{Sandbox, Shell, wait_until};

use super::setup::startup_file;

/// Returns a sandbox in which only the startup files can be wrong.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.program("claude", "#!/bin/sh\n");
    sandbox
}

/// Returns the line that asks for the hook.
fn hook(language: &str) -> String {
    match language {
        "fish" => "clauth hook fish | source\n".into(),
        _ => format!("eval \"$(clauth hook {language})\"\n"),
    }
}

/// What a startup file has before and behind the line that asks for the hook, what is then told of it, and what the remedy makes of both.
struct Case {
    language: &'static str,
    before: &'static str,
    behind: &'static str,
    told: &'static str,
    remedy: &'static str,
    mended: (&'static str, &'static str),
}

const fn case(
    language: &'static str,
    (before, behind): (&'static str, &'static str),
    told: &'static str,
    remedy: &'static str,
    mended: (&'static str, &'static str),
) -> Case {
    Case { language, before, behind, told, remedy, mended }
}

const CASES: &[Case] = &[
    // Lists that are overwritten, or cannot be changed.
    case("bash", ("", "PROMPT_COMMAND='other=1'\n"), "PROMPT_COMMAND is set again at {2}", "move {2} above", ("PROMPT_COMMAND='other=1'\n", "")),
    case("bash", ("", "PROMPT_COMMAND=(true)\n"), "PROMPT_COMMAND is set again at {2}", "let it add to", ("", "PROMPT_COMMAND+=(true)\n")),
    case("bash", ("", "unset PROMPT_COMMAND\n"), "PROMPT_COMMAND is set again at {2}", "move {2} above", ("unset PROMPT_COMMAND\n", "")),
    case(
        "bash",
        ("PROMPT_COMMAND=true; readonly PROMPT_COMMAND\n", ""),
        "PROMPT_COMMAND is made read-only at {1}",
        "move it below",
        ("PROMPT_COMMAND=true\n", "readonly PROMPT_COMMAND\n"),
    ),
    case(
        "bash",
        ("declare -ra PROMPT_COMMAND=(true)\n", ""),
        "PROMPT_COMMAND is made read-only at {1}",
        "remove what makes",
        ("declare -a PROMPT_COMMAND=(true)\n", ""),
    ),
    case("zsh", ("", "precmd_functions=(true)\n"), "precmd_functions is set again at {2}", "move {2} above", ("precmd_functions=(true)\n", "")),
    case("zsh", ("", "chpwd_functions=()\n"), "chpwd_functions is set again at {2}", "move {2} above", ("chpwd_functions=()\n", "")),
    case(
        "zsh",
        ("typeset -ra precmd_functions=(true)\n", ""),
        "precmd_functions is made read-only at {1}",
        "remove what makes",
        ("typeset -a precmd_functions=(true)\n", ""),
    ),
    // What is done to the hook itself.
    case("bash", ("", "__clauth_hook() { :; }\n"), "{2} defines or removes", "remove {2}", ("", "")),
    case("bash", ("", "unset -f __clauth_hook\n"), "{2} defines or removes", "remove {2}", ("", "")),
    case("zsh", ("", "__clauth_hook() { : }\n"), "{2} defines or removes", "remove {2}", ("", "")),
    case("fish", ("", "functions -e __clauth_begin\n"), "{2} defines or removes", "remove {2}", ("", "")),
    case("bash", ("export CLAUTH_DISABLE=1\n", ""), "CLAUTH_DISABLE is set at {1}", "remove {1}", ("", "")),
    case("zsh", ("", "export CLAUTH_DISABLE=1\n"), "CLAUTH_DISABLE is set at {2}", "remove {2}", ("", "")),
    case("fish", ("", "set -gx CLAUTH_DISABLE 1\n"), "CLAUTH_DISABLE is set at {2}", "remove {2}", ("", "")),
    // What keeps the shell from it.
    case("bash", ("return\n", ""), "{1} ends the file", "move {1} below", ("", "return\n")),
    case("zsh", ("return\n", ""), "{1} ends the file", "move {1} below", ("", "return\n")),
    case("fish", ("return\n", ""), "{1} ends the file", "move {1} below", ("", "return\n")),
    case("bash", ("exit\n", ""), "{1} ends the file", "move {1} below", ("", "")),
    case("bash", ("", "PROMPT_COMMAND=\"exit;$PROMPT_COMMAND\"\n"), "another command of the prompt ends before it", "look for what", ("", "")),
    case("bash", ("exec zsh\n", ""), "bash becomes zsh at {1}", "run `clauth setup --shell zsh`", ("", "")),
];

/// Puts the places of lines into a text.
fn placed(text: &str, file: &Path) -> String {
    ["1", "2"].iter().fold(text.to_owned(), |text, line| text.replace(&format!("{{{line}}}"), &format!("{}:{line}", file.display())))
}

#[test]
fn what_keeps_the_hook_from_running_is_named_with_a_remedy_that_works() {
    Shell::each(|shell| {
        for case in CASES.iter().filter(|case| case.language == shell.language.name()) {
            let sandbox = sandbox();
            let write = |before: &str, behind: &str| sandbox.write(startup_file(shell), format!("{before}{}{behind}", hook(case.language)));
            let file = write(case.before, case.behind);
            let [told, remedy] = [case.told, case.remedy].map(|text| placed(text, &file));
            let what = format!("{:?} {:?}", case.before, case.behind);
            let doctor = sandbox.clauth(&["doctor"]);
            assert_eq!(doctor.code(), Some(1), "{what}: {doctor:?}");
            assert!(doctor.stdout().contains(&told) && doctor.stdout().contains(&remedy), "{what}: {told}; {remedy}: {doctor:?}");
            assert!(!doctor.stdout().contains("hook     "), "{what}: {doctor:?}");
            let setup = sandbox.clauth(&["setup", "--yes", "--no-shim", "--shell", case.language]);
            assert_eq!(setup.code(), Some(1), "{what}: {setup:?}");
            assert!(setup.stderr().contains(&told) && setup.stderr().contains(&remedy), "{what}: {setup:?}");
            write(case.mended.0, case.mended.1);
            sandbox.clauth(&["doctor"]).success();
        }
    });
}

#[test]
fn what_is_harmless_in_a_startup_file_is_no_finding() {
    let cases = [
        ("bash", "[ -z \"$PS1\" ] && return\ncase $- in *i*) ;; *) return ;; esac\nPROMPT_COMMAND=true\nset -u\n", "readonly PROMPT_COMMAND\n"),
        ("bash", "set -o noclobber\nexport IFS=:\n", "trap true DEBUG\ntrap true ERR\nalias printf=false\n"),
        ("zsh", "setopt ksh_arrays no_unset err_return\n", "precmd() { true }\nchpwd() { true }\nalias print=false\n"),
        ("fish", "status is-interactive; or return\n", "function fish_prompt; echo x; end\n"),
    ];
    Shell::each(|shell| {
        for (_, before, behind) in cases.iter().filter(|(language, ..)| *language == shell.language.name()) {
            let sandbox = sandbox();
            sandbox.write(startup_file(shell), format!("{before}{}{behind}", hook(shell.language.name())));
            sandbox.clauth(&["doctor"]).success();
            assert!(!sandbox.path("home/.clauth").exists(), "nothing is written");
        }
    });
}

#[test]
fn a_login_shell_is_asked_too() {
    let cases = [
        (".bash_profile", "PATH=$PATH\n", "reads {}, which does not read"),
        (".profile", "# . ~/.bashrc\n", "reads {}, which does not read"),
        (".bash_profile", ". ~/.bashrc\nPROMPT_COMMAND=true\n", "PROMPT_COMMAND is set again"),
    ];
    for (name, text, told) in cases {
        let sandbox = sandbox();
        // Some systems set PATH anew in a login shell.
        sandbox.write("home/.bashrc", format!("PATH={}:$PATH\n{}", sandbox.path("program").display(), hook("bash")));
        let file = sandbox.write(format!("home/{name}"), text);
        let told = told.replace("{}", file.to_str().unwrap());
        for said in [sandbox.clauth(&["doctor"]), sandbox.clauth(&["setup", "--yes", "--no-shim", "--shell", "bash"])] {
            assert_eq!(said.code(), Some(1), "{said:?}");
            let said = said.stdout().to_owned() + said.stderr();
            assert!(said.contains("login bash") && said.contains(&told), "{told}: {said}");
        }
        let doctor = sandbox.clauth(&["doctor", "--json"]).json();
        let remedy = doctor["findings"][0]["remedy"].as_str().unwrap().to_owned();
        match remedy.strip_prefix("run `").and_then(|remedy| remedy.strip_suffix('`')) {
            Some(command) => drop(sandbox.script("sh", command).success()),
            None => drop(sandbox.write(&file, ". ~/.bashrc\n")),
        }
        sandbox.clauth(&["doctor"]).success();
        if name == ".profile" {
            sandbox.script("dash", ". ~/.profile").success(); // which reads it too
        }
    }
}

#[test]
fn a_program_that_a_fresh_shell_does_not_find_is_told() {
    let sandbox = sandbox();
    let asking = hook("bash");
    sandbox.write("home/.bashrc", format!("PATH=/usr/bin:/bin\n{asking}"));
    let told = sandbox.clauth(&["doctor"]);
    let directory = sandbox.path("program");
    let expected = "`clauth` is not on PATH there";
    let remedy = format!("export PATH={}:\"$PATH\"", directory.display());
    assert!(told.code() == Some(1) && told.stdout().contains(expected) && told.stdout().contains(&remedy), "{told:?}");
    sandbox.write("home/.bashrc", format!("PATH=/usr/bin:/bin\n{remedy}\n{asking}"));
    assert!(!sandbox.clauth(&["doctor"]).stdout().contains("prompt hook"), "the client is not on that PATH");
}

#[test]
fn a_shell_that_is_not_installed_is_told_as_that() {
    let mut sandbox = sandbox();
    sandbox.set_variable("PATH", "/nowhere");
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_clauth"));
    command.args(["setup", "--yes", "--shell", "zsh"]);
    let told = Finished::run(command);
    assert!(told.code() == Some(1) && told.stderr().contains("could not run zsh"), "{told:?}");
}

#[test]
fn a_shell_that_becomes_one_with_the_hook_has_it() {
    let sandbox = sandbox();
    sandbox.write("home/.bashrc", "exec zsh\n".to_owned() + &hook("bash"));
    sandbox.write("home/.zshrc", hook("zsh"));
    if which::which("zsh").is_ok() {
        sandbox.clauth(&["doctor"]).success();
    }
}

#[test]
fn a_startup_file_that_asks_or_waits_keeps_nobody_waiting() {
    let sandbox = sandbox();
    // It has no answer, and is not asked at the terminal: a login shell that asks does not stop clauth.
    sandbox.write("home/.bashrc", format!("read -p 'name? ' name; read -p 'again? ' name </dev/tty\n{}", hook("bash")));
    sandbox.clauth(&["doctor"]).success();
    // What is left in the background holds the output.
    sandbox.write("home/.bashrc", format!("sleep 600 &\n{}", hook("bash")));
    sandbox.clauth(&["doctor"]).success();
    let file = sandbox.write("home/.bashrc", format!("{}sleep 601\n", hook("bash")));
    let told = sandbox.clauth(&["doctor"]);
    assert!(told.stdout().contains("not ready after 10 s") && told.stdout().contains("wait for"), "{told:?}");
    wait_until("what it waited for has ended", || sandbox.processes_named("601").is_empty());
    fs::remove_file(file).unwrap();
}

#[test]
fn right_after_setup_the_shim_is_first_though_this_shell_is_older() {
    let sandbox = sandbox();
    sandbox.write("home/.bashrc", "");
    sandbox.clauth(&["setup", "--yes", "--shell", "bash"]).success();
    sandbox.clauth(&["doctor"]).success();
    sandbox.write("home/.bashrc", sandbox.read("home/.bashrc") + "PATH=/usr/bin:$PATH:\"$HOME/../bin\"\n");
    sandbox.program("claude", "#!/bin/sh\n");
    let text = sandbox.read("home/.bashrc") + &format!("PATH={}:$PATH\n", sandbox.path("bin").display());
    sandbox.write("home/.bashrc", text);
    let told = sandbox.clauth(&["doctor"]);
    assert!(told.code() == Some(1) && told.stdout().contains("not the first `claude` on PATH"), "{told:?}");
}

#[test]
fn an_alias_or_a_function_that_leads_past_the_shim_is_named() {
    let cases = [
        ("alias claude='/opt/x/claude --fast'", "alias claude='claude --fast'"),
        ("claude() { /opt/x/claude \"$@\"; }", "claude() { command claude \"$@\"; }"),
    ];
    Shell::each(|shell| {
        let name = shell.language.name();
        if name == "pwsh" {
            return;
        }
        for (past, through) in cases {
            let spelled = |line: &str| match name {
                "fish" => line.replace("() { ", "; ").replace("\"$@\"; }", "$argv; end").replace("claude; ", "function claude; "),
                _ => line.to_owned(),
            };
            let sandbox = sandbox();
            let file = startup_file(shell);
            sandbox.write(file, "");
            sandbox.clauth(&["setup", "--yes", "--shell", name]).success();
            let text = sandbox.read(file);
            sandbox.write(file, format!("{text}{}\n", spelled(past)));
            let told = sandbox.clauth(&["doctor"]);
            assert!(told.code() == Some(1) && told.stdout().contains("starts another program than the first `claude`"), "{past}: {told:?}");
            sandbox.write(file, format!("{text}{}\n", spelled(through)));
            let told: Finished = sandbox.clauth(&["doctor"]);
            assert!(told.code() == Some(0), "{through}: {told:?}");
        }
    });
}
