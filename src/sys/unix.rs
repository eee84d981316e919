//! What Linux and macOS have in common.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::UNIX_EPOCH;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use super::HeldSignals;

pub use self::listing::Listing;
pub use self::program::{link_program, linked_program, unlink_program};

mod listing;
mod program;

/// The environment variable that names the user's home.
pub const HOME_VARIABLE: &str = "HOME";

/// What a detached process keeps of the environment.
pub const NEEDED_VARIABLES: &[&str] = &["HOME", "USER"];

/// Whether `Path` and `PATH` are one variable.
pub const IGNORES_CASE_OF_VARIABLES: bool = false;

/// Whether the system says by which path this program was started. It names what links lead to, and that is gone after an upgrade.
pub const KNOWS_OWN_PROGRAM: bool = false;

/// Whether a child that has ended is kept until its parent asks for it, which a program that took the parent's place never does.
pub const KEEPS_DEAD_CHILDREN: bool = true;

/// What the name of a program ends in.
pub const PROGRAM_SUFFIX: &str = "";

/// What stands for an infinite number of descriptors: macOS has that as its default, and setrlimit(2) there documents it as refused.
const OPEN_MAX: u64 = 10_240;

/// Creates a directory and its missing parents, mode 0700.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(()); // mostly, and to try costs more at a prompt than to look
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates one directory that did not exist, mode 0700: the kernel lets one process succeed.
pub fn create_lock_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Creates a file that did not exist, mode 0600; never follows a link that someone put there.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Locks an open file for as long as it is open; false while another process of clauth's has locked it. Nobody else asks for such a lock, and none is held
/// up by it. Where a file system has none, it goes without.
pub fn lock_among_helpers(file: &File) -> bool {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// Whether nobody but the user may look at it. What a link leads to is looked at by itself.
pub fn is_private(path: &Path) -> io::Result<bool> {
    let meta = fs::symlink_metadata(path)?;
    Ok(meta.is_symlink() || meta.mode().trailing_zeros() >= 6) // nothing for the group, nothing for others
}

/// Takes everybody else's permissions away.
pub fn make_private(path: &Path) -> io::Result<()> {
    let mode = fs::symlink_metadata(path)?.mode() & 0o700;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Opens a lock file, creating it with mode 0600.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// Opens a file for reading without ever waiting for a FIFO's writer.
pub fn open_for_reading(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    OpenOptions::new().read(true).custom_flags(nonblocking.cast_signed()).open(path)
}

/// Whether the effective user owns this path; one that does not exist is nobody's.
pub fn owned_by_this_user(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.uid() == rustix::process::geteuid().as_raw())
}

/// Whether two paths lead to one file.
pub fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
}

/// Looks at a path without following a link; returns the identity too: device, inode, and the time of its birth in nanoseconds, 0 where the file
/// system does not say.
pub fn look_at(path: &Path) -> io::Result<(fs::Metadata, (u64, u64, u128))> {
    let meta = fs::symlink_metadata(path)?;
    let identity = identity_of(&meta);
    Ok((meta, identity))
}

/// Looks at what is open, as [`look_at`] does at a path.
pub fn look_at_open(file: &File) -> io::Result<(fs::Metadata, (u64, u64, u128))> {
    let meta = file.metadata()?;
    let identity = identity_of(&meta);
    Ok((meta, identity))
}

/// Gives a file that [`create_private_file`] has made the permissions of another one; of a private one, only what these give the user.
pub fn give_permissions(file: &File, _path: &Path, like: &fs::Metadata, is_private: bool) -> io::Result<()> {
    let mode = like.mode() & if is_private { 0o700 } else { 0o7777 };
    if mode == 0o600 { Ok(()) } else { file.set_permissions(fs::Permissions::from_mode(mode)) }
}

/// Returns the identity of what is open.
pub fn identity(file: &File) -> io::Result<(u64, u64, u128)> {
    file.metadata().map(|meta| identity_of(&meta))
}

fn identity_of(meta: &fs::Metadata) -> (u64, u64, u128) {
    let born = meta.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    (meta.dev(), meta.ino(), born.map_or(0, |born| born.as_nanos()))
}

/// Opens a directory to be asked who it is, and touched.
pub fn open_directory(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Waits until the names in a directory are on the disk.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Returns a path without links in it.
pub fn physical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Returns where PowerShell keeps the user's profile, given the home and the config home.
pub fn powershell_dir(_: &Path, config_home: &Path) -> PathBuf {
    config_home.join("powershell")
}

/// Returns the path that a person or a shell has spelled.
pub fn spelled(path: &OsStr) -> PathBuf {
    path.into()
}

/// Returns the physical path of the working directory, given what the system calls it, which is that already.
#[expect(clippy::unnecessary_wraps, reason = "on Windows it has to be looked for")]
pub fn working_directory(called: PathBuf) -> io::Result<PathBuf> {
    Ok(called)
}

/// Whether a file can be reached by another name too.
pub fn has_other_names(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.nlink() > 1)
}

