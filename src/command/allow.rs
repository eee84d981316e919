//! `clauth allow` and `clauth deny`: whether a `.clauth.toml` may choose.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use super::binding::{self, Place};
use crate::context::Context;
use crate::error::Mistake;
use crate::io;
use crate::layout::BINDING;
use crate::selection::binding::{Binding, Target};
use crate::selection::{find, trust};
use crate::shell::command_line;

/// Let the .clauth.toml that applies here choose its profile
#[derive(Args)]
pub struct AllowArguments {
    #[command(flatten)]
    place: Place,
}

/// Ignore the .clauth.toml that applies here from now on
#[derive(Args)]
pub struct DenyArguments {
    #[command(flatten)]
    place: Place,
}

pub fn allow(context: &Context, arguments: &AllowArguments) -> Result<ExitCode> {
    let directory = bound_directory(context, &arguments.place)?;
    let binding = Binding::read(&directory.join(BINDING))?;
    if let Target::Profile(name) = &binding.target {
        context.profile(&context.config()?, name.as_str())?;
    }
    trust::allow(context.layout.writable()?, &directory, &binding.target, &binding.text)?;
    io::say(format_args!("{} may choose {}", directory.join(BINDING).display(), binding.target.as_str()));
    Ok(ExitCode::SUCCESS)
}

pub fn deny(context: &Context, arguments: &DenyArguments) -> Result<ExitCode> {
    let directory = bound_directory(context, &arguments.place)?;
    let file = directory.join(BINDING);
    if !trust::is_denied(&context.layout, &directory)? {
        trust::deny(context.layout.writable()?, &directory)?;
        io::say(format_args!("{} is ignored from now on", file.display()));
        return Ok(ExitCode::SUCCESS);
    }
    // One further up has another author: it is denied only where it is named.
    let is_in_force = |directory: &PathBuf| !trust::is_denied(&context.layout, directory).unwrap_or(false);
    let next = find::bound_directories(&directory).into_iter().find(is_in_force).map(|next| next.join(BINDING));
    let next = next.map(|next| {
        let line = command_line(["clauth".as_ref(), "deny".as_ref(), next.as_os_str()]);
        format!("; {} applies here, and `{line}` ignores that one too", next.display())
    });
    io::say(format_args!("{} is ignored already{}", file.display(), next.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

/// Returns the directory of the nearest file that a path means: the file itself, or the one that applies in that directory.
fn bound_directory(context: &Context, place: &Place) -> Result<PathBuf> {
    let path = place.said().map(|path| context.typed(path));
    if let Some(path) = path.as_deref().filter(|path| path.file_name().is_some_and(|name| name == BINDING)) {
        if std::fs::symlink_metadata(path).is_ok() {
            return Ok(binding::directory(context, Some(&binding::beside(path)))?);
        }
        bail!(Mistake::NoSuchPath { path: path.display().to_string() });
    }
    let directory = binding::directory(context, path.as_deref())?;
    let nearest = find::bound_directories(&directory).into_iter().next();
    nearest.ok_or_else(|| Mistake::NoBinding { directory: directory.display().to_string() }.into())
}
