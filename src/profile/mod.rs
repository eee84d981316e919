//! Profiles: one Claude Code account each.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::account::{Credentials, Secret, Store};
use crate::claude_code::settings::{API_KEY_HELPER, ENV};
use crate::claude_code::variables::{AUTH_TOKEN, BASE_URL};
use crate::error::Mistake;
use crate::io::{self, Complaint, FileLock, epoch};
use crate::layout::{Layout, Writable};
use crate::name::{self, ProfileName};
use crate::sys;

mod endpoint;
pub mod removal;
mod take_over;

pub use endpoint::Endpoint;

/// Names an account and the config directory that belongs to it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The profile's name, as spelled when it was added.
    pub name: ProfileName,
    /// The `CLAUDE_CONFIG_DIR`, verbatim as stored at `add`: on macOS a Keychain item hangs on this very spelling.
    pub config_dir: PathBuf,
    /// The `ANTHROPIC_CONFIG_DIR`.
    pub anthropic_dir: PathBuf,
    /// What the profile's `settings.json` says differently from the shared one.
    pub overrides: Map<String, Value>,
    /// Whether the profile signs in by an API key of its own, which `clauth api-key` prints for the client.
    pub has_api_key: bool,
}

impl Profile {
    /// Returns the `CLAUDE_CONFIG_DIR` as it is exported: spelled so that every shell and every program here takes it.
    pub fn exported(&self) -> String {
        sys::paths::portable(&self.config_dir.to_string_lossy())
    }

    /// Returns the `ANTHROPIC_CONFIG_DIR` as it is exported.
    pub fn exported_anthropic(&self) -> String {
        sys::paths::portable(&self.anthropic_dir.to_string_lossy())
    }

    /// Fails when the profile sends requests somewhere that is not Anthropic's and has no key for it: a login's token would go there, that of today
    /// or of the next sign-in.
    pub fn refuse_to_send_a_login(&self, layout: &Layout) -> Result<(), Mistake> {
        let set = |name: &str| self.overrides.get(ENV)?.get(name)?.as_str().filter(|value| !value.is_empty());
        let has_key = self.has_api_key || self.overrides.contains_key(API_KEY_HELPER) || set(AUTH_TOKEN).is_some();
        let is_foreign = set(BASE_URL).is_some_and(|url| !url.parse().is_ok_and(|url: Endpoint| url.is_anthropic()));
        if !is_foreign || has_key {
            return Ok(());
        }
        Err(Mistake::EndpointGetsLogin { name: self.name.to_string(), file: layout.profile_file(&self.name).display().to_string() })
    }
}

/// How a new profile reaches the service.
#[derive(Debug, Default)]
pub struct Access {
    /// Where the client sends its requests, if not to Anthropic.
    pub endpoint: Option<Endpoint>,
    /// A key, which the client asks `clauth api-key` for.
    pub api_key: Option<Secret>,
    /// A long-lived token of `claude setup-token`, which becomes the profile's login.
    pub token: Option<Secret>,
}

/// What `profile.toml` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    config_dir: PathBuf,
    /// Where the client sends its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_url: Option<Endpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "reveal")]
    api_key: Option<Secret>,
    /// Variables for the client, through its settings and never through the shell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    /// Any other settings.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    settings: Map<String, Value>,
}

/// The one place where a key is written: the profile's own file, which is the user's alone.
#[expect(clippy::ref_option, reason = "serde calls it so")]
fn reveal<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::reveal).serialize(serializer)
}

impl ProfileFile {
    fn new(config_dir: PathBuf) -> Self {
        Self { config_dir, base_url: None, api_key: None, env: BTreeMap::new(), settings: Map::new() }
    }

    fn overrides(&self) -> Map<String, Value> {
        let mut overrides = self.settings.clone();
        let mut env = overrides.get(ENV).and_then(Value::as_object).cloned().unwrap_or_default();
        env.extend(self.env.iter().map(|(name, value)| (name.clone(), value.clone().into())));
        env.extend(self.base_url.iter().map(|url| (BASE_URL.into(), url.as_str().into())));
        if !env.is_empty() {
            overrides.insert(ENV.into(), env.into());
        }
        overrides
    }
}

/// Reads one profile.
pub fn load(layout: &Layout, name: &ProfileName) -> Result<Profile, Mistake> {
    let parsed = read(layout, name)?;
    // Only what lies in here is known as clauth's when a shell has it loaded.
    if !layout.owns(parsed.config_dir.as_os_str()) {
        return Err(Mistake::ProfileElsewhere { name: name.to_string(), path: parsed.config_dir.display().to_string() });
    }
    Ok(Profile {
        name: name.clone(),
        anthropic_dir: layout.anthropic(name),
        overrides: parsed.overrides(),
        has_api_key: parsed.api_key.is_some(),
        config_dir: parsed.config_dir,
    })
}

/// Reads every profile, sorted by name. One that cannot be read is said and left out: the others are still worth looking at.
pub fn all(layout: &Layout) -> Vec<Profile> {
    names(layout).iter().filter_map(|name| load(layout, name).map_err(io::say).ok()).collect()
}

/// Returns the profile's API key, if it has one. A secret: it goes to the client's pipe and nowhere else.
pub fn api_key(layout: &Layout, name: &ProfileName) -> Result<Option<Secret>, Mistake> {
    Ok(read(layout, name)?.api_key)
}

