//! The shim and the wrapper: they decide by the working directory where no prompt hook runs, then become the client.
//!
//! | Link to clauth | Called as | Becomes | For |
//! |---|---|---|---|
//! | `claude`, the shim | `claude ARGS…` | the real `claude` | scripts, `cd x && claude`, editors that look at PATH |
//! | `claude-wrapper` | `claude-wrapper PROGRAM ARGS…` | `PROGRAM ARGS…` | editors that bring a client |

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;

use super::{editors, launch};
use crate::claude_code::processes::{PROGRAM, RUNTIME, WRAPPER, is_script};
use crate::claude_code::stream;
use crate::context::Context;
use crate::env::variable;
use crate::error::{self, Mistake};
use crate::layout::Writable;
use crate::session::Holder;
use crate::{io, sys};

/// How many shims may stand in one line of ancestors. Claude Code runs commands that run Claude Code, but not this deep.
const DEEPEST: u32 = 20;

/// The most that is read of a request, in bytes.
const LONGEST_REQUEST: u64 = 1024 * 1024;

/// Install or remove `claude` and `claude-wrapper` in ~/.clauth/bin, which decide by the directory where no hook runs
#[derive(Subcommand)]
pub enum Action {
    /// Put the shim and the wrapper for editors into ~/.clauth/bin
    Install,
    /// Take them away
    Remove,
}

/// What this process was called as, apart from `clauth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// `claude`.
    Shim,
    /// `claude-wrapper`.
    Wrapper,
}

impl Called {
    /// Looks at the name; `None` for clauth itself.
    pub fn by(name: &OsStr) -> Option<Self> {
        let is = |known: &str| Path::new(name).file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case(known));
        if is(PROGRAM) { Some(Self::Shim) } else { is(WRAPPER).then_some(Self::Wrapper) }
    }

    /// How it is noted in the environment.
    fn noted(self) -> &'static str {
        match self {
            Self::Shim => "shim",
            Self::Wrapper => "wrapper",
        }
    }
}

/// Returns clauth's own program, which the shim links to.
pub fn behind(shim: &Path) -> PathBuf {
    sys::linked_program(shim).unwrap_or_else(|_| shim.into())
}

/// Decides, then becomes the client.
pub fn run(context: &Context, called: Called, arguments: &[OsString]) -> Result<ExitCode> {
    let mut command = match called {
        Called::Shim => Command::new(context.real_claude()?),
        Called::Wrapper => wrapped(context, arguments)?,
    };
    command.args(&arguments[usize::from(called == Called::Wrapper)..]);
    guard_against_loops(context, called, &mut command)?;
    if !context.env.disabled() {
        let holder = if called == Called::Wrapper { Holder::Editor } else { Holder::Shim };
        launch::enter_by_directory(context, holder, &mut command)?;
    }
    Err(launch::become_program(&mut command).into())
}

/// Returns the command of the program that the wrapper is to become, which is looked at before anything is decided for it.
fn wrapped(context: &Context, arguments: &[OsString]) -> Result<Command> {
    // No program begins so: an editor has left it out.
    let Some(program) = arguments.first().filter(|first| !first.is_empty() && !first.as_encoded_bytes().starts_with(b"-")) else {
        let usage = format!("{WRAPPER} PROGRAM [ARGS…]");
        let hint = "; an editor puts its own Claude Code there, once `clauth setup --editors` has told it of the wrapper".into();
        bail!(Mistake::MissingArgument { called: WRAPPER.into(), missing: "a program".into(), usage, hint });
    };
    let path = Path::new(program);
    let layout = &context.layout;
    if path == Path::new(PROGRAM) || sys::same_file(path, &layout.shim()) {
        return Ok(Command::new(context.real_claude()?));
    }
    let is_own = |link: &Path| sys::same_file(path, link) || sys::linked_program(link).is_ok_and(|own| sys::same_file(path, &own));
    if is_own(&layout.wrapper()) || sys::same_file(path, &context.program) {
        bail!(Mistake::WrapperLoop { path: path.display().to_string() });
    }
    let is_bare = path.parent() == Some(Path::new(""));
    if !is_bare && !path.exists() {
        bail!(Mistake::ProgramGone { program: path.display().to_string() });
    }
    let installed = |name: &str| context.installed(name).ok_or_else(|| Mistake::CommandNotFound { command: name.into() });
    if !is_script(path) {
        // A bare name is never looked for in the folder, whatever PATH says.
        return Ok(if is_bare { Command::new(installed(&program.to_string_lossy())?) } else { Command::new(program) });
    }
    let mut command = Command::new(installed(RUNTIME)?);
    command.arg(program);
    Ok(command)
}

