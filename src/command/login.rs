//! `clauth login`: signs in to a profile by the client's own sign-in, and says who came out of it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use serde::Deserialize;

use super::arrive::{self, Came};
use super::former::Former;
use super::{binding, launch, removal};
use crate::claude_code::processes::{SIGN_IN, WHO};
use crate::config::Config;
use crate::context::{Context, profile_name};
use crate::env::record::Chosen;
use crate::error::Mistake;
use crate::io;
use crate::profile::{self, Access, Profile};
use crate::selection::binding::Target;
use crate::session::Holder;
use crate::shell::command_line;
use crate::sys::HeldSignals;

/// Sign in to a profile: runs `claude auth login`
#[derive(Args)]
pub struct Arguments {
    /// The profile
    profile: String,
    /// Do not ask before another login of the profile is replaced; that one is kept in any case
    #[arg(long, short)]
    yes: bool,
    /// Bind this directory to the profile afterwards; a profile that does not exist is made
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
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
    let own = Own::of(arguments);
    let config = context.config()?;
    let directory = own.dir.as_deref().map(|dir| binding::directory(context, Some(dir))).transpose()?; // before a browser opens
    let profile = match context.profile(&config, &arguments.profile) {
        Err(unknown @ Mistake::UnknownProfile { .. }) if directory.is_some() => make(context, &arguments.profile, &unknown, own.yes)?,
        found => found?,
    };
    arrive::refuse_key(context, &profile)?;
    let hub = context.hub(&config)?;
    let mut login = Command::new(context.real_claude()?);
    login.args(SIGN_IN).args(&own.passed);
    let former = Former::keep(context, &profile, own.yes)?;
    let again = ["clauth".as_ref(), "login".as_ref(), OsStr::new(profile.name.as_str())].into_iter();
    let again = again.chain(directory.iter().flat_map(|directory| [OsStr::new("--dir"), directory.as_os_str()]));
    let failed = Mistake::LoginFailed { name: profile.name.to_string(), line: command_line(again) };
    let signed_in = sign_in(context, &config, &profile, login, failed);
    if let Some(former) = &former {
        former.settle(context, &profile)?;
    }
    let status = signed_in?;
    let who = status.email.or(status.auth_method).unwrap_or_default();
    let more: Vec<_> = [status.org_name, status.subscription_type].into_iter().flatten().collect();
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
    io::say(format_args!("{} is signed in as {who}{more}", profile.name));
    arrive::tell_kin(context, &hub, &profile, Came::BySignIn);
    if let Some(directory) = directory {
        binding::bind(context, &directory, &Target::Profile(profile.name.clone()), own.yes)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The arguments that are clauth's own, wherever they stand, and those that are passed on to the client.
#[derive(Default)]
struct Own {
    yes: bool,
    dir: Option<PathBuf>,
    passed: Vec<OsString>,
}

impl Own {
    fn of(arguments: &Arguments) -> Self {
        let mut own = Self { yes: arguments.yes, dir: arguments.dir.clone(), passed: Vec::new() };
        let mut words = arguments.passed.iter();
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--yes" | "-y") => own.yes = true,
                Some("--dir") if words.len() > 0 => own.dir = words.next().map(PathBuf::from),
                Some(text) if text.starts_with("--dir=") => own.dir = Some(text["--dir=".len()..].into()),
                _ => own.passed.push(word.clone()),
            }
        }
        own
    }
}

/// Makes the profile; asks where a slip of the finger is likelier.
fn make(context: &Context, name: &str, unknown: &Mistake, yes: bool) -> Result<Profile> {
    let name = profile_name(name)?;
    if matches!(unknown, Mistake::UnknownProfile { hint, .. } if !hint.is_empty()) {
        io::confirm(&format!("{}; make it?", unknown.parts().0), yes)?;
    }
    let layout = context.layout.writable()?;
    removal::finish(context, &name)?;
    profile::add(layout, &name, Access::default())?;
    io::say(format_args!("the profile {name} is new"));
    Ok(profile::load(&layout, &name)?)
}

/// Lets the client sign in, and returns who is signed in then; fails where nobody is.
fn sign_in(context: &Context, config: &Config, profile: &Profile, mut login: Command, failed: Mistake) -> Result<AuthStatus> {
    launch::enter(context, config, profile, Holder::Login, Chosen::Hand, &mut login)?;
    let has_succeeded = {
        // Ctrl-C is the client's to obey, and ends this process when the client has done so.
        let _held = HeldSignals::hold_interrupts().context("could not hold back signals")?;
        let status = login.status().with_context(|| format!("could not run {}", login.get_program().display()))?;
        status.success()
    };
    let status = if has_succeeded { ask(context, config, profile)? } else { AuthStatus::default() };
    if !status.logged_in {
        bail!(failed);
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
