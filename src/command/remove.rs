//! `clauth remove`: removes a profile and loses nothing of it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::everywhere;
use super::removal::{self, Subject};
use crate::account::{Console, Item, Store, live_clients};
use crate::claude_code::processes::{OF_DAEMON, STOP_DAEMON};
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::context::{Context, profile_name};
use crate::error::Mistake;
use crate::hub::Hub;
use crate::io;
use crate::profile::Profile;
use crate::sharing::depart::{self, Inventory};
use crate::sharing::places;
use crate::shell::command_line;

/// How long the sessions of a daemon that was stopped may take to end, and how often they are looked for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

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
    let subject = Subject::find(&layout, &name)?;
    let profile = &subject.profile;
    let hub = context.hub(&context.config()?)?;
    refuse_one_place(&hub, &profile.config_dir)?;
    // A daemon of the client's is ended below; any other client is somebody's work.
    let has_daemon = OF_DAEMON.into_iter().any(|name| profile.config_dir.join(name).exists());
    removal::refuse_if_in_use(&layout, profile, !has_daemon)?;
    // Asked before anything is locked: a person may take a day to answer.
    let rescue = layout.rescue(&name);
    let deletion = Store::of(&layout, &profile.config_dir).held_by()?.map(Item::deletion);
    io::say(plan(profile, &depart::inventory(&profile.config_dir)?, &hub, &rescue, arguments.delete_login, deletion));
    io::confirm(&format!("remove the profile {name}?"), arguments.yes)?;
    // Its own question: without those lines another account is used there. `--yes` has not agreed to that.
    let uses = everywhere::uses(context, &name)?;
    let takes_out = !uses.is_empty() && !arguments.yes && {
        let question = format!("config.toml names {name} {}: use the account of ~/.claude there from now on?", uses.told());
        io::confirm(&question, false).is_ok()
    };
    if has_daemon {
        stop_daemon(context, profile)?;
    }
    removal::remove(layout, &hub, &name, &rescue, arguments.delete_login)?;
    if !uses.is_empty() && takes_out {
        everywhere::forget(context, layout, &name)?;
    }
    io::say(format_args!(
        "the profile {name} is removed; where a .clauth.toml names it, `claude` refuses until you run `clauth use` or `clauth deny` there"
    ));
    if !uses.is_empty() && !takes_out {
        let way_out = if uses.by_default { "; `clauth use --global --unset` or `clauth use --global PROFILE` changes the default" } else { "" };
        io::say(format_args!("{} still names {name} {}, so `claude` refuses there{way_out}", layout.config().display(), uses.told()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails where ~/.claude, or a name in it, leads into the profile, or the profile into it: moved from one to the other, the only copy would be removed.
fn refuse_one_place(hub: &Hub, config_dir: &Path) -> Result<()> {
    let looking = || format!("could not look at {}", config_dir.display());
    let is_one = places::overlap(&hub.directory, config_dir).with_context(looking)?;
    let met = if is_one { Some(hub.directory.clone()) } else { places::hub_name_meeting(hub, config_dir).with_context(looking)? };
    let Some(met) = met else { return Ok(()) };
    bail!(Mistake::OnePlace { one: met.display().to_string(), other: config_dir.display().to_string() })
}

/// Lets the client end the daemon that it keeps for this config directory (`claude --bg`): nobody else would.
fn stop_daemon(context: &Context, profile: &Profile) -> Result<()> {
    let claude = context.real_claude()?;
    let mut command = Command::new(&claude);
    command.args(STOP_DAEMON).env(CLAUDE_CONFIG_DIR, profile.exported()).stdin(Stdio::null()).stdout(Stdio::null());
    command.status().map(drop).with_context(|| format!("could not run {}", claude.display()))?;
    // Its sessions end a moment after it; whoever is still there then is somebody's.
    let deadline = Instant::now() + PATIENCE;
    while !live_clients(&profile.config_dir).is_empty() && Instant::now() < deadline {
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn plan(profile: &Profile, inventory: &Inventory, hub: &Hub, rescue: &Path, deletes_login: bool, deletion: Option<String>) -> String {
    let is_moved = |file: &&PathBuf| !io::is_same_content(&profile.config_dir.join(file), &hub.directory.join(file));
    let shared = io::counted(inventory.shared.iter().filter(is_moved).count(), "shared file");
    let private = io::counted(inventory.private.iter().filter(is_moved).count(), "file");
    let in_keychain = deletion.map(|command| format!("; the login stays in the Keychain, from which only you delete it: `{command}`"));
    let console = match (Console::read(&profile.anthropic_dir), deletes_login) {
        (None, _) => "",
        (Some(_), true) => "; the sign-in of the Console account is deleted",
        (Some(_), false) => "; the sign-in of the Console account is kept there too (--delete-login deletes it)",
    };
    let login = match (inventory.has_login, deletes_login) {
        (false, _) if in_keychain.is_some() => "there is no file of a login".into(),
        (false, _) => "there is no login".into(),
        (true, true) => "the login is deleted".into(),
        (true, false) => {
            let back = command_line(["clauth".as_ref(), "import".as_ref(), rescue.as_os_str(), profile.name.as_str().as_ref()]);
            format!("the login is kept there too: `{back}` takes it back (--delete-login deletes it)")
        }
    };
    let key = match (profile.has_api_key || !profile.overrides.is_empty(), deletes_login) {
        (false, _) => "",
        (true, true) => "; its profile.toml is deleted, with the key and settings in it",
        (true, false) => "; its profile.toml is kept there, with the key and settings in it (--delete-login deletes it)",
    };
    format!("~/.claude gets {shared}, {} gets {private} of its own; {login}{console}{key}{}", rescue.display(), in_keychain.unwrap_or_default())
}
