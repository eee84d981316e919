//! `clauth doctor`: each thing that can be wrong is found, named with its remedy, and mended where that is safe.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use crate::support::Sandbox;

/// Returns a sandbox in which nothing is wrong.
fn healthy(profiles: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_profiles(profiles);
    sandbox.program("claude", "#!/bin/sh\necho '2.1.329 (Claude Code)'\n");
    sandbox.write("home/.bashrc", "eval \"$(clauth hook bash)\"\n");
    sandbox
}

/// Asserts that just this is found, and that the remedy is named.
#[track_caller]
fn assert_found(sandbox: &Sandbox, what: &str, remedy: &str) {
    let told = sandbox.clauth(&["doctor"]);
    let text = told.stdout();
    assert!(text.contains(what) && text.contains(remedy), "{what}, {remedy}: {text}");
    assert_eq!(text.matches("why: ").count(), 1, "{text}");
    let json = sandbox.clauth(&["doctor", "--json"]).json();
    assert!(json["findings"][0]["what"].as_str().unwrap().contains(what), "{json}");
}

/// Asserts that it is found, and mended by `--fix`.
#[track_caller]
fn assert_mended(sandbox: &Sandbox, what: &str) {
    assert_found(sandbox, what, "doctor --fix");
    let fixed = sandbox.clauth(&["doctor", "--fix"]).success();
    assert!(fixed.stdout().contains("mended") && fixed.stdout().ends_with("nothing is wrong\n"), "{}", fixed.stdout());
}

#[test]
fn where_nothing_is_wrong_it_says_so_and_writes_nothing() {
    let sandbox = healthy(&[]);
    assert_eq!(sandbox.clauth(&["doctor"]).success().stdout(), "nothing is wrong\n");
    assert!(!sandbox.path("home/.clauth").exists());
    let sandbox = healthy(&["work", "play"]);
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    assert_eq!(sandbox.clauth(&["doctor"]).success().stdout(), "nothing is wrong\n");
    assert_eq!(sandbox.clauth(&["doctor", "--fix"]).success().stdout(), "nothing is wrong\n");
}

#[test]
fn a_missing_hook_client_or_shim_is_found() {
    let sandbox = healthy(&["work"]);
    fs::remove_file(sandbox.path("home/.bashrc")).unwrap();
    assert_found(&sandbox, "prompt hook", "clauth setup");
    for file in ["home/.zshrc", "home/.config/fish/config.fish", "home/.config/powershell/profile.ps1"] {
        let file = sandbox.write(file, "clauth hook x");
        sandbox.clauth(&["doctor"]).success();
        fs::remove_file(file).unwrap();
    }
    let sandbox = healthy(&["work"]);
    sandbox.program("claude", "#!/bin/sh\necho '9.9.9 (Claude Code)'\n");
    assert_found(&sandbox, "says 9.9.9", "nothing");
    sandbox.clauth(&["doctor"]).success();
    fs::remove_file(sandbox.path("bin/claude")).unwrap();
    assert_found(&sandbox, "`claude` is not on PATH", "npm install");
    let sandbox = healthy(&["work"]);
    sandbox.clauth(&["shim", "install"]).success();
    assert_found(&sandbox, "not the first `claude` on PATH", "first on PATH");
    fs::remove_file(sandbox.path("home/.clauth/bin/claude")).unwrap();
    symlink("/gone/clauth", sandbox.path("home/.clauth/bin/claude")).unwrap();
    assert_found(&sandbox, "a program that is gone", "shim install");
}

#[test]
fn settings_that_cannot_work_are_found() {
    let cases = [
        (".clauth/config.toml", "nonsense = 1\n", "config.toml:1:1", "correct"),
        (".clauth/config.toml", "default_profile = \"wrok\"\n", "did you mean `work`", "add the profile"),
        (".clauth/config.toml", "[[rule]]\ndir = \"~/gone\"\nprofile = \"work\"\n", "is not there", "remove the rule"),
        (".claude/settings.json", "{\"env\":{\"CLAUDE_CONFIG_DIR\":\"/x\"}}", "CLAUDE_CONFIG_DIR", "remove that line"),
        (".claude/settings.json", "{\"apiKeyHelper\":\"echo x\"}", "apiKeyHelper", "api_key"),
        (".claude/settings.json", "{", "is not JSON", "correct"),
    ];
    for (file, text, what, remedy) in cases {
        let sandbox = healthy(&["work"]);
        sandbox.write(format!("home/{file}"), text);
        assert_found(&sandbox, what, remedy);
    }
}

