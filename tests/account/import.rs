//! `import`: a config directory of the user's own becomes a profile, and nothing in it is lost.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;

use super::{locks, state};
use crate::mirror::killed::{LINKING, REMOVING, RENAMING, WRITING, at_each};
use crate::support::Sandbox;
use crate::support::claude;
use crate::support::files::{files_below, text};
use crate::support::length::is_long;
use crate::support::trace::strace;

/// The directory, in HOME.
const OWN: &str = "home/.claude-work";

/// What lies in it, by where its text must be in the end: in the hub, or rescued since the hub has another.
const SHARED: [(&str, &str); 4] =
    [("projects/-p/new.jsonl", "transcript"), ("commands/mine.md", "command"), ("plans/deep/er.md", "plan"), ("loop.md", "thing")];
const CONFLICTS: [(&str, &str); 2] = [("CLAUDE.md", "Be long.\n"), ("settings.json", "{\"model\": \"opus\"}")];
/// A log that the hub has too: it gets what it lacks.
const LOG: (&str, &str) = ("projects/-srv-example/session.jsonl", "another session");
const STAYING: [&str; 5] = [".git", ".last-cleanup", "backups", "sessions", "skills"];

/// Makes the directory as a client and its user leave it.
fn settle(sandbox: &Sandbox) {
    let own = |name: &str| Path::new(OWN).join(name);
    sandbox.write("home/.claude/settings.json", "{\"verbose\": true}");
    for (name, text) in SHARED.into_iter().chain(CONFLICTS).chain([LOG]) {
        sandbox.write(own(name), text);
    }
    sandbox.write(own("commands/review.md"), "Review it.\n"); // as the hub has it
    sandbox.write(own("history.jsonl"), "{\"display\":\"hello\"}\n{\"display\":\"at work\"}\n");
    for (name, text) in [(".git/config", "mine"), (".last-cleanup", ""), ("backups/b.json", "backup"), ("sessions/4194304.json", "{}")] {
        sandbox.write(own(name), text);
    }
    sandbox.mkdir("home/dotfiles/skills");
    symlink(sandbox.path("home/dotfiles/skills"), sandbox.path(own("skills"))).unwrap();
    symlink(sandbox.path("home/.claude/plugins"), sandbox.path(own("plugins"))).unwrap();
    let login = json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": "work-refresh", "expiresAt": 1}, "mcpOAuth": {"mine": 1}});
    sandbox.write(own(".credentials.json"), login.to_string());
    let state = json!({
        "theme": "light",
        "mcpServers": {"only-at-work": {"command": "x"}},
        "projects": {"/srv/example": {"allowedTools": ["ls"]}, "/srv/work": {"hasTrustDialogAccepted": true}},
        "oauthAccount": {"emailAddress": "me@work.example", "accountUuid": "uuid-work"},
        "hasAvailableSubscription": true,
    });
    sandbox.write(own(".claude.json"), state.to_string());
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    settle(&sandbox);
    sandbox
}

/// Makes everything anew, for the next import.
fn start_over(sandbox: &Sandbox) {
    for leftover in ["home/.clauth", "home/.claude", OWN, "home/dotfiles"] {
        let _ = fs::remove_dir_all(sandbox.path(leftover)); // nothing yet, the first time
    }
    claude::settle(&sandbox.home());
    settle(sandbox);
}

/// Returns every text that is somewhere in HOME, links aside.
fn texts(sandbox: &Sandbox) -> Vec<(PathBuf, String)> {
    let files = files_below(&sandbox.home()).into_iter().filter(|file| !file.is_symlink());
    files.filter_map(|file| text(&file).map(|text| (file, text))).collect()
}

/// Returns the one file that holds the login.
#[track_caller]
fn login(sandbox: &Sandbox) -> PathBuf {
    let found: Vec<_> = texts(sandbox).into_iter().filter(|(_, text)| text.contains("work-refresh")).map(|(file, _)| file).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with(".credentials.json"));
    found[0].clone()
}

