//! `clauth status`: where am I, and why.

use serde_json::{Value, json};

use crate::support::finished::Finished;
use crate::support::{Sandbox, wait_until};

/// Returns the text as rows of label and value.
fn rows(finished: Finished) -> Vec<(String, String)> {
    let finished = finished.success();
    assert_eq!(finished.stderr(), "");
    finished.stdout().lines().map(|line| line.split_at(11)).map(|(label, value)| (label.trim_end().into(), value.trim_start().into())).collect()
}

/// Asserts that a row says this, or that there is no such row.
#[track_caller]
fn assert_row(rows: &[(String, String)], label: &str, value: Option<&str>) {
    let found = rows.iter().find(|(one, _)| one == label).map(|(_, value)| value.as_str());
    assert_eq!(found, value, "{rows:?}");
}

#[test]
fn an_unbound_directory_is_told_as_such() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let home = sandbox.home().display().to_string();
    let expected = format!("directory   {home}\nprofile     none: `claude` uses the account it uses without clauth\n");
    assert_eq!(sandbox.clauth(&["status"]).success().stdout(), expected);
    let none = json!({
        "schema": 1, "directory": home, "profile": null, "decided_by": null, "refused": null, "loaded": null, "account": null,
        "organization": null, "plan": null, "signed_in": false, "login_ended": false, "other_account": false, "token_expires_at": null, "api_key": false,
        "config_dir": null, "anthropic_dir": null, "holders": [], "clients": [], "helper": null, "troubles": [], "copies": null, "hard_links": null, "removed_files": null, "overriding": [], "set_aside": [], "ignored": [], "difference": null,
    });
    assert_eq!(sandbox.status(&home), none);
}

#[test]
fn nothing_is_written_by_looking() {
    let sandbox = Sandbox::new();
    sandbox.project("project", "profile = \"work\"\n");
    sandbox.clauth_in(sandbox.path("project"), &["status"]).success();
    sandbox.clauth(&["list"]).success();
    assert!(!sandbox.path("home/.clauth").exists());
}

#[test]
fn a_bound_directory_names_its_file_its_account_and_its_users() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    let below = sandbox.mkdir("project/below");
    let file = directory.join(".clauth.toml").display().to_string();
    let told = rows(sandbox.clauth_in(&below, &["status"]));
    assert_row(&told, "profile", Some("work · not signed in yet: run `claude` here"));
    assert_row(&told, "decided by", Some(&format!("{file} (allowed)")));
    assert_row(&told, "this shell", Some("has nothing loaded; the next prompt with the hook changes that"));
    assert_row(&told, "config dir", sandbox.runtime("work").to_str());
    assert_row(&told, "in use by", Some("nobody"));
    assert_row(&told, "helper", Some("none: starts with the first shell"));
    assert_row(&told, "overridden", None);
    assert_row(&told, "Console", None);

    sandbox.sign_in_to_console("home/.clauth/profiles/work/anthropic", "console@corp.example");
    let told = rows(sandbox.clauth_in(&below, &["status"]));
    assert_row(&told, "profile", Some("work · console@corp.example"));
    assert_row(&told, "login", Some("Console Inc · Console"));
    assert_row(&told, "Console", sandbox.path("home/.clauth/profiles/work/anthropic").to_str());
    sandbox.sign_in("work", "me@corp.example");
    assert_row(&rows(sandbox.clauth_in(&below, &["status"])), "profile", Some("work · me@corp.example"));
    let status = sandbox.status(&below);
    assert_eq!((&status["profile"], &status["decided_by"]), (&json!("work"), &json!(file)));
    assert_eq!((&status["account"], &status["signed_in"]), (&json!("me@corp.example"), &json!(true)));
    assert_eq!((&status["config_dir"], &status["refused"]), (&json!(sandbox.runtime("work")), &Value::Null));
    assert_eq!(status["anthropic_dir"], json!(sandbox.path("home/.clauth/profiles/work/anthropic")));
}

