//! The helper's body: follows every lease by the kernel's own events, and is gone when the last one ends.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use super::Session;
use super::lease::{Lease, pid_of};
use crate::context::Context;
use crate::io::{self, FileLock};
use crate::name::ProfileName;
use crate::sys::{self, Event, Events};

/// Starts the real helper as nobody's child and returns: the way in for a starter that becomes another program.
pub fn start_orphan(context: &Context, name: &ProfileName) -> Result<()> {
    let mut command = Command::new(&context.program);
    command.arg("helper").arg(name.as_str()).stdin(Stdio::null());
    command.spawn().map(drop).with_context(|| format!("could not run {}", context.program.display()))
}

/// Runs until no live process holds a lease.
pub fn run(context: &Context, name: &ProfileName) -> Result<()> {
    sys::detach().context("could not detach from the shell")?;
    let layout = context.layout.writable()?;
    let session = Session::new(&layout, name);
    let Some(session_lock) = FileLock::exclusive_unless_held(&session.lock())? else {
        // A starter was killed before its helper had the lock, and the next one started this one: that helper sees its lease.
        io::print("ready\n")?;
        return Ok(());
    };
    let mut helper = Helper { events: Events::new().context("could not wait for events")?, holders: HashMap::new(), session };
    // Watch first, then look: what comes between is seen twice, never missed.
    let leases = helper.session.leases();
    helper.events.watch_directory(&leases).with_context(|| format!("could not watch {}", leases.display()))?;
    helper.look_at_all()?;
    helper.introduce()?;
    let _ = io::print("ready\n"); // the starter may have given up; its lease counts all the same
    sys::silence_stdout().context("could not let go of the standard output")?;
    sys::give_back_memory();
    loop {
        if helper.holders.is_empty() {
            let gate = FileLock::exclusive(&helper.session.gate())?;
            helper.look_at_all()?;
            if helper.holders.is_empty() {
                io::sweep(&leases);
                io::sweep(helper.session.directory());
                // In this order: whoever opens the gate next must find the session free.
                drop(session_lock);
                drop(gate);
                return Ok(());
            }
        }
        helper.wait()?;
    }
}

/// Holds what one helper knows.
struct Helper {
    session: Session,
    events: Events,
    /// The live leases by pid, with the start time each was taken for.
    holders: HashMap<u32, String>,
}

impl Helper {
    fn introduce(&self) -> Result<()> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let pid = std::process::id();
        let start = sys::start_time(pid).unwrap_or_default();
        io::write(&self.session.helper(), format!("{pid} {start} {since}\n").as_bytes())
    }

    fn wait(&mut self) -> Result<()> {
        for event in self.events.wait().context("could not wait for events")? {
            match event {
                Event::Exited(pid) => self.end(pid)?,
                Event::Changed(name) => pid_of(&name).map_or(Ok(()), |pid| self.look_at(pid))?,
                // Shells begin a new session in the same place, with a helper of its own.
                Event::Gone => bail!("{} was deleted", self.session.leases().display()),
                Event::Overflow => self.look_at_all()?,
            }
        }
        Ok(())
    }

    fn look_at_all(&mut self) -> Result<()> {
        let known: Vec<u32> = self.holders.keys().copied().collect();
        let written = Lease::all(&self.session).into_iter().map(|lease| lease.pid);
        for pid in known.into_iter().chain(written) {
            self.look_at(pid)?;
        }
        Ok(())
    }

    fn look_at(&mut self, pid: u32) -> Result<()> {
        let lease = Lease::read(&self.session, pid);
        let known = self.holders.get(&pid);
        match lease {
            Some(lease) if known == Some(&lease.start) => Ok(()),
            Some(lease) => {
                self.forget(pid);
                if self.events.watch_process(pid, &lease.start).with_context(|| format!("could not watch process {pid}"))? {
                    self.holders.insert(pid, lease.start);
                    return Ok(());
                }
                self.remove_lease(pid, &lease.start)
            }
            None => {
                self.forget(pid);
                Ok(())
            }
        }
    }

    fn end(&mut self, pid: u32) -> Result<()> {
        // Not removed unseen: another process may have got this pid, and a lease, before we woke.
        self.forget(pid);
        self.look_at(pid)
    }

    /// Removes a dead process's lease, but not the one that a new process with the same pid may have written meanwhile.
    fn remove_lease(&self, pid: u32, start: &str) -> Result<()> {
        match Lease::read(&self.session, pid) {
            Some(lease) if lease.start == start => Lease::remove(&self.session, pid),
            _ => Ok(()),
        }
    }

    fn forget(&mut self, pid: u32) {
        self.events.forget_process(pid);
        self.holders.remove(&pid);
    }
}

/// Says who the helper of a profile is, as far as it still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Introduction {
    /// Its process.
    pub pid: u32,
    /// When it began, in seconds since 1970.
    pub since: u64,
}

impl Introduction {
    /// Reads who the helper is; `None` when that process is gone.
    pub fn read(session: &Session) -> Option<Self> {
        let text = std::fs::read_to_string(session.helper()).ok()?;
        let mut words = text.split_ascii_whitespace();
        let (pid, start, since) = (words.next()?.parse().ok()?, words.next()?, words.next()?.parse().ok()?);
        (sys::start_time(pid).as_deref() == Some(start)).then_some(Self { pid, since })
    }
}
