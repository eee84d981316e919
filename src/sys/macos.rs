//! macOS: kqueue, libproc, sysctl.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString, c_char, c_int};
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::Duration;

use rustix::event::kqueue::{self, EventFilter, EventFlags, ProcessEvents, VnodeEvents};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::Pid;

use super::{Event, Interest, Listing, Watch};

/// Whether a new terminal starts a login shell, which reads other files than one in a terminal within a terminal.
pub const TERMINALS_RUN_LOGIN_SHELLS: bool = true;

/// Whether a watched directory tells that a file in it was written.
pub const DIRECTORIES_TELL_WRITES: bool = false;

/// Waits until what was written is on the disk.
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub fn sync_file_system(_: &Path) -> io::Result<()> {
    rustix::fs::sync();
    Ok(())
}

/// A file name that differs between kernel boots; pid namespaces there are none.
#[expect(unsafe_code, reason = "neither std nor rustix has sysctl")]
pub fn boot_and_namespace() -> String {
    // Not kern.boottime: that moves whenever the clock is set.
    let name = c"kern.bootsessionuuid";
    let mut boot = [0_u8; 64];
    let mut length = boot.len();
    // SAFETY: `name` ends in a NUL, `length` is the size of `boot`, and no new value is given.
    let _ = unsafe { libc::sysctlbyname(name.as_ptr(), boot.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0) };
    // Whatever went wrong, what was not written is 0, and leases hold start times of their own.
    let boot: String = boot.iter().copied().filter(u8::is_ascii_alphanumeric).map(char::from).collect();
    format!("{boot}-host")
}

/// A path that is there for as long as a process is; this system has none.
pub fn process_path(_pid: u32) -> Option<PathBuf> {
    None
}

/// Whether a process that is still there is about to go: killed, it holds its locks until the system has taken it apart.
pub fn is_ending(pid: u32) -> bool {
    start_time(pid).is_none()
}

/// Keeps what this process has in memory out of core dumps; a program that it becomes or starts makes none either.
pub fn keep_memory_private() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, rustix::process::Rlimit { current: Some(0), ..limit });
}

/// The time a process started, in the kernel's own words; `None` when there is no such process, or another user owns it.
pub fn start_time(pid: u32) -> Option<String> {
    // An exiting process is hidden before NOTE_EXIT is posted (xnu, proc_exit): a watch never says that one is gone which this still shows.
    let process = process(pid).filter(|process| process.pbi_status != libc::SZOMB)?;
    Some(format!("{}.{:06}", process.pbi_start_tvsec, process.pbi_start_tvusec))
}

/// The leader of a process's group.
pub fn process_group(pid: u32) -> Option<u32> {
    process(pid).map(|process| process.pbi_pgid)
}

/// The name of a process's program, at most 31 bytes of it.
pub fn command_name(pid: u32) -> Option<OsString> {
    let process = process(pid)?;
    let text = |field: &[c_char]| field.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect::<Vec<u8>>();
    let (long, short) = (text(&process.pbi_name), text(&process.pbi_comm));
    Some(OsString::from_vec(if long.is_empty() { short } else { long }))
}

/// The file name of a process's program: of a script, its interpreter's.
#[expect(unsafe_code, reason = "neither std nor rustix has libproc")]
pub fn program_name(pid: u32) -> Option<OsString> {
    let pid = c_int::try_from(pid).ok()?;
    let mut path = vec![0_u8; usize::try_from(libc::PROC_PIDPATHINFO_MAXSIZE).ok()?];
    let size = u32::try_from(path.len()).ok()?;
    // SAFETY: `path` has room for `size` bytes, and no more are written.
    let written = unsafe { libc::proc_pidpath(pid, path.as_mut_ptr().cast(), size) };
    path.truncate(usize::try_from(written).ok().filter(|length| *length > 0)?);
    Path::new(&OsString::from_vec(path)).file_name().map(OsStr::to_owned)
}

#[expect(unsafe_code, reason = "neither std nor rustix has libproc")]
fn process(pid: u32) -> Option<libc::proc_bsdinfo> {
    let pid = c_int::try_from(pid).ok()?;
    let size = c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    let mut process = MaybeUninit::<libc::proc_bsdinfo>::zeroed();
    // SAFETY: `process` has room for the `size` bytes that this flavour writes at most.
    let written = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, process.as_mut_ptr().cast(), size) };
    // SAFETY: every byte is initialised, and integers may have any value.
    (written == size).then(|| unsafe { process.assume_init() })
}

/// Gives memory that was used for a while back to the system, which does so by itself here.
pub fn give_back_memory() {}

/// Waits in the kernel for process exits and directory changes, with no timer.
#[derive(Debug)]
pub struct Events {
    queue: OwnedFd,
    /// What is watched, by device and inode, kept open for as long as the queue.
    files: HashMap<(u64, u64), File>,
}

impl Events {
    /// Makes a waiter that waits for nothing yet.
    pub fn new() -> io::Result<Self> {
        let queue = kqueue::kqueue()?;
        fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
        Ok(Self { queue, files: HashMap::new() })
    }

