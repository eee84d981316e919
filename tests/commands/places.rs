//! Where no prompt is: cron, make, git, tmux, ssh, and the shims of others. The directory decides, by the shim.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::finished::Finished;
use crate::support::shell::skip;
use crate::support::{Sandbox, wait_until};

/// Returns a world with the shim first on PATH, and a bound project.
fn world() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::with_shim(&["work"]);
    let project = sandbox.bind("home/project", "work");
    (sandbox, project)
}

#[track_caller]
fn assert_work(sandbox: &Sandbox, told: &Finished) {
    assert_eq!((told.stdout(), told.stderr()), (sandbox.claude_says(Some("work")).as_str(), ""), "{told:?}");
}

#[test]
fn a_line_of_cron() {
    let (sandbox, _) = world();
    // All that cron gives to a command: no terminal, no locale, and the home as the directory.
    let mut command = sandbox.command("/bin/sh");
    let path = format!("{}/.clauth/bin:{}:/usr/bin:/bin", sandbox.home().display(), sandbox.path("bin").display());
    command.env_clear().envs([("HOME", sandbox.home().to_str().unwrap()), ("PATH", &path), ("SHELL", "/bin/sh"), ("LOGNAME", "me")]);
    command.args(["-c", "cd project && claude"]);
    assert_work(&sandbox, &Finished::run(command).success());
    sandbox.assert_no_helpers_left();
}

#[test]
fn a_recipe_of_make() {
    let (sandbox, project) = world();
    sandbox.write(project.join("Makefile"), "review:\n\t@claude\nbelow:\n\t@cd .. && claude\n");
    let make = |target: &str| sandbox.script("/bin/sh", &format!("make -s --no-print-directory -C project {target}")).success();
    assert_work(&sandbox, &make("review"));
    assert_eq!(make("below").stdout(), sandbox.claude_says(None));
}

#[test]
fn a_hook_of_git() {
    let (sandbox, _) = world();
    sandbox.write("home/hooks/pre-commit", "#!/bin/sh\nclaude\n");
    let script = "chmod +x hooks/pre-commit; cd project; git init -q; mkdir below; cd below
        git -c core.hooksPath=\"$HOME/hooks\" -c user.name=me -c user.email=me@x.example commit -q --allow-empty -m x 2>&1";
    // Its output goes to stderr, as git has it.
    assert_work(&sandbox, &sandbox.script("/bin/sh", script).success());
}

#[test]
fn a_command_by_ssh() {
    let (mut sandbox, _) = world();
    // As Debian's and others' .bashrc has it, and bash reads it where sshd runs it for a command.
    let bin = sandbox.path("home/.clauth/bin");
    sandbox.write("home/.bashrc", format!("export PATH={}:$PATH\ncase $- in *i*) ;; *) return ;; esac\necho not here\n", bin.display()));
    sandbox.set_path(&["bin", "program"]);
    sandbox.set_variable("SSH_CLIENT", "192.0.2.1 50000 22");
    let told = sandbox.script("bash", "echo \"$PATH\"; cd project && claude").success();
    let (path, claude) = told.stdout().split_once('\n').unwrap();
    if !path.starts_with(bin.to_str().unwrap()) {
        skip("a bash that reads no .bashrc for sshd", "CLAUTH_REQUIRE_SHELLS");
        return;
    }
    assert_eq!((claude, told.stderr()), (sandbox.claude_says(Some("work")).as_str(), ""));
}

#[test]
fn a_window_of_tmux_without_a_shell() {
    if which::which("tmux").is_err() {
        skip("no tmux on PATH", "CLAUTH_REQUIRE_SHELLS");
        return;
    }
    let (sandbox, project) = world();
    let tmux = |words: &[&str]| {
        let mut command = sandbox.command("tmux");
        command.arg("-S").arg(sandbox.path("tmux.socket")).args(["-f", "/dev/null"]).args(words);
        Finished::run(command).success().stdout().to_owned()
    };
    sandbox.program("claude", "#!/bin/sh\necho \"$CLAUTH_PROFILE in $PWD\" >\"$HOME/told.partial\"; mv \"$HOME/told.partial\" \"$HOME/told\"\n");
    tmux(&["new-session", "-d", "tail", "-f", "/dev/null"]);
    tmux(&["new-window", "-d", "-c", project.to_str().unwrap(), "claude"]);
    wait_until("the window's claude has spoken", || sandbox.path("home/told").exists());
    assert_eq!(sandbox.read("home/told"), format!("work in {}\n", project.display()));
    tmux(&["kill-server"]);
}

#[test]
fn the_shims_of_version_managers_stand_behind_it() {
    let (mut sandbox, _) = world();
    let real = sandbox.path("bin/claude");
    sandbox.write("home/installs/bin/claude", std::fs::read(&real).unwrap());
    std::fs::remove_file(&real).unwrap();
    // volta and mise: one program under every tool's name, which looks at the name.
    sandbox.program("one-for-all", "#!/bin/sh\nexec \"$HOME/installs/bin/${0##*/}\" \"$@\"\n");
    sandbox.mkdir("volta");
    symlink(sandbox.path("bin/one-for-all"), sandbox.path("volta/claude")).unwrap();
    // asdf: a script that asks a program which one is meant.
    sandbox.program("asdf", "#!/bin/sh\nshift\ntool=$1; shift\nexec \"$HOME/installs/bin/$tool\" \"$@\"\n");
    sandbox.write("asdf/claude", "#!/bin/sh\nexec asdf exec \"claude\" \"$@\"\n");
    sandbox.script("/bin/sh", "chmod +x ../asdf/claude installs/bin/claude").success();
    // nvm: the directory itself.
    for manager in ["volta", "asdf", "home/installs/bin"] {
        sandbox.set_path(&["home/.clauth/bin", manager, "bin", "program"]);
        assert_work(&sandbox, &sandbox.script("/bin/sh", "cd project && claude").success());
        // The other way round its own `claude` comes first, and the shim is said to be none.
        sandbox.set_path(&[manager, "home/.clauth/bin", "bin", "program"]);
        assert_eq!(sandbox.script("/bin/sh", "cd project && claude").success().stdout(), sandbox.claude_says(None), "{manager}");
        assert!(sandbox.clauth(&["doctor"]).stdout().contains("is not the first `claude` on PATH"), "{manager}");
    }
}
