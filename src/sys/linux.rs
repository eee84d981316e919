//! Linux: procfs, pidfd, inotify, epoll.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

pub use self::events::Events;

mod events;

/// Whether a new terminal starts a login shell, which reads other files than one in a terminal within a terminal.
pub const TERMINALS_RUN_LOGIN_SHELLS: bool = false;

/// Whether a watched directory tells that a file in it was written.
pub const DIRECTORIES_TELL_WRITES: bool = true;

/// Waits until what was written to the file system of a directory is on the disk.
pub fn sync_file_system(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(directory)?)?)
}

/// A file name that differs between kernel boots and pid namespaces.
pub fn boot_and_namespace() -> String {
    let mut boot = [0; 64];
    let boot = read_once(Path::new("/proc/sys/kernel/random/boot_id"), &mut boot).map(String::from_utf8_lossy).unwrap_or_default();
    // Where the namespace is hidden, and in WSL 1, which has none, each container and distribution has at least an init of its own.
    let namespace = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned());
    let namespace =
        namespace.unwrap_or_else(|_| format!("init{}", Stat::read(1).ok().and_then(|init| init.field(22).map(str::to_owned)).unwrap_or_default()));
    let digits = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    format!("{}-{}", digits(boot.trim()), digits(&namespace))
}

/// Keeps what this process has in memory out of core dumps and from other processes of the user; a program that it becomes or starts is as any.
pub fn keep_memory_private() {
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable); // a kernel without it dumps as it likes
}

/// The time a process started, in the kernel's own words; `None` when there is no such process.
pub fn start_time(pid: u32) -> Option<String> {
    started(pid).ok().flatten()
}

/// The same, and an error where the kernel does not say: without a descriptor to spare, each process would look dead.
fn started(pid: u32) -> io::Result<Option<String>> {
    let stat = match Stat::read(pid) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            return Ok(None);
        }
        stat => stat?,
    };
    // proc_pid_stat(5): field 3 is the state, where a dead process waits for its parent as Z; field 22 counts clock ticks since boot.
    let is_dead = matches!(stat.field(3), None | Some("Z" | "X"));
    Ok(stat.field(22).filter(|_| !is_dead).map(str::to_owned))
}

/// A path that is there for as long as a process is, for whoever can ask the file system only; `None` where there is none.
pub fn process_path(pid: u32) -> Option<PathBuf> {
    let process = is_procfs_ours().then(|| Path::new("/proc").join(pid.to_string()))?;
    // A dead process that nobody has waited for, as in a container without an init, still has a directory, but no network.
    let network = process.join("net/dev");
    Some(if network.exists() { network } else { process })
}

/// Whether a process that is still there is about to go: killed, it holds its locks until the kernel has taken it apart.
pub fn is_ending(pid: u32) -> bool {
    let Ok(stat) = Stat::read(pid) else { return true };
    // proc_pid_stat(5): field 23 is the size of its memory, 31 the signals that wait for it, of which the ninth is SIGKILL.
    let number = |field| stat.field(field).and_then(|text| text.parse::<u64>().ok());
    matches!(stat.field(3), None | Some("Z" | "X")) || number(23) == Some(0) || number(31).is_some_and(|signals| signals & 1 << 8 != 0)
}

/// The leader of a process's group; `None` when it is out of sight, in another pid namespace.
pub fn process_group(pid: u32) -> Option<u32> {
    // In a foreign procfs it would be a foreign number.
    Stat::read(pid).ok().filter(|_| is_procfs_ours())?.field(5)?.parse().ok().filter(|leader| *leader != 0)
}

/// The name of a process, at most 15 bytes of it: its program's, or its script's.
pub fn command_name(pid: u32) -> Option<OsString> {
    let name = fs::read(process(pid).ok()?.join("comm")).ok()?;
    Some(OsStr::from_bytes(name.trim_ascii_end()).into())
}

/// The file name of a process's program: of a script, its interpreter's.
pub fn program_name(pid: u32) -> Option<OsString> {
    fs::read_link(process(pid).ok()?.join("exe")).ok()?.file_name().map(OsStr::to_owned)
}

/// Where procfs shows a process. One that is another pid namespace's, as in a container that was started without its own, knows the process by another
/// number, and some other process by this one: a pidfd tells which.
fn process(pid: u32) -> io::Result<PathBuf> {
    let procfs = Path::new("/proc");
    if is_procfs_ours() {
        return Ok(procfs.join(pid.to_string()));
    }
    let nobody = || io::Error::from(io::ErrorKind::NotFound);
    let handle = pidfd_open(pid.try_into().ok().and_then(Pid::from_raw).ok_or_else(nobody)?, PidfdFlags::empty())?;
    let about = fs::read_to_string(procfs.join("self/fdinfo").join(handle.as_raw_fd().to_string()))?;
    let number: Option<u32> = about.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    Ok(procfs.join(number.ok_or_else(nobody)?.to_string()))
}

/// Whether procfs is that of this process's pid namespace: it knows this process by its pid.
fn is_procfs_ours() -> bool {
    fs::read_link("/proc/self").is_ok_and(|own| own.as_os_str() == std::process::id().to_string().as_str())
}

/// Reads a short file of procfs in one read, which is one moment.
fn read_once<'a>(path: &Path, text: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let length = fs::File::open(path)?.read(text)?;
    Ok(&text[..length])
}

/// Holds what the kernel says of a process in one line.
struct Stat {
    /// Longer than any: 52 numbers of at most 20 digits.
    text: [u8; 1200],
    length: usize,
}