    /// Passes over the events of files that this process prepares, where the system tells names: here it does not.
    #[expect(clippy::unused_self, reason = "other systems keep it")]
    pub fn pass_over(&mut self, _ending: String) {}

    /// Reads what has happened by now, for the next wait: here the kernel merges what is not read.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "other systems read, and can fail")]
    pub fn gather(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Watches a directory or a file; the same one twice is one watch.
    pub fn watch(&mut self, path: &Path, interest: Interest) -> io::Result<Watch> {
        // O_EVTONLY: to be watched, a volume need not stay mounted.
        let only_directory = if interest == Interest::File { 0 } else { libc::O_DIRECTORY };
        let file = OpenOptions::new().read(true).custom_flags(libc::O_EVTONLY | only_directory).open(path)?;
        let identity = file.metadata().map(|meta| (meta.dev(), meta.ino()))?;
        if let Some(known) = self.files.get(&identity) {
            return Ok(Watch(known.as_raw_fd()));
        }
        // A directory's write is a name that came or went; what is written into its files is told of a watched file alone.
        let flags = VnodeEvents::WRITE | VnodeEvents::DELETE | VnodeEvents::RENAME;
        let filter = EventFilter::Vnode { vnode: file.as_raw_fd(), flags };
        self.register(filter, EventFlags::ADD | EventFlags::CLEAR)?;
        let watch = Watch(file.as_raw_fd());
        self.files.insert(identity, file);
        Ok(watch)
    }

    /// Watches a directory that is open for listing; `path` is where it lies.
    pub fn watch_listing(&mut self, _: &Listing, path: &Path, interest: Interest) -> io::Result<Watch> {
        self.watch(path, interest)
    }

    /// Watches for the exit of one process; false when that very process is gone already.
    pub fn watch_process(&mut self, pid: u32, start: &str) -> io::Result<bool> {
        let Some(filter) = exit_of(pid) else { return Ok(false) };
        match self.register(filter, EventFlags::ADD | EventFlags::ONESHOT) {
            Ok(()) => {}
            Err(Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        // The watch first, then the question who it is: the other way round, the pid could pass on in between.
        let same = start_time(pid).as_deref() == Some(start);
        if !same {
            self.forget_process(pid);
        }
        Ok(same)
    }

    /// Stops watching a process.
    pub fn forget_process(&mut self, pid: u32) {
        // One that is not watched, or no longer, says ENOENT: as wanted.
        let _ = exit_of(pid).map(|filter| self.register(filter, EventFlags::DELETE));
    }

    /// Returns what has happened by now.
    pub fn pending(&mut self) -> io::Result<Vec<Event>> {
        self.wait(Some(Duration::ZERO))
    }

    /// Sleeps until something happens, for ever or as long as asked, and returns all of it.
    #[expect(unsafe_code, reason = "rustix leaves it to the caller that watched descriptors stay open")]
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<Vec<Event>> {
        let mut ready = Vec::with_capacity(64);
        // SAFETY: as in `register`; nothing is registered here.
        match unsafe { kqueue::kevent(&self.queue, &[], rustix::buffer::spare_capacity(&mut ready), patience) } {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = Vec::new();
        for event in ready.iter().map(kqueue::Event::filter) {
            let event = match event {
                EventFilter::Proc { pid, .. } => Event::Exited(pid.as_raw_nonzero().get().cast_unsigned()),
                EventFilter::Vnode { vnode, flags } if flags.intersects(VnodeEvents::DELETE | VnodeEvents::RENAME) => Event::Gone(Watch(vnode)),
                EventFilter::Vnode { vnode, .. } => Event::Changed(Watch(vnode), None), // kqueue does not name the entry
                _ => Event::Overflow,
            };
            if !events.contains(&event) {
                events.push(event);
            }
        }
        Ok(events)
    }

    #[expect(unsafe_code, reason = "rustix leaves it to the caller that watched descriptors stay open")]
    fn register(&self, filter: EventFilter, flags: EventFlags) -> Result<(), Errno> {
        let change = kqueue::Event::new(filter, flags, ptr::null_mut());
        let no_events: &mut [kqueue::Event] = &mut [];
        // SAFETY: the only descriptors ever registered are those that `self.files` keeps open as long as the queue.
        unsafe { kqueue::kevent_timespec(&self.queue, &[change], no_events, None) }.map(drop)
    }
}

fn exit_of(pid: u32) -> Option<EventFilter> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    Some(EventFilter::Proc { pid, flags: ProcessEvents::EXIT })
}

/// Makes a copy that takes no space until one of the two changes (`clonefile(2)`: APFS). It has the mode of the file.
pub fn clone_file(file: &File, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::fclonefileat(file, rustix::fs::CWD, to, rustix::fs::CloneFlags::NOOWNERCOPY)?)
}

/// Whether another process has a file open for writing: this system does not tell.
pub fn is_being_written(_path: &Path) -> bool {
    false
}

/// Returns where each of these resolved paths lies on its file system; this system has no bind mounts that a resolved path does not show.
pub fn origins(_paths: [&Path; 2]) -> Option<[(OsString, PathBuf); 2]> {
    None
}
