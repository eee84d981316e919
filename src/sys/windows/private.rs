//! What is open to the user alone, from the moment it exists: the access list is given to the call that creates it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW,
    GetNamedSecurityInfoW, SDDL_REVISION_1, SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetTokenInformation, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES, TOKEN_INFORMATION_CLASS, TOKEN_OWNER, TOKEN_QUERY, TOKEN_USER, TokenOwner, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::core::PWSTR;

use super::{check, text, wide, wide_text};

/// Says who may do what with a new file or directory.
pub struct Access {
    descriptor: PSECURITY_DESCRIPTOR,
}

impl Access {
    /// The user alone may do anything with the file.
    pub fn of_file() -> io::Result<Self> {
        Self::parse(&format!("D:P(A;;FA;;;{})", user()?))
    }

    /// The user alone may do anything with the directory, and with what is made in it by anybody who does not say otherwise.
    pub fn of_directory() -> io::Result<Self> {
        Self::parse(&format!("D:P(A;OICI;FA;;;{})", user()?))
    }

    #[expect(unsafe_code, reason = "std makes files with the access list of their directory alone")]
    fn parse(sddl: &str) -> io::Result<Self> {
        let sddl = wide_text(OsStr::new(sddl));
        let mut descriptor = ptr::null_mut();
        // SAFETY: `sddl` ends in a NUL; what is returned is released when this value is dropped.
        check(unsafe { ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl.as_ptr(), SDDL_REVISION_1, &raw mut descriptor, ptr::null_mut()) })?;
        Ok(Self { descriptor })
    }

    /// Returns what a creating call takes; good for as long as this value lives.
    pub fn attributes(&self) -> SECURITY_ATTRIBUTES {
        let size = u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or_default();
        SECURITY_ATTRIBUTES { nLength: size, lpSecurityDescriptor: self.descriptor, bInheritHandle: 0 }
    }
}

impl Drop for Access {
    #[expect(unsafe_code, reason = "the system allocated it")]
    fn drop(&mut self) {
        // SAFETY: it was returned by the call that asks for this, and is released once.
        unsafe { LocalFree(self.descriptor) };
    }
}

/// Whether this user owns a path, or the group that owns what this user makes: administrators, for a process with their rights.
#[expect(unsafe_code, reason = "std does not say who owns a file")]
pub fn is_owned(path: &Path) -> io::Result<bool> {
    let path = wide(path);
    let (mut owner, mut descriptor) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `path` ends in a NUL; the owner points into the descriptor, which is released below, after its last use.
    let code = unsafe {
        let (group, lists) = (ptr::null_mut(), ptr::null_mut());
        GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            group,
            lists,
            lists.cast(),
            &raw mut descriptor,
        )
    };
    if code != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let owner = spelled(owner);
    // SAFETY: as above.
    unsafe { LocalFree(descriptor) };
    Ok(is_ours(&owner?, &[user()?, default_owner()?]))
}

/// Whether what has this owner is this user's. Where a file system keeps no owners, as FAT does, Windows names everybody.
fn is_ours(owner: &str, users: &[String]) -> bool {
    const EVERYBODY: &str = "S-1-1-0";
    owner == EVERYBODY || users.iter().any(|user| user == owner)
}

/// Whether nobody may look at a path but the user, and who may look at everything anyway: the system and its administrators. What a link leads to is
/// looked at by itself.
pub fn is_private(path: &Path) -> io::Result<bool> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Ok(true);
    }
    let (access, users) = (access(path)?, [user()?, default_owner()?]);
    Ok(access.contains('(') && entries(&access).all(|(kind, who)| kind != "A" || ["SY", "BA"].contains(&who) || users.iter().any(|user| user == who)))
}

/// Returns the kind of each entry of a spelled access list, and whom it is about.
fn entries(access: &str) -> impl Iterator<Item = (&str, &str)> {
    let entries = access.split('(').skip(1).filter_map(|entry| entry.split(')').next());
    entries.filter_map(|entry| Some((entry.split(';').next()?, entry.rsplit(';').next()?)))
}

/// Takes everybody else's permissions away, inherited ones too.
pub fn make_private(path: &Path) -> io::Result<()> {
    let access = if path.is_dir() { Access::of_directory()? } else { Access::of_file()? };
    set_access(path, &access)
}

