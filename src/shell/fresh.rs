//! Which shells the user uses, and whether a fresh one has the hook.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Shell;
use crate::env::Env;
use crate::sys;

/// How long a fresh shell may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// What [`Shell::check`] ends with.
const HOOK: i32 = 102;
const HOOK_AND_COMPLETIONS: i32 = 103;

impl Shell {
    /// Whether the user uses it: the login shell, the one at hand, or one that is installed and has a startup file.
    pub fn is_in_use(self, env: &Env) -> bool {
        let login = env.non_empty("SHELL").and_then(|shell| Self::from_program(Path::new(shell).file_name()?));
        let has_file = self.startup_files(env).iter().any(|file| file.exists());
        let is_installed = || which::which_in(self.to_string(), Some(env.absolute_path()), "/").is_ok();
        [login, Self::at_hand()].contains(&Some(self)) || (has_file && is_installed())
    }

    /// Returns the one that called, if it was a shell.
    pub fn at_hand() -> Option<Self> {
        sys::parent_process().and_then(sys::program_name).and_then(|name| Self::from_program(&name))
    }

    /// Starts a fresh shell and asks it for the hook; fails where it has none. Returns whether it completes what is typed, too.
    pub fn completes_when_fresh(self) -> Result<bool> {
        let mut command = Command::new(self.to_string());
        command.args(self.check()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("could not run {self}"))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match child.try_wait().with_context(|| format!("could not wait for {self}"))? {
                Some(status) if status.code() == Some(HOOK) => return Ok(false),
                Some(status) if status.code() == Some(HOOK_AND_COMPLETIONS) => return Ok(true),
                Some(_) => bail!(
                    "a fresh shell does not have the hook; look whether its startup file ends, or becomes another shell, before the lines of clauth"
                ),
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                None => {
                    let _ = child.kill();
                    let _ = child.wait();
                    bail!("a fresh shell was not ready after {} s, so the hook could not be seen", PATIENCE.as_secs());
                }
            }
        }
    }
}
