//! The shell and the directory at hand.

use super::Finding;
use crate::context::Context;
use crate::env;
use crate::env::variable::CLAUDE_CONFIG_DIR;
use crate::io;
use crate::project::decide::Loaded;
use crate::sync;
use crate::sys;

pub fn examine(context: &Context) -> Vec<Finding> {
    let Ok(config) = context.config() else { return Vec::new() };
    let mut found = Vec::new();
    let overriding: Vec<_> = context.env.overriding(&config.keep_env).filter(|name| context.env.non_empty(name).is_some()).collect();
    let has_profile = context.env.non_empty(CLAUDE_CONFIG_DIR).is_some_and(|dir| context.layout.owns(dir));
    if has_profile && !overriding.is_empty() {
        found.push(Finding::problem(
            format!("{} is set in this shell, which has a profile loaded", overriding.join(", ")),
            "it wins over the profile's login",
            "press Enter at a prompt with the hook, or unset it; `keep_env` keeps one on purpose",
        ));
    }
    let value = context.env.non_empty(CLAUDE_CONFIG_DIR);
    if let (Some(own), Loaded::Nothing) = (value, Loaded::from_value(&context.layout, value)) {
        let own = own.to_string_lossy();
        found.push(Finding::note(
            format!("CLAUDE_CONFIG_DIR is {own}, set by you and not by clauth"),
            "where nothing is bound, that directory is used",
            format!("`clauth import {own} NAME` makes it a profile"),
        ));
    }
    let Ok(hub) = context.hub(&config) else { return found };
    let settings = hub.directory.join("settings.json");
    let text = io::read_regular(&settings, sync::LIMIT).ok().flatten().unwrap_or_default();
    let Ok(shared) = serde_json::from_slice::<sync::State>(&text) else {
        if !text.is_empty() {
            found.push(Finding::problem(format!("{} is not JSON", settings.display()), "the client ignores it whole", "correct it"));
        }
        return found;
    };
    if sync::redirects(&shared) {
        found.push(Finding::problem(
            format!("{} sets CLAUDE_CONFIG_DIR in its `env` block", settings.display()),
            "it would send every profile to one account, so every profile refuses",
            "remove that line",
        ));
    }
    if shared.contains_key("apiKeyHelper") {
        let at_home = env::current_dir().ok() == context.env.home_dir().ok().and_then(|home| sys::physical(&home).ok());
        found.push(Finding::problem(
            format!("{} has an apiKeyHelper{}", settings.display(), if at_home { ", which also counts as this directory's own" } else { "" }),
            "its key wins over the login of every profile",
            "move it to the profile it belongs to: `api_key` in that profile's profile.toml",
        ));
    }
    found
}
