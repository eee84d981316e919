//! The shell and the directory at hand.

use super::Finding;
use crate::context::Context;
use crate::env::variable::CLAUDE_CONFIG_DIR;
use crate::project::decide::Loaded;

pub fn examine(context: &Context) -> Vec<Finding> {
    let Ok(config) = context.config() else { return Vec::new() };
    let mut found = Vec::new();
    let overriding: Vec<_> = context.env.winning(&config.keep_env).collect();
    let loaded = context.loaded();
    if loaded != Loaded::Nothing && !overriding.is_empty() {
        found.push(Finding::problem(
            format!("{} is set in this shell, which has a profile loaded", overriding.join(", ")),
            "it wins over the profile's login",
            "press Enter at a prompt with the hook, or unset it; `keep_env` keeps one on purpose",
        ));
    }
    if let (Some(own), Loaded::Nothing) = (context.env.non_empty(CLAUDE_CONFIG_DIR), loaded) {
        let own = own.to_string_lossy();
        found.push(Finding::note(
            format!("CLAUDE_CONFIG_DIR is {own}, set by you and not by clauth"),
            "where nothing is bound, that directory is used",
            format!("`clauth import {own} NAME` makes it a profile"),
        ));
    }
    found
}
