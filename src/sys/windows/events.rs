//! Waiting for process exits and changes of directories: one completion port that both are told to.
//!
//! A change notification of Windows is told to the port by itself, a process's exit by a thread of the system's pool that waits for any number of
//! them. Each has a key of its own, which is never used again: what is told of something that nobody waits for any more names a key that is gone.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, HANDLE, INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::System::IO::{CreateIoCompletionPort, GetQueuedCompletionStatusEx, OVERLAPPED_ENTRY, PostQueuedCompletionStatus};
use windows_sys::Win32::System::Threading::{INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEINWAITTHREAD, WT_EXECUTEONLYONCE};

use super::directory::{Directory, Pending};
use super::{check, process};
use crate::sys::{Event, Interest, Listing, Watch};

/// Waits in the kernel for process exits and directory changes, with no timer of its own.
#[derive(Debug)]
pub struct Events {
    port: OwnedHandle,
    next_key: usize,
    next_watch: i32,
    processes: HashMap<u32, Exit>,
    directories: HashMap<usize, Directory>,
}

impl Events {
    /// Makes a waiter that waits for nothing yet.
    #[expect(unsafe_code, reason = "std has no completion ports")]
    pub fn new() -> io::Result<Self> {
        // SAFETY: a port that is returned is valid and nobody else's.
        let port = unsafe {
            let port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 1);
            check(i32::from(!port.is_null()))?;
            OwnedHandle::from_raw_handle(port)
        };
        Ok(Self { port, next_key: 0, next_watch: 0, processes: HashMap::new(), directories: HashMap::new() })
    }

    /// Passes over the events of files that this process prepares, where the system tells which rename they belong to: here it does not.
    #[expect(clippy::unused_self, reason = "other systems keep it")]
    pub fn pass_over(&mut self, _ending: String) {}

    /// Reads what has happened by now, for the next wait: here an overflow says so, and everything is looked at again.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "other systems read, and can fail")]
    pub fn gather(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Watches a directory or a file; the same one twice is one watch.
    ///
    /// Windows watches directories: a file by the one that it lies in, and one whose parent is watched with all that lies below it. So a large tree has
    /// few of them open, which matters, since a directory cannot be renamed while one in it is open.
    pub fn watch(&mut self, path: &Path, interest: Interest) -> io::Result<Watch> {
        let tells_writes = interest != Interest::Names;
        let (directory, file) = match interest {
            Interest::Names | Interest::Contents | Interest::Logs => (path, None),
            Interest::File => (path.parent().unwrap_or(path), path.file_name().map(Path::new)),
        };
        if !path.metadata()?.is_dir() && file.is_none() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let covering = self.directories.iter().find_map(|(key, open)| Some((*key, open.covers(directory, tells_writes)?)));
        let (key, below) = match covering {
            Some(covering) => covering,
            None => (self.open(directory, tells_writes)?, String::new()),
        };
        self.next_watch += 1;
        let watch = Watch(self.next_watch);
        Ok(self.directories.get_mut(&key).map_or(watch, |open| open.ask(below, file, watch)))
    }

    #[expect(unsafe_code, reason = "std has no completion ports")]
    fn open(&mut self, path: &Path, tells_writes: bool) -> io::Result<usize> {
        let is_deep = self.directories.values().any(|open| open.is_above(path));
        let directory = Directory::open(path, is_deep, tells_writes)?;
        let key = self.key();
        // SAFETY: both handles are open.
        let port = unsafe { CreateIoCompletionPort(directory.handle().as_raw_handle(), self.port.as_raw_handle(), key, 0) };
        check(i32::from(!port.is_null()))?;
        directory.listen(None)?;
        self.directories.insert(key, directory);
        Ok(key)
    }

    fn key(&mut self) -> usize {
        self.next_key += 1;
        self.next_key
    }

    /// Watches a directory that is open for listing; `path` is where it lies.
    pub fn watch_listing(&mut self, _: &Listing, path: &Path, interest: Interest) -> io::Result<Watch> {
        self.watch(path, interest)
    }

    /// Watches for the exit of one process; false when that very process is gone already.
    pub fn watch_process(&mut self, pid: u32, start: &str) -> io::Result<bool> {
        let handle = match process::open(pid) {
            Ok(handle) => handle,
            // No process, or one of another user's, and so not the one that is meant.
            Err(error) if matches!(error.raw_os_error().map(i32::cast_unsigned), Some(ERROR_INVALID_PARAMETER | ERROR_ACCESS_DENIED)) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        // While the handle is open, no other process has this pid.
        if process::start_time_of(&handle).as_deref() != Some(start) {
            return Ok(false);
        }
        let key = self.key();
        let exit = Exit::tell(handle, &self.port, key)?;
        self.processes.insert(pid, exit);
        Ok(true)
    }

    /// Stops watching a process.
    pub fn forget_process(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }

    /// Returns what has happened by now.
    pub fn pending(&mut self) -> io::Result<Vec<Event>> {
        self.wait(Some(Duration::ZERO))
    }

    /// Sleeps until something happens, for ever or as long as asked, and returns all of it.
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<Vec<Event>> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let mut events = Vec::new();
            for entry in self.told(left)? {
                self.read(&entry, &mut events)?;
            }
            // What is told can be of no interest: another file beside the one that is watched.
            if !events.is_empty() || left.is_some_and(|left| left.is_zero()) {
                return Ok(events);
            }
        }
    }

    #[expect(unsafe_code, reason = "std has no completion ports")]
    fn told(&self, patience: Option<Duration>) -> io::Result<Vec<OVERLAPPED_ENTRY>> {
        let milliseconds = |patience: Duration| u32::try_from(patience.as_micros().div_ceil(1000)).unwrap_or(INFINITE - 1);
        let mut entries = [MaybeUninit::<OVERLAPPED_ENTRY>::zeroed(); 64];
        let (room, mut count) = (u32::try_from(entries.len()).unwrap_or_default(), 0);
        // SAFETY: there is room for that many entries, so many of which as are counted have been written to.
        unsafe {
            let (port, timeout) = (self.port.as_raw_handle(), patience.map_or(INFINITE, milliseconds));
            match check(GetQueuedCompletionStatusEx(port, entries.as_mut_ptr().cast(), room, &raw mut count, timeout, 0)) {
                Err(error) if error.raw_os_error().map(i32::cast_unsigned) == Some(WAIT_TIMEOUT) => return Ok(Vec::new()),
                told => told?,
            }
            Ok(entries.iter().take(usize::try_from(count).unwrap_or_default()).map(|entry| entry.assume_init_read()).collect())
        }
    }

    #[expect(unsafe_code, reason = "the system returns what it had")]
    fn read(&mut self, entry: &OVERLAPPED_ENTRY, events: &mut Vec<Event>) -> io::Result<()> {
        let key = entry.lpCompletionKey;
        if entry.lpOverlapped.is_null() {
            let ended = self.processes.iter().find_map(|(pid, exit)| (exit.key == key).then_some(*pid));
            events.extend(ended.map(Event::Exited));
            if let Some(pid) = ended {
                self.forget_process(pid);
            }
            return Ok(());
        }
        // SAFETY: only directories have such a structure, and the port has just returned it.
        let pending = unsafe { Pending::told(entry.lpOverlapped) };
        let Some(directory) = self.directories.get(&key) else { return Ok(()) };
        let bytes = usize::try_from(entry.dwNumberOfBytesTransferred).unwrap_or_default();
        if pending.has_failed() {
            self.end(key, events);
            return Ok(());
        }
        events.extend(if bytes == 0 { vec![Event::Overflow] } else { directory.events(&pending.changes(bytes)) });
        match directory.listen(Some(pending)) {
            Err(error) if error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_ACCESS_DENIED) => {
                self.end(key, events);
                Ok(())
            }
            listening => listening,
        }
    }

    /// The directory is gone: it can be deleted for good, and made anew, only once nobody has it open.
    fn end(&mut self, key: usize, events: &mut Vec<Event>) {
        events.extend(self.directories.remove(&key).iter().flat_map(Directory::watches).map(Event::Gone));
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // What the system has of them is told to a port that nobody asks any more, and is not released.
        self.directories.values().for_each(Directory::end);
        self.processes.clear(); // before the port, to which their ends are told
    }
}

