//! Anthropic profiles: the Console login of the machine is no side door into a clauth profile, and one that is made in a clauth profile stays there.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::evidence::{Kind, assert_nobody, assert_only, make_anthropic_profile, senders, tokens};
use super::{answers, client, served_by, world};
use crate::support::files::files_below;
use crate::support::finished::Finished;
use crate::support::rig::{Freshness, Rig};
use crate::support::shell::shells_found;
use crate::support::{Startup, Terminal};

const ASK: &str = "(exec claude -p hi </dev/null); echo status $?";

fn default_directory(rig: &Rig) -> PathBuf {
    rig.sandbox.home().join(".config/anthropic")
}

/// Takes bob's claude.ai login out of his profile.
fn sign_bob_out(rig: &Rig) {
    fs::remove_file(rig.sandbox.runtime("personal").join(".credentials.json")).unwrap();
}

/// Returns who was heard in a plain run of the client.
fn heard(rig: &Rig, profile: Option<&str>) -> Vec<String> {
    let before = rig.requests().len();
    let _ = Finished::run(client(&rig.sandbox, profile, &["-p", "hi"]));
    senders(&rig.requests()[before..]).into_iter().collect()
}

/// Asks in bob's directory and in a refused one, in a shell to which this variable was given.
#[track_caller]
fn assert_nobody_serves_bobs_directory(rig: &Rig, kind: Kind, profile: &str) {
    let sandbox = &rig.sandbox;
    let before = rig.requests().len();
    sandbox.write("cloned/.clauth.toml", "profile = \"personal\"\n");
    let mut terminals = ["private-life", "cloned"].map(|directory| {
        let startup = Startup::hooked().in_directory(sandbox.path(directory)).variable("ANTHROPIC_PROFILE", profile);
        let mut terminal = Terminal::start(sandbox, &shells_found()[0], &startup);
        let line = terminal.shell().call(&["/bin/sh", "-c", ASK]);
        terminal.type_line(&line);
        terminal
    });
    for terminal in &mut terminals {
        let said = terminal.wait_for("status 1");
        assert_eq!(answers(&said), "", "{said}");
        terminal.wait_for_prompt();
    }
    assert_nobody(rig, before, &format!("{kind:?}, ANTHROPIC_PROFILE={profile}"));
}

#[test]
fn a_console_login_of_the_machine_serves_no_profile_that_is_signed_out() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    make_anthropic_profile(&rig, &default_directory(&rig), "mallory", Kind::Console);
    fs::rename(rig.sandbox.home().join(".claude/.credentials.json"), rig.sandbox.path("login")).unwrap();
    assert_eq!(heard(&rig, None), ["mallory"], "the test could not fail");
    sign_bob_out(&rig);
    assert_nobody_serves_bobs_directory(&rig, Kind::Console, "");
    assert_nobody_serves_bobs_directory(&rig, Kind::Console, "default");
}

#[test]
fn a_federation_of_the_machine_wins_over_no_profile() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    make_anthropic_profile(&rig, &default_directory(&rig), "mallory", Kind::Federation);
    assert_eq!(heard(&rig, None), ["mallory"], "the test could not fail");
    assert_eq!(heard(&rig, Some("personal")), ["bob"], "signed in");
    sign_bob_out(&rig);
    assert_nobody_serves_bobs_directory(&rig, Kind::Federation, "default");
}

/// Returns the files of the machine's Anthropic profiles: their text, and what would show that one was written again.
fn snapshot(rig: &Rig) -> Vec<(PathBuf, Vec<u8>, u64, i64)> {
    let files = files_below(&default_directory(rig)).into_iter();
    let of = |file: PathBuf| {
        let meta = fs::metadata(&file).unwrap();
        (file.clone(), fs::read(file).unwrap(), meta.ino(), meta.mtime_nsec())
    };
    files.map(of).collect()
}