impl Stat {
    fn read(pid: u32) -> io::Result<Self> {
        let mut text = [0; 1200];
        let length = read_once(&process(pid)?.join("stat"), &mut text)?.len();
        Ok(Self { text, length })
    }

    fn field(&self, number: usize) -> Option<&str> {
        let stat = &self.text[..self.length];
        // Field 2 is the program's name in parentheses and can hold anything, `)` and blanks included; field 3 follows the last `)`.
        let rest = &stat[stat.iter().rposition(|byte| *byte == b')')? + 1..];
        std::str::from_utf8(rest).ok()?.split_ascii_whitespace().nth(number - 3)
    }
}

/// Gives back what a process that will sleep for long does not need: memory that the C library keeps, and the code it has mapped, which the kernel
/// reads again from its cache when it is run.
pub fn give_back_memory() {
    trim_heap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter_map(code_of_a_file).for_each(|(start, length)| drop_code(start, length));
}

/// Returns the place of a mapping that holds code of a file, by a line of `/proc/self/maps`.
fn code_of_a_file(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let is_code = fields.next()? == "r-xp";
    let is_file = fields.nth(3).is_some_and(|path| path.starts_with('/'));
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    (is_code && is_file).then(|| (start, end.saturating_sub(start)))
}

#[expect(unsafe_code, reason = "advice about mappings that the loader made, which no value in Rust owns")]
fn drop_code(start: usize, length: usize) {
    // SAFETY: the range is one mapping of code, as the kernel has just listed it. It is private, never written (no code is relocated here), and backed
    // by its file, so a page that is dropped reads the same when it is next run.
    let _ = unsafe { rustix::mm::madvise(std::ptr::with_exposed_provenance_mut(start), length, rustix::mm::Advice::LinuxDontNeed) };
}

/// The C library keeps what was freed, in case it is wanted again.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "the C library's own function, which std does not wrap"))]
fn trim_heap() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            fn malloc_trim(keep: usize) -> i32;
        }
        // SAFETY: malloc_trim(3) may be called at any time; it takes a number of bytes to keep and touches no live allocation.
        unsafe { malloc_trim(0) };
    }
}

/// Makes a private copy that takes no space until one of the two changes (`ioctl_ficlone(2)`: Btrfs, XFS, bcachefs).
pub fn clone_file(file: &fs::File, to: &Path) -> io::Result<()> {
    let cloned = super::create_private_file(to).and_then(|copy| Ok(rustix::fs::ioctl_ficlone(&copy, file)?));
    if cloned.is_err() {
        let _ = fs::remove_file(to);
    }
    cloned
}

/// Whether another process has a file open for writing, as far as the kernel tells: it then refuses a read lease (fcntl(2)). Of a file that is not the
/// user's, or on a file system without leases, nobody can tell, and the answer is no.
#[expect(unsafe_code, reason = "rustix lacks leases")]
pub fn is_being_written(path: &Path) -> bool {
    const F_SETSIG: i32 = 10; // from fcntl.h, which libc leaves out
    let Ok(file) = super::open_for_reading(path) else { return false };
    let descriptor = file.as_raw_fd();
    // SAFETY: the descriptor is open for as long as `file` lives; none of these calls touches memory.
    unsafe {
        // Whoever opens the file while the lease is held would end this process by SIGIO: SIGURG does nothing.
        if libc::fcntl(descriptor, F_SETSIG, libc::SIGURG) != 0 {
            return false;
        }
        if libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_RDLCK) == 0 {
            libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_UNLCK);
            return false;
        }
    }
    io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
}

/// Returns where each of these resolved paths lies on its file system: the device, and the path from that file system's root, which is one for all bind
/// mounts of a directory. `None` where the kernel does not tell.
pub fn origins(paths: [&Path; 2]) -> Option<[(OsString, PathBuf); 2]> {
    let mounts = fs::read("/proc/self/mountinfo").ok()?;
    let [one, other] = paths.map(|path| origin(&mounts, path));
    Some([one?, other?])
}

fn origin(mounts: &[u8], path: &Path) -> Option<(OsString, PathBuf)> {
    let mut found: Option<(usize, (OsString, PathBuf))> = None;
    for line in mounts.split(|byte| *byte == b'\n') {
        // "36 35 98:0 /root /mount/point options …": proc_pid_mountinfo(5)
        let mut fields = line.split(|byte| *byte == b' ').skip(2);
        let (Some(device), Some(root), Some(point)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let point = unescaped(point);
        let Ok(rest) = path.strip_prefix(&point) else { continue };
        let depth = point.components().count();
        // Of two on one mount point the later one hides the other.
        if found.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            found = Some((depth, (OsStr::from_bytes(device).into(), unescaped(root).join(rest))));
        }
    }
    found.map(|(_, origin)| origin)
}

/// Returns a path of the kernel's tables, in which a blank is `\040`.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let escaped = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[3..] } else { behind };
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_mount_is_the_directory_that_is_mounted() {
        let mounts =
            b"22 1 8:1 / / rw - ext4 /dev/a rw\n30 22 8:1 /home/me/a\\040b /mnt rw - ext4 /dev/a rw\n31 22 0:5 / /mnt/deep rw - tmpfs t rw\n";
        let lies = |path: &str| origin(mounts, Path::new(path)).map(|(device, path)| (device.into_string().unwrap(), path));
        for (path, device, origin) in [
            ("/mnt/x", "8:1", "/home/me/a b/x"),
            ("/home/me/a b/x", "8:1", "/home/me/a b/x"),
            ("/mnt/deep/x", "0:5", "/x"),
            ("/mntx", "8:1", "/mntx"),
        ] {
            assert_eq!(lies(path), Some((device.into(), origin.into())), "{path}");
        }
    }
}
