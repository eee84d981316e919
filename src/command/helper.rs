//! `clauth helper NAME`: the body of a profile's helper, started by whoever joins a session first.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::context::Context;
use crate::name::ProfileName;
use crate::session::helper;

/// Runs the helper of a profile; with `--orphan` starts it as nobody's child and returns.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<ExitCode> {
    let name: ProfileName = arguments.first().and_then(|name| name.to_str()).unwrap_or_default().parse()?;
    if arguments.iter().any(|argument| argument == "--orphan") {
        helper::start_orphan(context, &name)?;
    } else {
        helper::run(context, &name)?;
    }
    Ok(ExitCode::SUCCESS)
}
