//! `add`, `list` and `remove`.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use serde_json::json;

use crate::support::commands::TOKENS;
use crate::support::files::{everything_below, files_below};
use crate::support::shell::shells_found;
use crate::support::{Holder, Sandbox, Startup, Terminal, wait_until};

/// Returns the one directory of what a removed profile left behind.
fn rescued(sandbox: &Sandbox) -> PathBuf {
    let times: Vec<_> = fs::read_dir(sandbox.path("home/.clauth/rescued/work")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(times.len(), 1, "{times:?}");
    times[0].clone()
}

#[test]
fn list_shows_the_account_of_home_too_and_what_applies_here() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let bound = sandbox.bind("project", "work");
    let told = sandbox.clauth(&["list"]).success();
    let of_home = format!("default: me@home.example · home · max, the account of {}", sandbox.path("home/.claude").display());
    assert_eq!(told.stdout().lines().last().unwrap(), of_home.clone() + ", which applies here");
    let told = sandbox.clauth_in(&bound, &["list"]).success();
    assert_eq!(told.stdout(), format!("work  not signed in  applies here\n{of_home}\n"));
    let listed = sandbox.clauth_in(&bound, &["list", "--json"]).success().json();
    assert_eq!(
        (&listed["default"]["account"], &listed["default"]["here"], &listed["profiles"][0]["here"]),
        (&json!("me@home.example"), &json!(false), &json!(true))
    );
    // Revoked, it says so.
    sandbox.write("home/.claude/.credentials.json", r#"{"claudeAiOauth": {"accessToken": "", "refreshToken": ""}}"#);
    assert!(sandbox.clauth(&["list"]).success().stdout().contains("default: me@home.example: sign in again"));
}

#[test]
fn a_new_profile_needs_no_login() {
    let sandbox = Sandbox::new();
    let told = sandbox.clauth(&["add", "work"]).success();
    assert_eq!(told.stdout(), "");
    assert!(told.complaint().contains("clauth use work"), "{told:?}");
    assert_eq!(sandbox.clauth(&["list"]).success().profiles(), "work  not signed in\n");
    assert_eq!(sandbox.clauth(&["start", "work"]).success().stdout(), sandbox.claude_says(Some("work")));
    // Nobody's login is copied.
    assert!(!sandbox.runtime("work").join(".credentials.json").exists());
}

#[test]
fn names_are_unique_ignoring_case_and_default_is_reserved() {
    let sandbox = Sandbox::with_profiles(&["Work"]);
    for name in ["Work", "work", "WORK"] {
        sandbox.clauth(&["add", name]).complains(1, "the profile `Work` exists already");
    }
    for name in ["default", "DEFAULT", "Default"] {
        sandbox.clauth(&["add", name]).complains(1, "is reserved");
    }
    let longest = "x".repeat(64);
    sandbox.clauth(&["add", &longest]).success();
    sandbox.clauth(&["add", &(longest + "x")]).complains(1, "is not a profile name");
    assert_eq!(sandbox.clauth(&["list", "--json"]).success().json()["profiles"].as_array().unwrap().len(), 2);
}

#[test]
fn without_claude_code_there_is_nothing_to_share() {
    let sandbox = Sandbox::new();
    fs::remove_dir_all(sandbox.path("home/.claude")).unwrap();
    sandbox.clauth(&["add", "work"]).complains(1, "install Claude Code and run `claude` once, or set `claude_home`");
    assert!(!sandbox.path("home/.clauth/profiles").exists());
    sandbox.write("home/.claude", "a file");
    sandbox.clauth(&["add", "work"]).complains(1, "there is no Claude Code config directory at");
}

#[test]
fn list_tells_who_is_signed_in_and_what_is_used() {
    let mut sandbox = Sandbox::new();
    sandbox.set_variable("TZ", "UTC0");
    let empty = sandbox.clauth(&["list"]).success();
    assert_eq!((empty.profiles(), empty.complaint()), (String::new(), "there is no profile yet; make one with `clauth add NAME`"));
    assert!(empty.stdout().starts_with("default: me@home.example"), "{empty:?}");
    assert_eq!(sandbox.clauth(&["list", "--json"]).success().json()["profiles"], json!([]));

    for name in ["work", "b", "revoked"] {
        sandbox.clauth(&["add", name]).success();
    }
    sandbox.sign_in("work", "me@corp.example");
    // As the client leaves a login that was revoked.
    sandbox.sign_in("revoked", "old@corp.example");
    sandbox.write(sandbox.runtime("revoked").join(".credentials.json"), r#"{"claudeAiOauth": {"accessToken": "", "refreshToken": ""}}"#);
    let _user = Holder::exec(&sandbox, "work");
    wait_until("the lease is there", || sandbox.clauth(&["list", "--json"]).json()["profiles"][2]["in_use_by"] == 1);
    assert_eq!(
        sandbox.clauth(&["list"]).success().profiles(),
        "b        not signed in\nrevoked  old@corp.example: sign in again\n\
         work     me@corp.example                  Corp  token until 2100-01-01 00:00  in use by 1\n"
    );
    let listed = sandbox.clauth(&["list", "--json"]).success().json();
    let work = json!({
        "name": "work", "account": "me@corp.example", "organization": "Corp", "plan": null, "signed_in": true, "login_ended": false,
        "other_account": false, "token_expires_at": "2100-01-01T00:00:00Z", "api_key": false, "in_use_by": 1,
        "config_dir": sandbox.runtime("work"), "here": false,
    });
    assert_eq!(listed["profiles"][2], work);
    assert_eq!((&listed["profiles"][1]["signed_in"], &listed["profiles"][0]["account"]), (&json!(false), &json!(null)));
}

#[test]
fn one_broken_profile_does_not_hide_the_others() {
    let sandbox = Sandbox::with_profiles(&["a", "b", "c"]);
    let file = sandbox.write("home/.clauth/profiles/b/profile.toml", "config_dir = 7\n");
    let told = sandbox.clauth(&["list"]).success();
    assert_eq!(told.profiles(), "a  not signed in\nc  not signed in\n");
    assert!(told.complaint().starts_with(&format!("{}:1:14: ", file.display())), "{told:?}");
    sandbox.clauth(&["exec", "b", "--", "true"]).complains(125, "profile.toml:1:14: ");
}

#[test]
fn remove_asks_first_and_needs_a_terminal_or_yes() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    let refused = sandbox.clauth(&["remove", "work"]).failure();
    let lines: Vec<_> = refused.stderr().lines().collect();
    assert!(lines.len() == 2 && lines[1].ends_with("answer `y`, or pass `--yes`"), "{refused:?}");
    let mut terminal = Terminal::start(&sandbox, &shells_found()[0], &Startup::bare());
    for answer in ["n\r", "\r", "yeah\r"] {
        terminal.type_line("clauth remove work");
        terminal.wait_for("remove the profile work? [y/N] ");
        terminal.send(answer);
        assert!(terminal.wait_for_prompt().contains("was not confirmed, so nothing changed"));
        assert!(sandbox.runtime("work").is_dir());
    }
    terminal.type_line("clauth remove work");
    terminal.wait_for("[y/N] ");
    terminal.send("y\r");
    assert!(terminal.wait_for_prompt().contains("clauth: the profile work is removed"));
    assert!(!sandbox.path("home/.clauth/profiles/work").exists());
}

#[test]
fn remove_says_what_it_would_do() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let plan = |arguments: &[&str]| sandbox.clauth(&[&["remove", "work"], arguments].concat()).failure().stderr().lines().next().unwrap().to_owned();
    assert!(plan(&[]).starts_with("clauth: ~/.claude gets 0 shared files, ") && plan(&[]).contains(" gets 0 files of its own"), "{}", plan(&[]));
    assert!(plan(&[]).ends_with("; there is no login"));
    sandbox.sign_in("work", "me@corp.example");
    sandbox.write(sandbox.runtime("work").join("projects/-p/a.jsonl"), "{}");
    sandbox.write(sandbox.runtime("work").join("plans/b.md"), "");
    // One that the hub has, too, by another name of the same file.
    sandbox.write("home/.claude/plans/c.md", "both");
    fs::hard_link(sandbox.path("home/.claude/plans/c.md"), sandbox.runtime("work").join("plans/c.md")).unwrap();
    assert!(plan(&[]).starts_with("clauth: ~/.claude gets 2 shared files, ") && plan(&[]).contains(" gets 1 file of its own; "), "{}", plan(&[]));
    assert!(plan(&[]).ends_with(" work` takes it back (--delete-login deletes it)") && plan(&[]).contains(": `clauth import /"), "{}", plan(&[]));
    assert!(plan(&["--delete-login"]).ends_with("; the login is deleted"));
    sandbox.sign_in_to_console("home/.clauth/profiles/work/anthropic", "console@example.com");
    assert!(plan(&[]).ends_with("; the sign-in of the Console account is kept there too (--delete-login deletes it)"), "{}", plan(&[]));
    assert!(plan(&["--delete-login"]).ends_with("; the sign-in of the Console account is deleted"), "{}", plan(&[]));
}

