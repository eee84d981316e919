//! Unix: where a sandbox lies, and what its programs need.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that names the user's home.
pub(crate) const HOME: &str = "HOME";

/// Puts the program under test into a directory.
pub(crate) fn put_program(directory: &Path) {
    symlink(env!("CARGO_BIN_EXE_clauth"), directory.join("clauth")).unwrap();
}

/// The name that the client has on PATH.
pub(crate) const CLAUDE: &str = "claude";

/// Where the system's own programs are.
pub(crate) fn path() -> impl Iterator<Item = OsString> {
    ["/usr/bin", "/bin"].into_iter().map(OsString::from)
}

/// What every program needs of the environment.
pub(crate) fn needed() -> impl Iterator<Item = (OsString, OsString)> {
    std::iter::empty()
}

/// Where sandboxes are made: on macOS `/tmp` is a link, and a test compares physical paths.
pub(crate) fn temporary() -> PathBuf {
    Path::new("/tmp").canonicalize().unwrap()
}

/// Makes a directory that is the user's alone.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// A program that waits for as long as its standard input is open.
pub(crate) const IDLER: &str = "cat";

/// Whether a process runs; one that is dead and not waited for does not.
pub(crate) fn is_running(pid: u32) -> bool {
    let told = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap().stdout;
    !told.is_empty() && !told.starts_with(b"Z")
}

/// Ends a process by force; one that is gone already is as good.
pub(crate) fn kill(pid: u32) {
    // The only error possible for a process of ours is ESRCH: it ended by itself.
    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
}

/// Starts a program.
pub(crate) fn start(command: &mut Command) -> io::Result<Child> {
    command.spawn()
}

/// Renames over what stands there.
pub(crate) fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

/// Makes a file or a directory look as if it had last been changed so long ago.
pub(crate) fn age(path: &Path, by: Duration) {
    File::open(path).unwrap().set_modified(SystemTime::now() - by).unwrap();
}

/// Whether two paths are names of one file, links not followed.
pub(crate) fn is_one_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    identity(one).is_some() && identity(one) == identity(other)
}

/// Makes a command the system's own shell, which runs this line.
pub(crate) fn in_shell(mut command: Command, line: &str) -> Command {
    command.args(["-c", line]);
    command
}

/// The system's own shell.
pub(crate) const SHELL: &str = "/bin/sh";
