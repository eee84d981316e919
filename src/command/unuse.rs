//! `clauth unuse`: ends what `clauth use` began.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::binding::Place;
use crate::context::Context;
use crate::error::Mistake;
use crate::io::{self, epoch};
use crate::layout::{BINDING, Writable};
use crate::selection::binding::Binding;
use crate::selection::find;
use crate::shell::command_line;

/// Unbind a directory: remove its .clauth.toml
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let directory = arguments.place.directory(context)?;
    let file = directory.join(BINDING);
    if fs::symlink_metadata(&file).is_err() {
        bail!(not_bound(&directory));
    }
    let was = Binding::read(&file).map(|binding| format!(" (was {})", binding.target.as_str())).unwrap_or_default();
    let kept = remove(layout, &file)?;
    epoch::advance(layout)?;
    let next =
        find::bound_directories(&directory).first().map(|next| format!("; {} applies there now, if it is allowed", next.join(BINDING).display()));
    io::say(format_args!("{} is not bound any more{was}{}{kept}", directory.display(), next.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

/// Removes the file; one in which somebody wrote more than `clauth use` does is kept, and the result says where.
fn remove(layout: Writable<'_>, file: &Path) -> Result<String> {
    let is_link = file.is_symlink(); // what it leads to stays
    let is_as_written = Binding::read(file).is_ok_and(|binding| binding.text == Binding::new_text(&binding.target));
    if is_link || is_as_written {
        fs::remove_file(file).with_context(|| format!("could not remove {}", file.display()))?;
        return Ok(String::new());
    }
    let kept = io::unused(layout.rescued().join(BINDING.trim_start_matches('.')));
    io::keep(file, &kept)?;
    Ok(format!("; the file had more in it and is kept as {}", kept.display()))
}

/// Says that nothing binds this very directory, and how to end what applies there.
fn not_bound(directory: &Path) -> Mistake {
    let line = match find::bound_directories(directory).first() {
        Some(above) => command_line(["clauth".as_ref(), "unuse".as_ref(), above.as_os_str()]),
        None => "clauth status".into(),
    };
    Mistake::NotBound { directory: directory.display().to_string(), line }
}
