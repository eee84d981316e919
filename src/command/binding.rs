//! `clauth use`: binds a directory to a profile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

use super::{everywhere, rule};
use crate::context::Context;
use crate::env;
use crate::error::Mistake;
use crate::io;
use crate::layout::BINDING;
use crate::selection::binding::{Binding, Target};
use crate::selection::trust;
use crate::shell::command_line;
use crate::sys;

/// Bind a directory to a profile: write its .clauth.toml and allow it
#[derive(Args)]
#[group(id = "what", required = true, args = ["profile", "unset"])]
pub struct Arguments {
    /// The profile, or `default` for "as if nothing were bound here"
    profile: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Write a rule for the remote of this repository, or for HOST/PATH, into config.toml instead: it counts in every clone, wherever it is
    ///
    /// In HOST/PATH `*` stands for anything but a `/`, and `**` for any number of names: `--remote='github.com/acme/*'`.
    #[arg(long, value_name = "HOST/PATH", num_args = 0..=1, require_equals = true, default_missing_value = "", value_hint = ValueHint::Other)]
    remote: Option<String>,
    /// Use the profile in every directory that nothing else decides for
    #[arg(long, conflicts_with_all = ["path", "dir", "remote"])]
    global: bool,
    /// End that: with --global alone
    #[arg(long, requires = "global", conflicts_with = "profile")]
    unset: bool,
    /// Do not ask, where HOME or the root would be bound
    #[arg(long, short)]
    yes: bool,
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
    pub fn directory(&self, context: &Context) -> Result<PathBuf, Mistake> {
        let is_file = |path: &Path| path.file_name().is_some_and(|name| name == BINDING) && fs::symlink_metadata(path).is_ok();
        match self.said().map(|path| context.typed(path)) {
            Some(file) if is_file(&file) => directory(context, Some(&beside(&file))),
            other => directory(context, other.as_deref()),
        }
    }
}

/// Returns the directory in which a file is named to be.
pub fn beside(file: &Path) -> PathBuf {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).into()
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let target =
        arguments.profile.as_deref().map_or(Ok(Target::Default), Target::parse).map_err(|mistake| or_swapped(context, mistake, arguments))?;
    if let Target::Profile(name) = &target {
        context.profile(&context.config()?, name.as_str()).map_err(|mistake| or_swapped(context, mistake, arguments))?;
    }
    if arguments.global {
        return use_everywhere(context, &target);
    }
    let directory = arguments.place.directory(context)?;
    if let Some(pattern) = &arguments.remote {
        return rule::write(context, &target, pattern, &directory);
    }
    bind(context, &directory, &target, arguments.yes)?;
    Ok(ExitCode::SUCCESS)
}

/// Binds a canonical directory and says so; asks before one is bound that most others lie in.
pub fn bind(context: &Context, directory: &Path, target: &Target, yes: bool) -> Result<()> {
    let layout = context.layout.writable()?;
    let is_home = context.env.home_dir().is_ok_and(|home| sys::same_file(&home, directory));
    if is_home || directory.parent().is_none() {
        let everywhere = format!("`clauth use --global {}` needs no file", target.as_str());
        io::confirm(&format!("bind {} and every directory in it to {}? ({everywhere})", directory.display(), target.as_str()), yes)?;
    }
    let file = directory.join(BINDING);
    let found = Binding::read(&file);
    // A binding that is kept elsewhere (dotfiles, under another name) is written there; that of another directory is not this one's to change.
    if let Ok(target) = sys::physical(&file)
        && found.is_ok()
        && file.is_symlink()
        && target.file_name() == Some(BINDING.as_ref())
        && target.parent() != Some(directory)
    {
        bail!(Mistake::BindingElsewhere { file: file.display().to_string(), target: target.display().to_string() });
    }
    let (text, was) = match found {
        Ok(binding) => (binding.with_target(target), (binding.target != *target).then_some(binding.target)),
        // Mostly there is nothing at all. A link to nothing is replaced: written through, it would make a file wherever it points. Anything else that
        // stands there and is wrong is the user's to move away.
        Err(Mistake::BindingDangling { .. }) => (Binding::new_text(target), None),
        Err(mistake) => return Err(mistake.into()),
    };
    // The file is the project's, to be committed and read by others: not private as clauth's own files are.
    io::write_public(&file, text.as_bytes())?;
    trust::allow(layout, directory, target, &text)?;
    let was = was.map(|was| format!(" (was {})", was.as_str())).unwrap_or_default();
    io::say(format_args!("{} is bound to {}{was}", directory.display(), target.as_str()));
    Ok(())
}

/// Makes a profile the default one, or with `default` ends that.
fn use_everywhere(context: &Context, target: &Target) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let name = match target {
        Target::Profile(name) => Some(name),
        Target::Default => None,
    };
    let former = everywhere::set_default(context, layout, name)?;
    let was = former.filter(|former| *former != target.as_str()).map(|former| format!(" (was {former})")).unwrap_or_default();
    match name {
        Some(name) => io::say(format_args!("{name} is used wherever nothing else decides{was}; `clauth use --global --unset` ends that")),
        None => io::say(format_args!("the account of ~/.claude is used wherever nothing else decides{was}")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that a directory stands where a profile belongs, if that is what is wrong, with the line that was meant.
fn or_swapped(context: &Context, mistake: Mistake, arguments: &Arguments) -> Mistake {
    let Some(directory) = &arguments.profile else { return mistake };
    if !matches!(mistake, Mistake::BadName { .. } | Mistake::UnknownProfile { .. }) || !context.typed(Path::new(directory)).is_dir() {
        return mistake;
    }
    let typed = arguments.place.said().and_then(Path::to_str).filter(|word| Target::parse(word).is_ok());
    let line = format!("clauth use {} {}", typed.unwrap_or("PROFILE"), command_line([directory]));
    Mistake::DirectoryForProfile { directory: directory.clone(), line }
}

/// Returns the canonical directory that a command is about.
pub fn directory(context: &Context, chosen: Option<&Path>) -> Result<PathBuf, Mistake> {
    match chosen {
        None => env::current_dir(),
        Some(path) => match sys::physical(&context.typed(path)) {
            Ok(directory) if directory.is_dir() => Ok(directory),
            _ => Err(Mistake::NoSuchPath { path: path.display().to_string() }),
        },
    }
}