/// Exchanges two names in one step, so that neither is ever missing; [`io::ErrorKind::Unsupported`] on a file system or kernel that cannot.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(io::ErrorKind::Unsupported.into()),
        exchanged => Ok(exchanged?),
    }
}

/// Renames, but over nothing: what stands at the new name stays, and the call fails.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        renamed => return Ok(renamed?),
    }
    // A file system without the flag. What is made here holds the name until the rename takes its place: nobody else's can stand there.
    if fs::symlink_metadata(from)?.is_dir() {
        fs::create_dir(to)?;
    } else {
        create_private_file(to)?;
    }
    fs::rename(from, to)
}

/// Renames, over what stands at the new name.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Whether a failure may be gone in a moment: here nobody is in the way of a rename.
pub fn is_momentary(_error: &io::Error) -> bool {
    false
}

/// Removes a file, or a link of any kind.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Makes a symbolic link; [`io::ErrorKind::Unsupported`] on a file system that has none.
pub fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    match rustix::fs::symlink(target, link) {
        Err(Errno::PERM | Errno::NOTSUP) => Err(io::ErrorKind::Unsupported.into()),
        linked => Ok(linked?),
    }
}

/// Makes a link to a directory.
pub fn link_directory(target: &Path, link: &Path) -> io::Result<()> {
    symlink(target, link)
}

/// The process that started this one.
pub fn parent_process() -> Option<u32> {
    rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().cast_unsigned())
}

/// Becomes another program; returns only when that failed.
pub fn replace_process(command: &mut Command) -> io::Error {
    command.exec()
}

/// Starts a program that outlives this process and cuts itself off from it; its environment is the command's. Returns its standard output, and what
/// waits for its end.
pub fn start_detached(command: &mut Command, log: &File) -> io::Result<(ChildStdout, impl FnOnce() -> io::Result<()>)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?).spawn()?;
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Ok((stdout, move || child.wait().map(drop)))
}

/// Cuts this process off from the shell that started it: own session, cwd `/`, no inherited descriptor beyond the standard three.
pub fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    close_inherited()?;
    // One descriptor for each shell of the profile: ask for as many as the system grants.
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let current = limit.maximum.or(limit.current.max(Some(OPEN_MAX)));
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    Ok(())
}

/// Ends a child that has called [`detach`], with everything in its process group.
pub fn end_session(child: &mut Child) {
    let group = rustix::process::Pid::from_child(child);
    // Until it has detached there is no such group, and it is alone.
    if rustix::process::kill_process_group(group, rustix::process::Signal::KILL).is_err() {
        let _ = child.kill();
    }
}

#[expect(unsafe_code, reason = "an inherited descriptor has no owner in Rust to drop")]
fn close_inherited() -> io::Result<()> {
    // The listing itself holds a descriptor, closed by the time the numbers are used: closing it again only says EBADF.
    let open: Vec<RawFd> = fs::read_dir("/dev/fd")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: this runs first in a new process, before clauth opens anything, so nothing in it owns a descriptor above 2.
        let _ = unsafe { rustix::io::try_close(descriptor) };
    }
    Ok(())
}

/// Holds a terminal that shows nothing of what is typed; dropping it puts back what was, and then what would have ended this process does.
pub struct TypingHidden {
    before: Termios,
    signals: HeldSignals,
}

impl TypingHidden {
    /// Hides what is typed at the standard input, a terminal. Ctrl-C comes as a key.
    pub fn begin() -> io::Result<Self> {
        let signals = HeldSignals::hold()?;
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self { before, signals })
    }

    /// Waits for a key; `None` when the terminal is gone, or this process is to end.
    pub fn next_key(&self) -> io::Result<Option<u8>> {
        // Somebody types: looking up from that a few times a second wakes nobody who sleeps.
        let pause = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        let mut key = [0];
        while !self.signals.has_come() {
            if poll(&mut [PollFd::new(&rustix::stdio::stdin(), PollFlags::IN)], Some(&pause))? > 0 {
                return Ok((rustix::io::read(rustix::stdio::stdin(), &mut key)? > 0).then_some(key[0]));
            }
        }
        Ok(None)
    }
}

impl Drop for TypingHidden {
    fn drop(&mut self) {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &self.before); // a terminal that hung up needs nothing put back
    }
}

/// Lets go of the standard output that a starter reads until it closes.
pub fn silence_stdout() -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?)
}

/// The columns of the terminal that standard output goes to; `None` where it goes elsewhere, or the terminal does not say.
pub fn terminal_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(size.ws_col.into()).filter(|columns| *columns > 0)
}