#[test]
fn signing_out_and_in_within_a_profile_leaves_the_console_login_of_the_machine() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    make_anthropic_profile(&rig, &default_directory(&rig), "mallory", Kind::Console);
    let [_, refresh] = tokens(&rig, "eve");
    let before = snapshot(&rig);
    assert!(before.len() >= 3, "{before:?}");
    let run = |words: &[&str]| {
        let mut command = client(sandbox, Some("personal"), words);
        // A browser that signs bob in, and a variable that would sign somebody else in without one.
        command.env("MOCK_ACCOUNT", "bob").env("CLAUDE_CODE_OAUTH_REFRESH_TOKEN", &refresh).env("CLAUDE_CODE_OAUTH_SCOPES", "user:inference");
        Finished::run(command)
    };
    let _ = run(&["auth", "logout"]).success();
    assert_eq!(snapshot(&rig), before, "a sign-out");
    assert_eq!(heard(&rig, Some("personal")), [""; 0], "signed out");
    let _ = run(&["auth", "login"]).success();
    assert_eq!(snapshot(&rig), before, "a sign-in");
    assert_eq!(answers(run(&["-p", "hi"]).success().stdout()), served_by("bob"));
    for request in rig.requests() {
        assert!(!["mallory", "eve"].contains(&request["account"].as_str().unwrap_or_default()), "{request}");
    }
    // Without clauth a sign-out takes that login away.
    let _ = Finished::run(client(sandbox, None, &["auth", "logout"])).success();
    let revoked =
        |request: &serde_json::Value| request["account"] == "mallory" && request["path"].as_str().is_some_and(|path| path.ends_with("revoke"));
    assert!(rig.requests().iter().any(revoked), "the test could not fail");
}

#[test]
fn a_console_login_made_in_a_profile_serves_there_and_nowhere_else() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    let own = sandbox.home().join(".clauth/profiles/personal/anthropic");
    let shown = sandbox.clauth(&["exec", "personal", "--", "printenv", "ANTHROPIC_CONFIG_DIR"]).success();
    assert_eq!(Path::new(shown.stdout().trim_end()), own, "where the client makes it");
    make_anthropic_profile(&rig, &own, "dave", Kind::Console);
    sign_bob_out(&rig);
    fs::remove_file(sandbox.runtime("work").join(".credentials.json")).unwrap();
    fs::remove_file(sandbox.home().join(".claude/.credentials.json")).unwrap();

    let mut terminal = Terminal::start(sandbox, &shells_found()[0], &Startup::hooked().in_directory(sandbox.path("private-life")));
    let shell = terminal.shell().clone();
    let before = rig.requests().len();
    let said = terminal.run(&shell.call(&["/bin/sh", "-c", ASK]));
    assert_eq!(answers(&said), served_by("dave"), "{said}");
    assert_only(&rig, before, "dave", "in bob's directory");
    for (profile, place) in [(Some("work"), "another profile"), (None, "no profile")] {
        assert_eq!(heard(&rig, profile), [""; 0], "in {place}");
    }
    assert!(!default_directory(&rig).exists());
}

#[test]
fn a_default_directory_that_is_a_file_unreadable_or_a_link_changes_nothing() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let (sandbox, directory) = (&rig.sandbox, default_directory(&rig));
    let elsewhere = sandbox.path("elsewhere/anthropic");
    make_anthropic_profile(&rig, &elsewhere, "mallory", Kind::Federation);
    fs::create_dir_all(directory.parent().unwrap()).unwrap();
    let doctor = || {
        let finished = sandbox.clauth_in(sandbox.path("private-life"), &["doctor"]);
        assert!(matches!(finished.code(), Some(0 | 1)), "{finished:?}");
    };

    fs::write(&directory, "no directory\n").unwrap();
    assert_eq!(heard(&rig, Some("personal")), ["bob"], "a file");
    doctor();
    assert_eq!(fs::read_to_string(&directory).unwrap(), "no directory\n");
    fs::remove_file(&directory).unwrap();

    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o000)).unwrap();
    assert_eq!(heard(&rig, Some("personal")), ["bob"], "unreadable");
    doctor();
    fs::remove_dir(&directory).unwrap();

    symlink(&elsewhere, &directory).unwrap();
    assert_eq!(heard(&rig, None), ["mallory"], "the test could not fail");
    assert_eq!(heard(&rig, Some("personal")), ["bob"], "a link");
    doctor();
    assert_eq!(fs::read_link(&directory).unwrap(), elsewhere);
}