#[test]
fn a_profile_in_use_is_not_removed() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let user = Holder::exec(&sandbox, "work");
    wait_until("the lease is there", || sandbox.clauth(&["list", "--json"]).json()["profiles"][0]["in_use_by"] == 1);
    sandbox.clauth(&["remove", "work", "--yes"]).complains(1, &format!("is in use by exec {}; ", user.pid()));
    let ended = user.pid();
    drop(user);
    // The client's own word counts where no lease does, and a dead client's does not.
    sandbox.assert_no_helpers_left();
    let client = sandbox.write(sandbox.runtime("work").join(format!("sessions/{}.json", std::process::id())), "{}");
    sandbox.clauth(&["remove", "work", "--yes"]).complains(1, &format!("is in use by claude {}; ", std::process::id()));
    fs::rename(&client, client.with_file_name(format!("{ended}.json"))).unwrap();
    sandbox.clauth(&["remove", "work", "--yes"]).success();
}

#[test]
fn remove_loses_nothing() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.clauth(&["exec", "work", "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    sandbox.sign_in("work", "me@corp.example");
    let runtime = sandbox.runtime("work");
    sandbox.write(runtime.join("projects/-p/new.jsonl"), "new");
    // Replaced, as the client saves what it edits; written in place it would be the hub's at once.
    fs::remove_file(runtime.join("projects/-srv-example/session.jsonl")).unwrap();
    sandbox.write(runtime.join("projects/-srv-example/session.jsonl"), "another");
    sandbox.write(runtime.join("projects/-srv-example/same.jsonl"), "same");
    sandbox.write("home/.claude/projects/-srv-example/same.jsonl", "same");
    sandbox.write(runtime.join("sessions/x.json"), "{}");
    sandbox.write(runtime.join("agents/mine.md"), "cut off from its link");
    let hub_before = sandbox.read("home/.claude/projects/-srv-example/session.jsonl");

    sandbox.clauth(&["remove", "work", "--yes"]).success();
    assert!(!sandbox.path("home/.clauth/profiles/work").exists());
    assert_eq!(sandbox.read("home/.claude/projects/-p/new.jsonl"), "new");
    assert_eq!(sandbox.read("home/.claude/agents/mine.md"), "cut off from its link");
    let log = sandbox.read("home/.claude/projects/-srv-example/session.jsonl");
    assert_eq!(log, hub_before + "another\n", "a log gets the lines that it lacks");
    let rescued = rescued(&sandbox);
    let expected = [".claude.json", ".credentials.json", "sessions/x.json"];
    assert_eq!(files_below(&rescued), expected.map(|file| rescued.join(file)), "what both have alike is kept once");
    assert!(fs::read_to_string(rescued.join(".credentials.json")).unwrap().contains(TOKENS[1]));
    // The hub itself is whole: links were taken away, not what they lead to.
    assert_eq!(sandbox.read("home/.claude/CLAUDE.md"), "Be brief.\n");
    assert_eq!(sandbox.clauth(&["list", "--json"]).success().json()["profiles"], json!([]));
}

#[test]
fn a_login_is_deleted_only_when_that_is_asked_for() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let console = "home/.clauth/profiles/work/anthropic";
    sandbox.sign_in_to_console(console, "console@example.com");
    sandbox.clauth(&["remove", "work", "--yes"]).success();
    let kept = files_below(&sandbox.path("home/.clauth/rescued"));
    assert!(kept.iter().any(|file| file.ends_with("profile/anthropic/credentials/default.json")), "{kept:?}");
    fs::remove_dir_all(sandbox.path("home/.clauth/rescued")).unwrap();
    sandbox.clauth(&["add", "work"]).success();
    sandbox.sign_in_to_console(console, "console@example.com");
    sandbox.sign_in("work", "me@corp.example");
    sandbox.clauth(&["remove", "work", "--yes", "--delete-login"]).success();
    let left = files_below(&sandbox.path("home/.clauth"));
    assert!(left.iter().any(|file| file.ends_with(".claude.json")), "{left:?}");
    for file in left {
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert!(!TOKENS.iter().any(|token| text.contains(token)) && !text.contains("sk-ant-console"), "{}", file.display());
    }
}

