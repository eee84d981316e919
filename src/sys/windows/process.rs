//! Processes: who one is, when it started, who started it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::{FILETIME, INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::Storage::FileSystem::SYNCHRONIZE;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::ErrorReporting::{WER_FAULT_REPORTING_FLAG_NOHEAP, WerSetFlags};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessTimes, OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
    SetProcessWorkingSetSize, WaitForSingleObject,
};

use super::{check, text};

/// Opens a process to be asked about and waited for. For as long as it is open, no other process gets its id.
#[expect(unsafe_code, reason = "std opens only children")]
pub fn open(pid: u32) -> io::Result<OwnedHandle> {
    // SAFETY: no memory is passed; a handle that is returned is valid and nobody else's.
    unsafe {
        let handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, 0, pid);
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(OwnedHandle::from_raw_handle(handle)) }
    }
}

/// The time a process started, in units of the system since 1601; `None` when there is no such process, or another user owns it.
pub fn start_time(pid: u32) -> Option<String> {
    start_time_of(&open(pid).ok()?)
}

/// The same of an open process; `None` when it has ended: it can be asked for as long as anybody has it open.
#[expect(unsafe_code, reason = "std tells no start times")]
pub fn start_time_of(process: &OwnedHandle) -> Option<String> {
    let mut times = [FILETIME::default(); 4];
    let [started, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and each of the four is written once.
    unsafe {
        if WaitForSingleObject(process.as_raw_handle(), 0) != WAIT_TIMEOUT {
            return None;
        }
        check(GetProcessTimes(process.as_raw_handle(), started, ended, kernel, user)).ok()?;
    }
    Some((u64::from(started.dwHighDateTime) << 32 | u64::from(started.dwLowDateTime)).to_string())
}

/// The process that started this one, if it still runs: its id may have passed on, but not to a process that is older than this one.
pub fn parent_process() -> Option<u32> {
    parent_of(std::process::id(), &all())
}

/// Windows has no process groups. What comes next: of the processes that a process stems from, the last one that runs the same program as its parent.
/// Git Bash makes a process of its own program for each `$(…)`, and the shell itself is the one behind those.
pub fn process_group(pid: u32) -> Option<u32> {
    let all = all();
    let mut leader = if pid == std::process::id() { parent_of(pid, &all)? } else { pid };
    let program = program_name(leader)?;
    while let Some(parent) = parent_of(leader, &all).filter(|parent| program_name(*parent).as_ref() == Some(&program)) {
        leader = parent;
    }
    Some(leader)
}

/// The name of a process: its program's.
pub fn command_name(pid: u32) -> Option<OsString> {
    program_name(pid)
}

/// The file name of a process's program: of a script, its interpreter's.
#[expect(unsafe_code, reason = "std tells this process's own alone")]
pub fn program_name(pid: u32) -> Option<OsString> {
    let process = open(pid).ok()?;
    let mut path = vec![0_u16; 32 * 1024]; // the longest path that there is
    let mut length = u32::try_from(path.len()).ok()?;
    // SAFETY: the handle is open, and `path` has room for `length` characters.
    check(unsafe { QueryFullProcessImageNameW(process.as_raw_handle(), PROCESS_NAME_WIN32, path.as_mut_ptr(), &raw mut length) }).ok()?;
    Path::new(&text(&path)).file_name().map(OsStr::to_owned)
}

/// Gives memory that was used for a while back to the system; what is needed again, it brings back.
#[expect(unsafe_code, reason = "std has nothing of the kind")]
pub fn give_back_memory() {
    // SAFETY: the handle of this process needs no release, and these two numbers mean "all of it".
    let _ = unsafe { SetProcessWorkingSetSize(GetCurrentProcess(), usize::MAX, usize::MAX) };
}

/// A path that is there for as long as a process is; this system has none.
pub fn process_path(_pid: u32) -> Option<PathBuf> {
    None
}

/// Whether a process that is still there is about to go: killed, it holds its locks until the system has taken it apart.
pub fn is_ending(pid: u32) -> bool {
    start_time(pid).is_none()
}

/// Keeps what this process has in memory out of the reports of a crash.
#[expect(unsafe_code, reason = "std has nothing of the kind")]
pub fn keep_memory_private() {
    // SAFETY: a flag is passed, and no memory.
    let _ = unsafe { WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP) }; // where it is refused, Windows reports as it likes
}

/// Holds the ids of a process and of the one that started it.
struct Entry {
    pid: u32,
    parent: u32,
}

fn parent_of(pid: u32, all: &[Entry]) -> Option<u32> {
    let parent = all.iter().find(|entry| entry.pid == pid)?.parent;
    let started = |pid| start_time(pid)?.parse::<u64>().ok();
    (started(parent)? <= started(pid)?).then_some(parent)
}

#[expect(unsafe_code, reason = "std lists no processes")]
fn all() -> Vec<Entry> {
    let mut found = Vec::new();
    let mut entry = MaybeUninit::<PROCESSENTRY32W>::zeroed();
    // SAFETY: the structure is made of integers, so that zeros are a value of it; the snapshot is valid where it is not the invalid one, and nobody
    // else's.
    unsafe {
        let entry = entry.assume_init_mut();
        entry.dwSize = u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or_default();
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        if snapshot == INVALID_HANDLE_VALUE {
            return found;
        }
        let snapshot = OwnedHandle::from_raw_handle(snapshot);
        let mut is_there = Process32FirstW(snapshot.as_raw_handle(), entry);
        while is_there != 0 {
            found.push(Entry { pid: entry.th32ProcessID, parent: entry.th32ParentProcessID });
            is_there = Process32NextW(snapshot.as_raw_handle(), entry);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Starts a process that ends when nothing more comes to it.
    fn child() -> Child {
        Command::new("cmd").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn a_child_has_this_process_for_a_parent_until_it_ends() {
        let (mut child, me) = (child(), std::process::id());
        let pid = child.id();
        assert_eq!(parent_of(pid, &all()), Some(me));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(parent_of(pid, &all()), None);
    }

    #[test]
    fn whoever_has_the_parents_id_later_is_not_the_parent() {
        let (mut later, me) = (child(), std::process::id());
        assert_eq!(parent_of(me, &[Entry { pid: me, parent: later.id() }]), None);
        later.kill().unwrap();
        later.wait().unwrap();
    }
}
