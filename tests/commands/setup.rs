//! `clauth setup`: from nothing to a working hook, and back to nothing.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use crate::support::files::everything_below;
use crate::support::{Sandbox, Shell};

/// Returns the startup file that setup writes for a shell.
pub(super) fn startup_file(shell: &Shell) -> &'static str {
    match shell.language.name() {
        "bash" => "home/.bashrc",
        "zsh" => "home/.zshrc",
        "fish" => "home/.config/fish/config.fish",
        _ => "home/.config/powershell/profile.ps1",
    }
}

/// Runs a command in a fresh interactive shell of the sandbox and returns what it prints.
fn in_fresh_shell(sandbox: &Sandbox, shell: &Shell, command: &str) -> String {
    let flags: &[&str] = if shell.language.name() == "pwsh" { &["-NoLogo", "-Command"] } else { &["-i", "-c"] };
    let mut fresh = sandbox.command(&shell.program);
    fresh.args(flags).arg(command);
    crate::support::finished::Finished::run(fresh).stdout().to_owned()
}

#[test]
fn each_shell_is_set_up_once_and_taken_back_to_the_letter() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_shell(shell);
        let before = "# mine, without an end";
        let file = sandbox.write(startup_file(shell), before);
        let setup = ["setup", "--yes", "--shell", shell.language.name()];
        let told = sandbox.clauth(&setup).success();
        assert!(told.stderr().contains(&format!("{}: a fresh shell has the hook", shell.language.name())), "{}", told.stderr());
        assert!(told.stderr().contains("clauth hook"), "the lines are shown: {}", told.stderr());
        let written = fs::read_to_string(&file).unwrap();
        assert!(written.starts_with(before) && written.contains("clauth hook"), "{written}");
        assert!(sandbox.clauth(&setup).success().stderr().contains("in place already"));
        assert_eq!(fs::read_to_string(&file).unwrap(), written);
        let backup = fs::read_to_string(format!("{}.before-clauth", file.display())).unwrap();
        assert_eq!(backup, before);
        sandbox.clauth(&["setup", "--uninstall", "--yes"]).success();
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
        assert!(sandbox.clauth(&["setup", "--uninstall", "--yes"]).success().stderr().contains("no startup file"));
    });
}

#[test]
fn what_the_user_had_is_as_it_was_when_clauth_has_gone() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("home/.bashrc");
    let backup = sandbox.path("home/.bashrc.before-clauth");
    let setup = ["setup", "--yes", "--shell", "bash"];
    let uninstall = ["setup", "--uninstall", "--yes"];
    // Nobody else reads it.
    for (text, mode) in [("export TOKEN=secret", 0o600), ("", 0o640), ("a\n", 0o400)] {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        sandbox.clauth(&setup).success();
        let mode_of = |file: &PathBuf| fs::metadata(file).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode_of(&file), mode_of(&backup), fs::read_to_string(&backup).unwrap().as_str()), (mode, mode, text));
        sandbox.clauth(&uninstall).success();
        assert_eq!((mode_of(&file), fs::read_to_string(&file).unwrap().as_str(), backup.exists()), (mode, text, false));
        fs::remove_file(&file).unwrap();
    }
    // A file of that name that is the user's own.
    fs::write(&file, "mine\n").unwrap();
    fs::write(&backup, "older\n").unwrap();
    sandbox.clauth(&setup).success();
    sandbox.clauth(&uninstall).success();
    assert_eq!([&file, &backup].map(|file| fs::read_to_string(file).unwrap()), ["mine\n", "older\n"]);
    fs::remove_file(&backup).unwrap();
    // A link that leads to where nothing is yet.
    fs::remove_file(&file).unwrap();
    sandbox.mkdir("dotfiles");
    symlink(sandbox.path("dotfiles/bashrc"), &file).unwrap();
    sandbox.clauth(&setup).success();
    sandbox.clauth(&uninstall).success();
    assert!(file.is_symlink() && !sandbox.path("dotfiles/bashrc").exists());
}

