//! `clauth use`: binds a directory to a profile.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

use super::rule;
use crate::context::Context;
use crate::env;
use crate::error::Mistake;
use crate::io;
use crate::layout::BINDING;
use crate::project::binding::{Binding, Target};
use crate::project::trust;
use crate::shell::command_line;
use crate::sys;

/// Bind a directory to a profile: write its .clauth.toml and allow it
#[derive(Args)]
pub struct Arguments {
    /// The profile, or `default` for "as if nothing were bound here"
    profile: String,
    #[command(flatten)]
    place: Place,
    /// Write a rule for the remote of this repository, or for HOST/PATH, into config.toml instead: it counts in every clone, wherever it is
    ///
    /// In HOST/PATH `*` stands for anything but a `/`, and `**` for any number of names: `--remote='github.com/acme/*'`.
    #[arg(long, value_name = "HOST/PATH", num_args = 0..=1, require_equals = true, default_missing_value = "", value_hint = ValueHint::Other)]
    remote: Option<String>,
}

/// The directory that a command is about, said in one of two ways.
#[derive(Args, Default)]
pub struct Place {
    /// The directory, or the .clauth.toml in it; the current one when absent
    #[arg(value_name = "DIR", value_hint = ValueHint::AnyPath)]
    path: Option<PathBuf>,
    /// The same
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "path")]
    dir: Option<PathBuf>,
}

impl Place {
    /// Returns what was said, if anything.
    pub fn said(&self) -> Option<&Path> {
        self.path.as_deref().or(self.dir.as_deref())
    }

    /// Returns the directory, canonical.
    pub fn directory(&self) -> Result<PathBuf, Mistake> {
        let is_file = |path: &&Path| path.file_name().is_some_and(|name| name == BINDING) && path.is_file();
        match self.said() {
            Some(file) if is_file(&file) => directory(Some(&beside(file))),
            other => directory(other),
        }
    }
}

/// Returns the directory in which a file is named to be.
pub fn beside(file: &Path) -> PathBuf {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).into()
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let target = Target::parse(&arguments.profile).map_err(|mistake| or_swapped(mistake, arguments))?;
    if let Target::Profile(name) = &target {
        context.profile(&context.config()?, name.as_str()).map_err(|mistake| or_swapped(mistake, arguments))?;
    }
    let layout = context.layout.writable()?;
    let directory = arguments.place.directory()?;
    if let Some(pattern) = &arguments.remote {
        return rule::write(context, &target, pattern, &directory);
    }
    let file = directory.join(BINDING);
    let found = Binding::read(&file);
    // A binding that is kept elsewhere (dotfiles, under another name) is written there; that of another directory is not this one's to change.
    if let Ok(target) = sys::physical(&file)
        && found.is_ok()
        && file.is_symlink()
        && target.file_name() == Some(BINDING.as_ref())
        && target.parent() != Some(&directory)
    {
        bail!(Mistake::BindingElsewhere { file: file.display().to_string(), target: target.display().to_string() });
    }
    let text = match found {
        Ok(binding) => binding.with_target(&target),
        // Mostly there is nothing at all. A link to nothing is replaced: written through, it would make a file wherever it points. Anything else that
        // stands there and is wrong is the user's to move away.
        Err(Mistake::BindingDangling { .. }) => Binding::new_text(&target),
        Err(mistake) => return Err(mistake.into()),
    };
    // The file is the project's, to be committed and read by others: not private as clauth's own files are.
    io::write_public(&file, text.as_bytes())?;
    trust::allow(layout, &directory, &target, &text)?;
    io::say(format_args!("{} is bound to {}", directory.display(), target.as_str()));
    Ok(ExitCode::SUCCESS)
}

/// Says that a directory stands where a profile belongs, if that is what is wrong, with the line that was meant.
fn or_swapped(mistake: Mistake, arguments: &Arguments) -> Mistake {
    let directory = &arguments.profile;
    if !matches!(mistake, Mistake::BadName { .. } | Mistake::UnknownProfile { .. }) || !Path::new(directory).is_dir() {
        return mistake;
    }
    let typed = arguments.place.said().and_then(Path::to_str).filter(|word| Target::parse(word).is_ok());
    let line = format!("clauth use {} {}", typed.unwrap_or("PROFILE"), command_line([directory]));
    Mistake::DirectoryForProfile { directory: directory.clone(), line }
}

/// Returns the canonical directory that a command is about.
pub fn directory(chosen: Option<&Path>) -> Result<PathBuf, Mistake> {
    match chosen {
        None => env::current_dir(),
        Some(path) => match sys::physical(path) {
            Ok(directory) if directory.is_dir() => Ok(directory),
            _ => Err(Mistake::NoSuchPath { path: path.display().to_string() }),
        },
    }
}
