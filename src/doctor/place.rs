//! The shell and the directory at hand.

use super::Finding;
use crate::claude_code::variables::{CLAUDE_CONFIG_DIR, notable};
use crate::context::Context;
use crate::env;
use crate::selection::decide::Loaded;
use crate::selection::{Outcome, bound_here};
use crate::shell::command_line;

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
    for (name, does) in notable().filter(|(name, _)| context.env.non_empty(name).is_some()) {
        found.push(Finding::note(
            format!("{name} is set in this shell"),
            "a profile's login may not be what `claude` uses",
            format!("unset it, unless you mean it: {does}"),
        ));
    }
    let here = env::current_dir().map(|directory| bound_here(&context.layout, &config, &directory).outcome);
    if let (Ok(Outcome::Bound(profile)), Loaded::Nothing, false) = (&here, &loaded, context.env.disabled()) {
        found.push(Finding::note(
            format!("this directory asks for {}, and this shell has nothing loaded", profile.name),
            "`claude` uses another account here",
            "press Enter and look again; where that changes nothing this shell has no hook, as a login shell whose file does not read ~/.bashrc",
        ));
    }
    if let (Some(own), Loaded::Nothing) = (context.env.non_empty(CLAUDE_CONFIG_DIR), loaded) {
        found.push(Finding::note(
            format!("CLAUDE_CONFIG_DIR is {}, set by you and not by clauth", own.display()),
            "where nothing is bound, that directory is used",
            format!("`{} NAME` makes it a profile", command_line(["clauth".as_ref(), "import".as_ref(), own])),
        ));
    }
    found
}
