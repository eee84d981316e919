//! The shim: `claude` for editors, scripts and `cd x && claude`, where no prompt hook runs.
//!
//! It is a link to clauth under the name `claude`: it decides by the working directory as the hook does, then becomes the real `claude`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;

use super::launch;
use crate::claude_code::processes::PROGRAM;
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::context::Context;
use crate::env::change;
use crate::env::record::Chosen;
use crate::env::{self, direnv, variable};
use crate::error::Mistake;
use crate::layout::Writable;
use crate::project::Outcome;
use crate::project::decide::Loaded;
use crate::session::Holder;
use crate::{io, sys};

/// How many shims may stand in one line of ancestors. Claude Code runs commands that run Claude Code, but not this deep.
const DEEPEST: u32 = 20;

/// Install or remove `claude` in ~/.clauth/bin, which decides by the directory where no hook runs
#[derive(Subcommand)]
pub enum Action {
    /// Put the shim into ~/.clauth/bin
    Install,
    /// Take it away
    Remove,
}

/// Whether this process was called as `claude`.
pub fn is_called_by(name: &OsStr) -> bool {
    Path::new(name).file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case(PROGRAM))
}

/// Returns clauth's own program, which the shim links to.
pub fn behind(shim: &Path) -> PathBuf {
    sys::linked_program(shim).unwrap_or_else(|_| shim.into())
}

/// Decides, then becomes the real `claude`.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<ExitCode> {
    let claude = context.real_claude()?;
    let mut command = Command::new(&claude);
    command.args(arguments);
    guard_against_loops(context, &claude, &mut command)?;
    if !context.env.disabled() {
        choose(context, &mut command)?;
    }
    Err(launch::become_program(&mut command).into())
}

fn choose(context: &Context, command: &mut Command) -> Result<()> {
    let config = context.config()?;
    let before = context.before();
    let loaded = context.loaded();
    let (chosen, directory) = (before.chosen(), env::current_dir());
    let is_direnvs = |directory: &PathBuf| direnv::has_set_for(&context.env, CLAUDE_CONFIG_DIR, directory);
    let outcome = match &loaded {
        // The user chose by hand in this process's ancestry, or an .envrc here, and that outranks the directory.
        Loaded::Profile(dir) if chosen == Chosen::Hand || directory.as_ref().is_ok_and(is_direnvs) => {
            let name = context.layout.profile_of(dir.as_os_str()).map(|name| name.to_string()).unwrap_or_default();
            Outcome::Bound(context.profile(&config, &name)?)
        }
        _ => context.resolve(&config, &directory?).outcome,
    };
    match outcome {
        Outcome::Refused(mistake) => bail!(mistake),
        Outcome::Unbound => change::apply(&before.leave(), command),
        Outcome::Bound(profile) => launch::enter(context, &config, &profile, Holder::Shim, chosen, command)?,
    }
    Ok(())
}

/// Notes in the environment which process became `claude` and how deep: the same process back here, or too many, is a loop.
fn guard_against_loops(context: &Context, claude: &Path, command: &mut Command) -> Result<()> {
    let own = std::process::id();
    let note = context.env.get(variable::CLAUTH_SHIM).and_then(OsStr::to_str).unwrap_or_default();
    let (pid, depth) = note.split_once(' ').map_or((0, 0), |(pid, depth)| (pid.parse().unwrap_or(0), depth.parse().unwrap_or(0)));
    if pid == own || depth >= DEEPEST {
        bail!(Mistake::ShimLoop { path: claude.display().to_string() });
    }
    command.env(variable::CLAUTH_SHIM, format!("{own} {}", depth + 1));
    Ok(())
}

/// Installs or removes the shim.
pub fn install_or_remove(context: &Context, action: &Action) -> Result<ExitCode> {
    let layout = context.layout.writable()?;
    let bin = layout.bin();
    match action {
        Action::Install => {
            install(context, layout)?;
            io::say(format_args!(
                "{} decides by the directory; put {} first on PATH, before the real `claude`",
                layout.shim().display(),
                bin.display()
            ));
        }
        Action::Remove => {
            remove(context, layout)?;
            io::say(format_args!("the shim is removed; {} may leave PATH", bin.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the link.
pub fn install(context: &Context, layout: Writable<'_>) -> Result<()> {
    remove(context, layout)?;
    io::create_dir(&layout.bin())?;
    sys::link_program(&context.program, &layout.shim()).with_context(|| format!("could not link {}", layout.shim().display()))
}

/// Takes the link away, if there is one; what else stands there is not ours.
pub fn remove(context: &Context, layout: Writable<'_>) -> Result<()> {
    let shim = layout.shim();
    // A link to clauth, whichever, or one that an upgrade left dangling.
    let is_clauth = |target: PathBuf| {
        !target.exists() || sys::same_file(&target, &context.program) || target.file_name() == Some(format!("clauth{}", sys::PROGRAM_SUFFIX).as_ref())
    };
    let is_ours = sys::linked_program(&shim).is_ok_and(is_clauth);
    if !is_ours && std::fs::symlink_metadata(&shim).is_ok() {
        bail!(Mistake::ShimTaken { path: shim.display().to_string() });
    }
    if is_ours {
        sys::unlink_program(&shim).with_context(|| format!("could not remove {}", shim.display()))?;
    }
    Ok(())
}
