//! `clauth login`: signs in to a profile by the client's own sign-in, and says who came out of it.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;

use super::arrive::{self, Came};
use super::former::Former;
use super::launch;
use crate::claude_code::processes::{SIGN_IN, WHO};
use crate::config::Config;
use crate::context::Context;
use crate::env::record::Chosen;
use crate::error::Mistake;
use crate::io;
use crate::profile::Profile;
use crate::session::Holder;
use crate::sys::HeldSignals;

/// Sign in to a profile: runs `claude auth login`
#[derive(Args)]
pub struct Arguments {
    /// The profile
    profile: String,
    /// Do not ask before another login of the profile is replaced; that one is kept in any case
    #[arg(long, short)]
    yes: bool,
    /// Arguments for `claude auth login`: --email ADDRESS, --console, --sso, …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    passed: Vec<OsString>,
}

/// What `claude auth status --json` says.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AuthStatus {
    logged_in: bool,
    auth_method: Option<String>,
    email: Option<String>,
    org_name: Option<String>,
    subscription_type: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let config = context.config()?;
    let profile = context.profile(&config, &arguments.profile)?;
    arrive::refuse_key(context, &profile)?;
    let hub = context.hub(&config)?;
    let mut login = Command::new(context.real_claude()?);
    let (own, passed): (Vec<_>, Vec<_>) = arguments.passed.iter().partition(|word| *word == "--yes" || *word == "-y");
    login.args(SIGN_IN).args(passed);
    let former = Former::keep(context, &profile, arguments.yes || !own.is_empty())?;
    let signed_in = sign_in(context, &config, &profile, login);
    if let Some(former) = &former {
        former.settle(context, &profile)?;
    }
    let status = signed_in?;
    let who = status.email.or(status.auth_method).unwrap_or_default();
    let more: Vec<_> = [status.org_name, status.subscription_type].into_iter().flatten().collect();
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
    io::say(format_args!("{} is signed in as {who}{more}", profile.name));
    arrive::tell_kin(context, &hub, &profile, Came::BySignIn);
    Ok(ExitCode::SUCCESS)
}

/// Lets the client sign in, and returns who is signed in then; fails where nobody is.
fn sign_in(context: &Context, config: &Config, profile: &Profile, mut login: Command) -> Result<AuthStatus> {
    launch::enter(context, config, profile, Holder::Login, Chosen::Hand, &mut login)?;
    let has_succeeded = {
        // Ctrl-C is the client's to obey, and ends this process when the client has done so.
        let _held = HeldSignals::hold_interrupts().context("could not hold back signals")?;
        let status = login.status().with_context(|| format!("could not run {}", login.get_program().display()))?;
        status.success()
    };
    let status = if has_succeeded { ask(context, config, profile)? } else { AuthStatus::default() };
    if !status.logged_in {
        bail!(Mistake::LoginFailed { name: profile.name.to_string() });
    }
    Ok(status)
}

/// Asks the client who is signed in.
fn ask(context: &Context, config: &Config, profile: &Profile) -> Result<AuthStatus> {
    let mut status = Command::new(context.real_claude()?);
    status.args(WHO).stdin(Stdio::null()).stderr(Stdio::inherit());
    launch::load(context, config, profile, Chosen::Hand, &mut status);
    let output = status.output().with_context(|| format!("could not run {}", status.get_program().display()))?;
    // It exits with 1 where nobody is signed in; an answer that is none says as much.
    Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
}
