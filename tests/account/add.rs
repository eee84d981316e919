//! `add` with keys, tokens and endpoints: they arrive whole, and are seen nowhere else.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use crate::support::session::signal;
use crate::support::shell::shells_found;
use crate::support::{Holder, Sandbox, Startup, Terminal, wait_until};

const KEY: &str = "sk-ant-api03-SECRET-of-the-gateway";
const GATEWAY: [&str; 5] = ["add", "gw", "--base-url", "https://gateway.example/v1", "--api-key-stdin"];

/// Returns what a profile's client finds in its settings.
fn settings(sandbox: &Sandbox, profile: &str) -> serde_json::Value {
    sandbox.clauth(&["exec", profile, "--", "true"]).success();
    sandbox.assert_no_helpers_left();
    serde_json::from_str(&fs::read_to_string(sandbox.runtime(profile).join("settings.json")).unwrap()).unwrap()
}

#[test]
fn a_key_and_an_endpoint_reach_the_client_by_its_settings() {
    let sandbox = Sandbox::new();
    let told = sandbox.clauth_with_input(&GATEWAY, format!("{KEY}\n")).success();
    assert_eq!(told.complaint(), "the profile gw is ready and has its key; bind a directory with `clauth use gw`");
    let settings = settings(&sandbox, "gw");
    assert_eq!(settings["env"]["ANTHROPIC_BASE_URL"], "https://gateway.example/v1");
    let helper = settings["apiKeyHelper"].as_str().unwrap();
    assert_eq!(sandbox.script("/bin/sh", helper).success().stdout(), format!("{KEY}\n"));
    let file = sandbox.path("home/.clauth/profiles/gw/profile.toml");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(!sandbox.read("home/.claude/settings.json").contains("gateway"), "the hub's settings are everybody's");
}

#[test]
fn a_token_becomes_the_profiles_login() {
    let sandbox = Sandbox::new();
    let told = sandbox.clauth_with_input(&["add", "ci", "--token-stdin"], "sk-ant-oat01-LONG\r\n").success();
    assert_eq!(told.complaint(), "the profile ci is ready and has its token; bind a directory with `clauth use ci`");
    let login = sandbox.runtime("ci").join(".credentials.json");
    assert_eq!(fs::metadata(&login).unwrap().mode() & 0o777, 0o600);
    let login: serde_json::Value = serde_json::from_slice(&fs::read(login).unwrap()).unwrap();
    assert_eq!((&login["claudeAiOauth"]["accessToken"], &login["claudeAiOauth"]["refreshToken"]), (&json!("sk-ant-oat01-LONG"), &json!(null)));
    assert_eq!(sandbox.clauth(&["list", "--json"]).success().json()["profiles"][0]["signed_in"], true);
    assert_eq!(settings(&sandbox, "ci"), json!({}), "it is a login, and no setting");
    assert!(!sandbox.read("home/.clauth/profiles/ci/profile.toml").contains("LONG"));
}

#[test]
fn a_secret_is_in_no_output_argument_environment_or_log() {
    let sandbox = Sandbox::new();
    let mut adding = sandbox.command("clauth");
    let mut adding = adding.args(GATEWAY).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    adding.stdin.as_mut().unwrap().write_all(KEY.as_bytes()).unwrap();
    let seen = |pid: u32| ["cmdline", "environ"].map(|file| String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{file}")).unwrap()).into_owned());
    wait_until("it is clauth that waits for the rest", || seen(adding.id())[0].contains("--api-key-stdin"));
    assert!(!seen(adding.id()).concat().contains(KEY));
    let said = adding.wait_with_output().unwrap();
    assert!(said.status.success() && !String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).contains(KEY));

    let project = sandbox.bind("project", "gw");
    let user = Holder::exec(&sandbox, "gw");
    wait_until("the lease is there", || sandbox.clauth(&["list", "--json"]).json()["profiles"][0]["in_use_by"] == 1);
    for process in sandbox.processes() {
        // One that has ended meanwhile shows nothing either.
        let files = ["cmdline", "environ"].map(|file| fs::read(format!("/proc/{}/{file}", process.id)).unwrap_or_default());
        assert!(!String::from_utf8_lossy(&files.concat()).contains(KEY), "{process:?}");
    }
    let pid = user.pid().to_string();
    let commands: &[&[&str]] = &[
        &["list"],
        &["list", "--json"],
        &["status"],
        &["status", "--json"],
        &["env", "gw"],
        &["env", "gw", "--json"],
        &["export", "bash", "--pid", &pid],
        &["exec", "gw", "--", "env"],
        &["start", "gw", "-p"],
        &["add", "GW", "--api-key-stdin"],
        &["add", "other", "--api-key-stdin", "--token-stdin"],
        &["remove", "gw"],
        &["stop"], // `env` has taken a lease for whoever runs this test
    ];
    for arguments in commands {
        let finished = sandbox.clauth_in(&project, arguments);
        assert!(!finished.stdout().contains(KEY) && !finished.stderr().contains(KEY), "{finished:?}");
    }
    drop(user);
    sandbox.assert_no_helpers_left();
    let log = sandbox.session_of("gw").join("helper.log");
    assert!(!fs::read_to_string(log).unwrap().contains(KEY));
}