/// Answers a program that talks to the client by its standard streams, where clauth's own words on standard error may be seen by nobody.
pub fn tell_caller(arguments: &[OsString], error: &anyhow::Error) {
    if !stream::is_asked_for(arguments) || std::io::stdin().is_terminal() {
        return; // a person has read it
    }
    let mut first = Vec::new();
    // It is sent at once by whoever asks for such a conversation; no more than that is read.
    let _ = std::io::stdin().lock().take(LONGEST_REQUEST).read_until(b'\n', &mut first);
    let reason = format!("clauth: {}", io::terminal_safe(&error::told(error)));
    let _ = io::print(stream::refusal(&first, &reason));
}

/// Notes in the environment which process became `claude` and how deep: the same process back here, or too many, is a loop.
///
/// The wrapper may become a script that becomes the shim, in one process; so one of a kind is a loop, and the two in turn are one by their number.
fn guard_against_loops(context: &Context, called: Called, command: &mut Command) -> Result<()> {
    let own = std::process::id();
    let note = context.env.get(variable::CLAUTH_SHIM).and_then(OsStr::to_str).unwrap_or_default();
    let mut words = note.split(' ');
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let (pid, depth) = (number(), number());
    let is_same = words.next().is_none_or(|kind| kind == called.noted());
    if pid == own && is_same || depth >= DEEPEST {
        let path = command.get_program().to_string_lossy().into_owned();
        bail!(if called == Called::Shim { Mistake::ShimLoop { path } } else { Mistake::WrapperLoop { path } });
    }
    command.env(variable::CLAUTH_SHIM, format!("{own} {} {}", depth + 1, called.noted()));
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
            if let Some(used) = editors::removals(context)?.first() {
                bail!(Mistake::EditorStartsIt { file: used.file().display().to_string() });
            }
            remove(context, layout)?;
            io::say(format_args!("the shim is removed; {} may leave PATH", bin.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes both links.
pub fn install(context: &Context, layout: Writable<'_>) -> Result<()> {
    link(context, layout, &layout.shim())?;
    install_wrapper(context, layout)
}

/// Makes that of the wrapper.
pub fn install_wrapper(context: &Context, layout: Writable<'_>) -> Result<()> {
    link(context, layout, &layout.wrapper())
}

fn link(context: &Context, layout: Writable<'_>, link: &Path) -> Result<()> {
    unlink(context, link)?;
    io::create_dir(&layout.bin())?;
    sys::link_program(&context.program, link).with_context(|| format!("could not link {}", link.display()))
}

/// Takes both links away, where they are; what else stands there is not ours.
pub fn remove(context: &Context, layout: Writable<'_>) -> Result<()> {
    unlink(context, &layout.shim())?;
    unlink(context, &layout.wrapper())
}

fn unlink(context: &Context, link: &Path) -> Result<()> {
    // A link to clauth, whichever, or one that an upgrade left dangling.
    let is_clauth = |target: PathBuf| {
        !target.exists() || sys::same_file(&target, &context.program) || target.file_name() == Some(format!("clauth{}", sys::PROGRAM_SUFFIX).as_ref())
    };
    let is_ours = sys::linked_program(link).is_ok_and(is_clauth);
    if !is_ours && std::fs::symlink_metadata(link).is_ok() {
        bail!(Mistake::ShimTaken { path: link.display().to_string() });
    }
    if is_ours {
        sys::unlink_program(link).with_context(|| format!("could not remove {}", link.display()))?;
    }
    Ok(())
}
