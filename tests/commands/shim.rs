//! The shim: `claude` where no hook runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::json;

use crate::support::files::files_below;
use crate::support::finished::Finished;
use crate::support::{Sandbox, wait_until};

/// Runs `claude` as an editor or a script would: whatever PATH finds, in a directory.
fn claude(sandbox: &Sandbox, directory: impl AsRef<Path>, arguments: &[&str]) -> Finished {
    let mut command = sandbox.command("claude");
    command.current_dir(directory).args(arguments);
    Finished::run(command)
}

fn says(sandbox: &Sandbox, directory: impl AsRef<Path>) -> String {
    claude(sandbox, directory, &[]).success().stdout().to_owned()
}

#[test]
fn the_directory_decides() {
    let mut sandbox = Sandbox::with_shim(&["work", "other"]);
    let work = sandbox.bind("work", "work");
    let other = sandbox.bind("work/other", "other");
    let out = sandbox.bind("work/out", "default");
    let below = sandbox.mkdir("work/other/below");
    sandbox.set_variable("ANTHROPIC_API_KEY", "over");
    for (directory, profile) in [(&work, "work"), (&other, "other"), (&below, "other")] {
        assert_eq!(says(&sandbox, directory), sandbox.claude_says(Some(profile)));
    }
    // Where nothing is bound, nothing is touched.
    for directory in [&out, &sandbox.home()] {
        assert_eq!(says(&sandbox, directory), "claude config_dir=none key=over args=\n");
    }
    let twice = sandbox.script("/bin/sh", "cd ../work && claude && cd other && claude").success();
    assert_eq!(twice.stdout(), sandbox.claude_says(Some("work")) + &sandbox.claude_says(Some("other")));
}

#[test]
fn it_refuses_where_the_prompt_would_refuse() {
    let mut sandbox = Sandbox::with_shim(&["work"]);
    sandbox.program("claude", "#!/bin/sh\ntouch \"$HOME/ran\"\n");
    sandbox.set_variable("CLAUDE_CONFIG_DIR", sandbox.runtime("work"));
    let cases = [
        ("profile = \"work\"\n", "is not allowed yet; run `clauth allow`"),
        ("not TOML", ".clauth.toml:1:5: "),
        ("profile = \"wrok\"\n", "did you mean `work`?"),
    ];
    for (text, words) in cases {
        claude(&sandbox, sandbox.project("project", text), &["-p", "hi"]).complains(1, words);
    }
    sandbox.write("home/.clauth/config.toml", format!("trusted = [\"{}\"]\n", sandbox.path("project").display()));
    claude(&sandbox, sandbox.path("project"), &[]).complains(1, "did you mean `work`?");
    sandbox.write("home/.clauth/config.toml", "quiet = 7\n");
    claude(&sandbox, sandbox.home(), &[]).complains(1, "config.toml:1:9: ");
    assert!(!sandbox.path("home/ran").exists());
    sandbox.write("home/.clauth/config.toml", "");
    sandbox.clauth_in(sandbox.path("project"), &["deny"]).success();
    claude(&sandbox, sandbox.path("project"), &[]).success();
    assert!(sandbox.path("home/ran").exists());
}

#[test]
fn a_choice_by_hand_outranks_the_directory() {
    let sandbox = Sandbox::with_shim(&["work", "other"]);
    let directory = sandbox.bind("project", "work");
    let refused = sandbox.project("refused", "profile = \"work\"\n");
    let expected = sandbox.claude_says(Some("other"));
    for place in [&directory, &refused] {
        let exec = sandbox.clauth_in(place, &["exec", "other", "--", "sh", "-c", "claude"]).success();
        assert_eq!(exec.stdout(), expected);
        let env = sandbox.script("/bin/sh", &format!("cd '{}'; eval \"$(clauth env other)\"; claude", place.display())).success();
        assert_eq!(env.stdout(), expected);
        assert_eq!(sandbox.clauth_in(place, &["start", "other"]).success().stdout(), expected);
    }
    let unpinned = "eval \"$(clauth env other)\"; eval \"$(clauth env --unset)\"; cd ../project; claude";
    assert_eq!(sandbox.script("/bin/sh", unpinned).success().stdout(), sandbox.claude_says(Some("work")));
}

