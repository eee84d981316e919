//! `clauth remove`: takes a profile away and loses nothing of it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::account::{Item, Store, live_clients, refresh};
use crate::context::{Context, profile_name};
use crate::env::variable::CLAUDE_CONFIG_DIR;
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io::{self, FileLock, epoch};
use crate::profile::{self, Profile};
use crate::session::{Lease, Session};
use crate::sharing::depart::{self, Inventory};
use crate::sys;

/// How long to wait for a shell that joins at this moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Remove a profile; its history goes to ~/.claude, its own files to ~/.clauth/rescued
#[derive(Args)]
pub struct Arguments {
    /// The profile
    profile: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Delete the login too, instead of keeping it in ~/.clauth/rescued
    #[arg(long)]
    delete_login: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let name = profile_name(&arguments.profile)?; // not an alias: what is removed is called by its own name
    profile::load(&layout, &name)?;
    let Some(_rotation) = FileLock::exclusive_within(&layout.rotation_lock(&name), PATIENCE)? else {
        bail!(Mistake::ProfileInUse { name: name.to_string(), by: "a refresh of its login".into() });
    };
    let _state = profile::lock_state(layout)?;
    let profile = profile::load(&layout, &name)?;
    refresh::finish(layout, &name, &profile.config_dir)?; // what is kept of a login is one that is good
    if Session::is_used_elsewhere(&layout, &name) {
        bail!(Mistake::ProfileInUse { name: name.to_string(), by: "a shell in another container".into() });
    }
    let session = Session::new(&layout, &name);
    io::create_dir(&session.leases())?;
    let Some(_gate) = FileLock::exclusive_within(&session.gate(), PATIENCE)? else {
        bail!(Mistake::ProfileInUse { name: name.to_string(), by: "a shell that joins it at this moment".into() });
    };
    // A daemon of the client's is ended below; any other client is somebody's work.
    let has_daemon = ["daemon", "daemon.json", "daemon.status.json"].into_iter().any(|name| profile.config_dir.join(name).exists());
    refuse_if_in_use(&profile, &session, if has_daemon { Vec::new() } else { live_clients(&profile.config_dir) })?;
    let hub = context.hub(&context.config()?)?;
    let inventory = depart::inventory(&profile.config_dir)?;
    let rescue = layout.rescue(&name);
    let deletion = Store::of(&layout, &profile.config_dir).held_by()?.map(Item::deletion);
    io::say(plan(&profile, &inventory, &hub, &rescue, arguments.delete_login, deletion));
    io::confirm(&format!("remove the profile {name}?"), arguments.yes)?;

    if has_daemon {
        stop_daemon(context, &profile)?;
    }
    refuse_if_in_use(&profile, &session, live_clients(&profile.config_dir))?;
    let inventory = depart::inventory(&profile.config_dir)?; // a daemon takes its own files away
    depart::depart(&profile.config_dir, &inventory, &hub, &rescue, arguments.delete_login)?;
    // What a client made meanwhile, or a killed `remove` left, is still there only if it is a file: then the directory stays.
    let left = depart::inventory(&profile.config_dir)?;
    if !left.shared.is_empty() || !left.private.is_empty() || left.has_login {
        bail!(Mistake::ProfileInUse { name: name.to_string(), by: "something that writes there".into() });
    }
    let directory = layout.profile(&name);
    // Only links and empty directories are left in there. It goes first: without `profile.toml` beside it, it would look like an older clauth's.
    remove_all(&profile.config_dir)?;
    remove_all(&directory)?;
    epoch::advance(layout)?;
    io::say(format_args!(
        "the profile {name} is removed; where a .clauth.toml names it, `claude` refuses until you run `clauth use` or `clauth deny` there"
    ));
    Ok(ExitCode::SUCCESS)
}

fn remove_all(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(|| format!("could not remove {}", directory.display())),
        _ => Ok(()),
    }
}

/// Lets the client end the daemon that it keeps for this config directory (`claude --bg`): nobody else would.
fn stop_daemon(context: &Context, profile: &Profile) -> Result<()> {
    let claude = context.real_claude()?;
    let mut command = Command::new(&claude);
    command.args(["daemon", "stop", "--any"]).env(CLAUDE_CONFIG_DIR, profile.exported()).stdin(Stdio::null()).stdout(Stdio::null());
    command.status().map(drop).with_context(|| format!("could not run {}", claude.display()))
}

fn refuse_if_in_use(profile: &Profile, session: &Session, clients: Vec<u32>) -> Result<(), Mistake> {
    let holders = Lease::live(session).into_iter().map(|lease| lease.to_string());
    let clients = clients.into_iter().map(|pid| format!("claude {pid}"));
    let users: Vec<_> = holders.chain(clients).collect();
    if users.is_empty() { Ok(()) } else { Err(Mistake::ProfileInUse { name: profile.name.to_string(), by: users.join(", ") }) }
}

fn plan(profile: &Profile, inventory: &Inventory, hub: &Hub, rescue: &Path, deletes_login: bool, deletion: Option<String>) -> String {
    // A file of the mirror has a name there, and only loses this one.
    let is_moved = |file: &&PathBuf| !sys::same_file(&profile.config_dir.join(file), &hub.directory.join(file));
    let (shared, rescue) = (inventory.shared.iter().filter(is_moved).count(), rescue.display());
    let in_keychain = deletion.map(|command| format!("; the login stays in the Keychain, from which only you delete it: `{command}`"));
    let login = match (inventory.has_login, deletes_login) {
        (false, _) if in_keychain.is_some() => "there is no file of a login".into(),
        (false, _) => "there is no login".into(),
        (true, true) => "the login is deleted".into(),
        (true, false) => {
            format!("the login is kept there too: `clauth import {rescue} {}` takes it back (--delete-login deletes it)", profile.name)
        }
    };
    let (shared, private) = (io::counted(shared, "shared file"), io::counted(inventory.private.len(), "file"));
    format!("~/.claude gets {shared}, {rescue} gets {private} of its own; {login}{}", in_keychain.unwrap_or_default())
}
