//! `clauth allow` and `clauth deny`: whether a `.clauth.toml` may choose.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use super::binding::{self, Place};
use crate::context::Context;
use crate::error::Mistake;
use crate::io;
use crate::layout::BINDING;
use crate::project::binding::{Binding, Target};
use crate::project::{find, trust};

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
    let directory = bound_directory(arguments.place.said(), |_| true)?;
    let binding = Binding::read(&directory.join(BINDING))?;
    if let Target::Profile(name) = &binding.target {
        context.profile(&context.config()?, name.as_str())?;
    }
    trust::allow(context.layout.writable()?, &directory, &binding.target, &binding.text)?;
    io::say(format_args!("{} may choose {}", directory.join(BINDING).display(), binding.target.as_str()));
    Ok(ExitCode::SUCCESS)
}

pub fn deny(context: &Context, arguments: &DenyArguments) -> Result<ExitCode> {
    let directory = bound_directory(arguments.place.said(), |directory| !trust::is_denied(&context.layout, directory).unwrap_or(false))?;
    trust::deny(context.layout.writable()?, &directory)?;
    io::say(format_args!("{} is ignored from now on", directory.join(BINDING).display()));
    Ok(ExitCode::SUCCESS)
}

/// Returns the directory of the nearest file that a path means: the file itself, or the one that applies in that directory.
fn bound_directory(path: Option<&Path>, wanted: impl Fn(&Path) -> bool) -> Result<PathBuf> {
    if let Some(path) = path.filter(|path| path.file_name().is_some_and(|name| name == BINDING)) {
        if std::fs::symlink_metadata(path).is_ok() {
            return Ok(binding::directory(Some(&binding::beside(path)))?);
        }
        bail!(Mistake::NoSuchPath { path: path.display().to_string() });
    }
    let directory = binding::directory(path)?;
    let all = find::bound_directories(&directory);
    // Where nothing is left to be denied, the nearest is denied again, which does no harm and says so.
    let found = all.iter().find(|directory| wanted(directory)).or(all.first()).cloned();
    found.ok_or_else(|| Mistake::NoBinding { directory: directory.display().to_string() }.into())
}
