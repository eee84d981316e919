//! Each message is served by the account of its directory, and nobody is ever logged out.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{DIRECTORIES, answers, client, served_by, world};
use crate::support::finished::Finished;
use crate::support::rig::{Freshness, read_json};
use crate::support::{Sandbox, Shell, Startup, Terminal, wait_until};

/// One message in one process; without a stdin of its own the client would wait for more of it.
const ASK: &str = "exec claude -p hi </dev/null";

/// A key that the mock serves.
const OWN_KEY: &str = "sk-ant-api-own";

fn credentials(sandbox: &Sandbox, profile: &str) -> PathBuf {
    sandbox.runtime(profile).join(".credentials.json")
}

/// Installs the shim and returns a PATH where it comes first.
fn path_with_shim(sandbox: &Sandbox) -> String {
    let _ = sandbox.clauth(&["shim", "install"]).success();
    let directories = [".clauth/bin", "../bin", "../program"].map(|directory| sandbox.home().join(directory).to_str().unwrap().to_owned());
    format!("{}:/usr/bin:/bin", directories.join(":"))
}

/// Asks in a terminal and returns who answered.
fn ask(terminal: &mut Terminal) -> String {
    let line = terminal.shell().call(&["/bin/sh", "-c", ASK]);
    answers(&terminal.run(&line))
}