/// Asserts that all of it is where it belongs.
fn assert_imported(sandbox: &Sandbox) {
    assert_eq!(login(sandbox), sandbox.runtime("work").join(".credentials.json"));
    let own = state(&sandbox.runtime("work").join(".claude.json"));
    assert_eq!(own["oauthAccount"]["emailAddress"], "me@work.example");
    for (name, text) in SHARED {
        assert_eq!(sandbox.read(Path::new("home/.claude").join(name)), text, "{name}");
    }
    let rescued: Vec<_> = texts(sandbox).into_iter().filter(|(file, _)| file.starts_with(sandbox.path("home/.clauth/rescued/work"))).collect();
    for (name, text) in CONFLICTS {
        assert!(rescued.iter().any(|(file, found)| file.ends_with(name) && found == text), "{name}: {rescued:?}");
    }
    let log = sandbox.read(Path::new("home/.claude").join(LOG.0));
    assert_eq!(log.lines().filter(|line| *line == LOG.1).count(), 1, "{log}");
    assert!(log.len() > LOG.1.len() + 1, "and what it had: {log}");
    assert_eq!(sandbox.read("home/.claude/CLAUDE.md"), "Be brief.\n");
    assert_eq!(sandbox.read("home/.claude/history.jsonl"), "{\"display\":\"hello\"}\n{\"display\":\"at work\"}\n");
    let hub = state(&sandbox.path("home/.claude.json"));
    assert_eq!((&hub["theme"], &hub["oauthAccount"]["emailAddress"]), (&json!("dark"), &json!("me@home.example")));
    assert_eq!(hub["mcpServers"]["only-at-work"]["command"], "x");
    let projects = json!({"/srv/example": {"hasTrustDialogAccepted": true, "allowedTools": ["ls"]}, "/srv/work": {"hasTrustDialogAccepted": true}});
    assert_eq!(hub["projects"], projects);
    let mut left: Vec<_> = fs::read_dir(sandbox.path(OWN)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, STAYING);
    assert!(!sandbox.path("home/.clauth/transfer.json").exists());
}

#[test]
fn all_of_a_directory_finds_its_place_and_what_stays_is_named() {
    let sandbox = sandbox();
    let told = sandbox.clauth(&["import", sandbox.path(OWN).to_str().unwrap(), "work", "--yes"]).success();
    assert_imported(&sandbox);
    assert_eq!(locks(&sandbox), Vec::<PathBuf>::new());
    let lines: Vec<_> = told.stderr().lines().collect();
    assert_eq!(lines.len(), 4, "{told:?}");
    assert!(lines[0].contains("is the profile work now (me@work.example), and 9 files of it shared"), "{told:?}");
    for kept in ["CLAUDE.md", "settings.json", ".claude.json"] {
        assert!(lines[1].contains("is kept in") && lines[1].contains(kept), "{told:?}");
    }
    assert!(lines[2].ends_with(&STAYING.join(", ")), "{told:?}");
    assert!(lines[3].contains("CLAUDE_CONFIG_DIR") && lines[3].contains("clauth use work"), "{told:?}");
    assert!(!told.stderr().contains("refresh"));
    assert_eq!(fs::metadata(sandbox.runtime("work").join(".credentials.json")).unwrap().mode() & 0o777, 0o600);
    assert!(sandbox.clauth(&["list"]).success().stdout().starts_with("work  me@work.example"));
    // The state of it that lost is kept without anything of the account.
    let kept: Vec<_> =
        texts(&sandbox).into_iter().filter(|(file, _)| file.ends_with(".claude.json") && file.to_string_lossy().contains("/rescued/")).collect();
    assert!(kept.len() == 1 && kept[0].1.contains("light") && !kept[0].1.contains("me@work.example"), "{kept:?}");
    sandbox.clauth(&["start", "work"]).success();
    sandbox.assert_no_helpers_left();
    assert_eq!(fs::read_link(sandbox.runtime("work").join("commands")).unwrap(), sandbox.path("home/.claude/commands"));
}

#[test]
fn a_directory_of_an_old_installation_is_who_its_old_state_says() {
    let sandbox = sandbox();
    let [state_file, old] = [".claude.json", ".config.json"].map(|name| sandbox.path(OWN).join(name));
    fs::rename(&state_file, &old).unwrap();
    // Beside the old one the client does not read it.
    fs::write(&state_file, r#"{"theme": "unread", "oauthAccount": {"emailAddress": "unread@example.org"}}"#).unwrap();
    let told = sandbox.clauth(&["import", sandbox.path(OWN).to_str().unwrap(), "work", "--yes"]).success();
    let own = state(&sandbox.runtime("work").join(".claude.json"));
    assert_eq!(own["oauthAccount"]["emailAddress"], "me@work.example", "{told:?}");
    assert_eq!(state(&sandbox.path("home/.claude.json"))["projects"]["/srv/work"]["hasTrustDialogAccepted"], true);
    assert!(!old.exists() && state_file.exists() && told.stderr().contains(".claude.json"), "what is unread stays, and is named: {told:?}");
}

#[test]
fn a_dry_run_lists_and_changes_nothing() {
    let sandbox = sandbox();
    let before = texts(&sandbox);
    let listed = sandbox.clauth(&["import", "../home/.claude-work", "work", "--dry-run"]).success();
    assert_eq!((texts(&sandbox), listed.stderr()), (before, ""));
    assert!(!sandbox.path("home/.clauth").exists());
    for line in [
        "move  the login of me@work.example to the profile work",
        "move  projects (2 files) to",
        "move  loop.md to",
        "merge .claude.json into",
        "keep  settings.json in",
        "drop  plugins: a link",
        "leave backups",
        "leave skills",
    ] {
        assert!(listed.stdout().lines().any(|listed| listed.starts_with(line)), "{line}: {listed:?}");
    }
    assert!(!listed.stdout().contains("keep  history.jsonl") && !listed.stdout().contains("move  settings.json"), "{listed:?}");
    // Without --yes and without a terminal nothing happens either.
    let refused = sandbox.clauth(&["import", "../home/.claude-work", "work"]).failure();
    assert!(refused.stderr().contains(" gets 9 shared files,") && refused.stderr().contains("but for 2 that differ"), "{refused:?}");
    assert!(!sandbox.path("home/.clauth").exists());
}

#[test]
fn settings_that_clauth_made_for_a_link_give_way_to_real_ones() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("home/.claude/settings.json"), "{}\n").unwrap();
    sandbox.write(Path::new(OWN).join("settings.json"), "{\"model\": \"opus\"}");
    sandbox.mkdir(Path::new(OWN).join("projects"));
    let listed = sandbox.clauth(&["import", ".claude-work", "work", "--dry-run"]).success();
    assert!(listed.stdout().contains("move  settings.json to") && !listed.stdout().contains("keep "), "{listed:?}");
    sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).success();
    assert_eq!(sandbox.read("home/.claude/settings.json"), "{\"model\": \"opus\"}");
    assert!(!sandbox.path(OWN).join("settings.json").exists());
}

