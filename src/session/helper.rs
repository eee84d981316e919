//! The helper's body: follows every lease by the kernel's own events, and is gone when the last one ends.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use super::Session;
use super::lease::{Holder, Lease, pid_of};
use crate::account::live_clients_since;
use crate::context::Context;
use crate::io::{self, FileLock};
use crate::name::ProfileName;
use crate::profile;
use crate::sharing::Watchdog;
use crate::sys::{self, Event, Events, Interest, Watch};

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
    let mut events = Events::new().context("could not wait for events")?;
    events.pass_over(io::own_ending());
    // Watch first, then look: what comes between is seen twice, never missed.
    let leases = events.watch(&session.leases(), Interest::Names).with_context(|| format!("could not watch {}", session.leases().display()))?;
    let mut helper = Helper {
        context,
        name,
        session,
        events,
        leases,
        holders: HashMap::new(),
        watchdog: None,
        hindrance: None,
        has_put_off: false,
        is_told_to_stop: false,
        since: SystemTime::now(),
    };
    io::remove(&helper.session.stop_word())?; // for an earlier helper
    helper.look_at_all()?;
    helper.introduce()?;
    let _ = io::print("ready\n"); // the starter may have given up; its lease counts all the same
    sys::silence_stdout().context("could not let go of the standard output")?;
    // Only now: history can be long, and a shell waits for the line above.
    helper.watch_profile();
    super::forget_earlier_boots(layout);
    loop {
        if helper.holders.is_empty() || helper.is_told_to_stop {
            let gate = FileLock::exclusive(&helper.session.gate())?;
            helper.look_at_all()?;
            helper.follow_clients()?;
            if helper.holders.is_empty() || helper.is_told_to_stop {
                helper.finish();
                io::forget_unfinished(&helper.session.leases());
                io::forget_unfinished(helper.session.directory());
                // In this order: whoever opens the gate next must find the session free.
                drop(session_lock);
                drop(gate);
                return Ok(());
            }
        }
        helper.wait()?;
    }
}

/// How often the events of our own work are read before this process sleeps again.
const ROUNDS: usize = 3;

/// How long to wait before a profile, or what it shares, that could not be read is looked at again: somebody may be editing it.
const AGAIN: Duration = Duration::from_secs(1);

/// Holds what one helper knows.
struct Helper<'a> {
    context: &'a Context,
    name: &'a ProfileName,
    session: Session,
    events: Events,
    /// The watch on the directory of leases.
    leases: Watch,
    /// Absent for as long as the hub or the profile cannot be read: leases are followed all the same.
    watchdog: Option<Watchdog>,
    /// Why it is absent, as was said.
    hindrance: Option<String>,
    /// The live leases by pid, with the start time each was taken for.
    holders: HashMap<u32, String>,
    /// Whether there are leases that could not be read, or followed.
    has_put_off: bool,
    /// Whether it shall finish, whoever uses the profile.
    is_told_to_stop: bool,
    /// When it began.
    since: SystemTime,
}

