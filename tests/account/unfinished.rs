//! A step that cannot be finished stops nothing but itself, and no command waits for a lock that it holds.

use std::fs;

use serde_json::json;

use super::{assert_one_login, logins, state};
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::session::may_unshare;

/// Runs a script where `~/.claude.json` is a mount point, as in containers that get it from their host: nobody can rename a file over it.
fn with_mounted_state(sandbox: &Sandbox, script: &str) -> Finished {
    let host = sandbox.path("host.json");
    fs::copy(sandbox.path("home/.claude.json"), &host).unwrap();
    let mount = format!("mount --bind {} ~/.claude.json || exit 99\n{script}", host.display());
    let mut command = sandbox.command("unshare");
    command.args(["--mount", "/bin/sh", "-c", &mount]);
    Finished::run(command)
}

#[test]
fn a_state_that_cannot_be_replaced_stops_no_other_command() {
    if !may_unshare() {
        return;
    }
    let sandbox = Sandbox::with_profiles(&["other"]);
    sandbox.bind("home/other", "other");
    let script = "
        clauth capture work --yes 2>~/said || exit 1
        for command in list 'status' 'exec work -- true' 'exec other -- true' 'export bash --pid 1' 'hook bash' 'status --format {profile}'; do
            clauth $command >~/out 2>~/err || exit 2
            [ ! -s ~/err ] || { cat ~/err; echo after $command; exit 3; }
        done
        clauth doctor >~/doctor
        clauth capture third --yes 2>~/again && exit 4
        exit 0";
    let finished = with_mounted_state(&sandbox, script);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    sandbox.assert_no_helpers_left();
    let said = sandbox.read("home/said");
    assert!(said.contains("moved to the profile work") && said.contains("the account is still named in") && said.contains("busy"), "{said}");
    assert!(sandbox.read("home/doctor").contains("its account is still named at the old place"), "{}", sandbox.read("home/doctor"));
    assert!(sandbox.read("home/again").contains("an earlier move of a login"), "{}", sandbox.read("home/again"));
    assert_eq!(logins(&sandbox), [sandbox.runtime("work").join(".credentials.json")]);
    // Where the file can be replaced again, the next command takes the rest away.
    assert!(state(&sandbox.path("home/.claude.json"))["oauthAccount"].is_object());
    assert!(sandbox.clauth(&["list"]).success().stderr().contains("is finished"));
    assert!(state(&sandbox.path("home/.claude.json"))["oauthAccount"].is_null());
    assert!(!sandbox.path("home/.clauth/transfer.json").exists());
    assert_one_login(&sandbox);
}

#[test]
fn a_journal_that_nobody_can_read_stops_the_moves_of_logins_alone() {
    let sandbox = Sandbox::with_profiles(&["other"]);
    sandbox.write("home/.clauth/transfer.json", "{");
    for command in [&["list"][..], &["exec", "other", "--", "true"], &["add", "third"], &["status"], &["remove", "third", "--yes"]] {
        sandbox.clauth(command).success();
    }
    sandbox.assert_no_helpers_left();
    assert!(sandbox.clauth(&["capture", "work", "--yes"]).failure().stderr().contains("transfer.json"));
    assert!(sandbox.clauth(&["doctor"]).stdout().contains("transfer.json"));
    assert_eq!(logins(&sandbox), [sandbox.path("home/.claude/.credentials.json")]);
}

#[test]
fn a_profile_of_an_older_clauth_hangs_nothing() {
    let own = json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": "work-refresh", "expiresAt": 1}}).to_string();
    for words in [&["capture", "work", "--yes"][..], &["import", ".claude-work", "work", "--yes"], &["add", "work"], &["remove", "old", "--yes"]] {
        let sandbox = Sandbox::new();
        // As clauth 0.5 left it: nobody has taken it over yet.
        sandbox.mkdir("home/.clauth/profiles/old/runtime");
        sandbox.write("home/.clauth/profiles/old/credentials.json", own.replace("work-refresh", "old-refresh"));
        sandbox.write("home/.claude-work/.credentials.json", &own);
        let mut command = sandbox.command("timeout");
        command.args(["20", "clauth"]).args(words);
        Finished::run(command).success();
        assert!(sandbox.clauth(&["list"]).success().stdout().contains("old") != (words[0] == "remove"), "{words:?}");
    }
}
