//! `clauth api-key NAME`: what a profile's settings name as `apiKeyHelper`. The client runs it and reads the key from its pipe.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::error::Mistake;
use crate::name::ProfileName;
use crate::{io, profile};

/// Prints a profile's API key.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<ExitCode> {
    let name: ProfileName = arguments.first().and_then(|name| name.to_str()).unwrap_or_default().parse()?;
    let Some(key) = profile::api_key(&context.layout, &name)? else {
        bail!(Mistake::NoApiKey { name: name.to_string(), file: context.layout.profile_file(&name).display().to_string() });
    };
    io::print(format!("{}\n", key.reveal()))?;
    Ok(ExitCode::SUCCESS)
}