#[test]
fn without_a_startup_file_one_is_made_and_removed_again() {
    Shell::each(|shell| {
        let mut sandbox = Sandbox::with_shell(shell);
        sandbox.set_variable("SHELL", &shell.program);
        sandbox.mkdir("home/.local/share"); // the user's own, though empty
        let all = || everything_below(&sandbox.home()).into_iter().collect::<BTreeSet<_>>();
        let before = all();
        sandbox.clauth(&["setup", "--yes"]).success();
        assert!(sandbox.path(startup_file(shell)).exists() && all().len() > before.len());
        sandbox.clauth(&["setup", "--uninstall", "--yes"]).success();
        // A fresh fish and PowerShell keep things of their own.
        let is_shells_own = |path: &PathBuf| ["fish", "pwsh"].contains(&shell.language.name()) && !path.to_string_lossy().contains("clauth.");
        let left: Vec<_> = all().difference(&before).filter(|path| !is_shells_own(path)).cloned().collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "no trace");
        assert!(sandbox.path("home/.local/share").exists());
    });
}

#[test]
fn without_consent_nothing_is_written() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("home/.bashrc", "mine\n");
    sandbox.clauth(&["setup", "--shell", "bash"]).exits_with(1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine\n");
    sandbox.clauth(&["setup", "--shell", "bash", "--yes"]).success();
    let written = fs::read_to_string(&file).unwrap();
    sandbox.clauth(&["setup", "--uninstall"]).exits_with(1);
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn a_line_of_the_users_own_is_enough() {
    let sandbox = Sandbox::new();
    let text = "eval \"$(clauth hook bash)\"\n";
    let file = sandbox.write("home/.bashrc", text);
    let told = sandbox.clauth(&["setup", "--shell", "bash", "--yes"]).success();
    assert!(told.stderr().contains("by a line of your own"), "{}", told.stderr());
    assert_eq!(fs::read_to_string(file).unwrap(), text);
}

#[test]
fn a_file_kept_elsewhere_is_written_where_it_lies() {
    let sandbox = Sandbox::new();
    let real = sandbox.write("dotfiles/bashrc", "mine\n");
    symlink(&real, sandbox.path("home/.bashrc")).unwrap();
    sandbox.clauth(&["setup", "--shell", "bash", "--yes"]).success();
    assert!(sandbox.path("home/.bashrc").is_symlink() && sandbox.read("dotfiles/bashrc").contains("clauth hook"));
}

#[test]
fn the_places_that_the_user_chose_are_followed() {
    let mut sandbox = Sandbox::new();
    let (zsh, config) = (sandbox.mkdir("zsh"), sandbox.mkdir("config"));
    sandbox.set_variable("ZDOTDIR", &zsh);
    sandbox.set_variable("XDG_CONFIG_HOME", &config);
    for (shell, file) in [("zsh", zsh.join(".zshrc")), ("fish", config.join("fish/config.fish"))] {
        // Where the shell is missing, the check that it works fails, and the file is written all the same.
        let _ = sandbox.clauth(&["setup", "--shell", shell, "--yes"]);
        assert!(fs::read_to_string(file).unwrap().contains("clauth hook"), "{shell}");
    }
}

#[test]
fn a_file_that_cannot_be_kept_whole_is_left_alone() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("home/.bashrc", b"caf\xe9\n");
    sandbox.clauth(&["setup", "--shell", "bash", "--yes"]).complains(1, "could not read");
    assert_eq!(fs::read(file).unwrap(), b"caf\xe9\n");
}

#[test]
fn a_startup_file_that_ends_early_or_becomes_another_shell_is_told() {
    for line in ["return\n", "exec true\n"] {
        let sandbox = Sandbox::new();
        sandbox.write("home/.bashrc", line);
        let told = sandbox.clauth(&["setup", "--shell", "bash", "--yes"]);
        assert_eq!(told.code(), Some(1));
        assert!(told.stderr().contains("before the lines of clauth"), "{}", told.stderr());
    }
}

#[test]
fn what_completions_need_is_told_where_it_is_missing() {
    Shell::each(|shell| {
        let (name, sandbox) = (shell.language.name(), Sandbox::new());
        let (file, with_it, need) = match name {
            "bash" => ("home/.bashrc", "_comp_load() { :; }\n", "bash-completion"),
            "zsh" => ("home/.zshrc", "autoload -Uz compinit && compinit -u\n", "compinit"),
            _ => return,
        };
        let setup = ["setup", "--yes", "--shell", name];
        let told = sandbox.clauth(&setup).success();
        assert!(told.stderr().contains("completions need") && told.stderr().contains(need), "{told:?}");
        sandbox.write(file, with_it);
        let told = sandbox.clauth(&setup).success();
        assert!(!told.stderr().contains("completions need"), "{told:?}");
    });
}

