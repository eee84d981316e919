//! `clauth add`: makes a profile.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::removal;
use crate::account::Secret;
use crate::context::Context;
use crate::error::Mistake;
use crate::io;
use crate::name::ProfileName;
use crate::profile::{self, Access, Endpoint};

/// Make a profile
///
/// Without a key or a token it has no login yet: `clauth login NAME` signs in.
#[derive(Args)]
pub struct Arguments {
    /// 1 to 64 letters, digits, `.`, `_` or `-`
    name: String,
    /// Where requests go instead of Anthropic; needs a key of that endpoint
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Read an API key from the standard input; on a terminal, ask for it
    #[arg(long)]
    api_key_stdin: bool,
    /// Read a long-lived token of `claude setup-token` from the standard input; on a terminal, ask for it
    #[arg(long, conflicts_with = "api_key_stdin")]
    token_stdin: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let name: ProfileName = arguments.name.parse()?;
    context.hub(&context.config()?)?;
    let layout = context.layout.writable()?;
    removal::finish(context, &name)?;
    profile::refuse_taken(&layout, &name)?; // before a secret is asked for in vain
    let access = access(arguments)?;
    let what = match &access {
        Access { api_key: Some(_), .. } => " and has its key",
        Access { token: Some(_), .. } => " and has its token",
        _ => "",
    };
    profile::add(layout, &name, access)?;
    let rest = if what.is_empty() { format!(", then sign in with `clauth login {name}`") } else { String::new() };
    io::say(format_args!("the profile {name} is ready{what}; bind a directory with `clauth use {name}`{rest}"));
    Ok(ExitCode::SUCCESS)
}

fn access(arguments: &Arguments) -> Result<Access> {
    let endpoint: Option<Endpoint> = arguments.base_url.as_deref().map(str::parse).transpose().map_err(|reason: &str| bad_endpoint(reason))?;
    if let Some(endpoint) = endpoint.as_ref().filter(|endpoint| !endpoint.is_anthropic() && !arguments.api_key_stdin) {
        bail!(Mistake::EndpointWithoutKey { url: endpoint.as_str().into() });
    }
    let api_key = arguments.api_key_stdin.then(|| secret("API key", "--api-key-stdin")).transpose()?;
    let token = arguments.token_stdin.then(|| secret("token", "--token-stdin")).transpose()?;
    Ok(Access { endpoint, api_key, token })
}

fn bad_endpoint(reason: &str) -> Mistake {
    Mistake::BadEndpoint { reason: reason.into() }
}

fn secret(what: &str, flag: &str) -> Result<Secret> {
    let input = io::ask_secret(what, Secret::LIMIT).with_context(|| format!("could not read the {what}"))?;
    let wrong = |reason: &str| Mistake::BadSecret { what: what.into(), reason: reason.into(), flag: flag.into() };
    Ok(Secret::from_input(&input).map_err(wrong)?)
}
