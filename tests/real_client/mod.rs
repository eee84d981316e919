//! The real Claude Code client under clauth, against a mock of the services it talks to.

use std::process::Command;

use crate::support::rig::{Freshness, Rig};
use crate::support::{Holder, Sandbox, wait_until};

mod accounts;
mod console;
mod editors;
mod evidence;
mod features;
mod panels;
mod permissions;
mod places;
mod settings_env;
mod sharing;
mod steps;
mod variables;

/// The directories of a world and the accounts that must serve what is asked there; `plain` is bound to nothing.
const DIRECTORIES: [(&str, &str); 3] = [("office", "alice"), ("private-life", "bob"), ("plain", "carol")];

/// Starts a world where alice is signed in to the profile `work`, bob to `personal`, and carol to `~/.claude` itself.
fn world(freshness: Freshness) -> Option<Rig> {
    let rig = Rig::start()?;
    let sandbox = &rig.sandbox;
    for (directory, _) in DIRECTORIES {
        sandbox.mkdir(directory);
    }
    let home = sandbox.home();
    rig.sign_in("carol", &home.join(".claude"), &home.join(".claude.json"), freshness);
    for (profile, directory, account) in [("work", "office", "alice"), ("personal", "private-life", "bob")] {
        let _ = sandbox.clauth(&["add", profile]).success();
        let _ = sandbox.clauth(&["use", profile, "--dir", sandbox.path(directory).to_str().unwrap()]).success();
        let _ = sandbox.clauth(&["exec", profile, "--", "true"]).success(); // makes its config directory
        sandbox.assert_no_helpers_left(); // what a sign-in writes here is written without a lock
        rig.sign_in(account, &sandbox.runtime(profile), &sandbox.runtime(profile).join(".claude.json"), freshness);
    }
    Some(rig)
}

/// Uses a profile for as long as what is returned lives; its tree stands and its helper runs.
fn in_use(sandbox: &Sandbox, profile: &str) -> Holder {
    let holder = Holder::exec(sandbox, profile);
    wait_until("a helper runs", || !sandbox.processes_named(&format!("helper {profile}")).is_empty());
    holder
}

/// Returns the client under a profile, or as it is without clauth.
fn client(sandbox: &Sandbox, profile: Option<&str>, words: &[&str]) -> Command {
    let mut command = sandbox.command(if profile.is_some() { "clauth" } else { "claude" });
    command.args(profile.map_or_else(Vec::new, |profile| vec!["exec", profile, "--", "claude"])).args(words);
    command
}

fn served_by(account: &str) -> String {
    format!("served-by:{account}")
}

/// Returns the client's answers among what was printed; what the prompt says stands around them.
fn answers(text: &str) -> String {
    text.lines().filter(|line| line.starts_with("served-by:")).collect::<Vec<_>>().join("\n")
}
