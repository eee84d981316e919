//! Profiles written by clauth 0.3 to 0.5, taken over where they lie.
//!
//! Those kept the login in `profiles/NAME/credentials.json` with a link to it in `runtime/`, which Claude Code cut at every refresh, and wrote new
//! ones to `credentials.json.pending` first. So up to three logins can lie there. The one written last that is whole wins; the others go to `rescued/`.
//! What it wrote elsewhere, for the one profile that was active, is `home`'s. `profile.toml` is written last: until it is there, the next command
//! starts over.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use self::home::{Home, Whereabouts};
use super::{ProfileFile, removal};
use crate::account::{Credentials, Secret};
use crate::claude_code::{CREDENTIALS, SETTINGS, STATE};
use crate::io::FileLock;
use crate::layout::{Layout, Writable};
use crate::name::ProfileName;
use crate::{io, sys};

mod home;

/// How long to wait for another command that adds or removes a profile.
const PATIENCE: Duration = Duration::from_secs(2);

/// The files and directories by which an older profile is known.
const OLD: &[&str] = &["credentials.json", "credentials.json.pending", "config.toml", "runtime"];

/// What of the older per-profile `config.toml` has a place in `profile.toml`; anything else is kept in `rescued/` with the file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OldConfig {
    base_url: Option<String>,
    api_key: Option<Secret>,
    env: BTreeMap<String, String>,
}

/// Whether an older clauth's profile lies under this name. What a client writes to the path of a profile that was removed looks like one, and is not.
pub fn is_old(layout: &Layout, name: &ProfileName) -> bool {
    let directory = layout.profile(name);
    let is_other = layout.profile_file(name).exists() || removal::has_begun(layout, name) || removal::is_over(layout, name);
    !is_other && OLD.iter().any(|name| fs::symlink_metadata(directory.join(name)).is_ok())
}

/// Takes a profile over; nothing of it is lost.
pub fn take_over(layout: Writable<'_>, name: &ProfileName) -> Result<()> {
    io::create_dir(layout.home())?;
    // A command that holds this lock and comes here would wait for itself, and a prompt must not wait for a long one.
    let Some(_state) = FileLock::exclusive_within(&layout.state_lock(), PATIENCE)? else {
        bail!("another clauth command adds or removes a profile at this moment");
    };
    let directory = layout.profile(name);
    if !is_old(&layout, name) {
        return Ok(()); // somebody else did it while we waited
    }
    refuse_if_in_use(&directory)?;
    let (rescue, runtime) = (layout.rescue(name), layout.runtime(name));
    let config = directory.join("config.toml");
    let old: OldConfig = fs::read_to_string(&config).ok().and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    let base_url = old.base_url.as_ref().map(|url| url.parse());
    io::create_dir(&runtime)?;
    let home = Home::beside(layout, name);
    let ranked = candidates(&directory, &runtime).into_iter().filter_map(|path| Some((rank(&path)?, path)));
    let newest = ranked.max_by_key(|(rank, _)| *rank).map(|(_, path)| path);
    let whereabouts = home.look_for_login(&directory, newest.as_deref(), &runtime)?;
    if whereabouts == Whereabouts::WentOnElsewhere {
        io::say(format_args!("the login of {name} went on in ~/.claude, so the older one is set aside; `clauth capture {name}` moves it here"));
    }
    take_over_login(&directory, &runtime, newest.filter(|_| whereabouts != Whereabouts::WentOnElsewhere).as_deref(), &rescue)?;
    forget_generated(&runtime, &rescue)?;
    home.hand_over(layout, name, whereabouts, &old, &rescue)?;
    let base_url = base_url.transpose().map_err(|wrong| anyhow!("its base_url is no endpoint: {wrong}"))?;
    let file = ProfileFile { base_url, api_key: old.api_key, env: old.env, ..ProfileFile::new(runtime) };
    let text = toml::to_string(&file).context("could not write the profile as TOML")?;
    super::make_refusable(layout)?;
    io::write_durably(&layout.profile_file(name), text.as_bytes())?;
    if fs::symlink_metadata(&config).is_ok() {
        io::keep(&config, &rescue.join("config.toml"))?; // so that there is one place to look
    }
    Ok(())
}

/// Fails while an older `clauth start` runs here: it would put its links back every second. Each holds the lock of a file named by its pid.
fn refuse_if_in_use(directory: &Path) -> Result<()> {
    for session in fs::read_dir(directory.join("sessions")).into_iter().flatten().flatten() {
        if FileLock::is_held(&session.path())? {
            bail!("an older clauth still runs it (process {}); end that first", session.file_name().display());
        }
    }
    Ok(())
}

/// Puts aside what an older clauth wrote anew at each start: settings with the profile's key in them, and `.claude.json` where it was a link, which
/// would make everybody's identity this profile's.
fn forget_generated(runtime: &Path, rescue: &Path) -> Result<()> {
    let (settings, claude_json) = (runtime.join(SETTINGS), runtime.join(STATE));
    if is_file(&settings) {
        io::keep(&settings, &rescue.join(SETTINGS))?;
    }
    if claude_json.is_symlink() {
        sys::remove_file(&claude_json).with_context(|| format!("could not remove {}", claude_json.display()))?;
    }
    Ok(())
}

/// Whether it is a file, and not a link to one: the link in `runtime/` is another name of a login, not one more.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// The files in which logins lie.
fn candidates(directory: &Path, runtime: &Path) -> Vec<PathBuf> {
    let places = [runtime.join(CREDENTIALS), directory.join("credentials.json"), directory.join("credentials.json.pending")];
    places.into_iter().filter(|path| is_file(path)).collect()
}

fn take_over_login(directory: &Path, runtime: &Path, winner: Option<&Path>, rescue: &Path) -> Result<()> {
    let login = runtime.join(CREDENTIALS);
    if let Some(winner) = winner.filter(|winner| *winner != login) {
        // Either way a reader finds a whole login at every moment, and each login has one place.
        let placed = if is_file(&login) { io::exchange(winner, &login) } else { sys::rename(winner, &login) };
        placed.with_context(|| format!("could not move {}", winner.display()))?;
    }
    for loser in candidates(directory, runtime).iter().filter(|path| winner.is_none() || **path != login) {
        io::keep(loser, &rescue.join(loser.file_name().unwrap_or_default()))?;
    }
    // A link to nothing would make the client fail to save the next login.
    if login.is_symlink() && !login.exists() {
        sys::remove_file(&login).with_context(|| format!("could not remove {}", login.display()))?;
    }
    Ok(())
}

/// Ranks a login by when it was written, then by when it expires; `None` for one that is not whole.
fn rank(path: &Path) -> Option<(SystemTime, u64)> {
    let login = Credentials::parse(&fs::read(path).ok()?).ok()?.login()?;
    Some((fs::metadata(path).ok()?.modified().ok()?, login.expires_at.unwrap_or_default()))
}