#[test]
fn what_remove_has_kept_comes_back() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.sign_in("work", "me@work.example");
    let login = sandbox.runtime("work").join(".credentials.json");
    let before = fs::read_to_string(&login).unwrap();
    let said = sandbox.clauth(&["remove", "work", "--yes"]).success();
    let line = said.stderr().split('`').find(|part| part.starts_with("clauth import ")).unwrap();
    let words: Vec<_> = line.split(' ').skip(1).chain(["--yes"]).collect();
    sandbox.clauth(&words).success();
    assert_eq!(fs::read_to_string(login).unwrap(), before);
    assert!(sandbox.clauth(&["list"]).success().stdout().starts_with("work  me@work.example"), "{:?}", sandbox.clauth(&["list"]));
    sandbox.clauth(&["import", ".clauth/rescued", "other", "--yes"]).complains(1, "it lies in what clauth");
}

#[test]
fn what_cannot_be_a_profile_is_refused() {
    let sandbox = sandbox();
    sandbox.mkdir("home/empty");
    sandbox.write("home/file", "");
    sandbox.mkdir("home/.claude/projects/below");
    sandbox.clauth(&["add", "other"]).success();
    symlink("../home/.claude", sandbox.path("home/link")).unwrap();
    sandbox.mkdir("home/.clauth/profiles/other/runtime/projects");
    for (directory, why) in [
        ("nowhere", "No such file"),
        ("empty", "Claude Code has never used it"),
        ("file", "Claude Code has never used it"),
        (".claude", "`clauth capture`"),
        ("link", "`clauth capture`"),
        (".claude/projects", "it lies in what clauth"),
        (".clauth/profiles/other/runtime", "it lies in what clauth"),
        (".", "or around it"),
    ] {
        sandbox.clauth(&["import", directory, "work", "--yes"]).complains(1, why);
    }
    let client = std::process::id();
    let session = sandbox.write(Path::new(OWN).join(format!("sessions/{client}.json")), "{}");
    sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).complains(1, &format!("(process {client})"));
    fs::remove_file(session).unwrap();
    sandbox.sign_in("other", "me@corp.example");
    sandbox.clauth(&["import", ".claude-work", "other", "--yes"]).complains(1, "has a login already");
    sandbox.write(Path::new(OWN).join(".credentials.json"), "{\"claudeAiOauth\": {\"refr");
    sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).complains(1, "it is not a JSON object");
    assert!(!sandbox.path("home/.clauth/profiles/work").exists() && sandbox.path(OWN).join("commands/mine.md").exists());
}

#[test]
fn sharing_done_by_hand_ends_and_the_hubs_login_stays_its_own() {
    let sandbox = Sandbox::new();
    sandbox.mkdir(OWN);
    for name in ["projects", "commands", ".credentials.json", "CLAUDE.md"] {
        symlink(Path::new("../.claude").join(name), sandbox.path(OWN).join(name)).unwrap();
    }
    symlink("../.claude.json", sandbox.path(OWN).join(".claude.json")).unwrap();
    let before = texts(&sandbox);
    let told = sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).success();
    assert!(told.stderr().contains("nobody is signed in yet: `clauth login work`"), "{told:?}");
    assert_eq!(fs::read_dir(sandbox.path(OWN)).unwrap().count(), 0);
    let after = texts(&sandbox);
    assert!(before.iter().all(|file| after.contains(file)), "the hub is as it was");
    assert!(!sandbox.runtime("work").join(".credentials.json").exists());
}

