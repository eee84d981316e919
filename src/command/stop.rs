//! `clauth stop`: helpers finish now.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::context::Context;
use crate::error::Mistake;
use crate::io::{self, FileLock, epoch};
use crate::layout::Writable;
use crate::name::ProfileName;
use crate::profile;
use crate::session::helper::Introduction;
use crate::session::{Lease, Session};

/// How long a helper may take to finish.
const PATIENCE: Duration = Duration::from_secs(5);

/// Let helpers finish now; the next prompt of each shell starts a new one
#[derive(Args)]
pub struct Arguments {
    /// The profile; all of them when absent
    profile: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let names = match &arguments.profile {
        Some(name) => vec![context.profile(&context.config()?, name)?.name],
        None => profile::names(&layout),
    };
    for name in &names {
        if stop(layout, name)? {
            io::say(format_args!("the helper of {name} has finished"));
        }
    }
    // Only now: a shell that evaluated earlier would start a helper in the middle.
    epoch::advance(layout)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes every lease away and waits for the helper to see it; false when none ran.
pub fn stop(layout: Writable<'_>, name: &ProfileName) -> Result<bool> {
    let session = Session::new(&layout, name);
    let Some(helper) = Introduction::read(&session) else { return Ok(false) };
    let leases = Lease::live(&session);
    {
        let Some(_gate) = FileLock::exclusive_within(&session.gate(), PATIENCE)? else {
            bail!(Mistake::HelperStuck { profile: name.to_string() });
        };
        for lease in Lease::all(&session) {
            Lease::remove(&session, lease.pid)?;
        }
    }
    let deadline = Instant::now() + PATIENCE;
    while Introduction::read(&session) == Some(helper) {
        if Instant::now() > deadline {
            bail!(Mistake::HelperStuck { profile: name.to_string() });
        }
        thread::sleep(Duration::from_millis(2));
    }
    // The profile is in use all the same: `remove` must see it, and a program has no prompt at which it could say so again.
    for lease in leases.into_iter().filter(Lease::is_live) {
        lease.write(&session)?;
    }
    Ok(true)
}
