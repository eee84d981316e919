//! `env` in the client's files: the client assigns it over its environment, and so over what clauth exported.
//!
//! A profile cannot be kept from it by a variable. So it refuses, or `doctor` names the file.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::evidence::{Kind, assert_nobody, make_anthropic_profile, senders, tokens};
use super::{client, world};
use crate::support::finished::Finished;
use crate::support::rig::{Freshness, Rig, read_json};

/// Sets one variable in the `env` of a file, and nothing else there.
fn set(rig: &Rig, file: &Path, name: &str, value: &str) {
    let mut content = read_json(file);
    content["env"] = json!({ name: value });
    rig.sandbox.write(file, content.to_string());
}

fn settings(rig: &Rig) -> PathBuf {
    rig.sandbox.home().join(".claude/settings.json")
}

/// Returns what `doctor` says in bob's directory about this file.
fn doctor(rig: &Rig, file: &Path) -> String {
    let told = rig.sandbox.clauth_in(rig.sandbox.path("private-life"), &["doctor"]);
    let of_file = |line: &&str| line.contains(file.to_str().unwrap());
    told.stdout().lines().filter(of_file).collect()
}

#[test]
fn a_config_directory_in_the_shared_settings_is_refused_and_told() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let [..] = tokens(&rig, "mallory");
    let file = settings(&rig);
    set(&rig, &file, "CLAUDE_CONFIG_DIR", rig.sandbox.path("elsewhere/mallory").to_str().unwrap());
    let before = rig.requests().len();
    let refused = Finished::run(client(&rig.sandbox, Some("personal"), &["-p", "hi"])).exits_with(125);
    assert!(refused.stderr().contains("CLAUDE_CONFIG_DIR"), "{refused:?}");
    assert_nobody(&rig, before, "CLAUDE_CONFIG_DIR in the shared settings");
    assert!(doctor(&rig, &file).contains("CLAUDE_CONFIG_DIR"));
}

#[test]
fn a_variable_in_the_shared_settings_that_wins_over_a_login_is_told() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let [token, _] = tokens(&rig, "mallory");
    let file = settings(&rig);
    let place = rig.sandbox.path("elsewhere/mallory").to_str().unwrap().to_owned();
    for (name, value) in [("ANTHROPIC_AUTH_TOKEN", token), ("CLAUDE_SECURESTORAGE_CONFIG_DIR", place)] {
        set(&rig, &file, name, &value);
        let before = rig.requests().len();
        let _ = Finished::run(client(&rig.sandbox, Some("personal"), &["-p", "hi"])).success();
        assert_eq!(senders(&rig.requests()[before..]), ["mallory".to_owned()].into(), "{name}: the client does as it is told");
        assert!(doctor(&rig, &file).contains(name), "{name}");
    }
}

/// Asserts that bob's profile refuses with this variable in the `env` of this file, or that `doctor` names both.
#[track_caller]
fn assert_refused_or_told(rig: &Rig, file: &Path, name: &str, value: &str) {
    set(rig, file, name, value);
    let told = doctor(rig, file);
    let before = rig.requests().len();
    let finished = Finished::run(client(&rig.sandbox, Some("personal"), &["-p", "hi"]));
    let heard = senders(&rig.requests()[before..]);
    let is_refused = finished.code() == Some(125) && heard.is_empty();
    assert!(is_refused || told.contains(name), "{name} in {}: {heard:?} serves, and doctor says nothing", file.display());
}

#[test]
fn a_config_directory_in_the_shared_state_is_refused_or_told() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let [..] = tokens(&rig, "mallory");
    let place = rig.sandbox.path("elsewhere/mallory").to_str().unwrap().to_owned();
    assert_refused_or_told(&rig, &rig.sandbox.home().join(".claude.json"), "CLAUDE_CONFIG_DIR", &place);
}

#[test]
fn a_variable_in_a_state_that_wins_over_a_login_is_refused_or_told() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let [token, _] = tokens(&rig, "mallory");
    assert_refused_or_told(&rig, &rig.sandbox.runtime("personal").join(".claude.json"), "ANTHROPIC_AUTH_TOKEN", &token);
    assert_refused_or_told(&rig, &rig.sandbox.home().join(".claude.json"), "ANTHROPIC_AUTH_TOKEN", &token);
}

#[test]
fn a_directory_of_anthropic_profiles_in_the_shared_settings_or_state_is_refused_or_told() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let directory = rig.sandbox.path("elsewhere/anthropic");
    make_anthropic_profile(&rig, &directory, "mallory", Kind::Federation);
    for file in [settings(&rig), rig.sandbox.home().join(".claude.json")] {
        assert_refused_or_told(&rig, &file, "ANTHROPIC_CONFIG_DIR", directory.to_str().unwrap());
    }
}

/// What a cloned repository brings itself is in nobody's environment: only the shim, which starts no client, can refuse it.
#[test]
fn a_key_in_the_settings_of_a_refused_directory_serves_nobody_through_the_shim() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    let cloned = sandbox.mkdir("cloned");
    sandbox.write("cloned/.clauth.toml", "profile = \"personal\"\n");
    let settings = sandbox.write("cloned/.claude/settings.json", json!({"env": {"ANTHROPIC_API_KEY": "sk-ant-api-mallory"}}).to_string());
    let before = rig.requests().len();
    let _ = sandbox.clauth(&["shim", "install"]).success();
    let mut shim = sandbox.command(sandbox.path("home/.clauth/bin/claude"));
    let _ = Finished::run({
        shim.current_dir(&cloned).args(["-p", "hi"]);
        shim
    })
    .failure();
    assert_nobody(&rig, before, "a key in the project's settings");
    let told = sandbox.clauth_in(&cloned, &["doctor"]);
    assert!(told.stdout().contains(&format!("{} sets ANTHROPIC_API_KEY", settings.display())), "{told:?}");
}