#[test]
fn a_removed_name_is_free_and_what_was_bound_to_it_refuses() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    sandbox.clauth(&["remove", "work", "--yes"]).success();
    assert_eq!(sandbox.applies(&directory), "refused");
    sandbox.clauth(&["remove", "work", "--yes"]).complains(1, "there is no profile `work`");
    sandbox.clauth(&["add", "Work"]).success();
    assert_eq!(sandbox.applies(&directory), "refused", "a name is spelled as it was added");
    sandbox.clauth(&["remove", "Work", "--yes"]).success();
    sandbox.clauth(&["add", "work"]).success();
    assert_eq!(sandbox.applies(&directory), "work");
}

#[test]
fn an_alias_is_not_removed() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", "[aliases]\nacme = \"work\"\n");
    sandbox.clauth(&["remove", "acme", "--yes"]).complains(1, "there is no profile `acme`");
    assert!(sandbox.path("home/.clauth/profiles/work").is_dir());
}

#[test]
fn whatever_lies_below_clauth_home_is_the_users_alone() {
    let sandbox = Sandbox::new();
    let script = r#"
        set -e; umask 000
        clauth add work; clauth add other; clauth shim install
        mkdir project ignored; cd project; clauth use work
        cd ../ignored; clauth use work; clauth deny; cd ..
        clauth export bash --pid $$; clauth exec work -- true; clauth start work
        eval "$(clauth env work)"; eval "$(clauth env --unset)"
        mkdir -p ~/.clauth/profiles/other/runtime/projects/-p
        clauth exec other -- sh -c 'umask 077; echo x >"$CLAUDE_CONFIG_DIR/.credentials.json"'
        clauth stop; clauth remove other --yes
    "#;
    sandbox.script("/bin/sh", script).success();
    sandbox.assert_no_helpers_left();
    let entries = everything_below(&sandbox.path("home/.clauth"));
    assert!(entries.len() > 20 && entries.iter().any(|path| path.ends_with("session.lock")), "{entries:?}");
    // One directory is made by this very script, not by clauth.
    for path in entries.iter().filter(|path| !path.ends_with("projects/-p")) {
        let meta = fs::symlink_metadata(path).unwrap();
        // The shim and the wrapper are to be run.
        let is_run = ["bin/claude", "bin/claude-wrapper"].iter().any(|program| path.ends_with(program));
        let mode = if meta.is_dir() || is_run { 0o700 } else { 0o600 };
        // A file with more names than one is the hub's too, and has its mode.
        let is_shared = meta.is_symlink() || meta.is_file() && meta.nlink() > 1;
        assert!(is_shared || meta.mode() & 0o7777 == mode, "{}: {meta:?}", path.display());
    }
}