impl Helper<'_> {
    fn introduce(&self) -> Result<()> {
        let since = self.since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let pid = std::process::id();
        let start = sys::start_time(pid).unwrap_or_default();
        io::write(&self.session.helper(), format!("{pid} {start} {since}\n").as_bytes())
    }

    fn watch_profile(&mut self) {
        let profile = profile::load(&self.context.layout, self.name).map_err(anyhow::Error::from);
        match profile.and_then(|profile| Watchdog::new(self.context, &profile, self.session.troubles())) {
            Ok(mut watchdog) => {
                watchdog.begin(&mut self.events);
                watchdog.work(&mut self.events);
                self.watchdog = Some(watchdog);
            }
            Err(error) => self.say_hindrance(format!("{error:#}")),
        }
        sys::give_back_memory();
    }

    /// Says once why nothing is shared, in the log and where `clauth status` finds it.
    fn say_hindrance(&mut self, hindrance: String) {
        if self.hindrance.as_ref() == Some(&hindrance) {
            return;
        }
        io::say(&hindrance);
        if let Err(error) = io::write(&self.session.troubles(), (io::terminal_safe(&hindrance) + "\n").as_bytes()) {
            io::say(format_args!("{error:#}"));
        }
        self.hindrance = Some(hindrance);
    }

    /// Does what is left to do, the changes that still waited included.
    fn finish(&mut self) {
        match self.events.pending() {
            Ok(events) => events.into_iter().for_each(|event| match event {
                Event::Changed(watch, name) => self.watchdog.iter_mut().for_each(|watchdog| watchdog.note(watch, name.as_deref())),
                Event::Overflow => self.watchdog.iter_mut().for_each(Watchdog::look_again),
                _ => {}
            }),
            Err(error) => io::say(format_args!("could not read events: {error}")),
        }
        self.watchdog.iter_mut().for_each(|watchdog| _ = watchdog.work(&mut self.events));
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.finish(&mut self.events);
        }
    }

    fn wait(&mut self) -> Result<()> {
        let patience = self.watchdog.as_ref().map_or(Some(AGAIN), Watchdog::patience);
        let events = self.events.wait(patience).context("could not wait for events")?;
        self.note(events)?;
        if self.watchdog.is_none() {
            self.watch_profile();
        }
        let mut has_worked = false;
        // What was done makes events of its own. They are read now, so that they do not wake this process once more.
        for _ in 0..ROUNDS {
            if !self.watchdog.as_mut().is_some_and(|watchdog| watchdog.work(&mut self.events)) {
                break;
            }
            has_worked = true;
            let events = self.events.pending().context("could not read events")?;
            self.note(events)?;
        }
        if has_worked {
            sys::give_back_memory();
        }
        Ok(())
    }

    fn note(&mut self, events: Vec<Event>) -> Result<()> {
        for event in events {
            match event {
                Event::Exited(pid) => self.end(pid)?,
                Event::Changed(watch, name) if watch == self.leases => match name.as_deref().map(pid_of) {
                    Some(Some(pid)) => self.look_at(pid)?,
                    // A command has left word.
                    Some(None) => {
                        self.is_told_to_stop |= self.session.stop_word().exists();
                        self.watchdog.iter_mut().for_each(|watchdog| watchdog.obey(&mut self.events));
                    }
                    None => self.look_at_all()?,
                },
                // Shells begin a new session in the same place, with a helper of its own.
                Event::Gone(watch) if watch == self.leases => bail!("{} was deleted", self.session.leases().display()),
                Event::Gone(watch) => self.watchdog.iter_mut().for_each(|watchdog| watchdog.note_gone(watch)),
                Event::Changed(watch, name) => self.watchdog.iter_mut().for_each(|watchdog| watchdog.note(watch, name.as_deref())),
                Event::Overflow => {
                    self.look_at_all()?;
                    self.watchdog.iter_mut().for_each(Watchdog::look_again);
                }
            }
        }
        Ok(())
    }

    fn look_at_all(&mut self) -> Result<()> {
        let known: Vec<u32> = self.holders.keys().copied().collect();
        let written = Lease::pids(&self.session).or_else(|error| self.put_off(error).map(|()| Vec::new()))?;
        for pid in known.into_iter().chain(written) {
            self.look_at(pid)?;
        }
        Ok(())
    }

    /// Takes leases for clients that outlive the program which started them: a session of `claude --bg` goes on without a shell, and what it writes is to
    /// be shared as any other's.
    fn follow_clients(&mut self) -> Result<()> {
        // Of a profile that is gone there is nothing to share; and one that is to be taken over would need the state lock, which comes before the gate.
        if !self.context.layout.profile_file(self.name).exists() {
            return Ok(());
        }
        let Ok(profile) = profile::load(&self.context.layout, self.name) else { return Ok(()) };
        for pid in live_clients_since(&profile.config_dir, self.since) {
            if let Some(lease) = Lease::of(pid, Holder::Client) {
                lease.write(&self.session)?;
                self.look_at(pid)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, pid: u32) -> Result<()> {
        self.follow(pid).or_else(|error| self.put_off(error))
    }

    fn follow(&mut self, pid: u32) -> Result<()> {
        let lease = Lease::find(&self.session, pid)?;
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

    /// Says what cannot be done now, for lack of descriptors say. Those who are followed must not lose their helper for one who is not; its turn comes when
    /// one of them ends.
    fn put_off(&mut self, error: anyhow::Error) -> Result<()> {
        if self.holders.is_empty() {
            return Err(error);
        }
        if !std::mem::replace(&mut self.has_put_off, true) {
            io::say(format_args!("{error:#}"));
        }
        Ok(())
    }

    fn end(&mut self, pid: u32) -> Result<()> {
        // Not removed unseen: another process may have got this pid, and a lease, before we woke.
        self.forget(pid);
        self.look_at(pid)?;
        if std::mem::take(&mut self.has_put_off) { self.look_at_all() } else { Ok(()) }
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
