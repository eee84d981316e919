//! Windows 10 and newer: process handles, completion ports, change notifications, access lists.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, Prefix};

use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemTimeOfDayInformation};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::System::SystemInformation::{ComputerNamePhysicalDnsHostname, GetComputerNameExW};

mod directory;
mod events;
mod files;
mod links;
mod listing;
mod private;
mod process;
mod run;
mod terminal;

pub use events::Events;
pub use files::{
    clone_file, create_lock_dir, create_private_dir, create_private_file, exchange, give_permissions, has_other_names, identity, is_being_written,
    lock_among_helpers, look_at, look_at_open, open_directory, open_for_reading, open_lock_file, origins, owned_by_this_user, physical,
    powershell_dir, remove_file, rename, rename_new, same_file, spelled, sync_directory, sync_file_system, working_directory,
};
pub use links::{link_directory, link_program, linked_program, symlink, unlink_program};
pub use listing::Listing;
#[cfg(test)]
pub use private::open_to_others;
pub use private::{is_private, make_private};
pub use process::{
    command_name, give_back_memory, is_ending, keep_memory_private, parent_process, process_group, process_path, program_name, start_time,
};
pub use run::{detach, end_session, replace_process, silence_stdout, start_detached};
pub use terminal::{HeldSignals, TypingHidden, terminal_columns};

/// The environment variable that names the user's home: the one that Claude Code asks, too.
pub const HOME_VARIABLE: &str = "USERPROFILE";

/// What a detached process needs of the environment: without the system's directory many a library does not load.
pub const NEEDED_VARIABLES: &[&str] = &["USERPROFILE", "USERNAME", "SYSTEMROOT"];

/// Whether `Path` and `PATH` are one variable.
pub const IGNORES_CASE_OF_VARIABLES: bool = true;

/// Whether the system says by which path this program was started; its first argument is whatever the starter likes.
pub const KNOWS_OWN_PROGRAM: bool = true;

/// Whether a child that has ended is kept until its parent asks for it, which a program that took the parent's place never does.
pub const KEEPS_DEAD_CHILDREN: bool = false;

/// Whether a watched directory tells that a file in it was written.
pub const DIRECTORIES_TELL_WRITES: bool = true;

/// Whether a new terminal starts a login shell, which reads other files than one in a terminal within a terminal: Git Bash does.
pub const TERMINALS_RUN_LOGIN_SHELLS: bool = true;

/// What the name of a program ends in.
pub const PROGRAM_SUFFIX: &str = ".exe";

/// A file name that differs between boots, machines and containers.
#[expect(unsafe_code, reason = "std has neither")]
pub fn boot_and_namespace() -> String {
    // When the system was booted, its present time, and zone; then by how much the first was moved because the clock was set.
    let mut times = [0_u64; 6];
    let size = u32::try_from(size_of_val(&times)).unwrap_or_default();
    // SAFETY: `times` has room for the `size` bytes of SYSTEM_TIMEOFDAY_INFORMATION, which is made of integers.
    let _ = unsafe { NtQuerySystemInformation(SystemTimeOfDayInformation, times.as_mut_ptr().cast(), size, std::ptr::null_mut()) };
    let booted = times[0].wrapping_sub(times[4]);
    let mut name = [0_u16; 256];
    let mut length = 256;
    // SAFETY: `name` has room for `length` characters.
    let _ = unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &raw mut length) };
    let name: String = String::from_utf16_lossy(until_nul(&name)).chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{booted:x}-{}", name.to_lowercase())
}

/// Whether a failure may be gone in a moment: somebody has the file open.
pub fn is_momentary(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(i32::cast_unsigned);
    matches!(code, Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
}

/// Returns a path as the system's own functions take it: those of `std` do this by themselves.
fn wide(path: &Path) -> Vec<u16> {
    // Above this a path has to say that it is meant word for word; directories are to leave room for a name of 8.3 characters.
    const LONGEST: usize = 247;
    let is_long = path.as_os_str().encode_wide().count() >= LONGEST;
    let verbatim = is_long.then(|| verbatim(path)).flatten();
    wide_text(verbatim.as_deref().unwrap_or(path.as_os_str()))
}

/// Returns the spelling of a path that is taken word for word, and so may be long.
fn verbatim(path: &Path) -> Option<OsString> {
    let full = std::path::absolute(path).ok()?;
    let Component::Prefix(prefix) = full.components().next()? else { return None };
    match prefix.kind() {
        Prefix::Disk(_) => Some([OsStr::new(r"\\?\"), full.as_os_str()].into_iter().collect()),
        Prefix::UNC(..) => Some([OsString::from(r"\\?\UNC"), text(&wide_text(full.as_os_str())[1..])].into_iter().collect()),
        _ => None,
    }
}

fn wide_text(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn until_nul(text: &[u16]) -> &[u16] {
    text.split(|unit| *unit == 0).next().unwrap_or_default()
}

fn text(wide: &[u16]) -> OsString {
    OsString::from_wide(until_nul(wide))
}

/// Makes an error of a function that says by zero that it failed.
fn check(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