#[test]
fn no_command_says_a_token() {
    let mut sandbox = Sandbox::with_profiles(&["work", "broken"]);
    sandbox.sign_in("work", "me@corp.example");
    let [access, refresh, _] = TOKENS;
    sandbox.write(
        sandbox.runtime("broken").join(".credentials.json"),
        format!("{{\"claudeAiOauth\": {{\"accessToken\": \"{access}\", \"refreshToken\": {refresh}"),
    );
    sandbox.write(sandbox.runtime("broken").join(".claude.json"), format!("{{\"primaryApiKey\": \"{access}\", \"oauthAccount\": \"{refresh}\"}}"));
    sandbox.set_variable("ANTHROPIC_API_KEY", TOKENS[2]);
    sandbox.set_variable("CLAUDE_CODE_OAUTH_TOKEN", access);
    let pid = std::process::id().to_string();
    for (profile, other) in [("work", "broken"), ("broken", "work")] {
        let directory = sandbox.bind(profile, profile);
        let commands = [
            &["status"][..],
            &["status", "--json"],
            &["list"],
            &["list", "--json"],
            &["env", profile],
            &["env", profile, "--shell", "fish"],
            &["env", profile, "--json"],
            &["env", "--unset"],
            &["export", "bash", "--pid", &pid],
            &["export", "fish", "--pid", &pid],
            &["exec", profile, "--", "env"],
            &["start", profile, "-p"],
            &["use", other],
            &["allow"],
            &["deny"],
            &["stop"],
            &["remove", profile],
            &["remove", profile, "--yes"],
        ];
        for arguments in commands {
            let finished = sandbox.clauth_in(&directory, arguments);
            for token in TOKENS {
                assert!(!finished.stdout().contains(token) && !finished.stderr().contains(token), "{finished:?}");
            }
        }
        sandbox.assert_no_helpers_left();
    }
    for log in files_below(&sandbox.path("home/.clauth/run")) {
        let text = fs::read_to_string(log).unwrap();
        assert!(!TOKENS.iter().any(|token| text.contains(token)));
    }
}

