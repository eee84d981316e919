//! What of the client is nobody's to share: names and keys that no table knows, and the Console login of the whole machine.

use std::fs;
use std::path::Path;

use super::Finding;
use crate::account::{Console, Place};
use crate::claude_code::variables::ANTHROPIC_CONFIG_DIR;
use crate::claude_code::{anthropic, state};
use crate::context::Context;
use crate::env::record::Record;
use crate::profile::{self, Profile};
use crate::sharing::names::{self, Kind};

pub fn examine(context: &Context) -> Vec<Finding> {
    let profiles = profile::names(&context.layout).into_iter().filter_map(|name| profile::load(&context.layout, &name).ok());
    // One that cannot be loaded is told by `tree`.
    profiles.filter_map(|profile| unknown(&profile)).chain(console(context)).collect()
}

/// Finds what the client made in a profile and no table knows.
fn unknown(profile: &Profile) -> Option<Finding> {
    let entries = fs::read_dir(&profile.config_dir).into_iter().flatten().flatten();
    let names = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink())).map(|entry| entry.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned()).filter(|name| names::kind(name) == Kind::Unknown);
    let keys = Place::of(&profile.config_dir).state().ok().flatten().unwrap_or_default();
    let keys = keys.into_iter().map(|(key, _)| key).filter(|key| state::is_unknown_and_private(key)).map(|key| format!("{key} in .claude.json"));
    let mut unknown: Vec<_> = names.chain(keys).collect();
    unknown.sort();
    (!unknown.is_empty()).then(|| {
        Finding::note(
            format!("{} has what clauth does not know: {}", profile.name, unknown.join(", ")),
            "it stays in that profile, since it may belong to its account",
            format!("nothing; a file that you want in every profile goes into ~/.claude, and not into {}", profile.config_dir.display()),
        )
    })
}

/// Finds a Console login in the directory that everybody shares.
fn console(context: &Context) -> Option<Finding> {
    let value = |name: &str| context.env.non_empty(name).map(Path::new);
    let own = Record::load(&context.env).anthropic_dir.map(Into::into);
    let own = own.or_else(|| value(ANTHROPIC_CONFIG_DIR).filter(|directory| !context.layout.owns(directory.as_os_str())).map(Path::to_path_buf));
    let home = context.env.home_dir().ok();
    let defaults = anthropic::defaults(value("XDG_CONFIG_HOME"), home.as_deref(), value("APPDATA"));
    let directory = own.into_iter().chain(defaults).find(|directory| Console::read(directory).is_some())?;
    Some(Finding::note(
        format!("a Console account is signed in at {}", directory.display()),
        "it serves `claude` and other programs where no profile is loaded, and none of the profiles",
        "nothing; where a profile should use it, sign in to it with `clauth login NAME --console`",
    ))
}
