//! The program, the shim, the client, and the user's settings.

use std::path::Path;

use super::hooks::Judged;
use super::{Finding, bypass};
use crate::claude_code::processes::PROGRAM;
use crate::context::Context;
use crate::profile;
use crate::sys;

pub fn examine(context: &Context, shells: &[Judged]) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(shim(context, shells));
    found.extend(bypass::examine(context, shells));
    found.extend(client(context));
    found.extend(settings(context));
    found
}

fn shim(context: &Context, shells: &[Judged]) -> Option<Finding> {
    let shim = context.layout.shim();
    if std::fs::symlink_metadata(&shim).is_err() {
        return None;
    }
    let why = "editors and scripts would use the account that they use without clauth";
    if !sys::linked_program(&shim).is_ok_and(|program| program.exists()) {
        return Some(Finding::problem(format!("the shim {} leads to a program that is gone", shim.display()), why, "run `clauth shim install`"));
    }
    let is_shim = |first: &Path| sys::same_file(first, &shim);
    // What a new terminal has counts: this one may be older than the lines that `setup` has just written.
    let first: Vec<_> = shells.iter().filter(|one| one.fresh.obstacle.is_none()).filter_map(|one| one.fresh.claude.as_deref()).collect();
    let own = || which::which_in(PROGRAM, Some(context.env.absolute_path()), "/").is_ok_and(|first| is_shim(&first));
    let comes_first = if first.is_empty() { own() } else { first.iter().all(|first| is_shim(first)) };
    (!comes_first).then(|| {
        let bin = context.layout.bin();
        Finding::problem(
            format!("the shim in {} is not the first `claude` on PATH", bin.display()),
            why,
            format!("put {} first on PATH, in a startup file behind all else that changes it; `clauth setup` does so", bin.display()),
        )
    })
}

fn client(context: &Context) -> Option<Finding> {
    let mistake = context.client().err()?;
    Some(Finding::of(&mistake, "clauth chooses its account and does not bring it"))
}

fn settings(context: &Context) -> Vec<Finding> {
    let config = match context.config() {
        Ok(config) => config,
        Err(mistake) => return vec![Finding::of(&mistake, "`claude` refuses in every directory until it is right: each could be meant by it")],
    };
    let file = context.layout.config();
    let mut found = Vec::new();
    for directory in config.ruled_directories() {
        if !directory.is_dir() {
            found.push(Finding::note(
                format!("a rule in {} is about {}, which is not there", file.display(), directory.display()),
                "it never applies",
                "correct its `dir`, or remove the rule",
            ));
        }
    }
    let ruled = config.rules.iter().filter_map(|rule| rule.profile.as_ref());
    for name in ruled.chain(config.aliases.values()).chain(&config.default_profile) {
        if let Err(mistake) = profile::load(&context.layout, config.resolve_alias(&context.layout, name)) {
            let (what, remedy) = mistake.parts();
            let remedy = format!("correct it there, or {remedy}");
            found.push(Finding::problem(format!("{} names it: {what}", file.display()), "where it applies, `claude` refuses", remedy));
        }
    }
    if let Err(mistake) = context.hub(&config) {
        found.push(Finding::of(&mistake, "there is nothing to share"));
    }
    found
}
