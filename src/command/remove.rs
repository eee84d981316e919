//! `clauth remove`: takes a profile away and loses nothing of it.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::context::Context;
use crate::error::Mistake;
use crate::io::{self, FileLock, epoch};
use crate::profile::{self, Profile};
use crate::runtime::depart::{self, Inventory};
use crate::runtime::live_clients;
use crate::session::{Lease, Session};

/// How long to wait for a shell that joins at this moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Remove a profile; its history goes to ~/.claude, its own files to ~/.clauth/rescued
#[derive(Args)]
pub struct Arguments {
    /// The profile
    name: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Delete the login too, instead of keeping it in ~/.clauth/rescued
    #[arg(long)]
    delete_login: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let name = arguments.name.parse()?; // not an alias: what is removed is called by its own name
    let _state = profile::lock_state(layout)?;
    let profile = profile::load(&layout, &name)?;
    let session = Session::new(&layout, &name);
    io::create_dir(&session.leases())?;
    let Some(_gate) = FileLock::exclusive_within(&session.gate(), PATIENCE)? else {
        bail!(Mistake::ProfileInUse { name: name.to_string(), by: "a shell that joins it at this moment".into() });
    };
    refuse_if_in_use(&profile, &session)?;
    let hub = context.hub(&context.config()?)?;
    let inventory = depart::inventory(&profile.config_dir)?;
    let rescue = rescue_directory(context, &profile);
    io::say(plan(&inventory, &rescue, arguments.delete_login));
    io::confirm(&format!("remove the profile {name}?"), arguments.yes)?;

    depart::depart(&profile.config_dir, &inventory, &hub, &rescue, arguments.delete_login)?;
    // What a client made meanwhile, or a killed `remove` left, is still there only if it is a file: then the directory stays.
    let left = depart::inventory(&profile.config_dir)?;
    if !left.shared.is_empty() || !left.private.is_empty() || left.has_login {
        bail!(Mistake::ProfileInUse { name: name.to_string(), by: "something that writes there".into() });
    }
    let directory = layout.profile(&name);
    fs::remove_file(layout.profile_file(&name)).with_context(|| format!("could not remove {}", layout.profile_file(&name).display()))?;
    epoch::advance(layout)?;
    fs::remove_dir_all(&directory).with_context(|| format!("could not remove {}", directory.display()))?;
    io::say(format_args!("the profile {name} is removed"));
    Ok(ExitCode::SUCCESS)
}

fn refuse_if_in_use(profile: &Profile, session: &Session) -> Result<(), Mistake> {
    let holders = Lease::live(session).into_iter().map(|lease| format!("{} {}", lease.holder, lease.pid));
    let clients = live_clients(&profile.config_dir).into_iter().map(|pid| format!("claude {pid}"));
    let users: Vec<_> = holders.chain(clients).collect();
    if users.is_empty() { Ok(()) } else { Err(Mistake::ProfileInUse { name: profile.name.to_string(), by: users.join(", ") }) }
}

fn rescue_directory(context: &Context, profile: &Profile) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    context.layout.rescued().join(&profile.name).join(now.to_string())
}

fn plan(inventory: &Inventory, rescue: &std::path::Path, deletes_login: bool) -> String {
    let login = match (inventory.has_login, deletes_login) {
        (false, _) => "there is no login",
        (true, true) => "the login is deleted",
        (true, false) => "the login is kept there too (--delete-login deletes it)",
    };
    format!("{} shared files go to ~/.claude, {} of its own to {}; {login}", inventory.shared.len(), inventory.private.len(), rescue.display())
}
