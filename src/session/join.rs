//! Joining and leaving the session of a profile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::helper::Introduction;
use super::start::{self, Lifetime};
use super::{Lease, Session};
use crate::account::{self, refresh};
use crate::claude_code::SETTINGS;
use crate::config::Config;
use crate::context::Context;
use crate::env;
use crate::error::Mistake;
use crate::io::{self, FileLock};
use crate::layout::{Layout, Writable};
use crate::name::ProfileName;
use crate::profile::{self, Profile};
use crate::sharing::{Tree, Use, hosts, refuse_redirection};
use crate::sys;

/// How long a prompt may wait for the gate.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a session could not be joined.
#[derive(Debug)]
pub enum Trouble {
    /// There is no config directory to point at: `claude` must not run.
    Tree(anyhow::Error),
    /// The account is right, but nobody follows this process: to be said, and tried again.
    Registration(anyhow::Error),
}

impl Trouble {
    /// Returns the error, whichever it is.
    pub fn into_error(self) -> anyhow::Error {
        match self {
            Self::Tree(error) | Self::Registration(error) => error,
        }
    }
}

/// Registers a process as a user of a profile and sees to it that a helper runs.
pub fn join(context: &Context, config: &Config, profile: &Profile, lease: &Lease, lifetime: Lifetime) -> Result<(), Trouble> {
    let registered =
        context.layout.writable().map_err(anyhow::Error::from).and_then(|layout| register(layout, context, profile, lease, lifetime, config));
    registered.map_err(|error| match error.downcast::<TreeError>() {
        Ok(TreeError(error)) => {
            // It is refused, and so no user of the profile.
            if let Ok(layout) = context.layout.writable() {
                let _ = Lease::remove(&Session::new(&layout, &profile.name), lease.pid);
            }
            Trouble::Tree(error)
        }
        // Settings are made last: without them there is no whole tree.
        Err(error) if !profile.config_dir.join(SETTINGS).exists() => Trouble::Tree(error),
        Err(error) => Trouble::Registration(error),
    })
}

/// Marks an error as one of the tree's on its way out.
#[derive(Debug)]
struct TreeError(anyhow::Error);

impl std::fmt::Display for TreeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TreeError {}

fn register(layout: Writable<'_>, context: &Context, profile: &Profile, lease: &Lease, lifetime: Lifetime, config: &Config) -> Result<()> {
    let session = Session::new(&layout, &profile.name);
    io::create_dir(&session.leases())?;
    let busy = || Mistake::GateBusy { profile: profile.name.to_string() };
    let Some(gate) = FileLock::exclusive_within(&session.gate(), PATIENCE)? else { bail!(busy()) };
    if !layout.profile_file(&profile.name).exists() {
        drop(gate); // to take over an older clauth's profile takes the state lock, which comes first
        profile::load(&layout, &profile.name)?; // it was removed while we waited, and this says so
        bail!(busy()); // or removed and added: the next prompt joins the new one
    }
    refuse_two_copies(&layout, profile).map_err(|mistake| TreeError(mistake.into()))?;
    profile.refuse_to_send_a_login(&layout).map_err(|mistake| TreeError(mistake.into()))?;
    if let Ok(directory) = env::current_dir() {
        hosts::refuse_project(&directory, profile).map_err(|mistake| TreeError(mistake.into()))?;
    }
    lease.write(&session)?;
    let hub = context.hub(config).map_err(|mistake| TreeError(mistake.into()))?;
    let has_helper = has_helper(&session)?;
    if has_helper && profile.config_dir.exists() {
        refuse_redirection(&hub, &profile.config_dir, &profile.overrides).map_err(TreeError)?;
    } else {
        // What cannot be mended is the helper's to say, which looks at it all again.
        Tree::new(context, hub, profile).prepare(Use::Beginning).map_err(TreeError)?;
        // Before a client spends the old token a second time. What is in the way now is said by the next `clauth refresh`.
        let _ = refresh::finish_interrupted(layout, &profile.name, &profile.config_dir);
    }
    if !has_helper {
        start::helper(context, &session, &profile.name, lifetime)?;
    }
    Ok(())
}

/// Whether a helper runs. One that was killed a moment ago holds its lock for another one, and a program without prompts would go on without any.
fn has_helper(session: &Session) -> Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let is_held = FileLock::is_held(&session.lock())?;
        let may_end = || Introduction::read(session).is_none_or(|helper| sys::is_ending(helper.pid));
        if !is_held || !may_end() || Instant::now() > deadline {
            return Ok(is_held);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Fails while two copies of a login may lie about, one of them here: whichever is refreshed first ends the other.
fn refuse_two_copies(layout: &Layout, profile: &Profile) -> Result<(), Mistake> {
    if !layout.transfer().exists() {
        return Ok(()); // as nearly always
    }
    match account::unsettled(layout) {
        Some(left) if left.remains.is_none() && left.places.contains(&profile.config_dir) => {
            let [from, to] = left.places.map(|place| place.display().to_string());
            Err(Mistake::LoginUnsettled { place: to, reason: format!("its login may still be at {from} too") })
        }
        _ => Ok(()),
    }
}

/// Takes a process off every session but one; their helpers notice. What cannot be removed is the helper's to remove when the process ends.
pub fn leave_all_but(layout: Writable<'_>, kept: Option<&ProfileName>, pid: u32) {
    for name in fs::read_dir(layout.run()).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if kept != Some(&name) {
            let _ = Lease::remove(&Session::new(&layout, &name), pid);
        }
    }
}
