//! `clauth doctor`: each thing that can be wrong is found, named with its remedy, and mended where that is safe.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use super::setup::startup_file;
use crate::support::files::age;
use crate::support::finished::Finished;
use crate::support::session::may_unshare;
use crate::support::{Sandbox, Shell, wait_until};

/// Returns a sandbox in which nothing is wrong.
fn healthy(profiles: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_profiles(profiles);
    sandbox.program("claude", "#!/bin/sh\n");
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
    let hook = format!("hook     bash: {}\n", sandbox.path("home/.bashrc").display());
    assert_eq!(sandbox.clauth(&["doctor"]).success().stdout(), format!("{hook}nothing is wrong\n"));
    assert_eq!(sandbox.clauth(&["doctor", "--json"]).json()["hooks"][0]["shell"], "bash");
    assert!(!sandbox.path("home/.clauth").exists());
    let sandbox = healthy(&["work", "play"]);
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    for arguments in [&["doctor"][..], &["doctor", "--fix"]] {
        let told = sandbox.clauth(arguments).success();
        assert!(told.stdout().ends_with("nothing is wrong\n") && !told.stdout().contains("mended"), "{told:?}");
    }
}

#[test]
fn a_shell_without_the_hook_is_told_in_a_bound_directory() {
    let sandbox = healthy(&["work"]);
    let bound = sandbox.bind("home/w", "work");
    let told = sandbox.clauth_in(bound, &["doctor"]).success();
    assert!(told.stdout().contains("this directory asks for work, and this shell has nothing loaded"), "{told:?}");
}

#[test]
fn a_missing_hook_client_or_shim_is_found() {
    let sandbox = healthy(&["work"]);
    fs::remove_file(sandbox.path("home/.bashrc")).unwrap();
    assert_found(&sandbox, "prompt hook", "clauth setup");
    for (file, line) in [
        ("home/.zshrc", "eval \"$(clauth hook zsh)\""),
        ("home/.config/fish/config.fish", "clauth hook fish | source"),
        ("home/.config/powershell/profile.ps1", ". ([scriptblock]::Create((& clauth hook pwsh) -join \"`n\"))"),
    ] {
        let file = sandbox.write(file, line);
        sandbox.clauth(&["doctor"]).success();
        fs::remove_file(file).unwrap();
    }
    for before in ["return", "exec true"] {
        sandbox.write("home/.bashrc", format!("{before}\neval \"$(clauth hook bash)\"\n"));
        assert_found(&sandbox, "asks for the prompt hook, and a fresh bash does not have it", "before that line");
    }
    let sandbox = healthy(&["work"]);
    fs::remove_file(sandbox.path("bin/claude")).unwrap();
    assert_found(&sandbox, "`claude` is not on PATH", "npm install");
    let sandbox = healthy(&["work"]);
    sandbox.clauth(&["shim", "install"]).success();
    assert_found(&sandbox, "not the first `claude` on PATH", "first on PATH");
    fs::remove_file(sandbox.path("home/.clauth/bin/claude")).unwrap();
    symlink("/gone/clauth", sandbox.path("home/.clauth/bin/claude")).unwrap();
    assert_found(&sandbox, "a program that is gone", "shim install");
}

/// Runs `clauth doctor` where an administrator has laid down settings: behind a mount that nobody else sees.
fn under_an_administrator(sandbox: &Sandbox, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        sandbox.write(format!("managed/{name}"), text);
    }
    let mut command = sandbox.command("unshare");
    let script = "mount -t tmpfs none /etc && cp -R ../managed /etc/claude-code && exec clauth doctor";
    command.args(["--mount", "/bin/sh", "-e", "-c", script]);
    let told = Finished::run(command);
    fs::remove_dir_all(sandbox.path("managed")).unwrap();
    told.stdout().to_owned()
}

