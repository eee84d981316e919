//! `clauth statusline`: a line for Claude Code's own status line, and what it learns of the limits there.
//!
//! Claude Code runs it after each answer, and kills it when the next one comes first. So it is quick, writes only news, and waits for nobody but the
//! user's own command, which runs beside it.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read, stdin};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use crate::account::Standing;
use crate::account::usage::{self, Cache};
use crate::claude_code::STATE;
use crate::claude_code::variables::CLAUDE_CONFIG_DIR;
use crate::context::Context;
use crate::io::{self, Beside, terminal_safe};
use crate::name;

/// The most that is read of the standard input, in bytes; Claude Code writes two thousand.
const LIMIT: u64 = 1024 * 1024;

/// How long to wait for the user's command.
const PATIENCE: Duration = Duration::from_secs(3);

/// Print a status line for Claude Code: the profile and its limits
///
/// In settings.json: "statusLine": {"type": "command", "command": "clauth statusline"}.
/// A status line of your own goes into config.toml, `statusline = "COMMAND"`, and stands behind.
#[derive(Args)]
pub struct Arguments {}

pub fn run(context: &Context) -> Result<ExitCode> {
    let mut input = Vec::new();
    if !stdin().is_terminal() {
        stdin().take(LIMIT).read_to_end(&mut input)?;
    }
    let beside = own_command(context).and_then(|command| Beside::start(&command, input.clone()).map_err(|error| io::complain(&error.into())).ok());
    let line = line(context, &input)?;
    let printed = beside.and_then(|beside| beside.finish(PATIENCE)).unwrap_or_default();
    io::print(joined(&line, &printed))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the user's own command. Settings that are wrong are said, and cost no more than that.
fn own_command(context: &Context) -> Option<String> {
    context.config().map_err(io::say).ok()?.statusline
}

fn line(context: &Context, input: &[u8]) -> Result<String> {
    let config_dir = context.env.non_empty(CLAUDE_CONFIG_DIR).map(Path::new);
    let name = match config_dir {
        None => name::DEFAULT.into(),
        Some(directory) => match context.layout.profile_of(directory.as_os_str()) {
            Some(profile) => profile.to_string(),
            None => terminal_safe(&directory.file_name().unwrap_or(OsStr::new("?")).to_string_lossy()),
        },
    };
    let claude_json = config_dir.map_or_else(|| context.env.home_dir(), |directory| Ok(directory.into()))?.join(STATE);
    let standing = Standing::shown(&claude_json);
    let now = Timestamp::now();
    let captured = usage::captured(input, now);
    let known = standing.account().map(|account| {
        let cache = Cache::of(&context.layout, account);
        let known = cache.read().1;
        if let Some(reading) = captured.as_ref().filter(|reading| known.is_new(reading)) {
            // Somebody else writes just now: the next line is soon enough.
            let learned = context.layout.writable().map_err(Into::into);
            let learned = learned.and_then(|layout| cache.change(layout, Duration::ZERO, |_, known| known.learn(reading.clone())));
            let _ = learned.map_err(|error| io::complain(&error));
        }
        known.readings
    });
    let readings: Vec<_> = known.into_iter().flatten().chain(standing.told).chain(captured).collect();
    Ok(usage::line(&name, &usage::figures(&readings, now), now))
}

/// Puts clauth's line in front of the user's first: the account is what must not be cut off. Further lines stay as they are.
fn joined(line: &str, printed: &[u8]) -> Vec<u8> {
    let printed = printed.trim_ascii_end();
    let between = if printed.is_empty() { "" } else { " │ " };
    [line.as_bytes(), between.as_bytes(), printed, b"\n"].concat()
}
