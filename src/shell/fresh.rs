//! Which shells the user uses, and what a fresh one does: it is started, and asked whether the hook runs at its prompts.
//!
//! 1. `clauth fresh SHELL …` (see [`crate::command::fresh`]) cuts itself off from the terminal and becomes the shell. Without a terminal a startup file
//!    that asks a question has no answer and goes on, and the shell takes no terminal from anyone.
//! 2. The shell reads its startup files and runs `shells/fresh.*`, which runs the prompt's commands and prints lines that begin with [`MARK`].
//! 3. `CLAUTH_HOME` leads below a file, where nothing is or can be made, so the hook evaluates for real, and nothing of the user's is entered, started or written.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Shell;
use crate::env::{Env, variable};
use crate::sys;

/// How long a fresh shell may take to start.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long what has ended may take to be read.
const GRACE: Duration = Duration::from_millis(500);

/// The most that is read of what it prints, in bytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// What a line that is meant for clauth begins with.
const MARK: &str = "clauth-fresh: ";

/// What PowerShell ends with where a look-up of the prompt ran the hook.
const HOOK: i32 = 103;

/// What it ends with where the hook is there, and no look-up runs it.
const UNLISTED: i32 = 102;

/// What PowerShell calls at each look-up of a command.
const LOOK_UPS: &str = "PreCommandLookupAction";

/// How a terminal starts a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As a login shell: on macOS, over ssh, in tmux.
    Login,
    /// As any other interactive one.
    Plain,
}

impl Start {
    /// How this system's terminals start one, and then the other.
    pub const BOTH: [Self; 2] = if sys::TERMINALS_RUN_LOGIN_SHELLS { [Self::Login, Self::Plain] } else { [Self::Plain, Self::Login] };

    /// Returns what such a shell is called.
    pub fn shell(self, shell: Shell) -> String {
        match self {
            Self::Login => format!("login {shell}"),
            Self::Plain => shell.to_string(),
        }
    }
}

/// Why the hook does not run in a fresh shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The shell was not ready in time.
    Slow,
    /// The shell could not be run.
    NotRun(String),
    /// The shell ended, or became another program, while it read its startup files.
    Ended,
    /// `CLAUTH_DISABLE` has a value.
    Disabled,
    /// The startup files do not define the hook.
    Missing,
    /// They do not, and no `clauth` is on PATH.
    NotFound,
    /// Its function was defined again, or erased.
    Redefined,
    /// The shell's list of what runs at prompts cannot be changed.
    ReadOnly(String),
    /// That list does not name it.
    Unlisted(String),
    /// The list names it, and something before it ends the prompt's commands.
    Unreached,
}

/// What a fresh shell showed.
#[derive(Debug, Default)]
pub struct Fresh {
    /// Why the hook does not run; `None` where it does.
    pub obstacle: Option<Obstacle>,
    /// Whether it completes what is typed.
    pub completes: bool,
    /// The first `claude` on its PATH; `None` where it did not say.
    pub claude: Option<PathBuf>,
    /// The alias or function of that name, with its text.
    pub in_place_of_claude: Option<(&'static str, String)>,
}

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

    /// Whether the one that called is a login shell.
    pub fn is_login_at_hand() -> bool {
        Self::at_hand().is_some() && sys::parent_process().and_then(sys::program_name).is_some_and(|name| name.as_encoded_bytes().starts_with(b"-"))
    }

    /// Starts a fresh shell and asks it. Fails where it cannot be run.
    pub fn when_fresh(self, env: &Env, program: &Path, start: Start) -> Result<Fresh> {
        which::which_in(self.to_string(), Some(env.absolute_path()), "/").with_context(|| format!("could not run {self}"))?;
        let Some(text) = self.question() else {
            // It reads the same files in either way.
            return if start == Start::BOTH[0] { self.ask_powershell() } else { Ok(Fresh::default()) };
        };
        let mut command = Command::new(program);
        command.args(["fresh", &self.to_string()]).args((start == Start::Login).then_some("-l")).args(["-i", "-c", text]);
        command.env(variable::CLAUTH_HOME, program.join("nowhere"));
        let (answer, in_time) = ask(&mut command).with_context(|| format!("could not run {self}"))?;
        let mut fresh = Fresh::read(&answer);
        if !in_time && fresh.obstacle.is_some() {
            fresh.obstacle = Some(Obstacle::Slow);
        }
        Ok(fresh)
    }