#[test]
fn what_an_administrator_says_is_found() {
    if !cfg!(target_os = "linux") || !may_unshare() {
        return;
    }
    let ask = "ask who looks after this machine";
    let cases = [
        ("managed-settings.json", r#"{"apiKeyHelper": "echo x"}"#, "/etc/claude-code/managed-settings.json has an apiKeyHelper"),
        ("managed-settings.json", r#"{"env": {"ANTHROPIC_BASE_URL": "https://sk-secret.example"}}"#, "sets ANTHROPIC_BASE_URL in its `env` block"),
        ("managed-settings.json", r#"{"env": {"CLAUDE_CONFIG_DIR": "/x"}}"#, "sets CLAUDE_CONFIG_DIR in its `env` block"),
        ("managed-settings.d/10-a.json", r#"{"apiKeyHelper": "echo x"}"#, "managed-settings.d/10-a.json has an apiKeyHelper"),
        ("managed-settings.json", r#"{"forceLoginOrgUUID": ["one", "two"]}"#, r#"of these organizations be used: ["one","two"]"#),
    ];
    for (name, text, what) in cases {
        let told = under_an_administrator(&healthy(&["work"]), &[(name, text)]);
        assert!(told.contains(what) && told.contains(ask) && told.matches("why: ").count() == 1, "{name} {text}: {told}");
        assert!(!told.contains("sk-secret"), "{told}");
    }
    let harmless = [
        ("managed-settings.json", r#"{"model": "opus", "env": {"MINE": "1"}}"#),
        ("managed-settings.d/.hidden.json", r#"{"apiKeyHelper": "echo x"}"#),
        ("managed-settings.d/note.txt", r#"{"apiKeyHelper": "echo x"}"#),
    ];
    assert!(under_an_administrator(&healthy(&["work"]), &harmless).ends_with("nothing is wrong\n"));
}

#[test]
fn settings_that_cannot_work_are_found() {
    let cases = [
        (".clauth/config.toml", "nonsense = 1\n", "config.toml:1:1", "correct"),
        (".clauth/config.toml", "default_profile = \"wrok\"\n", "did you mean `work`", "correct it there"),
        (".clauth/config.toml", "[[rule]]\ndir = \"~/gone\"\nprofile = \"work\"\n", "is not there", "remove the rule"),
        (".claude/settings.json", "{\"env\":{\"CLAUDE_CONFIG_DIR\":\"/x\"}}", "CLAUDE_CONFIG_DIR", "remove that line"),
        (".claude/settings.json", "{\"apiKeyHelper\":\"echo x\"}", "apiKeyHelper", "api_key"),
        (".claude/settings.json", "{\"env\":{\"ANTHROPIC_API_KEY\":\"sk-secret\"}}", "sets ANTHROPIC_API_KEY in its", "[env]"),
        (".claude/settings.json", "{", "is not JSON", "correct"),
        (".claude/settings.local.json", "{\"apiKeyHelper\":\"echo x\"}", "settings.local.json has an apiKeyHelper", "api_key"),
    ];
    for (file, text, what, remedy) in cases {
        let sandbox = healthy(&["work"]);
        sandbox.write(format!("home/{file}"), text);
        assert_found(&sandbox, what, remedy);
        assert!(!sandbox.clauth(&["doctor"]).stdout().contains("sk-secret"));
    }
    let sandbox = healthy(&["work"]);
    sandbox.write("home/.claude/settings.json", "{\"apiKeyHelper\":\"echo x\"}");
    assert_found(&sandbox, "which also counts as this directory's own", "api_key");
    let elsewhere = sandbox.mkdir("elsewhere");
    assert!(!sandbox.clauth_in(elsewhere, &["doctor"]).stdout().contains("also counts"));
}

#[test]
fn the_shells_with_the_hook_are_named_and_those_without_it() {
    Shell::each(|shell| {
        let sandbox = healthy(&["work"]);
        let name = shell.language.name();
        if name == "bash" {
            return;
        }
        sandbox.put_on_path(shell);
        let file = startup_file(shell);
        sandbox.write(file, "");
        let setup = format!("clauth setup --shell {name}");
        assert_found(&sandbox, &format!("{name} has no prompt hook"), &setup);
        sandbox.clauth(&["doctor"]).success();
        // By a file that clauth does not know: a fresh shell is asked.
        let elsewhere = sandbox.write("home/elsewhere.ps1", sandbox.clauth(&["hook", name]).success().stdout());
        sandbox.write(file, format!(". '{}'\n", elsewhere.display()));
        let told = sandbox.clauth(&["doctor"]).success();
        assert!(told.stdout().contains(&format!("hook     {name}: a fresh shell has it\n")), "{told:?}");
        sandbox.clauth(&["setup", "--yes", "--no-shim", "--shell", name]).success();
        let told = sandbox.clauth(&["doctor"]).success();
        assert!(told.stdout().contains(&format!("hook     {name}: {}\n", sandbox.path(file).display())), "{told:?}");
    });
}

#[test]
fn a_helper_is_named_and_one_that_is_gone_with_what_it_said() {
    let sandbox = healthy(&["work"]);
    let mut user = sandbox.command("clauth").args(["exec", "work", "--", "sh", "-c", "touch ~/began; exec sleep 600"]).spawn().unwrap();
    // Until then another helper would be started in the place of the one that is killed here.
    wait_until("the session has begun", || sandbox.path("home/began").exists());
    let is_named = || sandbox.clauth(&["doctor"]).stdout().contains("helper   work: pid ");
    wait_until("the helper is named", is_named);
    let log = sandbox.session_of("work").join("helper.log");
    sandbox.write(&log, "clauth: could not do this\nclauth: could not do that\u{1b}[31m\n");
    sandbox.clauth(&["doctor"]).success();
    for helper in sandbox.helpers() {
        kill_process(Pid::from_raw(helper).unwrap(), Signal::KILL).unwrap();
    }
    wait_until("it is gone", || !is_named());
    assert_found(&sandbox, "its helper does not run; the last it said: could not do that", log.to_str().unwrap());
    assert!(sandbox.clauth(&["doctor"]).stdout().contains("that\\u{1b}[31m\n"), "nothing that a terminal obeys");
    user.kill().unwrap();
    user.wait().unwrap();
}

#[test]
fn a_lock_that_a_client_left_at_the_hub_is_removed() {
    for lock in ["home/.claude.json.lock", "home/.claude.lock", "home/.claude/.oauth_refresh.lock"] {
        let sandbox = healthy(&["work"]);
        let lock = sandbox.mkdir(lock);
        age(&lock, 600);
        assert_mended(&sandbox, lock.to_str().unwrap());
        assert!(!lock.exists());
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
fn two_tokens_that_cannot_be_refreshed_are_no_copies_of_one_login() {
    let sandbox = healthy(&[]);
    for name in ["one", "two"] {
        sandbox.clauth_with_input(&["add", name, "--token-stdin"], format!("sk-ant-oat01-{name}")).success();
        sandbox.clauth(&["exec", name, "--", "true"]).success();
    }
    let told = sandbox.clauth(&["doctor"]).success();
    assert!(!told.stdout().contains("copies of one login"), "{told:?}");
}

#[test]
fn what_no_table_knows_is_listed_and_left_alone() {
    let sandbox = healthy(&["work"]);
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    let runtime = sandbox.runtime("work");
    sandbox.write(runtime.join("of-a-new-client.json"), "{}");
    sandbox.write(runtime.join(".claude.json"), r#"{"newSubscriptionThing": 1, "theme": "dark", "mark": 2}"#);
    let told = sandbox.clauth(&["doctor"]);
    let expected = "work has what clauth does not know: newSubscriptionThing in .claude.json, of-a-new-client.json";
    assert_eq!(told.stdout().matches(expected).count(), 1, "{told:?}");
    assert!(runtime.join("of-a-new-client.json").exists());
}

#[test]
fn a_console_login_of_the_whole_machine_is_named() {
    let mut sandbox = healthy(&["work"]);
    sandbox.sign_in_to_console("home/.config/anthropic", "console@example.com");
    let told = sandbox.clauth(&["doctor"]).success();
    let named = |directory: PathBuf| format!("a Console account is signed in at {}", directory.display());
    assert!(told.stdout().contains(&named(sandbox.path("home/.config/anthropic"))) && !told.stdout().contains("sk-ant"), "{told:?}");
    sandbox.sign_in_to_console("elsewhere", "console@example.com");
    sandbox.set_variable("ANTHROPIC_CONFIG_DIR", sandbox.path("elsewhere"));
    for arguments in [&["doctor"][..], &["exec", "work", "--", "clauth", "doctor"]] {
        let told = sandbox.clauth(arguments).success();
        assert!(told.stdout().contains(&named(sandbox.path("elsewhere"))), "{told:?}");
    }
    // What is broken there is none.
    for (file, text) in [("credentials/default.json", ""), ("configs/default.json", "{"), ("active_config", "other")] {
        sandbox.sign_in_to_console("elsewhere", "console@example.com");
        sandbox.write(format!("elsewhere/{file}"), text);
        let told = sandbox.clauth(&["doctor"]);
        assert!(!told.stdout().contains(&named(sandbox.path("elsewhere"))), "{file}: {told:?}");
    }
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
    age(&lock, 600);
    assert_mended(&sandbox, ".claude.json.lock");
    assert!(!lock.exists());
}

#[test]
fn links_that_are_cut_are_made_again_and_what_was_written_is_shared() {
    let sandbox = healthy(&["work"]);
    sandbox.write("home/.claude/CLAUDE.md", "shared");
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    let link = sandbox.runtime("work").join("CLAUDE.md");
    fs::remove_file(&link).unwrap();
    fs::write(&link, "newer").unwrap();
    assert_mended(&sandbox, "CLAUDE.md");
    assert_eq!((sandbox.read("home/.claude/CLAUDE.md").as_str(), link.is_symlink()), ("newer", true));
}
