//! `clauth stop`: helpers finish now.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::context::Context;
use crate::error::Mistake;
use crate::io::{self, epoch};
use crate::layout::Writable;
use crate::name::ProfileName;
use crate::profile;
use crate::session::Session;
use crate::session::helper::Introduction;

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

/// Tells the helper to finish and waits until it has; false when none ran. Its leases stay: the profile is in use all the same, and a program has no prompt at
/// which it could say so again.
fn stop(layout: Writable<'_>, name: &ProfileName) -> Result<bool> {
    let session = Session::new(&layout, name);
    let Some(helper) = Introduction::read(&session) else { return Ok(false) };
    io::write(&session.stop_word(), b"stop\n")?;
    session.wake()?;
    let deadline = Instant::now() + PATIENCE;
    while Introduction::read(&session) == Some(helper) {
        if Instant::now() > deadline {
            io::remove(&session.stop_word())?;
            bail!(Mistake::HelperStuck { profile: name.to_string() });
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}
