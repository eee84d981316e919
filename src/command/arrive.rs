//! What `capture`, `import` and `login` have in common: a profile that a login comes to, and the others that it may meet there.

use std::path::Path;

use anyhow::{Result, bail};

use crate::account::{self, Kinship, Place, Store, live_clients};
use crate::claude_code::CREDENTIALS;
use crate::context::Context;
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io::{self, FileLock};
use crate::layout::Writable;
use crate::name::ProfileName;
use crate::profile::{self, Access, Profile};
use crate::sharing::links;

/// How a login came to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The user signed in, where a browser may have chosen the account.
    BySignIn,
    /// It was moved.
    Moved,
}

/// Names the hub as a place of a login.
pub fn hub_place(hub: &Hub) -> Place {
    Place { directory: hub.directory.clone(), claude_json: hub.claude_json.clone() }
}

/// Says that somebody holds the locks of a config directory.
pub fn busy(config_dir: &Path) -> Mistake {
    Mistake::LoginBusy { place: config_dir.display().to_string() }
}

/// Fails while a client runs in a config directory: it would go on with a login that is gone.
pub fn refuse_clients(config_dir: &Path) -> Result<(), Mistake> {
    let pids: Vec<_> = live_clients(config_dir).iter().map(u32::to_string).collect();
    if pids.is_empty() {
        return Ok(());
    }
    Err(Mistake::ClientRuns { place: config_dir.display().to_string(), pids: pids.join(", ") })
}

/// Fails unless a profile of this name could take a login in: there is none yet, or it has no login, no key and no client.
pub fn refuse_unfit(context: &Context, name: &ProfileName) -> Result<()> {
    let profile = match profile::load(&context.layout, name) {
        Err(Mistake::UnknownProfile { .. }) => return Ok(profile::refuse_taken(&context.layout, name)?),
        loaded => loaded?,
    };
    if account::is_signed_in(&context.layout, &profile.config_dir)? {
        bail!(Mistake::ProfileSignedIn { name: name.to_string() });
    }
    refuse_key(context, &profile)?;
    Ok(refuse_clients(&profile.config_dir)?)
}

/// Fails for a profile with a key, which wins over any login.
pub fn refuse_key(context: &Context, profile: &Profile) -> Result<(), Mistake> {
    if !profile.has_api_key {
        return Ok(());
    }
    Err(Mistake::KeyBeforeLogin { name: profile.name.to_string(), file: context.layout.profile_file(&profile.name).display().to_string() })
}

/// Makes the profile where there is none, and its config directory, ready for a login.
pub fn make_ready(layout: Writable<'_>, state: &FileLock, hub: &Hub, name: &ProfileName) -> Result<Profile> {
    let profile = match profile::load(&layout, name) {
        Err(Mistake::UnknownProfile { .. }) => profile::create(layout, state, name, Access::default())?,
        loaded => loaded?,
    };
    io::create_dir(&profile.config_dir)?;
    links::seed_claude_json(&profile.config_dir, hub)?;
    // Emptied by the client, but other things than a login lie in it too.
    if !account::is_signed_in(&layout, &profile.config_dir)? {
        Store::of(&layout, &profile.config_dir).clear(&layout.rescue(name).join(CREDENTIALS))?;
    }
    Ok(profile)
}

/// Says what could not be taken away at the old place of a login that has moved.
pub fn tell_what_remains(from: &Place, reason: Option<&str>) {
    if let Some(reason) = reason {
        io::say(format_args!(
            "the account is still named in {}, which could not be changed ({reason}); make that file replaceable (a bind mount of it is not) and run `clauth \
             list`, which removes the name",
            from.claude_json.display()
        ));
    }
}

/// Says where else the account of a profile is signed in. Two logins of one account are fine; two copies of one login are not.
pub fn tell_kin(context: &Context, hub: &Hub, profile: &Profile, came: Came) {
    let own = Place::of(&profile.config_dir);
    let others = profile::names(&context.layout).into_iter().filter(|name| *name != profile.name);
    let others = others.filter_map(|name| Some((format!("the profile {name}"), Place::of(&profile::load(&context.layout, &name).ok()?.config_dir))));
    let hub = (hub.directory.display().to_string(), hub_place(hub));
    let mut same_account = Vec::new();
    for (shown, place) in others.chain([hub]) {
        match own.kinship(&context.layout, &place) {
            Kinship::Copy => io::say(format_args!(
                "WARNING: {name} has a copy of the login of {shown}: the first of the two to refresh it logs both out; give {name} one of its own with \
                 `clauth login {name}`",
                name = profile.name
            )),
            Kinship::SameAccount => same_account.push(shown),
            Kinship::None => {}
        }
    }
    if !same_account.is_empty() {
        let verb = if same_account.len() == 1 { "has" } else { "have" };
        io::say(format_args!("{} {verb} a login of the same account; that is fine, each is its own", same_account.join(" and ")));
        if came == Came::BySignIn {
            io::say(format_args!(
                "if you meant another account: `clauth login {} --email ADDRESS`, and open the link in a private window, where the browser is signed in to none",
                profile.name
            ));
        }
    }
}