#[expect(unsafe_code, reason = "std does not change access lists")]
fn set_access(path: &Path, access: &Access) -> io::Result<()> {
    let path = wide(path);
    let kind = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: `path` ends in a NUL; the list points into the descriptor, which lives until this function returns.
    let code = unsafe {
        let (mut list, mut present, mut is_default) = (ptr::null_mut(), 0, 0);
        check(GetSecurityDescriptorDacl(access.descriptor, &raw mut present, &raw mut list, &raw mut is_default))?;
        SetNamedSecurityInfoW(path.as_ptr().cast_mut(), SE_FILE_OBJECT, kind, ptr::null_mut(), ptr::null_mut(), list, ptr::null())
    };
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// Returns the access list of a path, as one is spelled.
#[expect(unsafe_code, reason = "std does not say who may do what with a file")]
fn access(path: &Path) -> io::Result<String> {
    let path = wide(path);
    let (mut descriptor, mut spelled, none): (_, PWSTR, _) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the path ends in a NUL; both answers are valid where the calls succeed, and released after their last use.
    unsafe {
        let lists = ptr::null_mut::<*mut ACL>();
        let code = GetNamedSecurityInfoW(path.as_ptr(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, none, none, lists, lists, &raw mut descriptor);
        if code != ERROR_SUCCESS {
            return Err(io::Error::from_raw_os_error(code.cast_signed()));
        }
        let (kind, length) = (DACL_SECURITY_INFORMATION, ptr::null_mut());
        let spelling = check(ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1, kind, &raw mut spelled, length));
        LocalFree(descriptor);
        spelling?;
        Ok(taken(spelled))
    }
}

/// Returns the user of this process, as an access list spells one.
#[expect(unsafe_code, reason = "the token is a structure with a pointer into itself")]
fn user() -> io::Result<String> {
    let token = token(TokenUser)?;
    // SAFETY: for this class the system writes a TOKEN_USER, into memory that is aligned for it and outlives its use here.
    spelled(unsafe { (*token.as_ptr().cast::<TOKEN_USER>()).User.Sid })
}

#[expect(unsafe_code, reason = "the token is a structure with a pointer into itself")]
fn default_owner() -> io::Result<String> {
    let token = token(TokenOwner)?;
    // SAFETY: for this class the system writes a TOKEN_OWNER, into memory that is aligned for it and outlives its use here.
    spelled(unsafe { (*token.as_ptr().cast::<TOKEN_OWNER>()).Owner })
}

/// Asks about the user of this process; the answer lies in words, so that it is aligned for the pointers in it.
#[expect(unsafe_code, reason = "std has no tokens")]
fn token(class: TOKEN_INFORMATION_CLASS) -> io::Result<Vec<u64>> {
    let mut token = ptr::null_mut();
    // SAFETY: the handle of this process needs no release, and the token is released with the value made of it.
    let token = unsafe {
        check(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token))?;
        OwnedHandle::from_raw_handle(token)
    };
    let mut answer = vec![0_u64; 64]; // a structure of a few pointers and the longest identifier that there is, of 68 bytes
    let size = u32::try_from(size_of_val(answer.as_slice())).unwrap_or_default();
    let mut length = 0;
    // SAFETY: `answer` has room for `size` bytes.
    check(unsafe { GetTokenInformation(token.as_raw_handle(), class, answer.as_mut_ptr().cast(), size, &raw mut length) })?;
    Ok(answer)
}

/// Spells an identifier; it must be one that the system gave and still holds.
#[expect(unsafe_code, reason = "std has no security identifiers")]
fn spelled(identifier: PSID) -> io::Result<String> {
    let mut spelled = ptr::null_mut();
    // SAFETY: the callers have the identifier of the system and its memory still; what is returned is this function's.
    unsafe {
        check(ConvertSidToStringSidW(identifier, &raw mut spelled))?;
        Ok(taken(spelled))
    }
}

/// Takes a text over that the system allocated.
///
/// # Safety
///
/// It ends in a NUL, was returned to be released by the caller, and is not used afterwards.
#[expect(unsafe_code, reason = "the system allocated it")]
unsafe fn taken(spelled: PWSTR) -> String {
    let mut length = 0;
    // SAFETY: as the caller says.
    unsafe {
        while *spelled.add(length) != 0 {
            length += 1;
        }
        let said = text(std::slice::from_raw_parts(spelled, length));
        LocalFree(spelled.cast());
        said.to_string_lossy().into_owned()
    }
}

/// Lets everybody do anything with a path.
#[cfg(test)]
pub fn open_to_others(path: &Path) {
    set_access(path, &Access::parse("D:P(A;;FA;;;WD)").unwrap()).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    #[test]
    fn what_is_private_is_the_users_alone_from_its_creation() {
        let root = std::env::temp_dir().join(format!("clauth-private-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let [below, file, lock] = ["a/b", "a/file", "a/lock"].map(|name| root.join(name));
        sys::create_private_dir(&below).unwrap();
        sys::create_private_file(&file).unwrap();
        sys::open_lock_file(&lock).unwrap();
        let user = user().unwrap();
        for path in [root.clone(), root.join("a"), below, file, lock] {
            let access = access(&path).unwrap();
            // Wine lets the system, which is nobody's account, into everything.
            assert!(access.contains(&user) && entries(&access).all(|(_, who)| who == user || who == "SY"), "{}: {access}", path.display());
        }
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn what_nobody_owns_in_particular_is_the_users() {
        let users = [user().unwrap(), default_owner().unwrap()];
        let whose = [users[0].as_str(), users[1].as_str(), "S-1-1-0", "S-1-5-21-1-2-3-1001", "S-1-5-18"];
        assert_eq!(whose.map(|owner| is_ours(owner, &users)), [true, true, true, false, false]);
    }
}
