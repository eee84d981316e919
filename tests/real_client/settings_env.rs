//! `env` in the client's files: the client assigns it over its environment, and so over what clauth exported.
//!
//! A profile cannot be kept from it by a variable. So it refuses, or `doctor` names the file.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::evidence::{assert_nobody, senders, tokens};
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