#[test]
fn variables_that_win_over_a_login_are_found() {
    let mut sandbox = healthy(&["work"]);
    sandbox.set_variable("ANTHROPIC_API_KEY", "sk-secret");
    sandbox.clauth(&["doctor"]).success();
    sandbox.set_variable("CLAUDE_CONFIG_DIR", sandbox.runtime("work"));
    assert_found(&sandbox, "ANTHROPIC_API_KEY", "keep_env");
    assert!(!sandbox.clauth(&["doctor"]).stdout().contains("sk-secret"));
    sandbox.set_variable("CLAUDE_CONFIG_DIR", "/my/own");
    assert_found(&sandbox, "/my/own", "clauth import /my/own NAME");
}

#[test]
fn logins_that_do_not_belong_where_they_lie_are_found_and_not_shown() {
    let login =
        |token: &str, account: &str| format!(r#"{{"claudeAiOauth":{{"accessToken":"a","refreshToken":"{token}","accountUuid":"{account}"}}}}"#);
    let put = |sandbox: &Sandbox, file: &str, text: &str| {
        fs::set_permissions(sandbox.write(format!("home/{file}"), text), Permissions::from_mode(0o600)).unwrap();
    };
    let sandbox = healthy(&["work", "play"]);
    for name in ["work", "play"] {
        fs::create_dir_all(sandbox.runtime(name)).unwrap();
        fs::set_permissions(sandbox.runtime(name), Permissions::from_mode(0o700)).unwrap();
        sandbox.clauth(&["exec", name, "--", "true"]).success();
        put(&sandbox, &format!(".clauth/profiles/{name}/runtime/.credentials.json"), &login("refresh-same", "one"));
    }
    assert_found(&sandbox, "copies of one login", "sign in again");
    assert!(!sandbox.clauth(&["doctor"]).stdout().contains("refresh-same"));
    put(&sandbox, ".clauth/profiles/play/runtime/.credentials.json", &login("refresh-other", "two"));
    sandbox.clauth(&["doctor"]).success();
    put(&sandbox, ".clauth/profiles/play/runtime/.claude.json", r#"{"oauthAccount":{"accountUuid":"one"}}"#);
    assert_found(&sandbox, "play shows one account", "sign in again");
    put(&sandbox, ".clauth/profiles/play/runtime/.claude.json", r#"{"oauthAccount":{"accountUuid":"two"}}"#);
    put(&sandbox, ".clauth/profiles/play/runtime/.credentials.json", "{");
    assert_found(&sandbox, "the login of play cannot be read", "sign in again");
}

#[test]
fn what_others_may_look_at_is_closed_again() {
    let sandbox = healthy(&["work"]);
    let file = sandbox.path("home/.clauth/profiles/work/profile.toml");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    assert_mended(&sandbox, "others may look into");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn locks_that_clients_left_behind_are_removed_and_live_ones_stay() {
    let sandbox = healthy(&["work"]);
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    let lock = sandbox.runtime("work").join(".claude.json.lock");
    fs::create_dir(&lock).unwrap();
    sandbox.clauth(&["doctor", "--fix"]).success();
    assert!(lock.exists(), "somebody may hold it");
    fs::File::open(&lock).unwrap().set_modified(SystemTime::now() - Duration::from_secs(600)).unwrap();
    assert_mended(&sandbox, ".claude.json.lock");
    assert!(!lock.exists());
}

#[test]
fn links_that_are_cut_are_made_again_and_what_was_written_is_shared() {
    let sandbox = healthy(&["work"]);
    sandbox.write("home/.claude/CLAUDE.md", "shared");
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    crate::support::wait_until("the helper is gone", || sandbox.helpers().is_empty());
    let link = sandbox.runtime("work").join("CLAUDE.md");
    fs::remove_file(&link).unwrap();
    fs::write(&link, "newer").unwrap();
    assert_mended(&sandbox, "CLAUDE.md");
    assert_eq!((sandbox.read("home/.claude/CLAUDE.md").as_str(), link.is_symlink()), ("newer", true));
}
