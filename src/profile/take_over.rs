//! Profiles written by clauth 0.3 to 0.5, taken over where they lie.
//!
//! Those kept the login in `profiles/NAME/credentials.json` with a link to it in `runtime/`, which Claude Code cut at every refresh, and wrote new
//! ones to `credentials.json.pending` first. So up to three logins can lie there. The one written last that is whole wins; the others go to `rescued/`.
//! `profile.toml` is written last: until it is there, the next command starts over.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use super::{ProfileFile, lock_state};
use crate::account::Secret;
use crate::layout::Writable;
use crate::name::ProfileName;
use crate::{io, sys};

/// The files and directories by which an older profile is known.
const OLD: &[&str] = &["credentials.json", "credentials.json.pending", "config.toml", "runtime"];

/// What of the older per-profile `config.toml` has a place in `profile.toml`; anything else is kept in `rescued/` with the file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OldConfig {
    base_url: Option<String>,
    api_key: Option<Secret>,
    env: std::collections::BTreeMap<String, String>,
}

/// Whether an older clauth's profile lies in this directory.
pub fn is_old(directory: &Path) -> bool {
    !directory.join("profile.toml").exists() && OLD.iter().any(|name| fs::symlink_metadata(directory.join(name)).is_ok())
}

/// Takes a profile over; nothing of it is lost.
pub fn take_over(layout: Writable<'_>, name: &ProfileName) -> Result<()> {
    let _state = lock_state(layout)?;
    let directory = layout.profile(name);
    if !is_old(&directory) {
        return Ok(()); // somebody else did it while we waited
    }
    let rescue = layout.rescue(name);
    let runtime = layout.runtime(name);
    io::create_dir(&runtime)?;
    take_over_login(&directory, &runtime.join(".credentials.json"), &rescue)?;
    let config = directory.join("config.toml");
    let old: OldConfig = fs::read_to_string(&config).ok().and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    let base_url = old.base_url.map(|url| url.parse()).transpose().map_err(|wrong| anyhow!("its base_url is no endpoint: {wrong}"))?;
    let file = ProfileFile { base_url, api_key: old.api_key, env: old.env, ..ProfileFile::new(runtime) };
    let text = toml::to_string(&file).context("could not write the profile as TOML")?;
    super::make_refusable(layout)?;
    io::write_durably(&layout.profile_file(name), text.as_bytes())?;
    if fs::symlink_metadata(&config).is_ok() {
        io::keep(&config, &rescue.join("config.toml"))?; // so that there is one place to look
    }
    Ok(())
}

fn take_over_login(directory: &Path, login: &Path, rescue: &Path) -> Result<()> {
    let candidates = [login.to_path_buf(), directory.join("credentials.json"), directory.join("credentials.json.pending")];
    // The link in `runtime/` is another name of a candidate, not one more.
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    let ranked = candidates.iter().filter(|path| is_file(path)).filter_map(|path| Some((rank(path)?, path)));
    let winner = ranked.max_by_key(|(rank, _)| *rank).map(|(_, path)| path);
    if let Some(winner) = winner.filter(|winner| *winner != login) {
        // Either way a reader finds a whole login at every moment, and each login has one place.
        let placed = if is_file(login) { sys::exchange(winner, login) } else { fs::rename(winner, login) };
        placed.with_context(|| format!("could not move {}", winner.display()))?;
    }
    for loser in candidates.iter().filter(|path| is_file(path) && (winner.is_none() || *path != login)) {
        io::keep(loser, &rescue.join(loser.file_name().unwrap_or_default()))?;
    }
    // A link to nothing would make the client fail to save the next login.
    if login.is_symlink() && !login.exists() {
        fs::remove_file(login).with_context(|| format!("could not remove {}", login.display()))?;
    }
    Ok(())
}

/// Ranks a login by when it was written, then by when it expires; `None` for one that is not whole. Looks at the token's length and never keeps it.
fn rank(path: &Path) -> Option<(SystemTime, u64)> {
    #[derive(Deserialize)]
    struct Credentials {
        #[serde(rename = "claudeAiOauth")]
        claude_ai_oauth: Expiry,
    }
    #[derive(Deserialize)]
    struct Expiry {
        #[serde(rename = "expiresAt", default)]
        expires_at: serde_json::Value,
    }
    let text = fs::read(path).ok()?;
    let expiry = serde_json::from_slice::<Credentials>(&text).ok()?.claude_ai_oauth.expires_at.as_u64().unwrap_or_default();
    let written = fs::metadata(path).ok()?.modified().ok()?;
    crate::account::holds_a_login(&text).then_some((written, expiry))
}
