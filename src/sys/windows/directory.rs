//! One directory whose changes the system tells, and those below it where that is asked for.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OVERLAPPED, FILE_LIST_DIRECTORY, FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME,
    FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_SIZE, ReadDirectoryChangesW,
};
use windows_sys::Win32::System::IO::{CancelIoEx, OVERLAPPED};

use super::check;
use crate::sys::{Event, Watch};

/// How many words of changes the system keeps between two looks; 16 KB, some hundred names.
const WORDS: usize = 4096;

/// Holds a directory that is open for being told its changes.
#[derive(Debug)]
pub struct Directory {
    handle: File,
    /// The directory, as it was named.
    path: PathBuf,
    /// Whether the changes below it are told, too.
    is_deep: bool,
    /// Whether what is written to files is told.
    tells_writes: bool,
    /// Who asked, by the directory relative to this one and the file's name, if it was about one file; in lower case, since names differ in it.
    asked: HashMap<(String, Option<String>), Watch>,
}

/// What the system writes to until it tells a change. Nobody else has it meanwhile.
#[repr(C)]
pub struct Pending {
    overlapped: OVERLAPPED,
    changes: [u32; WORDS],
}

impl Directory {
    /// Opens a directory.
    pub fn open(path: &Path, is_deep: bool, tells_writes: bool) -> io::Result<Self> {
        let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED;
        let handle = OpenOptions::new().access_mode(FILE_LIST_DIRECTORY).custom_flags(flags).open(path)?;
        if !handle.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { handle, path: path.into(), is_deep, tells_writes, asked: HashMap::new() })
    }

    /// The open directory, for the completion port.
    pub fn handle(&self) -> &File {
        &self.handle
    }

    /// Whether this is a directory of which changes are told, one level above another one.
    pub fn is_above(&self, directory: &Path) -> bool {
        directory.parent() == Some(&self.path)
    }

    /// Returns the name by which changes in a directory are told here, if they are.
    pub fn covers(&self, directory: &Path, tells_writes: bool) -> Option<String> {
        let below = directory.strip_prefix(&self.path).ok()?;
        let is_covered = self.tells_writes == tells_writes && (self.is_deep || below.as_os_str().is_empty());
        is_covered.then(|| lower(below))
    }

    /// Notes who asked; returns the earlier watch of who asked the same before.
    pub fn ask(&mut self, below: String, file: Option<&Path>, watch: Watch) -> Watch {
        *self.asked.entry((below, file.map(lower))).or_insert(watch)
    }

    /// Returns everybody who asked.
    pub fn watches(&self) -> impl Iterator<Item = Watch> + '_ {
        self.asked.values().copied()
    }

    /// Lets the system write down changes from now on.
    #[expect(unsafe_code, reason = "std tells no changes")]
    pub fn listen(&self, pending: Option<Box<Pending>>) -> io::Result<()> {
        let mut pending = pending.unwrap_or_else(|| Box::new(Pending { overlapped: OVERLAPPED::default(), changes: [0; WORDS] }));
        pending.overlapped = OVERLAPPED::default();
        let names = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
        let filter = if self.tells_writes { names | FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE } else { names };
        let size = u32::try_from(size_of_val(&pending.changes)).unwrap_or_default();
        let pending = Box::into_raw(pending);
        // SAFETY: the system has `pending` alone from here on, until the completion port returns it to `Pending::told`; it is never released before that.
        // Where the call fails, nothing is written and nothing returned.
        unsafe {
            let (handle, changes, overlapped) = (self.handle.as_raw_handle(), (&raw mut (*pending).changes).cast(), &raw mut (*pending).overlapped);
            check(ReadDirectoryChangesW(handle, changes, size, self.is_deep.into(), filter, ptr::null_mut(), overlapped, None)).inspect_err(|_| {
                drop(Box::from_raw(pending));
            })
        }
    }

    /// Ends it; what the system still has comes back by the completion port, or never.
    #[expect(unsafe_code, reason = "std has no overlapped reads")]
    pub fn end(&self) {
        // SAFETY: the handle is open; what is cancelled is told as such.
        unsafe { CancelIoEx(self.handle.as_raw_handle(), ptr::null()) };
    }

    /// Returns the events that changes are to those who asked.
    pub fn events(&self, changes: &[Change]) -> Vec<Event> {
        let mut events = Vec::new();
        for change in changes {
            let (directory, name) = (change.path.parent().unwrap_or(Path::new("")), change.path.file_name());
            let (directory, file) = (lower(directory), name.map(|name| lower(Path::new(name))));
            let whole = self.asked.get(&(directory.clone(), None));
            // A short name (`PROGRA~1`) is another one for a file that has its own: only a look at the directory tells which.
            let name = name.filter(|name| !name.to_string_lossy().contains('~')).map(OsString::from);
            let told = whole.map(|watch| Event::Changed(*watch, name));
            let about_file = self.asked.get(&(directory, file)).map(|watch| Event::Changed(*watch, None));
            for event in told.into_iter().chain(about_file) {
                if events.last() != Some(&event) {
                    events.push(event);
                }
            }
        }
        events
    }
}