fn read(layout: &Layout, name: &ProfileName) -> Result<ProfileFile, Mistake> {
    let file = layout.profile_file(name);
    let text = match io::read_text(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && removal::has_begun(layout, name) => {
            return Err(Mistake::RemovalUnfinished { name: name.to_string(), why: String::new() });
        }
        Err(error) if error.kind() == ErrorKind::NotFound && take_over::is_old(layout, name) => {
            take_over(layout, name)?;
            return read(layout, name);
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(Mistake::UnknownProfile { name: name.to_string(), hint: hint(layout, name) });
        }
        Err(error) => return Err(invalid(layout, name, Complaint { line: 1, column: 1, reason: error.to_string() })),
    };
    toml::from_str(&text).map_err(|error| invalid(layout, name, Complaint::new(&text, &error)))
}

fn take_over(layout: &Layout, name: &ProfileName) -> Result<(), Mistake> {
    let taken_over = layout.writable().map_err(anyhow::Error::from).and_then(|layout| take_over::take_over(layout, name));
    taken_over.map_err(|error| Mistake::TakeOverFailed { name: name.to_string(), reason: format!("{error:#}") })
}

fn invalid(layout: &Layout, name: &ProfileName, complaint: Complaint) -> Mistake {
    Mistake::ConfigInvalid {
        file: layout.profile_file(name).display().to_string(),
        line: complaint.line.to_string(),
        column: complaint.column.to_string(),
        reason: complaint.reason,
    }
}

/// Returns the names of all profiles, sorted.
pub fn names(layout: &Layout) -> Vec<ProfileName> {
    let is_profile = |name: &ProfileName| layout.profile_file(name).exists() || take_over::is_old(layout, name);
    directories(layout).into_iter().filter(is_profile).collect()
}

/// Returns the names of all directories that could be a profile's, sorted.
fn directories(layout: &Layout) -> Vec<ProfileName> {
    let entries = fs::read_dir(layout.profiles()).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<ProfileName>().ok()).collect();
    names.sort();
    names
}

/// Fails where a profile has the name already, in whatever case: a case-insensitive file system would give both names one directory.
pub fn refuse_taken(layout: &Layout, name: &ProfileName) -> Result<(), Mistake> {
    let is_same = |taken: &ProfileName| taken.as_str().eq_ignore_ascii_case(name.as_str());
    if let Some(taken) = names(layout).into_iter().find(is_same) {
        return Err(Mistake::ProfileExists { name: taken.to_string() });
    }
    if let Some(leaving) = removal::unfinished(layout).into_iter().find(is_same) {
        return Err(Mistake::RemovalUnfinished { name: leaving.to_string(), why: String::new() });
    }
    Ok(())
}

/// Creates a profile; without a key or token Claude Code asks to sign in on its first use.
pub fn add(layout: Writable<'_>, name: &ProfileName, access: Access) -> Result<()> {
    let state = lock_state(layout)?;
    create(layout, &state, name, access).map(drop)
}

/// The same under the lock that the caller holds.
pub fn create(layout: Writable<'_>, _state: &FileLock, name: &ProfileName, access: Access) -> Result<Profile> {
    refuse_taken(&layout, name)?;
    let config_dir = layout.runtime(name);
    let store = Store::of(&layout, &config_dir);
    refuse_held(&store, name)?;
    let file = ProfileFile { base_url: access.endpoint, api_key: access.api_key, ..ProfileFile::new(config_dir.clone()) };
    let text = toml::to_string(&file).context("could not write the profile as TOML")?;
    io::create_dir(&layout.profile(name))?;
    make_refusable(layout)?;
    io::write_durably(&layout.profile_file(name), text.as_bytes())?;
    io::remove(&layout.removed(name))?; // from now on `profile.toml` says what this directory is
    if let Some(token) = &access.token {
        io::create_dir(&config_dir)?;
        store.write(&Credentials::of_token(token))?;
    }
    epoch::advance(layout)?;
    Ok(load(&layout, name)?)
}

/// Fails where the Keychain has a login for a profile that is only to be made: an earlier one's, whose account would come back unasked.
fn refuse_held(store: &Store, name: &ProfileName) -> Result<()> {
    let Some(item) = store.held_by()? else { return Ok(()) };
    if store.read().is_ok_and(|found| found.is_none_or(|found| found.login().is_none())) {
        return Ok(()); // emptied
    }
    bail!(Mistake::KeychainTaken { name: name.to_string(), item: item.to_string(), command: item.deletion() })
}

/// Makes the regular file below which no config directory can be: Claude Code refuses to start there.
pub fn make_refusable(layout: Writable<'_>) -> Result<()> {
    io::create_dir(layout.home())?;
    io::write(
        &layout.refused(),
        b"A CLAUDE_CONFIG_DIR below this file makes Claude Code refuse to start. Run `clauth status` to see why it was set.\n",
    )
}

/// Takes the lock under which profiles are added and removed.
pub fn lock_state(layout: Writable<'_>) -> Result<FileLock> {
    io::create_dir(layout.home())?;
    FileLock::exclusive(&layout.state_lock())
}

/// Names the known profile that is nearly this one, if any is.
fn hint(layout: &Layout, name: &ProfileName) -> String {
    let known = names(layout);
    name::nearest(known.iter().map(ProfileName::as_str), name.as_str()).map(|best| format!(" (did you mean `{best}`?)")).unwrap_or_default()
}