#[test]
fn a_refused_directory_says_why_and_what_to_do() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let cases = [
        ("profile = \"work\"\n", false, "is not allowed yet; run `clauth allow`"),
        ("profile = \"wrok\"\n", true, "there is no profile `wrok` (did you mean `work`?); "),
        ("profil = \"work\"\n", true, ".clauth.toml:1:1: unknown field `profil`"),
    ];
    for (text, trusted, reason) in cases {
        let directory = sandbox.project("project", text);
        let config = if trusted { format!("trusted = [\"{}\"]\n", directory.display()) } else { String::new() };
        sandbox.write("home/.clauth/config.toml", config);
        let told = rows(sandbox.clauth_in(&directory, &["status"]));
        let refused = told.iter().find(|(label, _)| label == "refused").unwrap_or_else(|| panic!("{told:?}"));
        assert!(refused.1.contains(reason), "{told:?}");
        assert_row(&told, "profile", None);
        assert_row(&told, "decided by", directory.join(".clauth.toml").to_str());
        let status = sandbox.status(&directory);
        assert_eq!(status["refused"], refused.1);
        assert_eq!((&status["profile"], &status["config_dir"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn another_directory_can_be_asked_about() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    let told = rows(sandbox.clauth(&["status", "--dir", "../project"]));
    assert_row(&told, "directory", directory.to_str());
    assert_row(&told, "profile", Some("work · not signed in yet: run `claude` here"));
    assert_eq!(sandbox.clauth(&["status", "--json", "--dir", directory.to_str().unwrap()]).success().json()["profile"], "work");
    sandbox.clauth(&["status", "--dir", "nowhere"]).complains(1, "there is no directory or .clauth.toml at nowhere");
}

#[test]
fn the_default_profile_is_named_as_what_decided() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/config.toml", "default_profile = \"work\"\n");
    assert_row(&rows(sandbox.clauth(&["status"])), "decided by", Some("default_profile in config.toml"));
    assert_eq!(sandbox.status(sandbox.home())["decided_by"], "default_profile");
}

#[test]
fn a_choice_by_hand_is_told_but_not_of_another_directory() {
    let sandbox = Sandbox::with_profiles(&["work", "other"]);
    let directory = sandbox.bind("project", "work");
    let within = |arguments: &str| {
        let script = format!("cd '{}'; eval \"$(clauth env other)\"; clauth status {arguments}", directory.display());
        sandbox.script("/bin/sh", &script)
    };
    let told = rows(within(""));
    assert_row(&told, "decided by", Some("this shell's pin; unpin it with `eval \"$(clauth env --unset)\"`"));
    assert_row(&told, "profile", Some("other · not signed in yet: run `claude` here"));
    assert_row(&told, "this shell", None);
    let status = within("--json").success().json();
    assert_eq!((&status["decided_by"], &status["loaded"]), (&json!("pin"), &json!("other")));
    assert_eq!(within("--json --dir .").success().json()["profile"], "work");
}

#[test]
fn what_a_shell_has_loaded_is_told_where_it_differs() {
    let mut sandbox = Sandbox::with_profiles(&["work", "other"]);
    let work = sandbox.bind("work", "work");
    let refused = sandbox.project("refused", "profile = \"work\"\n");
    let cases = [
        (sandbox.runtime("work"), "work", &work, None),
        (sandbox.runtime("other"), "other", &work, Some("has other loaded; the next prompt with the hook changes that")),
        (sandbox.runtime("other"), "other", &sandbox.home(), Some("has other loaded; the next prompt with the hook changes that")),
        (sandbox.path("home/.clauth/refused/run-clauth-status"), "refused", &refused, None),
        (sandbox.path("home/.clauth/refused/x"), "refused", &work, Some("has refused loaded; the next prompt with the hook changes that")),
        ("/mine".into(), "/mine", &sandbox.home(), Some("has a CLAUDE_CONFIG_DIR of your own: /mine")),
    ];
    for (value, loaded, directory, row) in cases {
        sandbox.set_variable("CLAUDE_CONFIG_DIR", &value);
        assert_eq!(sandbox.status(directory)["loaded"], loaded);
        assert_row(&rows(sandbox.clauth_in(directory, &["status"])), "this shell", row);
    }
}

#[test]
fn what_would_win_over_the_login_is_named_and_never_shown() {
    let mut sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    sandbox.write("home/.clauth/config.toml", "keep_env = [\"ANTHROPIC_BASE_URL\"]\n");
    sandbox.set_variable("ANTHROPIC_API_KEY", "sk-value");
    sandbox.set_variable("ANTHROPIC_BASE_URL", "http://kept");
    sandbox.set_variable("ANTHROPIC_AUTH_TOKEN", "");
    sandbox.set_variable("CLAUDE_CODE_USE_BEDROCK", "1");
    let told = rows(sandbox.clauth_in(&directory, &["status"]));
    assert_row(&told, "overridden", Some("ANTHROPIC_API_KEY, CLAUDE_CODE_USE_BEDROCK would win over the login here"));
    let status = sandbox.status(&directory);
    assert_eq!(status["overriding"], json!(["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK"]));
    assert!(!status.to_string().contains("sk-value"));
}

#[test]
fn every_kind_of_user_is_listed_with_the_helper() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    sandbox.program("claude", "#!/bin/sh\nexec sleep 600\n");
    for (kind, arguments) in [("exec", &["exec", "work", "--", "sleep", "600"][..]), ("start", &["start", "work"])] {
        let mut user = sandbox.command("clauth").args(arguments).spawn().unwrap();
        wait_until("the user is listed", || sandbox.status(&directory)["helper"].is_object());
        let status = sandbox.status(&directory);
        assert_eq!(status["holders"], json!([{"pid": user.id(), "kind": kind}]));
        wait_until("one helper runs", || sandbox.helpers() == [i32::try_from(status["helper"]["pid"].as_i64().unwrap()).unwrap()]);
        assert!(status["helper"]["since"].as_u64().unwrap() > 1_700_000_000);
        let told = rows(sandbox.clauth_in(&directory, &["status"]));
        assert_row(&told, "in use by", Some(&format!("{kind} {}", user.id())));
        let helper = told.iter().find(|(label, _)| label == "helper").unwrap();
        assert!(helper.1.starts_with(&format!("pid {}, for ", status["helper"]["pid"])), "{helper:?}");
        user.kill().unwrap();
        user.wait().unwrap();
        sandbox.assert_no_helpers_left();
        let status = sandbox.status(&directory);
        assert_eq!((&status["holders"], &status["helper"]), (&json!([]), &Value::Null));
    }
}