fn lower(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// One change that was told.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// What changed, relative to the directory.
    path: PathBuf,
}

impl Pending {
    /// Takes back what the system has written to.
    ///
    /// # Safety
    ///
    /// The pointer is what a completion port has returned for a [`Directory`].
    #[expect(unsafe_code, reason = "the system had it")]
    pub unsafe fn told(overlapped: *mut OVERLAPPED) -> Box<Self> {
        // SAFETY: by `listen` this is the first field of a `Pending`, which has been the system's alone and is so no longer.
        unsafe { Box::from_raw(overlapped.cast()) }
    }

    /// Whether the system stopped telling: the directory was deleted.
    pub fn has_failed(&self) -> bool {
        // The status that it left there; those of failures are negative.
        (self.overlapped.Internal & 0x8000_0000) != 0
    }

    /// Returns the changes of which the system has written so many bytes.
    pub fn changes(&self, bytes: usize) -> Vec<Change> {
        let written: Vec<u8> = self.changes.iter().take(bytes.div_ceil(4)).flat_map(|word| word.to_le_bytes()).collect();
        changes(&written)
    }
}

/// Reads `FILE_NOTIFY_INFORMATION`: where the next one begins, in bytes from this one, or 0; what happened; the length of the name in bytes; the name.
fn changes(mut bytes: &[u8]) -> Vec<Change> {
    let number = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).unwrap_or_default();
    let mut found = Vec::new();
    while let Some((next, rest)) = bytes.split_first_chunk::<4>()
        && let Some((_action, rest)) = rest.split_first_chunk::<4>()
        && let Some((length, rest)) = rest.split_first_chunk::<4>()
    {
        let name = &rest[..number(length).min(rest.len())];
        let name: Vec<u16> = name.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        found.push(Change { path: OsString::from_wide(&name).into() });
        // Not always at a whole word, as it should be: Wine packs them.
        bytes = bytes.get(number(next)..).filter(|_| number(next) > 0).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_as_the_system_writes_them() {
        let entry = |next: u8, name: &str| {
            let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [&[next, 0, 0, 0, 1, 0, 0, 0, u8::try_from(name.len()).unwrap(), 0, 0, 0], name.as_slice()].concat()
        };
        let paths = |bytes: &[u8]| changes(bytes).into_iter().map(|change| change.path).collect::<Vec<_>>();
        let aligned = [entry(24, r"a\bé"), vec![0; 4], entry(0, "c"), vec![0; 9]].concat();
        assert_eq!(paths(&aligned[..18]), [Path::new(r"a\b")], "what is not there is not read");
        assert_eq!(paths(&aligned), [Path::new(r"a\bé"), Path::new("c")]);
        let packed = [entry(18, "abc"), entry(0, "d")].concat();
        assert_eq!(paths(&packed), [Path::new("abc"), Path::new("d")]);
        assert!(paths(&[]).is_empty() && paths(&[0; 11]).is_empty());
        assert_eq!(paths(&[255; 12]).len(), 1, "whatever lengths it holds, nothing else is read");
    }
}