#[test]
fn a_profile_that_leaked_from_another_directory_is_left() {
    let mut sandbox = Sandbox::with_shim(&["work", "other"]);
    sandbox.bind("project", "other");
    // As a tmux server has it that was started in a bound directory: the hook's variables, and no hook.
    sandbox.set_variable("CLAUTH_PROFILE", "work");
    sandbox.set_variable("CLAUTH_STATE", json!({"config_dir": "/mine", "chosen": "hook"}).to_string());
    for leaked in [sandbox.runtime("work"), sandbox.path("home/.clauth/refused/run-clauth-status"), sandbox.runtime("removed")] {
        sandbox.set_variable("CLAUDE_CONFIG_DIR", leaked);
        assert_eq!(says(&sandbox, sandbox.home()), "claude config_dir=/mine key=none args=\n");
        assert_eq!(says(&sandbox, sandbox.path("project")), sandbox.claude_says(Some("other")));
    }
    // With the record lost the value alone tells whose it is.
    sandbox.set_variable("CLAUTH_STATE", "");
    sandbox.set_variable("CLAUDE_CONFIG_DIR", sandbox.runtime("work"));
    assert_eq!(says(&sandbox, sandbox.home()), sandbox.claude_says(None));
    sandbox.set_variable("CLAUDE_CONFIG_DIR", "/users/own");
    assert_eq!(says(&sandbox, sandbox.home()), "claude config_dir=/users/own key=none args=\n");
}

#[test]
fn it_steps_aside_when_told_to() {
    let mut sandbox = Sandbox::with_shim(&["work"]);
    let directory = sandbox.bind("project", "work");
    let refused = sandbox.project("refused", "profile = \"work\"\n");
    sandbox.set_variable("CLAUTH_DISABLE", "1");
    for place in [&directory, &refused] {
        assert_eq!(says(&sandbox, place), sandbox.claude_says(None));
    }
    sandbox.set_variable("CLAUTH_DISABLE", "");
    assert_eq!(says(&sandbox, &directory), sandbox.claude_says(Some("work")));
}

#[test]
fn arguments_status_and_stdin_are_the_clients() {
    let sandbox = Sandbox::with_shim(&["work"]);
    sandbox.bind("project", "work");
    sandbox.program("claude", "#!/bin/sh\nfor one; do printf '<%s>' \"$one\"; done; cat; cat <&7; exit 9\n");
    let script = "cd ../project; echo typed | claude --help 'a b' -- add '' 7<../home/.claude/CLAUDE.md";
    let told = sandbox.script("/bin/sh", script).exits_with(9);
    assert_eq!((told.stdout(), told.stderr()), ("<--help><a b><--><add><>typed\nBe brief.\n", ""));
    sandbox.program("claude", "#!/bin/sh\nkill -TERM $$\n");
    sandbox.script("/bin/sh", "cd ../project; claude; exit $?").exits_with(143);
}

#[test]
fn the_real_claude_is_found_wherever_the_shim_stands() {
    let mut sandbox = Sandbox::with_shim(&["work"]);
    let directory = sandbox.bind("project", "work");
    sandbox.write("project/claude", "#!/bin/sh\necho evil\n");
    sandbox.script("/bin/sh", "chmod +x ../project/claude").success();
    sandbox.mkdir("other");
    symlink(sandbox.path("program/clauth"), sandbox.path("other/claude")).unwrap();
    let shim = sandbox.path("home/.clauth/bin/claude");
    for path in [&["home/.clauth/bin", "bin"][..], &["other", "home/.clauth/bin", "bin"], &["", ".", "home/.clauth/bin", "other", "bin"], &["bin"]] {
        sandbox.set_path(path);
        let mut command = sandbox.command(&shim);
        command.current_dir(&directory);
        assert_eq!(Finished::run(command).success().stdout(), sandbox.claude_says(Some("work")), "{path:?}");
    }
    fs::remove_file(sandbox.path("bin/claude")).unwrap();
    sandbox.set_path(&["", "home/.clauth/bin", "other"]);
    let mut command = sandbox.command(&shim);
    command.current_dir(&directory);
    Finished::run(command).complains(127, "`claude` is not on PATH; install it");
}

