//! Waiting for process exits and changes of directories: inotify, pidfd, epoll.
//!
//! Each file that this process puts into a watched directory makes four events: its temporary name appears, is written and leaves, and the file's name
//! appears. The first three tell nothing and are dropped. The last one must be told: inotify merges it with the next event of that name, though that
//! may be of another process's rename, with another cookie.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::fs::inotify;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::started;
use crate::sys::{Event, Interest, Listing, Watch};

/// The tokens of the two inotify descriptors; no pid is 0 or so large.
const DIRECTORY: u64 = 0;
const LOGS: u64 = u64::MAX;

/// How long changes of [`Interest::Logs`] wait after a look at them.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits in the kernel for process exits and directory changes, with no timer of its own.
#[derive(Debug)]
pub struct Events {
    epoll: OwnedFd,
    inotify: OwnedFd,
    /// A queue of its own for logs, so that it can be left unread: then no append wakes this process. Its watches have negative numbers.
    logs: OwnedFd,
    /// Until when that queue is left unread.
    pause: Option<Instant>,
    processes: HashMap<u32, OwnedFd>,
    /// The ending of the names under which this process prepares files; empty where it prepares none.
    own_ending: String,
    /// What was read before anybody waited for it.
    gathered: Vec<Event>,
}

impl Events {
    /// Makes a waiter that waits for nothing yet.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let queue = || inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK);
        let (inotify, logs) = (queue()?, queue()?);
        epoll::add(&epoll, &inotify, epoll::EventData::new_u64(DIRECTORY), epoll::EventFlags::IN)?;
        epoll::add(&epoll, &logs, epoll::EventData::new_u64(LOGS), epoll::EventFlags::IN)?;
        let (own_ending, gathered) = (String::new(), Vec::new());
        Ok(Self { epoll, inotify, logs, pause: None, processes: HashMap::new(), own_ending, gathered })
    }

    /// Passes over the events of names with this ending, under which this process prepares files.
    pub fn pass_over(&mut self, ending: String) {
        self.own_ending = ending;
    }

    /// Reads what has happened by now, for the next wait: the kernel's queue has room for a few thousand changes, and long work makes more.
    pub fn gather(&mut self) -> io::Result<()> {
        let events = self.pending()?;
        self.gathered = events;
        Ok(())
    }

    /// Watches a directory or a file.
    pub fn watch(&mut self, path: &Path, interest: Interest) -> io::Result<Watch> {
        use inotify::WatchFlags as Flags;
        let names = Flags::CREATE | Flags::DELETE | Flags::MOVED_TO | Flags::MOVED_FROM | Flags::DELETE_SELF | Flags::MOVE_SELF | Flags::ONLYDIR;
        let flags = match interest {
            Interest::Names => names,
            Interest::Contents | Interest::Logs => names | Flags::CLOSE_WRITE,
            // The link count is an attribute: a file that another was renamed over tells so by ATTRIB.
            Interest::File => Flags::CLOSE_WRITE | Flags::ATTRIB | Flags::DELETE_SELF | Flags::MOVE_SELF,
        };
        if interest == Interest::Logs {
            return Ok(Watch(-inotify::add_watch(&self.logs, path, flags)?));
        }
        Ok(Watch(inotify::add_watch(&self.inotify, path, flags)?))
    }

    /// Watches a directory that is open for listing; `path` is where it lies.
    pub fn watch_listing(&mut self, listing: &Listing, path: &Path, interest: Interest) -> io::Result<Watch> {
        // The kernel walks a path for as long as that is, and in a deep tree that is most of the work.
        let short = format!("/proc/self/fd/{}", listing.as_fd().as_raw_fd());
        self.watch(Path::new(&short), interest).or_else(|_| self.watch(path, interest))
    }

    /// Watches for the exit of one process; false when that very process is gone already.
    pub fn watch_process(&mut self, pid: u32, start: &str) -> io::Result<bool> {
        let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
        let handle = match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // The handle first, then the question who it is: the other way round, the pid could pass on in between.
        if started(pid)?.as_deref() != Some(start) {
            return Ok(false);
        }
        epoll::add(&self.epoll, &handle, epoll::EventData::new_u64(pid.into()), epoll::EventFlags::IN)?;
        self.processes.insert(pid, handle);
        Ok(true)
    }

    /// Stops watching a process.
    pub fn forget_process(&mut self, pid: u32) {
        if let Some(handle) = self.processes.remove(&pid) {
            // Closing it would be enough, but for a process that is just being started and still has a copy.
            let _ = epoll::delete(&self.epoll, &handle);
        }
    }

    /// Sleeps until something happens, for ever or as long as asked, and returns all of it.
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<Vec<Event>> {
        if !self.gathered.is_empty() {
            return self.pending();
        }
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            let now = Instant::now();
            if self.pause.is_some_and(|pause| pause <= now) {
                self.read_logs_from(None, epoll::EventFlags::IN)?;
            }
            let until = deadline.into_iter().chain(self.pause).min();
            let timeout = until.and_then(|until| Timespec::try_from(until.saturating_duration_since(now)).ok());
            let events = self.told(timeout.as_ref())?;
            if !events.is_empty() || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(events);
            }
        }
    }

    /// Returns what has happened by now, with what waits.
    pub fn pending(&mut self) -> io::Result<Vec<Event>> {
        let mut events = std::mem::take(&mut self.gathered);
        self.read_changes(LOGS, &mut events)?;
        events.append(&mut self.told(Some(&Timespec::default()))?);
        Ok(events)
    }

    fn told(&mut self, timeout: Option<&Timespec>) -> io::Result<Vec<Event>> {
        let mut ready = Vec::with_capacity(64);
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut ready), timeout) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = Vec::new();
        for token in ready.iter().map(|event| event.data.u64()) {
            if token == LOGS {
                self.read_logs_from(Some(Instant::now() + PAUSE), epoll::EventFlags::empty())?;
            }
            if matches!(token, DIRECTORY | LOGS) {
                self.read_changes(token, &mut events)?;
            } else if let Ok(pid) = u32::try_from(token) {
                self.forget_process(pid);
                events.push(Event::Exited(pid));
            }
        }
        Ok(events)
    }

    fn read_logs_from(&mut self, pause: Option<Instant>, flags: epoll::EventFlags) -> io::Result<()> {
        self.pause = pause;
        Ok(epoll::modify(&self.epoll, &self.logs, epoll::EventData::new_u64(LOGS), flags)?)
    }

    fn read_changes(&self, queue: u64, events: &mut Vec<Event>) -> io::Result<()> {
        let (queue, sign) = if queue == LOGS { (&self.logs, -1) } else { (&self.inotify, 1) };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(queue, &mut buffer);
        loop {
            let change = match reader.next() {
                Ok(change) => change,
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let (flags, name) = (change.events(), change.file_name().map(std::ffi::CStr::to_bytes));
            let watch = Watch(sign * change.wd());
            if flags.contains(inotify::ReadFlags::QUEUE_OVERFLOW) {
                events.push(Event::Overflow);
            } else if flags.contains(inotify::ReadFlags::IGNORED) {
                // The kernel dropped the watch with its file: nothing more to say than was said.
            } else if flags.intersects(inotify::ReadFlags::DELETE_SELF | inotify::ReadFlags::MOVE_SELF) {
                events.push(Event::Gone(watch));
            } else if !self.own_ending.is_empty() && name.is_some_and(|name| name.ends_with(self.own_ending.as_bytes())) {
                // A name that no other process uses.
            } else {
                events.push(Event::Changed(watch, name.map(|name| OsStr::from_bytes(name).into())));
            }
        }
    }
}
