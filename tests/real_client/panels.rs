//! Editors that start the client themselves: each folder's session is served by the account of that folder, and by no other.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{DIRECTORIES, served_by, world};
use crate::support::editor::Panels;
use crate::support::files::files_below;
use crate::support::finished::Finished;
use crate::support::length::rounds;
use crate::support::rig::{Freshness, Rig};

/// A world with both stand-ins installed, and what starts clients in it.
fn editor() -> Option<(Rig, Panels)> {
    let rig = world(Freshness::Fresh)?;
    let _ = rig.sandbox.clauth(&["shim", "install"]).success();
    let panels = Panels::of(&rig)?;
    Some((rig, panels))
}

fn bin(rig: &Rig, name: &str) -> PathBuf {
    rig.sandbox.path("home/.clauth/bin").join(name)
}

/// Puts a client where the native installer does: nothing on the PATH of a dock leads there.
fn install(rig: &Rig, panels: &Panels) {
    symlink(&panels.bundled, rig.sandbox.mkdir("home/.local/bin").join("claude")).unwrap();
}

/// Returns how a session ends that was served.
fn success(account: &str) -> String {
    format!("success {}\n", served_by(account))
}

#[test]
fn each_folder_of_a_panel_is_served_by_its_account_one_after_the_other_and_at_once() {
    let Some((rig, panels)) = editor() else { return };
    let wrapper = bin(&rig, "claude-wrapper");
    let panel = |folder: &str| panels.panel(&rig, rig.sandbox.path(folder), Some(&wrapper));
    let sessions = rounds(20, 60);
    let mut count = [0; DIRECTORIES.len()];
    for turn in 0..sessions {
        let which = turn % DIRECTORIES.len();
        let (folder, account) = DIRECTORIES[which];
        assert_eq!(Finished::run(panel(folder)).success().stdout(), success(account), "session {turn} in {folder}");
        count[which] += 1;
    }
    // Four windows, two of them in one folder.
    let windows = [0, 1, 2, 0].map(|which| {
        let (folder, account) = DIRECTORIES[which];
        count[which] += 1;
        let mut command = panel(folder);
        (command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), account)
    });
    for (window, account) in windows {
        let ended = window.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stdout), success(account), "{ended:?}");
    }
    let served: Vec<_> = DIRECTORIES.iter().zip(count).map(|((_, account), count)| (*account, count)).collect();
    rig.assert_served(&served);
    rig.assert_nobody_was_logged_out();
    rig.sandbox.assert_no_helpers_left();
    // The history of each is in `~/.claude`, as ever.
    let history = files_below(&rig.sandbox.path("home/.claude/projects"));
    for (folder, _) in DIRECTORIES {
        let of_folder = |path: &&PathBuf| path.parent().is_some_and(|parent| parent.to_string_lossy().ends_with(&format!("-{folder}")));
        assert!(history.iter().any(|path| of_folder(&path)), "{folder}: {history:?}");
    }
}