/// Holds the wait for one process's exit.
#[derive(Debug)]
struct Exit {
    key: usize,
    _process: OwnedHandle,
    wait: usize,
    /// What the waiting thread has; not to be released before the wait has ended.
    _told: Box<Told>,
}

/// What a thread of the pool tells, and where.
#[derive(Debug)]
struct Told {
    port: usize,
    key: usize,
}

impl Exit {
    #[expect(unsafe_code, reason = "std waits for children alone")]
    fn tell(process: OwnedHandle, port: &OwnedHandle, key: usize) -> io::Result<Self> {
        unsafe extern "system" fn tell(told: *mut core::ffi::c_void, _timed_out: bool) {
            // SAFETY: `told` is that of an `Exit`, which lives until this wait has ended; the port lives longer than its exits.
            unsafe {
                let told = &*told.cast::<Told>();
                PostQueuedCompletionStatus(told.port as HANDLE, 0, told.key, ptr::null());
            }
        }
        let told = Box::new(Told { port: port.as_raw_handle() as usize, key });
        let mut wait = ptr::null_mut();
        let flags = WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD;
        // SAFETY: the process is open until the wait has ended, and `told` is not released before that.
        check(unsafe {
            RegisterWaitForSingleObject(&raw mut wait, process.as_raw_handle(), Some(tell), (&raw const *told).cast(), INFINITE, flags)
        })?;
        Ok(Self { key, _process: process, wait: wait as usize, _told: told })
    }
}

impl Drop for Exit {
    #[expect(unsafe_code, reason = "std waits for children alone")]
    fn drop(&mut self) {
        // SAFETY: the wait was registered, and is ended once; the call returns when the thread is done with what it has.
        unsafe { UnregisterWaitEx(self.wait as HANDLE, INVALID_HANDLE_VALUE) };
    }
}
