//! What the client's settings say that turns a login away: the administrator's, the shared ones, and those of the directory at hand.
//!
//! What an administrator says by the registry, by a profile of macOS or by the service is not looked at.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Finding;
use crate::claude_code::settings::{API_KEY_HELPER, ENV, MANAGED, OF_PROJECT, ORGANIZATIONS};
use crate::claude_code::{self, SETTINGS, STATE};
use crate::context::Context;
use crate::env::to_set_aside;
use crate::sharing::json;
use crate::{env, io, profile, sys};

/// Whose settings they are, and so what they turn away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Administrators,
    /// With whether they are read as this directory's own, too.
    Shared(bool),
    Projects,
    Profiles,
}

/// Only an administrator can mend what an administrator laid down.
const ASK: &str = "ask who looks after this machine to take it out";

pub fn examine(context: &Context) -> Vec<Finding> {
    let Ok(config) = context.config() else { return Vec::new() };
    let hub = context.hub(&config).ok();
    let shared = hub.as_ref().map(|hub| hub.directory.join(SETTINGS));
    let project = env::current_dir().into_iter().flat_map(|directory| OF_PROJECT.map(|name| directory.join(name)));
    let (twice, project): (Vec<_>, Vec<_>) = project.partition(|file| shared.as_ref().is_some_and(|shared| sys::same_file(file, shared)));
    let shared = shared.into_iter().map(|file| (file, Whose::Shared(!twice.is_empty())));
    let managed = managed(Path::new(sys::MANAGED_SETTINGS)).into_iter().map(|file| (file, Whose::Administrators));
    // The client takes settings of an older kind from its state.
    let states = hub.into_iter().map(|hub| (hub.claude_json, Whose::Shared(false)));
    let profiles = profile::names(&context.layout).into_iter().filter_map(|name| profile::load(&context.layout, &name).ok());
    let states = states.chain(profiles.map(|profile| (profile.config_dir.join(STATE), Whose::Profiles)));
    let all = managed.chain(states).chain(shared).chain(project.into_iter().map(|file| (file, Whose::Projects)));
    let overriding: Vec<_> = to_set_aside(&config.keep_env).collect();
    all.flat_map(|(file, whose)| examine_file(&file, whose, &overriding)).collect()
}

/// Returns an administrator's files, in the order in which the client reads them.
fn managed(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join(MANAGED.1)).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_read = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".json") && !name.starts_with('.')
    };
    let mut more: Vec<_> = entries.filter(is_read).collect();
    more.sort();
    std::iter::once(directory.join(MANAGED.0)).chain(more).collect()
}

fn examine_file(file: &Path, whose: Whose, overriding: &[&str]) -> Vec<Finding> {
    let text = io::read_regular(file, claude_code::LIMIT).ok().flatten().unwrap_or_default();
    let file = file.display();
    if text.is_empty() {
        return Vec::new();
    }
    let Ok(state) = io::json::state(&text) else {
        return vec![Finding::problem(format!("{file} is not JSON"), "the client ignores it whole", "correct it")];
    };
    let mut found = Vec::new();
    let is_managed = whose == Whose::Administrators;
    let remedy = |own: &'static str| if is_managed { ASK } else { own };
    let wins = match whose {
        Whose::Administrators => "nothing of a user's can take that back: it wins over the login of every profile",
        Whose::Shared(_) => "it wins over the login of every profile",
        Whose::Projects => "here it wins over the login of every profile",
        Whose::Profiles => "it wins over the login of that profile",
    };
    if let Some(variable) = json::redirects(&state) {
        let why = match whose {
            Whose::Shared(_) => "it would send every profile to one account, so every profile refuses",
            Whose::Administrators => "it sends every profile to one account",
            Whose::Profiles => "it sends that profile to another account, so the profile refuses",
            Whose::Projects => wins,
        };
        found.push(Finding::problem(format!("{file} sets {variable} in its `env` block"), why, remedy("remove that line")));
    }
    let set = |name: &&&str| state.get(ENV).and_then(Value::as_object).is_some_and(|env| env.contains_key(**name));
    let overriding: Vec<_> = overriding.iter().filter(set).copied().collect();
    if !overriding.is_empty() {
        let what = format!("{file} sets {} in its `env` block", overriding.join(", "));
        found.push(Finding::problem(what, wins, remedy("move it to the profile it belongs to: `[env]` in that profile's profile.toml")));
    }
    if state.contains_key(API_KEY_HELPER) {
        let twice = if whose == Whose::Shared(true) { ", which also counts as this directory's own" } else { "" };
        let remedy = remedy("move it to the profile it belongs to: `api_key` in that profile's profile.toml");
        found.push(Finding::problem(format!("{file} has an apiKeyHelper{twice}"), wins, remedy));
    }
    if let Some(organizations) = state.get(ORGANIZATIONS).filter(|_| is_managed) {
        let what = format!("{file} lets only logins of these organizations be used: {organizations}");
        found.push(Finding::note(
            what,
            "no profile of another organization can sign in",
            "nothing, for accounts of these; for others ask who looks after this machine",
        ));
    }
    found
}
