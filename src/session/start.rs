//! Starting a helper and waiting until it holds its lock.

use std::fs;
use std::io::Read;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Session;
use crate::context::Context;
use crate::env::variable;
use crate::error::Mistake;
use crate::name::ProfileName;
use crate::sys;

/// How long a starter waits for its helper.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most that a helper's log keeps from earlier sessions, in bytes.
const LOG_LIMIT: u64 = 64 * 1024;

/// What becomes of the process that starts a helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It ends soon, and the system adopts the helper.
    Brief,
    /// It becomes another program, which would be left with a child it does not know and never reaps: the helper must be nobody's child.
    Replaced,
}

/// Starts the helper of a profile; the caller holds the gate.
pub fn helper(context: &Context, session: &Session, name: &ProfileName, lifetime: Lifetime) -> Result<()> {
    let failed = || Mistake::HelperFailed { profile: name.to_string(), log: session.log().display().to_string() };
    if fs::metadata(session.log()).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
        let _ = fs::remove_file(session.log());
    }
    let log = sys::open_lock_file(&session.log()).with_context(|| format!("could not open {}", session.log().display()))?;
    let mut command = Command::new(&context.program);
    let is_left_to_others = lifetime == Lifetime::Replaced && sys::KEEPS_DEAD_CHILDREN;
    command.arg("helper").arg(name.as_str()).args(is_left_to_others.then_some("--orphan"));
    command.env_clear().env(variable::CLAUTH_HOME, context.layout.home()).envs(context.env.locale());
    let kept = sys::NEEDED_VARIABLES.iter().copied().chain([variable::CLAUTH_LINK_MODE, variable::CLAUTH_COPIES_LIMIT]);
    command.envs(kept.filter_map(|name| Some((name, context.env.get(name)?))));
    let (stdout, wait) = sys::start_detached(&mut command, &log).with_context(failed)?;
    let ready = said_ready(stdout, PATIENCE);
    if is_left_to_others {
        wait().with_context(failed)?;
    }
    if ready { Ok(()) } else { bail!(failed()) }
}

/// Whether the helper wrote something before it closed its standard output, within the time.
fn said_ready(mut stdout: impl Read + Send + 'static, patience: Duration) -> bool {
    let (sender, receiver) = mpsc::channel();
    // A pipe cannot be read with a deadline everywhere; a thread can be left behind, and ends with this brief process. Where there can be none, nobody is
    // told: `thread::spawn` would panic, and the shell would have no answer at all.
    let reading = thread::Builder::new().spawn(move || sender.send(stdout.read(&mut [0; 16]).is_ok_and(|count| count > 0)));
    reading.is_ok() && receiver.recv_timeout(patience).unwrap_or(false)
}