#[test]
fn live_clients_are_told_and_dead_ones_are_not() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    let directory = sandbox.bind("project", "work");
    let mut ended = sandbox.command("true").spawn().unwrap();
    ended.wait().unwrap();
    for pid in [std::process::id(), ended.id()] {
        sandbox.write(sandbox.runtime("work").join(format!("sessions/{pid}.json")), "{}");
    }
    sandbox.write(sandbox.runtime("work").join("sessions/notes.txt"), "");
    assert_eq!(sandbox.status(&directory)["clients"], json!([std::process::id()]));
}

#[test]
fn a_project_whose_settings_name_another_host_is_told_as_refused() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.write("home/.clauth/profiles/work/profile.toml", {
        let file = sandbox.read("home/.clauth/profiles/work/profile.toml");
        format!("{file}base_url = \"https://mine.example\"\napi_key = \"sk-mine\"\n")
    });
    let project = sandbox.bind("project", "work");
    sandbox.write("project/.claude/settings.json", r#"{"env": {"ANTHROPIC_BASE_URL": "https://theirs.example"}}"#);
    let told = sandbox.clauth_in(&project, &["status"]).success();
    assert!(told.stdout().contains("refused") && !told.stdout().contains("config dir"), "{told:?}");
    assert_eq!(sandbox.clauth_in(&project, &["status", "--format", "{profile}"]).success().stdout(), "refused\n");
}
