//! Files and directories: private ones, who a file is, and renames that lose nothing.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_APPEND_DATA, FILE_ATTRIBUTE_NORMAL, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_ATTRIBUTES,
    GetFileInformationByHandle, MoveFileExW, OPEN_ALWAYS, SYNCHRONIZE,
};

use super::private::{self, Access};
use super::{check, is_momentary, wide};
use crate::sys::paths;
use crate::sys::patience::patiently;

/// Creates a directory and its missing parents, for the user alone.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    match create_lock_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(parent) => create_private_dir(parent).and_then(|()| create_private_dir(path)),
            None => Err(error),
        },
        Err(_) if path.is_dir() => Ok(()),
        made => made,
    }
}

/// Creates one directory that did not exist, for the user alone: the kernel lets one process succeed.
#[expect(unsafe_code, reason = "std creates no directory with an access list of its own")]
pub fn create_lock_dir(path: &Path) -> io::Result<()> {
    let (path, access) = (wide(path), Access::of_directory()?);
    // SAFETY: `path` ends in a NUL, and the access list lives until the call is done.
    check(unsafe { CreateDirectoryW(path.as_ptr(), &access.attributes()) })
}

/// Creates a file that did not exist, for the user alone; never follows a link that someone put there.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    create(path, GENERIC_WRITE, CREATE_NEW)
}

/// Opens a lock file, creating it for the user alone.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    patiently(is_momentary, || create(path, GENERIC_READ | FILE_APPEND_DATA | SYNCHRONIZE, OPEN_ALWAYS))
}

#[expect(unsafe_code, reason = "std creates no file with an access list of its own")]
fn create(path: &Path, rights: u32, disposition: u32) -> io::Result<File> {
    let (path, access) = (wide(path), Access::of_file()?);
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    // SAFETY: `path` ends in a NUL, and the access list lives until the call is done.
    let handle = unsafe { CreateFileW(path.as_ptr(), rights, share, &access.attributes(), disposition, FILE_ATTRIBUTE_NORMAL, ptr::null_mut()) };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is valid, and nobody else has it.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Opens a file for reading. Nothing under the name of a file makes that wait here, but for a moment whoever replaces it just now.
pub fn open_for_reading(path: &Path) -> io::Result<File> {
    patiently(|error| is_momentary(error) && !path.is_dir(), || File::open(path))
}

/// Whether this user owns this path; one that does not exist is nobody's.
pub fn owned_by_this_user(path: &Path) -> io::Result<bool> {
    private::is_owned(path)
}

/// Whether two paths lead to one file.
pub fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| File::options().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path).and_then(|file| information(&file));
    let number = |about: &BY_HANDLE_FILE_INFORMATION| (about.dwVolumeSerialNumber, index(about));
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if number(&one) == number(&other))
}

/// Looks at a path without following a link; returns the identity too: volume, number of the file, and the time of its birth in units of the system.
pub fn look_at(path: &Path) -> io::Result<(fs::Metadata, (u64, u64, u128))> {
    let file = open_itself(path)?;
    Ok((file.metadata()?, identity(&file)?))
}

/// Looks at what is open, as [`look_at`] does at a path.
pub fn look_at_open(file: &File) -> io::Result<(fs::Metadata, (u64, u64, u128))> {
    Ok((file.metadata()?, identity(file)?))
}

/// Gives a file that [`create_private_file`] has made the permissions of another one; of a private one, only what these give the user.
pub fn give_permissions(file: &File, path: &Path, like: &fs::Metadata, is_private: bool) -> io::Result<()> {
    file.set_permissions(like.permissions())?;
    if is_private { private::make_private(path) } else { Ok(()) }
}

/// Returns the identity of what is open.
pub fn identity(file: &File) -> io::Result<(u64, u64, u128)> {
    let (meta, about) = (file.metadata()?, information(file)?);
    Ok((about.dwVolumeSerialNumber.into(), index(&about), meta.creation_time().into()))
}

/// Opens a directory to be asked who it is, and touched.
pub fn open_directory(path: &Path) -> io::Result<File> {
    let rights = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES;
    OpenOptions::new().access_mode(rights).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Waits until the names in a directory are on the disk, as far as a user may ask for that: NTFS has a journal of them.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    open_directory(path).map(drop)
}

/// Waits until what was written is on the disk, as far as a user may ask for that.
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub fn sync_file_system(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a file can be reached by another name too.
pub fn has_other_names(path: &Path) -> bool {
    open_itself(path).and_then(|file| information(&file)).is_ok_and(|about| about.nNumberOfLinks > 1)
}

fn open_itself(path: &Path) -> io::Result<File> {
    OpenOptions::new().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

#[expect(unsafe_code, reason = "std has these, but not in a stable way")]
fn information(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut about = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and `about` is what the call fills.
    check(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut about) })?;
    Ok(about)
}

fn index(about: &BY_HANDLE_FILE_INFORMATION) -> u64 {
    u64::from(about.nFileIndexHigh) << 32 | u64::from(about.nFileIndexLow)
}

/// Renames, over what stands at the new name.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(is_momentary, || fs::rename(from, to))
}

/// Renames, but over nothing: what stands at the new name stays, and the call fails.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    patiently(is_momentary, || move_new(from, to))
}

#[expect(unsafe_code, reason = "std's own rename replaces")]
fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from), wide(to));
    // SAFETY: both paths end in a NUL. No flag: not over a file, and not to another volume.
    check(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) })
}

/// Windows cannot exchange two names in one step.
pub fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Returns a name for what has to make room, which says that it is temporary and who made it.
pub fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!("~.{}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// Removes a file, or a link of any kind.
pub fn remove_file(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink_dir()) {
        return fs::remove_dir(path);
    }
    patiently(is_momentary, || fs::remove_file(path))
}

/// Returns a path without links, as the system's other programs spell it.
pub fn physical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize().map(|path| paths::plain(&path))
}

/// Returns where PowerShell keeps the user's profile: among the documents, which the user or a cloud drive may have moved. A home that is not the user's
/// own one has documents of its own.
pub fn powershell_dir(home: &Path, _: &Path) -> PathBuf {
    let is_own = dirs::home_dir().is_some_and(|own| same_file(&own, home));
    let moved = dirs::document_dir().filter(|_| is_own);
    moved.unwrap_or_else(|| home.join("Documents")).join("PowerShell")
}

/// Returns the path that a person or a shell has spelled; those of Git Bash have their own way.
pub fn spelled(path: &OsStr) -> PathBuf {
    path.to_str().and_then(paths::from_shell).map_or_else(|| path.into(), PathBuf::from)
}

/// Returns the physical path of the working directory, given what the system calls it: that can go through links, or begin at a drive that stands for a
/// directory.
#[expect(clippy::needless_pass_by_value, reason = "on other systems it is what is returned")]
pub fn working_directory(called: PathBuf) -> io::Result<PathBuf> {
    physical(&called)
}

/// Makes a copy that takes no space until one of the two changes: not on NTFS.
pub fn clone_file(_: &File, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Would lock an open file among the processes of clauth: here a lock keeps everybody else from reading and writing, so there is none.
pub fn lock_among_helpers(_file: &File) -> bool {
    true
}

/// Whether another process has a file open for writing: it could then be neither renamed nor removed, and is found so.
pub fn is_being_written(_path: &Path) -> bool {
    false
}

/// Returns where each of these resolved paths lies on its file system; this system has no bind mounts that a resolved path does not show.
pub fn origins(_paths: [&Path; 2]) -> Option<[(OsString, PathBuf); 2]> {
    None
}