#[test]
fn the_newest_client_is_found_without_path_where_installers_put_it() {
    let mut sandbox = Sandbox::with_shim(&["work"]);
    let directory = sandbox.bind("project", "work");
    let client = sandbox.path("bin/claude");
    let shim = sandbox.path("home/.clauth/bin/claude");
    // A place of an installer's with our own shim, in each of the two ways in which one may have been put there.
    sandbox.mkdir("home/.local/bin");
    symlink(&shim, sandbox.path("home/.local/bin/claude")).unwrap();
    sandbox.mkdir("home/.volta/bin");
    symlink(sandbox.path("program/clauth"), sandbox.path("home/.volta/bin/claude")).unwrap();
    let put = |real: &str, name: &str| {
        let (real, name) = (sandbox.path("home").join(real), sandbox.path("home").join(name));
        for path in [&real, &name] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        // By `cp`, since what this process has open for writing cannot be run.
        sandbox.script("/bin/sh", &format!("cp '{}' '{}'", client.display(), real.display())).success();
        let _ = fs::remove_file(&name);
        symlink(&real, &name).unwrap();
        name
    };
    let package = "home/.nvm/versions/node/v20.1.0/lib/node_modules/@anthropic-ai/claude-code";
    sandbox.write(format!("{package}/package.json"), r#"{"name": "@anthropic-ai/claude-code", "version": "2.1.40"}"#);
    let old = put(".bun/install/claude", ".bun/bin/claude");
    let newer = put(&format!("{}/bin/claude.exe", package.trim_start_matches("home/")), ".nvm/versions/node/v20.1.0/bin/claude");
    let expected = sandbox.claude_says(Some("work"));
    fs::remove_file(&client).unwrap();
    sandbox.set_variable("PATH", "/usr/bin:/bin");
    let used = |sandbox: &Sandbox| {
        let mut command = sandbox.command(&shim);
        command.current_dir(&directory);
        assert_eq!(Finished::run(command).success().stdout(), expected);
        let mut doctor = sandbox.command(sandbox.path("program/clauth"));
        doctor.args(["doctor", "--json"]);
        let client = Finished::run(doctor).json()["client"].clone();
        assert_eq!(client["on_path"], false);
        let path = client["path"].as_str().unwrap().to_owned();
        let mut doctor = sandbox.command(sandbox.path("program/clauth"));
        doctor.arg("doctor");
        assert!(Finished::run(doctor).stdout().contains(&format!("client   {path} (not on PATH")));
        path
    };
    assert_eq!(used(&sandbox), newer.to_str().unwrap());
    fs::remove_file(sandbox.path(package).join("package.json")).unwrap();
    // Where none tells its version, the order of the table.
    assert_eq!(used(&sandbox), newer.to_str().unwrap());
    fs::remove_file(&newer).unwrap();
    assert_eq!(used(&sandbox), old.to_str().unwrap());
    sandbox.script("/bin/sh", "mkdir -p .local/share/claude/versions && cp .bun/install/claude .local/share/claude/versions/2.1.332").success();
    let native = sandbox.path("home/.local/bin/claude");
    fs::remove_file(&native).unwrap();
    symlink(sandbox.path("home/.local/share/claude/versions/2.1.332"), &native).unwrap();
    assert_eq!(used(&sandbox), native.to_str().unwrap());
}

#[test]
fn a_wrapper_that_becomes_claude_again_is_no_endless_loop() {
    let sandbox = Sandbox::with_shim(&["work"]);
    sandbox.bind("project", "work");
    for directory in ["home", "project"] {
        sandbox.program("claude", "#!/bin/sh\nexec claude \"$@\"\n");
        claude(&sandbox, sandbox.path(directory), &[]).complains(125, "led back to clauth's shim");
        sandbox.program("claude", "#!/bin/sh\nclaude \"$@\"\nexit $?\n");
        claude(&sandbox, sandbox.path(directory), &[]).complains(125, "led back to clauth's shim");
    }
}

#[test]
fn a_client_that_runs_clients_is_no_loop() {
    let sandbox = Sandbox::with_shim(&["work"]);
    let directory = sandbox.bind("project", "work");
    sandbox.program("claude", "#!/bin/sh\nif [ $1 -gt 0 ]; then claude $(($1 - 1)); else echo \"$CLAUTH_PROFILE\"; fi\n");
    assert_eq!(claude(&sandbox, directory, &["8"]).success().stdout(), "work\n");
}

#[test]
fn install_and_remove_can_be_repeated() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.clauth(&["shim", "remove"]).success();
    for _ in 0..2 {
        let told = sandbox.clauth(&["shim", "install"]).success();
        assert!(told.complaint().contains("first on PATH"), "{told:?}");
        // By the name that was called, so that an upgrade of what it links to is an upgrade of the shim.
        assert_eq!(fs::read_link(sandbox.path("home/.clauth/bin/.link/claude")).unwrap(), sandbox.path("program/clauth"));
    }
    for _ in 0..2 {
        sandbox.clauth(&["shim", "remove"]).success();
        assert!(files_below(&sandbox.path("home/.clauth/bin")).is_empty());
    }
}