#[test]
fn each_directory_is_served_by_its_own_account() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let mut shells = 0;
    Shell::each(|shell| {
        let mut terminal = Terminal::start(&rig.sandbox, shell, &Startup::hooked());
        for (directory, account) in DIRECTORIES.into_iter().chain([DIRECTORIES[0]]) {
            terminal.run(&shell.cd(rig.sandbox.path(directory)));
            assert_eq!(ask(&mut terminal), served_by(account), "in {directory}: {}", terminal.transcript());
        }
        shells += 1;
    });
    rig.assert_served(&[("alice", 2 * shells), ("bob", shells), ("carol", shells)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn a_line_that_changes_the_directory_first_is_served_by_the_account_of_the_new_one() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let path = path_with_shim(&rig.sandbox);
    let mut shells = 0;
    Shell::each(|shell| {
        let startup = Startup::hooked().variable("PATH", &path).in_directory(rig.sandbox.path("office"));
        let mut terminal = Terminal::start(&rig.sandbox, shell, &startup);
        for (directory, account) in [DIRECTORIES[1], DIRECTORIES[2], DIRECTORIES[0]] {
            let line = format!("{} && {}", shell.cd(rig.sandbox.path(directory)), shell.call(&["/bin/sh", "-c", ASK]));
            assert_eq!(answers(&terminal.run(&line)), served_by(account), "in {directory}: {}", terminal.transcript());
        }
        shells += 1;
    });
    rig.assert_served(&[("alice", shells), ("bob", shells), ("carol", shells)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn without_a_hook_the_shim_and_each_command_choose_the_account() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let path = path_with_shim(&rig.sandbox);
    let run = |directory: &str, words: &[&str]| {
        let mut command = rig.sandbox.command(words[0]);
        command.args(&words[1..]).env("PATH", &path).current_dir(rig.sandbox.path(directory));
        answers(Finished::run(command).success().stdout())
    };
    for (directory, account) in DIRECTORIES {
        assert_eq!(run("plain", &["/bin/sh", "-c", &format!("cd ../{directory} && {ASK}")]), served_by(account), "{directory}");
    }
    // What is chosen by hand outranks the directory, and the shim that stands first on PATH as well.
    assert_eq!(run("office", &["clauth", "start", "personal", "-p", "hi"]), served_by("bob"));
    assert_eq!(run("private-life", &["clauth", "exec", "work", "--", "claude", "-p", "hi"]), served_by("alice"));
    let by_hand = format!(r#"eval "$(clauth env personal)" && cd ../office && {ASK}"#);
    assert_eq!(run("plain", &["/bin/sh", "-c", &by_hand]), served_by("bob"));
    let and_back = format!(r#"eval "$(clauth env personal)" && eval "$(clauth env --unset)" && {ASK}"#);
    assert_eq!(run("plain", &["/bin/sh", "-c", &and_back]), served_by("carol"));
    rig.assert_served(&[("alice", 2), ("bob", 3), ("carol", 2)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn in_a_refused_directory_the_client_refuses_by_itself() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let cloned = rig.sandbox.mkdir("cloned");
    rig.sandbox.write("cloned/.clauth.toml", "profile = \"work\"\n");
    let mut terminals = Vec::new();
    Shell::each(|shell| {
        // A key of the user's own would be served whatever the config directory is: a shell comes from a profile, or begins here.
        for start in ["office", "cloned"] {
            let startup = Startup::hooked().variable("ANTHROPIC_API_KEY", OWN_KEY).in_directory(rig.sandbox.path(start));
            let mut terminal = Terminal::start(&rig.sandbox, shell, &startup);
            terminal.run(&shell.cd(&cloned));
            // All at once: the client tries for seven seconds before it gives up.
            terminal.type_line(&shell.call(&["/bin/sh", "-c", &format!("({ASK}); echo status $?")]));
            terminals.push(terminal);
        }
    });
    for terminal in &mut terminals {
        let refusal = terminal.wait_for("status 1");
        assert!(refusal.contains("run-clauth-status"), "{refusal}");
        terminal.wait_for_prompt();
    }
    let mut shim = rig.sandbox.command("claude");
    shim.env("PATH", path_with_shim(&rig.sandbox)).current_dir(&cloned).args(["-p", "hi"]);
    let refusal = Finished::run(shim).failure();
    assert!(refusal.stderr().contains("clauth allow"), "{refusal:?}");
    rig.assert_served(&[]);

    for terminal in &mut terminals {
        let shell = terminal.shell().clone();
        terminal.run(&shell.cd(rig.sandbox.path("plain")));
        assert_eq!(terminal.run(&shell.show_exported("ANTHROPIC_API_KEY")), OWN_KEY, "{shell}");
    }
    rig.assert_nobody_was_logged_out();
}

#[test]
fn a_fresh_profile_asks_to_sign_in_and_keeps_its_login_to_itself() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    let _ = sandbox.clauth(&["add", "fresh"]).success();
    rig.make_known("dave");
    let others = [credentials(sandbox, "work"), credentials(sandbox, "personal"), sandbox.home().join(".claude/.credentials.json")];
    let before = others.each_ref().map(|file| fs::read(file).unwrap());
    let in_profile = |words: &[&str]| {
        let mut command = client(sandbox, Some("fresh"), words);
        command.env("MOCK_ACCOUNT", "dave");
        Finished::run(command)
    };
    let asked = in_profile(&["-p", "hi"]).failure();
    assert!(asked.stdout().contains("/login"), "{asked:?}");
    let _ = in_profile(&["auth", "status", "--json"]).failure();
    let _ = in_profile(&["auth", "login"]).success();
    let status = in_profile(&["auth", "status", "--json"]).success();
    assert!(status.stdout().contains("dave@example.test"), "{status:?}");
    assert_eq!(answers(in_profile(&["-p", "hi"]).success().stdout()), served_by("dave"));

    assert!(fs::symlink_metadata(credentials(sandbox, "fresh")).unwrap().is_file(), "a login is a regular file of its profile");
    let account = |file: PathBuf| read_json(&file)["oauthAccount"]["emailAddress"].clone();
    assert_eq!(account(sandbox.runtime("fresh").join(".claude.json")), "dave@example.test");
    assert_eq!(account(sandbox.runtime("work").join(".claude.json")), "alice@example.test");
    assert_eq!(account(sandbox.home().join(".claude.json")), "carol@example.test");
    assert_eq!(others.each_ref().map(|file| fs::read(file).unwrap()), before, "another account's login was written");
    rig.assert_served(&[("dave", 1)]);
    rig.assert_nobody_was_logged_out();
}

#[test]
fn six_sessions_refresh_an_expired_login_once_while_shells_come_and_go() {
    const SESSIONS: usize = 6;
    let Some(rig) = world(Freshness::Expired) else { return };
    let mut sessions: Vec<Child> = (0..SESSIONS).map(|_| session(&rig.sandbox).spawn().unwrap()).collect();
    Shell::each(|shell| {
        let mut terminal = Terminal::start(&rig.sandbox, shell, &Startup::hooked());
        for _ in 0..3 {
            terminal.run(&shell.cd(rig.sandbox.path("office")));
            terminal.run(&shell.cd(rig.sandbox.path("plain")));
        }
        terminal.kill();
    });
    wait_until("all sessions end", || sessions.iter_mut().all(|session| session.try_wait().unwrap().is_some()));
    for session in sessions {
        let output = session.wait_with_output().unwrap();
        assert_eq!(answers(&String::from_utf8_lossy(&output.stdout)), served_by("alice"), "{output:?}");
    }
    assert_eq!(rig.refreshes("alice"), 1);
    rig.assert_served(&[("alice", SESSIONS)]);

    // The accounts that nobody used have their turn now, and the one that was refreshed needs no second time.
    for (directory, account) in DIRECTORIES {
        let mut command = rig.sandbox.command("/bin/sh");
        command.args(["-c", ASK]).env("PATH", path_with_shim(&rig.sandbox)).current_dir(rig.sandbox.path(directory));
        assert_eq!(answers(Finished::run(command).success().stdout()), served_by(account));
        assert_eq!(rig.refreshes(account), 1, "{account}");
    }
    rig.assert_served(&[("alice", SESSIONS + 1), ("bob", 1), ("carol", 1)]);
    rig.assert_nobody_was_logged_out();
    rig.sandbox.assert_no_helpers_left();
}

fn session(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command("clauth");
    command.args(["start", "work", "-p", "hi"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