#[test]
fn the_shim_comes_first_where_it_is_wanted() {
    Shell::each(|shell| {
        let sandbox = Sandbox::with_shell(shell);
        sandbox.write(startup_file(shell), "");
        sandbox.clauth(&["setup", "--shim", "--yes", "--shell", shell.language.name()]).success();
        let command = if shell.language.name() == "pwsh" { "(Get-Command claude).Source" } else { "command -v claude" };
        assert_eq!(in_fresh_shell(&sandbox, shell, command).trim(), sandbox.path("home/.clauth/bin/claude").to_str().unwrap());
        let path = if shell.language.name() == "pwsh" { "-Command '$env:PATH'" } else { "-i -c 'echo $PATH'" };
        let within = in_fresh_shell(&sandbox, shell, &format!("{} {path}", shell.program.display()));
        assert_eq!(within.matches("/.clauth/bin").count(), 1, "{within}");
        let told = sandbox.clauth(&["setup", "--uninstall", "--yes"]).success();
        assert!(told.stderr().contains(&format!("the shim {} is removed", sandbox.path("home/.clauth/bin/claude").display())), "{told:?}");
        assert!(!sandbox.path("home/.clauth/bin").exists());
    });
}

#[test]
fn other_config_directories_are_named_with_the_command_that_takes_them() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.claude-work/.claude.json", "{}");
    sandbox.write("home/.claude-two words/.claude.json", "{}");
    sandbox.mkdir("home/.claude-nothing");
    let told = sandbox.clauth(&["setup", "--shell", "bash", "--yes"]).success();
    assert!(
        told.stderr().contains(&format!("clauth import {} work", sandbox.path("home/.claude-work").display())) && !told.stderr().contains("nothing"),
        "{}",
        told.stderr()
    );
    assert!(told.stderr().contains(&format!("clauth import '{}' NAME", sandbox.path("home/.claude-two words").display())), "{}", told.stderr());
}

#[test]
fn the_commands_that_come_next_work_as_they_are_printed() {
    let sandbox = Sandbox::new();
    fs::remove_dir_all(sandbox.path("home/.claude")).unwrap(); // as on a new machine
    sandbox.program(
        "claude",
        r#"#!/bin/sh
case "$1 $2" in
" ") mkdir -p "$HOME/.claude" ;;
"auth login") echo '{"claudeAiOauth": {"accessToken": "a", "refreshToken": "r"}}' >"$CLAUDE_CONFIG_DIR/.credentials.json" ;;
"auth status") echo '{"loggedIn": true, "authMethod": "claude.ai", "email": "me@corp.example"}' ;;
esac
"#,
    );
    sandbox.mkdir("home/work");
    let setup = || sandbox.script("bash", "clauth setup --shell bash --yes; true").success().stderr().to_owned();
    let commands = |told: &str| -> Vec<String> {
        let (_, next) = told.split_once("in a new shell (here: `exec bash`), for each further one:\n").unwrap();
        next.lines().map(|line| line.strip_prefix("clauth:   ").unwrap().to_owned()).collect()
    };
    let commands_first = commands(&setup());
    assert_eq!(commands_first.len(), 2, "{commands_first:?}");
    for command in commands_first {
        sandbox.script("/bin/sh", &command).success();
    }
    assert_eq!(commands(&setup()).len(), 1, "the client was run");
    assert_eq!(sandbox.applies(sandbox.path("home/work")), "work");
}

#[test]
fn a_program_that_is_not_on_path_is_called_by_its_place() {
    let mut sandbox = Sandbox::new();
    sandbox.set_path(&["/usr/bin", "/bin"]);
    let file = sandbox.write("home/.bashrc", "");
    let program = env!("CARGO_BIN_EXE_clauth");
    let mut command = sandbox.command(program);
    command.args(["setup", "--shell", "bash", "--yes"]);
    crate::support::finished::Finished::run(command).success();
    assert!(fs::read_to_string(file).unwrap().contains(&format!("$({program} hook bash)")));
}
