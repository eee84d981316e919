//! Links: symbolic ones where the user may make them, junctions to directories everywhere on NTFS.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{OpenOptionsExt, symlink_dir, symlink_file};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_PRIVILEGE_NOT_HELD, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::FSCTL_SET_REPARSE_POINT;
use windows_sys::Win32::System::SystemServices::IO_REPARSE_TAG_MOUNT_POINT;

use super::{check, files, verbatim};

/// Makes a symbolic link to a file; [`ErrorKind::Unsupported`] where this user may not, or nothing follows such a link.
pub fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    made(link, symlink_file(target, link))
}

/// Makes a link to a directory that need not exist: a symbolic one, or a junction, which anybody may make.
pub fn link_directory(target: &Path, link: &Path) -> io::Result<()> {
    match made(link, symlink_dir(target, link)) {
        Err(error) if error.kind() == ErrorKind::Unsupported => made(link, junction(target, link)),
        linked => linked,
    }
}

/// Looks whether a link is one: Wine 8 makes symbolic links of which it knows nothing afterwards.
fn made(link: &Path, linked: io::Result<()>) -> io::Result<()> {
    match linked {
        Ok(()) if fs::read_link(link).is_ok() => Ok(()),
        Ok(()) => {
            let _ = fs::remove_file(link).or_else(|_| fs::remove_dir(link));
            Err(ErrorKind::Unsupported.into())
        }
        Err(error) if error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_PRIVILEGE_NOT_HELD) => Err(ErrorKind::Unsupported.into()),
        Err(error) => Err(error),
    }
}

/// Makes a directory that leads to another one, on any volume of this machine.
fn junction(target: &Path, link: &Path) -> io::Result<()> {
    let target = link.parent().unwrap_or(link).join(target); // a relative one is so to the link
    let Some(target) = verbatim(&target) else { return Err(ErrorKind::Unsupported.into()) };
    files::create_lock_dir(link)?;
    let linked = lead_to(link, &target);
    if linked.is_err() {
        let _ = fs::remove_dir(link);
        return Err(ErrorKind::Unsupported.into());
    }
    linked
}

/// Turns an empty directory into a junction.
#[expect(unsafe_code, reason = "std makes no junctions in a stable way")]
fn lead_to(link: &Path, target: &OsStr) -> io::Result<()> {
    // REPARSE_DATA_BUFFER: tag, length of what follows the first 8 bytes, reserved; then offset and length of the path that the system follows and of
    // the one it shows, each in bytes without its NUL; then both paths. The one it follows is the kernel's own spelling.
    let followed: Vec<u8> = r"\??\".encode_utf16().chain(target.encode_wide().skip(4)).flat_map(u16::to_le_bytes).collect();
    let shown: Vec<u8> = target.encode_wide().skip(4).flat_map(u16::to_le_bytes).collect();
    let short = |length: usize| u16::try_from(length).map_err(|_| io::Error::from(ErrorKind::InvalidInput)).map(u16::to_le_bytes);
    let mut data = IO_REPARSE_TAG_MOUNT_POINT.to_le_bytes().to_vec();
    data.extend(short(8 + followed.len() + 2 + shown.len() + 2)?);
    data.extend([0, 0]);
    for number in [0, followed.len(), followed.len() + 2, shown.len()] {
        data.extend(short(number)?);
    }
    data.extend(followed.iter().chain(&[0, 0]).chain(&shown).chain(&[0, 0]));

    let directory =
        OpenOptions::new().access_mode(GENERIC_WRITE).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(link)?;
    let size = u32::try_from(data.len()).unwrap_or_default();
    let mut returned = 0;
    // SAFETY: the handle is open, `data` has `size` bytes, and nothing is returned but the number of nothing.
    check(unsafe {
        let (handle, none) = (directory.as_raw_handle(), ptr::null_mut());
        DeviceIoControl(handle, FSCTL_SET_REPARSE_POINT, data.as_ptr().cast(), size, none, 0, &raw mut returned, none.cast())
    })
}

/// Gives a program another name. That is a file of its own, since no name of a program that runs can be removed; beside it stands where the first is.
pub fn link_program(program: &Path, link: &Path) -> io::Result<()> {
    fs::copy(program, link)?;
    fs::write(note(link), program.as_os_str().as_encoded_bytes())
}

/// Returns the program that a link made by [`link_program`] is another name of.
pub fn linked_program(link: &Path) -> io::Result<PathBuf> {
    let program = String::from_utf8(fs::read(note(link))?).map_err(io::Error::other)?;
    if link.is_file() { Ok(program.into()) } else { Err(ErrorKind::NotFound.into()) }
}

/// Takes the other name of a program away. While it runs under that, its file stays, under the name of one that was not finished.
pub fn unlink_program(link: &Path) -> io::Result<()> {
    files::remove_file(link).or_else(|_| files::rename(link, &files::aside(link)))?;
    files::remove_file(&note(link))
}

fn note(link: &Path) -> PathBuf {
    let mut name = OsString::from(link.file_name().unwrap_or_default());
    name.push(".path");
    link.with_file_name(name)
}