    fn question(self) -> Option<&'static str> {
        match self {
            Self::Bash | Self::Sh => Some(include_str!("../../shells/fresh.bash")),
            Self::Zsh => Some(include_str!("../../shells/fresh.zsh")),
            Self::Fish => Some(include_str!("../../shells/fresh.fish")),
            Self::Pwsh => None,
        }
    }

    fn ask_powershell(self) -> Result<Fresh> {
        let mut command = Command::new(self.to_string());
        // Whichever function is the prompt there, and whatever that does: running it must have run the hook.
        let question = "if (-not (Test-Path variable:__clauth)) { exit 1 }; try { $null = prompt } catch { }; \
                        if (& $__clauth { $__clauth_saw_prompt }) { exit 103 }; exit 102";
        command.args(["-NoLogo", "-Command", question]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.as_mut().map_err(|error| std::io::Error::from(error.kind())).with_context(|| format!("could not run {self}"))?;
        let deadline = Instant::now() + PATIENCE;
        let obstacle = loop {
            match child.try_wait()? {
                Some(status) if status.code() == Some(HOOK) => break None,
                Some(status) if status.code() == Some(UNLISTED) => break Some(Obstacle::Unlisted(LOOK_UPS.into())),
                Some(_) => break Some(Obstacle::Missing),
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                None => {
                    end(child);
                    break Some(Obstacle::Slow);
                }
            }
        };
        Ok(Fresh { completes: obstacle.is_none(), obstacle, ..Fresh::default() })
    }
}

impl Fresh {
    /// Reads the marked lines of an answer; one that was cut short tells how far the shell came.
    fn read(answer: &str) -> Self {
        let said: Vec<_> = answer.lines().filter_map(|line| line.strip_prefix(MARK)).collect();
        let has = |word: &str| said.contains(&word);
        let value = |word: &str| said.iter().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::to_owned);
        let obstacle = if !has("reached") {
            Some(Obstacle::Ended)
        } else if has("ran 1") && has("ran 2") && has("moved") {
            None
        } else if has("disabled") {
            Some(Obstacle::Disabled)
        } else if has("missing") {
            Some(if has("unfound") { Obstacle::NotFound } else { Obstacle::Missing })
        } else if has("redefined") {
            Some(Obstacle::Redefined)
        } else {
            let read_only = value("readonly").map(Obstacle::ReadOnly);
            Some(read_only.or_else(|| value("unlisted").map(Obstacle::Unlisted)).unwrap_or(Obstacle::Unreached))
        };
        let text = |kind| {
            let (_, text) = answer.split_once(&format!("\n{MARK}{kind}\n"))?;
            Some((kind, text.split(MARK).next().unwrap_or_default().to_owned()))
        };
        Self {
            obstacle,
            completes: has("completes"),
            claude: has("end").then(|| value("path").unwrap_or_default().into()),
            in_place_of_claude: text("alias").or_else(|| text("function")),
        }
    }
}

/// Runs a command and returns what it printed, up to the last line that is meant for clauth, and whether that came in time.
fn ask(command: &mut Command) -> std::io::Result<(String, bool)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (sender, lines) = mpsc::channel();
    let stdout = child.stdout.take();
    // On a thread: what a startup file leaves in the background may hold the output for ever.
    thread::Builder::new().spawn(move || {
        let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout.take(LIMIT)).split(b'\n'));
        lines.map_while(Result::ok).try_for_each(|line| sender.send(String::from_utf8_lossy(&line).into_owned() + "\n"))
    })?;
    let (mut answer, mut deadline) = (String::new(), Instant::now() + PATIENCE);
    let (last, mut has_ended) = (format!("{MARK}end\n"), false);
    let in_time = loop {
        match lines.recv_timeout(Duration::from_millis(5)) {
            Ok(line) => {
                answer += &line;
                if line == last {
                    break true;
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break true,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if !has_ended && child.try_wait()?.is_some() {
            (has_ended, deadline) = (true, deadline.min(Instant::now() + GRACE));
        }
        if Instant::now() >= deadline {
            break has_ended;
        }
    };
    if has_ended {
        return Ok((answer, in_time));
    }
    if in_time {
        // It has said everything, and has a moment to end as a shell does: files that it has locked, say.
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && child.try_wait()?.is_none() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    end(&mut child);
    Ok((answer, in_time))
}

/// Ends a shell, with what it waits for.
fn end(child: &mut Child) {
    if child.try_wait().is_ok_and(|status| status.is_none()) {
        sys::end_session(child);
        let _ = child.wait();
    }
}