#[test]
fn an_account_that_the_editor_inherited_serves_nowhere_else() {
    let Some((rig, panels)) = editor() else { return };
    let wrapper = bin(&rig, "claude-wrapper");
    let clauth = rig.sandbox.path("program/clauth");
    let shell = |folder: &str, script: &str, panel: &Command| {
        // As `code .` in a terminal: the editor has the variables of that shell.
        let mut command = rig.sandbox.command("/bin/bash");
        let line: Vec<_> = std::iter::once(panel.get_program()).chain(panel.get_args()).map(|word| word.to_str().unwrap()).collect();
        command
            .args(["-c", &format!("{script}\n[ \"$CLAUTH_PROFILE\" = personal ] && \"$@\""), "-"])
            .args(line)
            .envs(panel.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("CLAUTH", &clauth).current_dir(rig.sandbox.path(folder));
        Finished::run(command)
    };
    let hook = r#"eval "$("$CLAUTH" export bash --first --pid $$)""#;
    let pin = r#"eval "$("$CLAUTH" env personal)""#;
    let mut count = [0; DIRECTORIES.len()];
    for (from, script) in [("private-life", hook), ("plain", pin)] {
        for (which, (folder, account)) in DIRECTORIES.into_iter().enumerate() {
            let panel = panels.panel(&rig, rig.sandbox.path(folder), Some(&wrapper));
            assert_eq!(shell(from, script, &panel).success().stdout(), success(account), "{folder}, {script}");
            count[which] += 1;
        }
    }
    let served: Vec<_> = DIRECTORIES.iter().zip(count).map(|((_, account), count)| (*account, count)).collect();
    rig.assert_served(&served);
}

#[test]
fn a_refused_folder_is_served_by_nobody_and_panels_show_why() {
    let Some((rig, panels)) = editor() else { return };
    install(&rig, &panels);
    let refused = rig.sandbox.project("refused", "profile = \"work\"\n");
    let broken = rig.sandbox.project("broken", "not TOML");
    for (folder, words) in [(&refused, "is not allowed yet; run `clauth allow`"), (&broken, ".clauth.toml:1:5: ")] {
        let shown = Finished::run(panels.panel(&rig, folder, Some(&bin(&rig, "claude-wrapper"))));
        let result = shown.stdout().lines().next().unwrap_or_default();
        assert!(result.starts_with("success clauth: ") && result.contains(words), "{shown:?}");
        assert!(shown.stdout().lines().any(|line| line.starts_with("failed: ") && line.contains(words)), "{shown:?}");
        let shown = Finished::run(panels.acp(&rig, folder, &bin(&rig, "claude")));
        assert!(shown.stdout().contains(words) && !shown.stderr().contains("EPIPE"), "{shown:?}");
    }
    rig.assert_served(&[]);
}

#[test]
fn an_editor_by_acp_has_the_account_of_the_folder_with_the_path_of_a_dock() {
    let Some((rig, panels)) = editor() else { return };
    install(&rig, &panels);
    for (folder, account) in DIRECTORIES {
        let session = Finished::run(panels.acp(&rig, rig.sandbox.path(folder), &bin(&rig, "claude"))).success();
        assert_eq!(session.stdout(), format!("end_turn {}\n", served_by(account)), "{session:?}");
    }
    rig.assert_served(&DIRECTORIES.map(|(_, account)| (account, 1)));
}

#[test]
fn a_program_on_the_agent_sdk_has_the_account_of_its_environment_or_by_the_shim_that_of_its_folder() {
    let Some((rig, mut panels)) = editor() else { return };
    install(&rig, &panels);
    let [office, plain] = ["office", "plain"].map(|folder| rig.sandbox.path(folder));
    let as_it_is = panels.panel(&rig, &office, None);
    assert_eq!(Finished::run(as_it_is).success().stdout(), success("carol"), "what nobody told of clauth is the plain account");
    let inner = panels.panel(&rig, &plain, None);
    let mut exec = rig.sandbox.command("clauth");
    exec.args(["exec", "personal", "--"]).arg(inner.get_program()).args(inner.get_args()).env("BUNDLED", &panels.bundled);
    assert_eq!(Finished::run(exec).success().stdout(), success("bob"));
    // `pathToClaudeCodeExecutable`, and `cli_path` in Python.
    panels.bundled = bin(&rig, "claude");
    for (folder, account) in [(&office, "alice"), (&plain, "carol")] {
        assert_eq!(Finished::run(panels.panel(&rig, folder, None)).success().stdout(), success(account));
    }
    rig.assert_served(&[("alice", 1), ("bob", 1), ("carol", 2)]);
}

/// Asks an open session as the panel does, and returns the answer.
fn ask(stdin: &mut impl Write, stdout: &mut impl BufRead) -> String {
    let question = json!({"type": "user", "message": {"role": "user", "content": "hi"}, "parent_tool_use_id": null, "session_id": ""});
    writeln!(stdin, "{question}").unwrap();
    stdin.flush().unwrap();
    for line in stdout.lines() {
        let said: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if said["type"] == "result" {
            return said["result"].as_str().unwrap_or_default().to_owned();
        }
    }
    panic!("the session ended without an answer");
}

#[test]
fn a_folder_that_is_bound_elsewhere_while_its_window_is_open_changes_the_next_session() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let _ = rig.sandbox.clauth(&["shim", "install"]).success();
    let office = rig.sandbox.path("office");
    let client = fs::read_link(rig.sandbox.path("bin/claude")).unwrap();
    let open = |folder: &Path| {
        let mut command = rig.sandbox.command(bin(&rig, "claude-wrapper"));
        command.arg(&client).args(["-p", "--verbose", "--output-format", "stream-json", "--input-format", "stream-json"]);
        let mut child = command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        (child, stdin, stdout)
    };
    let (mut first, mut stdin, mut stdout) = open(&office);
    assert_eq!(ask(&mut stdin, &mut stdout), served_by("alice"));
    let _ = rig.sandbox.clauth_in(&office, &["use", "personal"]).success();
    let (mut second, mut stdin_2, mut stdout_2) = open(&office);
    assert_eq!(ask(&mut stdin_2, &mut stdout_2), served_by("bob"));
    assert_eq!(ask(&mut stdin, &mut stdout), served_by("alice"), "what runs keeps its account");
    drop((stdin, stdin_2));
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    rig.assert_served(&[("alice", 2), ("bob", 1)]);
}

#[test]
fn sign_in_and_status_through_the_wrapper_are_the_folders() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let _ = rig.sandbox.clauth(&["shim", "install"]).success();
    let client = fs::read_link(rig.sandbox.path("bin/claude")).unwrap();
    let run = |folder: &str, words: &[&str]| {
        let mut command = rig.sandbox.command(bin(&rig, "claude-wrapper"));
        command.arg(&client).args(words).current_dir(rig.sandbox.path(folder)).env("MOCK_ACCOUNT", "dave");
        Finished::run(command).success()
    };
    for (folder, account) in DIRECTORIES {
        assert_eq!(run(folder, &["auth", "status", "--json"]).json()["email"], format!("{account}@example.test"));
        assert!(run(folder, &["plugin", "list", "--json"]).json().is_array());
    }
    rig.make_known("dave");
    let _ = run("office", &["auth", "login", "--email", "dave@example.test"]);
    for (folder, account) in [("office", "dave"), DIRECTORIES[1], DIRECTORIES[2]] {
        assert_eq!(run(folder, &["auth", "status", "--json"]).json()["email"], format!("{account}@example.test"));
    }
    rig.assert_nobody_was_logged_out();
}