#[test]
fn whoever_enters_is_told_how_the_profile_signs_in() {
    let sandbox = Sandbox::with_profiles(&["new", "unnamed", "named"]);
    sandbox.clauth_with_input(&["add", "key", "--api-key-stdin"], "sk-ant-api-own").success();
    sandbox.sign_in("unnamed", "me@corp.example");
    sandbox.write(sandbox.runtime("unnamed").join(".claude.json"), "{}");
    sandbox.sign_in("named", "me@corp.example");
    for (profile, said) in [("new", "not signed in yet"), ("unnamed", "signed in"), ("named", "me@corp.example"), ("key", "API key")] {
        let directory = sandbox.bind(format!("home/{profile}"), profile);
        let told = sandbox.clauth_in(directory, &["export", "bash", "--pid", &std::process::id().to_string()]).success();
        assert_eq!(told.complaint(), format!("{profile} · {said}"));
    }
}

#[test]
fn a_narrow_terminal_shows_a_paragraph_for_each_profile() {
    let sandbox = Sandbox::with_profiles(&["other", "work"]);
    sandbox.sign_in("work", "me@corp.example");
    let shell = shells_found()[0].clone();
    let mut terminal = Terminal::start(&sandbox, &shell, &Startup::bare());
    let mut list = |columns: usize| terminal.run(&format!("stty cols {columns}; clauth list; stty cols 2000")).replace('\r', "");
    let wide = list(100);
    assert_eq!(wide.split("default: ").next().unwrap().trim_end().lines().count(), 2, "{wide}");
    for columns in [20, 30, 40] {
        let narrow = list(columns);
        assert!(narrow.lines().count() > 2 && narrow.lines().all(|line| line.chars().count() <= columns), "{columns}: {narrow}");
        assert!(narrow.contains("\nwork\n  me@corp.example\n  Corp\n"), "{columns}: {narrow}");
    }
    // What is no terminal has room for everything.
    assert!(sandbox.clauth(&["list"]).success().stdout().contains("work   me@corp.example  Corp  token until 2100-01-01"));
}
