//! Windows: where a sandbox lies, and what its programs need.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use windows_sys::Win32::Foundation::{ERROR_INTERNAL_ERROR, WAIT_TIMEOUT};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_WRITE_ATTRIBUTES, GetFileInformationByHandle,
    SYNCHRONIZE,
};
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject};

use crate::support::wait_until;

/// The variable that names the user's home.
pub(crate) const HOME: &str = "USERPROFILE";

/// Puts the program under test into a directory.
pub(crate) fn put_program(directory: &Path) {
    fs::copy(env!("CARGO_BIN_EXE_clauth"), directory.join("clauth.exe")).unwrap();
}

/// The name that the client has on PATH.
pub(crate) const CLAUDE: &str = "claude.cmd";

/// Where the system's own programs are.
pub(crate) fn path() -> impl Iterator<Item = OsString> {
    let system = PathBuf::from(std::env::var_os("SYSTEMROOT").unwrap());
    [system.join("system32").into_os_string(), system.into_os_string()].into_iter()
}

/// What every program needs of the environment.
pub(crate) fn needed() -> impl Iterator<Item = (OsString, OsString)> {
    let names = ["SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "USERNAME"];
    let of_this_process = names.into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
    // Not everybody may make links there, Wine makes none, and what is said about that is for one test to see.
    of_this_process.chain([("CLAUTH_LINK_MODE".into(), "copy".into())])
}

/// Where sandboxes are made. What is called `C:\Users\...` may lead elsewhere; a test compares physical paths.
pub(crate) fn temporary() -> PathBuf {
    let path = std::env::temp_dir().canonicalize().unwrap();
    PathBuf::from(path.to_str().unwrap().trim_start_matches(r"\\?\"))
}

/// Makes a directory, in one that is the user's alone.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// A program that waits for as long as its standard input is open.
pub(crate) const IDLER: &str = "cmd";

/// Whether a process runs.
pub(crate) fn is_running(pid: u32) -> bool {
    open(pid).is_some()
}

/// Ends a process by force; one that is gone already is as good.
#[expect(unsafe_code, reason = "std ends only children")]
pub(crate) fn kill(pid: u32) {
    if let Some(process) = open(pid) {
        // SAFETY: the handle is open.
        unsafe { TerminateProcess(process.as_raw_handle(), 1) };
    }
}

#[expect(unsafe_code, reason = "std opens only children")]
fn open(pid: u32) -> Option<OwnedHandle> {
    // SAFETY: no memory is passed; a handle that is returned is valid and nobody else's.
    let process = unsafe {
        let handle = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, 0, pid);
        (!handle.is_null()).then(|| OwnedHandle::from_raw_handle(handle))?
    };
    // SAFETY: the handle is open.
    let is_running = unsafe { WaitForSingleObject(process.as_raw_handle(), 0) } == WAIT_TIMEOUT;
    is_running.then_some(process)
}

/// Starts a program; where much is going on Wine now and then starts none, and is asked once more.
pub(crate) fn start(command: &mut Command) -> io::Result<Child> {
    let may_start = |error: &io::Error| error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_INTERNAL_ERROR);
    command.spawn().or_else(|error| if may_start(&error) { command.spawn() } else { Err(error) })
}

/// Renames over what stands there, as the client does: it tries again while somebody has the file open.
pub(crate) fn rename(from: &Path, to: &Path) {
    wait_until("nobody has the file open", || match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => false,
        renamed => renamed.map(|()| true).unwrap(),
    });
}

/// Makes a file or a directory look as if it had last been changed so long ago.
pub(crate) fn age(path: &Path, by: Duration) {
    let opened = fs::File::options().access_mode(FILE_WRITE_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path);
    opened.unwrap().set_modified(SystemTime::now() - by).unwrap();
}

/// Whether two paths are names of one file.
#[expect(unsafe_code, reason = "std has this, but not in a stable way")]
pub(crate) fn is_one_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let file = fs::File::options().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(path).ok()?;
        let mut about = BY_HANDLE_FILE_INFORMATION::default();
        // SAFETY: the handle is open, and `about` is what the call fills.
        let is_told = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut about) } != 0;
        is_told.then_some((about.dwVolumeSerialNumber, about.nFileIndexHigh, about.nFileIndexLow))
    };
    identity(one).is_some() && identity(one) == identity(other)
}

/// Makes a command the system's own shell, which runs this line.
pub(crate) fn in_shell(mut command: Command, line: &str) -> Command {
    command.args(["/d", "/s", "/c"]).raw_arg(format!("\"{line}\""));
    command
}

/// The system's own shell.
pub(crate) const SHELL: &str = "cmd";
