//! `clauth use`: binds a directory to a profile.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};

use crate::context::Context;
use crate::env;
use crate::error::Mistake;
use crate::io;
use crate::layout::BINDING;
use crate::project::binding::{Binding, Target};
use crate::project::trust;

/// Bind a directory to a profile: write its .clauth.toml and allow it
#[derive(Args)]
pub struct Arguments {
    /// The profile, or `default` for "as if nothing were bound here"
    profile: String,
    /// The directory; the current one when absent
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let target = Target::parse(&arguments.profile)?;
    if let Target::Profile(name) = &target {
        context.profile(&context.config()?, name.as_str())?;
    }
    let layout = context.layout.writable()?;
    let directory = directory(arguments.dir.as_deref())?;
    let file = directory.join(BINDING);
    let text = match Binding::read(&file) {
        Ok(binding) => binding.with_target(&target),
        // Mostly there is nothing at all. A link to nothing is replaced: written through, it would make a file wherever it points. Anything else that
        // stands there and is wrong is the user's to move away.
        Err(Mistake::BindingDangling { .. }) => Binding::new_text(&target),
        Err(mistake) => return Err(mistake.into()),
    };
    // The file is the project's, to be committed and read by others: not private as clauth's own files are.
    io::write_public(&file, text.as_bytes())?;
    trust::allow(layout, &directory, &target)?;
    io::say(format_args!("{} is bound to {}", directory.display(), target.as_str()));
    Ok(ExitCode::SUCCESS)
}

/// Returns the canonical directory that a command is about.
pub fn directory(chosen: Option<&Path>) -> Result<PathBuf, Mistake> {
    match chosen {
        None => env::current_dir(),
        Some(path) => match path.canonicalize() {
            Ok(directory) if directory.is_dir() => Ok(directory),
            _ => Err(Mistake::NoSuchPath { path: path.display().to_string() }),
        },
    }
}
