//! Another name of a program, which never leads nowhere.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// Gives a program another name, by a script that runs it by a link beside. A link alone would lead nowhere once an upgrade took the program away, and
/// whoever looks for a command passes over such a one, to the next of that name.
pub fn link_program(program: &Path, link: &Path) -> io::Result<()> {
    let inner = inner_link(link);
    super::create_private_dir(inner.parent().unwrap_or(link))?;
    let temp = inner.with_extension("new");
    let _ = fs::remove_file(&temp);
    symlink(program, &temp)?;
    fs::rename(temp, &inner)?;
    // In single quotes nothing has a meaning but the single quote itself.
    let quotable: Vec<u8> = inner
        .as_os_str()
        .as_bytes()
        .iter()
        .flat_map(|byte| if *byte == b'\'' { &br"'\''"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    let quoted = [b"'", &quotable[..], b"'"].concat();
    let (begin, end) = (SCRIPT.0.as_bytes(), SCRIPT.1.as_bytes());
    let script = [begin, b"link=", &quoted, b"\n", end].concat();
    OpenOptions::new().write(true).create_new(true).mode(0o700).open(link)?.write_all(&script)
}

/// Returns the program that a name made by [`link_program`] stands for; a plain link, as earlier versions made it, and the inner one are known too.
pub fn linked_program(link: &Path) -> io::Result<PathBuf> {
    match fs::read_link(link) {
        Err(error) if error.kind() == ErrorKind::InvalidInput && is_script(link) => fs::read_link(inner_link(link)),
        read => read,
    }
}

/// Takes the other name of a program away.
pub fn unlink_program(link: &Path) -> io::Result<()> {
    let inner = inner_link(link);
    fs::remove_file(link)?;
    if fs::symlink_metadata(&inner).is_ok() {
        fs::remove_file(&inner)?;
        let _ = fs::remove_dir(inner.parent().unwrap_or(link));
    }
    Ok(())
}

/// What stands before and behind the line that names the inner link.
const SCRIPT: (&str, &str) = (
    "#!/bin/sh\n# clauth: decides by the directory which account is used; `clauth shim remove` takes this file away.\n",
    "if [ -x \"$link\" ] && [ -s \"$link\" ]; then exec \"$link\" \"$@\"; fi\n\
     echo 'clauth: the program behind this shim is gone, so no account can be chosen; install clauth again, then run `clauth shim install`' >&2\nexit 126\n",
);

fn inner_link(link: &Path) -> PathBuf {
    let name = link.file_name().unwrap_or_default();
    link.with_file_name(".link").join(name)
}

fn is_script(link: &Path) -> bool {
    fs::read(link).is_ok_and(|text| text.starts_with(SCRIPT.0.as_bytes()))
}