#[test]
fn a_directory_without_a_login_brings_the_rest_and_the_key_of_a_console_account() {
    let sandbox = sandbox();
    fs::remove_file(sandbox.path(OWN).join(".credentials.json")).unwrap();
    let with_key = sandbox.read(Path::new(OWN).join(".claude.json")).replacen('{', "{\"primaryApiKey\": \"sk-console\", ", 1);
    sandbox.write(Path::new(OWN).join(".claude.json"), with_key);
    let told = sandbox.clauth(&["import", ".claude-work", "work", "--yes"]).success();
    assert!(!told.stderr().contains("sk-console"), "{told:?}");
    assert_eq!(state(&sandbox.runtime("work").join(".claude.json"))["primaryApiKey"], "sk-console");
    assert_eq!(texts(&sandbox).into_iter().filter(|(_, text)| text.contains("sk-console")).count(), 1);
    assert_eq!(sandbox.read("home/.claude/commands/mine.md"), "command");
    assert!(state(&sandbox.path("home/.claude.json"))["primaryApiKey"].is_null());
}

/// Kills imports at each of these calls; after one more command there is one login, and nothing is lost, and after another import all is done.
fn kill_imports(calls: &str) {
    let sandbox = Sandbox::new();
    let set_up = || start_over(&sandbox);
    let import = ["clauth", "import", ".claude-work", "work", "--yes"];
    let kills = at_each(calls, set_up, |strace, call| {
        let mut killed = sandbox.command(strace[0]);
        let is_killed = !killed.args(&strace[1..]).args(import).stderr(Stdio::null()).status().unwrap().success();
        sandbox.clauth(&["list"]).success();
        let is_named = sandbox.clauth(&["doctor"]).stdout().contains("was interrupted");
        assert_eq!(is_named, sandbox.path("home/.clauth/profiles/work/importing").exists(), "{call}");
        let is_moved = login(&sandbox) != sandbox.path(OWN).join(".credentials.json");
        let found = texts(&sandbox);
        for (name, text) in SHARED.into_iter().chain(CONFLICTS) {
            assert!(found.iter().any(|(_, found)| found == text), "{call}: {name} is nowhere");
        }
        assert!(found.iter().any(|(_, found)| found.contains(LOG.1)), "{call}: the log is nowhere");
        for lock in locks(&sandbox) {
            fs::remove_dir(lock).unwrap(); // else the dead would be waited for
        }
        let again = sandbox.clauth(&import[1..]);
        let is_over = again.code() == Some(1) && again.stderr().contains("Claude Code has never used it");
        assert!(again.code() == Some(0) || (is_over && is_moved), "{call}: {again:?}");
        assert_imported(&sandbox);
        assert!(!sandbox.path("home/.clauth/profiles/work/importing").exists(), "{call}");
        is_killed
    });
    assert!(kills > 0 || strace().is_none());
}

#[test]
fn an_import_that_was_killed_goes_on_when_nothing_of_the_client_is_left_in_its_directory() {
    let sandbox = Sandbox::new();
    let import = ["clauth", "import", ".claude-work", "work", "--yes"];
    let set_up = || {
        start_over(&sandbox);
        fs::remove_file(sandbox.path(OWN).join(".claude.json")).unwrap();
    };
    at_each(if is_long() { REMOVING } else { "?unlink" }, set_up, |strace, call| {
        let mut killed = sandbox.command(strace[0]);
        let is_killed = !killed.args(&strace[1..]).args(import).stderr(Stdio::null()).status().unwrap().success();
        for lock in locks(&sandbox) {
            fs::remove_dir(lock).unwrap();
        }
        let note = sandbox.path("home/.clauth/profiles/work/importing");
        if is_killed && !note.exists() {
            return true; // not begun, or all done
        }
        let again = is_killed.then(|| sandbox.clauth(&import[1..]));
        assert!(again.is_none_or(|again| again.code() == Some(0)), "{call}");
        assert_eq!((note.exists(), sandbox.read("home/.claude/commands/mine.md").as_str()), (false, "command"), "{call}");
        assert_eq!(login(&sandbox), sandbox.runtime("work").join(".credentials.json"), "{call}");
        is_killed
    });
}

#[test]
fn at_any_renaming_of_an_import_nothing_is_lost() {
    kill_imports(RENAMING);
}

#[test]
fn at_any_removing_of_an_import_nothing_is_lost() {
    kill_imports(REMOVING);
}

#[test]
fn at_any_writing_of_an_import_nothing_is_lost() {
    kill_imports(&format!("{WRITING} {LINKING}"));
}