#[test]
fn a_broken_profile_file_is_told_without_the_key_in_it() {
    let sandbox = Sandbox::new();
    sandbox.clauth_with_input(&GATEWAY, KEY).success();
    let file = sandbox.path("home/.clauth/profiles/gw/profile.toml");
    let whole = fs::read_to_string(&file).unwrap();
    for broken in [format!("api_key = {KEY}\n"), format!("api_key = \"{KEY}\n"), format!("api_key = [\"{KEY}\"]\n"), format!("apikey = \"{KEY}\"\n")]
    {
        fs::write(&file, whole.replace(&format!("api_key = \"{KEY}\"\n"), &broken)).unwrap();
        for command in [&["exec", "gw", "--", "true"][..], &["list"], &["api-key", "gw"]] {
            let finished = sandbox.clauth(command);
            assert!(finished.stderr().contains("profile.toml:") && !finished.stderr().contains("SECRET"), "{broken}: {finished:?}");
        }
    }
}

#[test]
fn what_cannot_be_a_key_is_refused_unseen_and_leaves_no_profile() {
    let sandbox = Sandbox::new();
    let long = "SECRET".repeat(1000);
    for (input, why) in [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("SECRET with blanks\n", "it has blanks"),
        ("SECRET\nSECRET\n", "it has blanks"),
        ("SECRET\u{1b}[2J", "it has blanks"),
        ("SECRETé", "it has blanks"),
        (&long, "it is over 4 KiB"),
    ] {
        for (flag, what) in [("--api-key-stdin", "API key"), ("--token-stdin", "token")] {
            let refused = sandbox.clauth_with_input(&["add", "gw", flag], input);
            assert!(!refused.stderr().contains("SECRET"), "{refused:?}");
            refused.complains(1, &format!("no {what} came on the standard input ({why}"));
        }
    }
    assert!(!sandbox.path("home/.clauth/profiles/gw").exists());
}

#[test]
fn the_token_of_a_login_goes_to_nobody_else() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.clauth(&["add", "gw", "--base-url", "https://gateway.example"]).complains(1, "add `--api-key-stdin`");
    sandbox.clauth_with_input(&["add", "gw", "--base-url", "https://gateway.example", "--token-stdin"], KEY).complains(1, "is not Anthropic's");
    sandbox.clauth(&["add", "gw", "--base-url", "http://gateway.example", "--api-key-stdin"]).complains(1, "for this machine alone");
    let refused = sandbox.clauth(&["add", "gw", "--base-url", "https://me:SECRET@gateway.example", "--api-key-stdin"]);
    assert!(!refused.stderr().contains("SECRET"), "{refused:?}");
    refused.complains(1, "names no endpoint");
    assert!(!sandbox.path("home/.clauth/profiles/gw").exists());
    sandbox.clauth(&["add", "eu", "--base-url", "https://eu.api.anthropic.com"]).success();
    sandbox.clauth(&["exec", "eu", "--", "true"]).success();

    // An edit of the profile's file says it in three places.
    let project = sandbox.bind("project", "work");
    let file = sandbox.path("home/.clauth/profiles/work/profile.toml");
    let plain = fs::read_to_string(&file).unwrap();
    for url in [
        "base_url = \"https://gateway.example\"\n",
        "[env]\nANTHROPIC_BASE_URL = \"https://gateway.example\"\n",
        "[settings.env]\nANTHROPIC_BASE_URL = \"https://api.anthropic.com.evil.example\"\n",
    ] {
        fs::write(&file, plain.clone() + url).unwrap();
        sandbox.clauth(&["exec", "work", "--", "true"]).complains(125, "the token of a login would go there");
        sandbox.clauth(&["start", "work"]).complains(125, "put the endpoint's `api_key` into");
        let answer = sandbox.clauth_in(&project, &["export", "bash", "--first", "--pid", &std::process::id().to_string()]).success();
        assert!(answer.stdout().contains("/refused/") && answer.stderr().contains("so `claude` refuses here"), "{answer:?}");
        fs::write(&file, format!("api_key = \"{KEY}\"\n{plain}{url}")).unwrap();
        sandbox.clauth(&["exec", "work", "--", "true"]).success();
    }
    sandbox.assert_no_helpers_left();
}

#[test]
fn a_typed_key_is_never_shown_and_the_terminal_sees_again() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(&sandbox, &shells_found()[0], &Startup::bare());
    let line =
        r#"sh -c 'clauth add gw --api-key-stdin; echo "exit $?"; stty -a | tr " ;" "\n\n" | grep -xE -- "-?(echo|icanon|isig)" | tr "\n" " "'"#;
    for (keys, outcome) in [("\u{3}", "exit 1"), ("\u{4}", "exit 1"), ("\r", "exit 1"), ("sk-ant-typoo\u{7f}\r", "exit 0")] {
        terminal.type_line(line);
        terminal.wait_for("API key: ");
        terminal.send(keys);
        let shown = terminal.wait_for_prompt();
        assert!(shown.contains(outcome) && shown.contains("isig icanon echo"), "{keys:?}: {shown}");
    }
    // Ended from outside, it still leaves a terminal that sees.
    terminal.type_line(&line.replace("gw", "other"));
    terminal.wait_for("API key: ");
    let asking = sandbox.processes().into_iter().find(|process| process.command_line.starts_with("clauth")).unwrap();
    signal(asking.id.cast_unsigned(), Signal::TERM);
    let shown = terminal.wait_for_prompt();
    assert!(shown.contains("exit 143") && shown.contains("isig icanon echo"), "{shown}");
    assert!(!terminal.transcript().contains("typo"), "{}", terminal.transcript());
    assert_eq!(sandbox.clauth(&["api-key", "gw"]).success().stdout(), "sk-ant-typo\n");
}
