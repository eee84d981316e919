//! What an older clauth put into `~/.claude` for the profile that was active: a link to its login, and its endpoint in the settings, where every
//! profile would now find them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::OldConfig;
use crate::account::{Credentials, Identity, Login, Secret, live_clients};
use crate::claude_code::variables::{AUTH_TOKEN, BASE_URL};
use crate::claude_code::{CREDENTIALS, DIRECTORY, SETTINGS};
use crate::io::json::{Change, Edits, Object};
use crate::layout::Writable;
use crate::name::ProfileName;
use crate::{io, sys};

/// The most that is read of a file here, in bytes.
const LIMIT: usize = 16 * 1024 * 1024;

/// Knows the config directory that an older clauth switched between accounts: it lay beside its own.
pub struct Home {
    directory: PathBuf,
    is_active: bool,
}

/// Where the active profile's login is, as far as `~/.claude` is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// In the profile alone.
    Profile,
    /// In the profile, and `~/.claude` uses it too.
    Shared,
    /// In `~/.claude`, where the client refreshed it: what the profile has is spent, and posting it would end both.
    WentOnElsewhere,
}

impl Home {
    /// Looks up whether the profile was the active one.
    pub fn beside(layout: Writable<'_>, name: &ProfileName) -> Self {
        #[derive(Deserialize)]
        struct OldState {
            active_profile: Option<String>,
        }
        let state = fs::read_to_string(layout.home().join("profiles.toml")).ok().and_then(|text| toml::from_str::<OldState>(&text).ok());
        let is_active = state.and_then(|state| state.active_profile).is_some_and(|active| active == name.as_str());
        Self { directory: layout.home().with_file_name(DIRECTORY), is_active }
    }

    /// Says where the login is, given the profile's newest. Fails while a client uses it in `~/.claude`.
    pub fn look_for_login(&self, profile: &Path, newest: Option<&Path>, runtime: &Path) -> Result<Whereabouts> {
        let place = self.login();
        let is_shared = match fs::read_link(&place) {
            Ok(target) => lies_in(&target, profile),
            Err(_) => match (read_login(&place), newest.and_then(read_login)) {
                (Some(here), Some(there)) if here.refresh_token == there.refresh_token => true,
                (Some(here), Some(there)) if self.is_active && is_newer(&place, newest) && !self.is_another_account(&here, &there, runtime) => {
                    return Ok(Whereabouts::WentOnElsewhere);
                }
                _ => false,
            },
        };
        if let (true, Some(client)) = (is_shared, live_clients(&self.directory).first()) {
            bail!("claude runs with its login in {} (process {client}); end it first", self.directory.display());
        }
        Ok(if is_shared { Whereabouts::Shared } else { Whereabouts::Profile })
    }

    /// Makes the active profile the default, as it was, and takes back what it left in `~/.claude`. In this order: a killed one is begun again for as
    /// long as there is something to take back.
    pub fn hand_over(&self, layout: Writable<'_>, name: &ProfileName, whereabouts: Whereabouts, old: &OldConfig, rescue: &Path) -> Result<()> {
        let (login, settings) = (self.login(), self.directory.join(SETTINGS));
        let text = io::read_regular(&settings, LIMIT).ok().flatten().unwrap_or_default();
        let without = without_endpoint(&text, old).filter(|_| self.is_active);
        if whereabouts == Whereabouts::Shared || without.is_some() {
            make_default(layout, name)?;
        }
        if let Some(without) = without {
            io::create_dir(rescue)?;
            io::write(&rescue.join("claude-settings.json"), &text)?;
            let target = sys::physical(&settings).with_context(|| format!("could not find {}", settings.display()))?;
            io::write(&target, &without)?;
        }
        if whereabouts == Whereabouts::Shared {
            sys::remove_file(&login).with_context(|| format!("could not remove {}", login.display()))?;
        }
        Ok(())
    }

    fn login(&self) -> PathBuf {
        self.directory.join(CREDENTIALS)
    }

    /// Whether it is known that the two logins are two accounts'.
    fn is_another_account(&self, here: &Login, there: &Login, runtime: &Path) -> bool {
        let account = |directory: &Path| Identity::read(directory).and_then(|identity| identity.account_uuid);
        let differ = |one: Option<String>, other: Option<String>| one.zip(other).is_some_and(|(one, other)| one != other);
        let beside = self.directory.parent().unwrap_or(&self.directory); // where its .claude.json lies
        differ(here.account_uuid.clone(), there.account_uuid.clone()) || differ(account(beside), account(runtime))
    }
}

/// Returns the shared settings without what the older clauth wrote there for the profile; `None` when nothing of it is there.
fn without_endpoint(text: &[u8], old: &OldConfig) -> Option<Vec<u8>> {
    let settings = Object::document(text).ok()?;
    let env = settings.object("env")?;
    let mut change = Change::default();
    let endpoint = [(BASE_URL, old.base_url.as_deref()), (AUTH_TOKEN, old.api_key.as_ref().map(Secret::reveal))];
    let endpoint = endpoint.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in endpoint.chain(old.env.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
        let is = env.get(name).and_then(|member| io::json::value(env.raw(member.value)));
        if is.as_ref().and_then(Value::as_str) == Some(value) {
            change.removed.extend(env.places(name));
        }
    }
    let mut edits = Edits::default();
    change.note(&env, false, 1, &mut edits);
    (!edits.is_empty()).then(|| edits.apply(text))
}

fn lies_in(target: &Path, directory: &Path) -> bool {
    let is_same = |one: &Path| sys::physical(one).ok().zip(sys::physical(directory).ok()).is_some_and(|(one, other)| one == other);
    target.parent().is_some_and(is_same)
}

fn is_newer(place: &Path, than: Option<&Path>) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    written(place) > than.and_then(written)
}

fn read_login(path: &Path) -> Option<Login> {
    Credentials::parse(&io::read_regular(path, LIMIT).ok()??).ok()?.login()
}

/// Names the profile as the default, unless the user's settings name one or cannot be read.
fn make_default(layout: Writable<'_>, name: &ProfileName) -> Result<()> {
    let file = layout.config();
    let text = fs::read_to_string(&file).unwrap_or_default();
    if toml::from_str::<toml::Table>(&text).is_ok_and(|settings| !settings.contains_key("default_profile")) {
        io::write(&file, format!("default_profile = \"{name}\"\n{text}").as_bytes())?;
        io::say(format_args!(
            "{name} was the active profile, so it is your `default_profile` now (in {}); ~/.claude itself is signed out",
            file.display()
        ));
    }
    Ok(())
}
