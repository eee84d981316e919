//! What the client's settings say that turns a login away: the shared ones, and those of the directory at hand.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Finding;
use crate::context::Context;
use crate::env::watched;
use crate::sync::{self, State};
use crate::{env, io, sys};

/// What a project's settings are called in the directory where the client starts.
const OF_PROJECT: [&str; 2] = [".claude/settings.json", ".claude/settings.local.json"];

/// Whose settings they are, and so what they turn away.
struct Settings {
    file: PathBuf,
    is_shared: bool,
    /// Whether the shared ones are read as this directory's own, too.
    is_twice: bool,
}

pub fn examine(context: &Context) -> Vec<Finding> {
    let Ok(config) = context.config() else { return Vec::new() };
    let shared = context.hub(&config).ok().map(|hub| hub.directory.join("settings.json"));
    let project = env::current_dir().into_iter().flat_map(|directory| OF_PROJECT.map(|name| directory.join(name)));
    let (twice, project): (Vec<_>, Vec<_>) = project.partition(|file| shared.as_ref().is_some_and(|shared| sys::same_file(file, shared)));
    let shared = shared.into_iter().map(|file| Settings { file, is_shared: true, is_twice: !twice.is_empty() });
    let all = shared.chain(project.into_iter().map(|file| Settings { file, is_shared: false, is_twice: false }));
    let watched: Vec<_> = watched(&config.keep_env).collect();
    all.flat_map(|settings| examine_file(&settings, &watched)).collect()
}

fn examine_file(settings: &Settings, watched: &[&str]) -> Vec<Finding> {
    let file = shown(&settings.file);
    let text = io::read_regular(&settings.file, sync::LIMIT).ok().flatten().unwrap_or_default();
    if text.is_empty() {
        return Vec::new();
    }
    let Ok(state) = serde_json::from_slice::<State>(&text) else {
        return vec![Finding::problem(format!("{file} is not JSON"), "the client ignores it whole", "correct it")];
    };
    let mut found = Vec::new();
    let wins = if settings.is_shared { "it wins over the login of every profile" } else { "here it wins over the login of every profile" };
    if sync::redirects(&state) {
        let why = if settings.is_shared { "it would send every profile to one account, so every profile refuses" } else { wins };
        found.push(Finding::problem(format!("{file} sets CLAUDE_CONFIG_DIR in its `env` block"), why, "remove that line"));
    }
    let set = |name: &&&str| state.get("env").and_then(Value::as_object).is_some_and(|env| env.contains_key(**name));
    let overriding: Vec<_> = watched.iter().filter(set).copied().collect();
    if !overriding.is_empty() {
        let what = format!("{file} sets {} in its `env` block", overriding.join(", "));
        found.push(Finding::problem(what, wins, "move it to the profile it belongs to: `[env]` in that profile's profile.toml"));
    }
    if state.contains_key("apiKeyHelper") {
        let twice = if settings.is_twice { ", which also counts as this directory's own" } else { "" };
        let remedy = "move it to the profile it belongs to: `api_key` in that profile's profile.toml";
        found.push(Finding::problem(format!("{file} has an apiKeyHelper{twice}"), wins, remedy));
    }
    found
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