#[test]
fn it_never_lets_another_claude_answer() {
    let sandbox = Sandbox::with_shim(&["work"]);
    let directory = sandbox.bind("project", "work");
    let program = sandbox.path("program/clauth");
    let spoil: [fn(&Path); 3] = [
        |program| fs::set_permissions(program, Permissions::from_mode(0o600)).unwrap(),
        |program| fs::write(program, "").unwrap(),
        |program| fs::remove_file(program).unwrap(),
    ];
    fs::remove_file(&program).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_clauth"), &program).unwrap();
    for spoil in spoil {
        spoil(&program);
        let refused = claude(&sandbox, &directory, &[]);
        assert_eq!((refused.code(), refused.stdout()), (Some(126), ""), "{refused:?}");
        assert!(refused.stderr().contains("install clauth again") && refused.stderr().contains("clauth shim install"), "{refused:?}");
    }
}

#[test]
fn an_old_shim_is_renewed() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.mkdir("home/.clauth/bin");
    let shim = sandbox.path("home/.clauth/bin/claude");
    symlink("/gone/after/the/upgrade/clauth", &shim).unwrap();
    sandbox.clauth(&["shim", "install"]).success();
    assert_eq!(fs::read_link(sandbox.path("home/.clauth/bin/.link/claude")).unwrap(), sandbox.path("program/clauth"));
}

#[test]
fn what_is_not_the_shim_is_not_replaced_and_not_removed() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let shim = sandbox.path("home/.clauth/bin/claude");
    let plant: [fn(&Sandbox, &Path); 3] = [
        |_, shim| fs::write(shim, "mine").unwrap(),
        |_, shim| fs::create_dir(shim).unwrap(),
        |sandbox, shim| symlink(sandbox.path("bin/claude"), shim).unwrap(),
    ];
    for plant in plant {
        sandbox.mkdir("home/.clauth/bin");
        plant(&sandbox, &shim);
        let before = fs::symlink_metadata(&shim).unwrap().modified().unwrap();
        for action in ["install", "remove"] {
            sandbox.clauth(&["shim", action]).complains(1, "exists and is not clauth's shim");
        }
        assert_eq!(fs::symlink_metadata(&shim).unwrap().modified().unwrap(), before);
        fs::remove_dir_all(sandbox.path("home/.clauth/bin")).unwrap();
    }
}

#[test]
fn a_client_behind_the_shim_is_a_holder() {
    let sandbox = Sandbox::with_shim(&["work"]);
    let directory = sandbox.bind("project", "work");
    sandbox.program("claude", "#!/bin/sh\nexec sleep 600\n");
    let mut client = sandbox.command("claude").current_dir(&directory).spawn().unwrap();
    wait_until("the lease is there", || sandbox.status(&directory)["holders"] == json!([{"pid": client.id(), "kind": "shim"}]));
    client.kill().unwrap();
    client.wait().unwrap();
    sandbox.assert_no_helpers_left();
}
