//! What differs between systems: processes, their exits, directory events, permissions, links. The one room with platform `cfg`.
//!
//! Each system's file has the same items; the choice is made here, once. The contract, to which `tests` holds each of them:
//!
//! - [`HOME_VARIABLE`], [`NEEDED_VARIABLES`], [`IGNORES_CASE_OF_VARIABLES`]: the user's home in the environment, and how that is looked at.
//! - [`KEYCHAIN_PROGRAM`]: by what logins in a keychain are reached.
//! - [`MANAGED_SETTINGS`]: what an administrator says to Claude Code.
//! - [`TERMINALS_RUN_LOGIN_SHELLS`]: what a new terminal starts.
//! - [`boot_and_namespace`]: a file name that differs between kernel boots and pid namespaces.
//! - [`create_private_dir`], [`create_private_file`], [`create_lock_dir`], [`open_lock_file`]: open to the user alone from the
//!   moment they exist.
//! - [`is_private`], [`make_private`], [`give_permissions`]: for what somebody opened to others since.
//! - [`open_for_reading`]: never blocks, whatever the path is (a FIFO without a writer would); [`open_directory`]: to be asked and touched.
//! - [`physical`], [`working_directory`]: paths without links, as the system's other programs spell them; [`spelled`]: as a person or a shell does.
//! - [`powershell_dir`]: where it keeps the user's profile.
//! - [`look_at`], [`look_at_open`]: who a file is, from one look that follows no link; [`identity`], [`same_file`], [`has_other_names`], [`owned_by_this_user`].
//! - [`clone_file`]: a copy that takes no space until one of the two changes; an error where the file system cannot.
//! - [`Listing`]: what stands in a directory, each name looked at.
//! - [`symlink`], [`link_directory`]: `Unsupported` where this user may not make a link; [`remove_file`] removes any of them.
//! - [`link_program`], [`linked_program`], [`unlink_program`]: another name for a program.
//! - [`rename`], [`rename_new`], [`exchange`]: renames that lose nothing, whoever writes at that moment, and wait for who is in the way for a moment.
//! - [`origins`]: where paths lie on their file systems, by which bind mounts are seen through.
//! - [`is_being_written`]: whether another process has a file open for writing, where the system tells.
//! - [`sync_directory`]: what was renamed is so after a power cut.
//! - [`sync_file_system`]: what was written to a file system is on the disk; [`DIRECTORIES_TELL_WRITES`]: whether a watched directory tells of it.
//! - [`is_momentary`]: whether what failed is worth another try.
//! - [`parent_process`], [`process_group`], [`command_name`], [`program_name`], [`start_time`]: a pid and its start time name one process for ever;
//!   [`process_path`], [`is_ending`]: whether one is there still, and for how long.
//! - [`start_detached`], [`detach`], [`silence_stdout`], [`give_back_memory`]: make a helper, and a small one; [`KEEPS_DEAD_CHILDREN`].
//! - [`end_session`]: ends a child that has detached, with what it started.
//! - [`keep_memory_private`]: what this process has in memory is in no dump of a crash.
//! - [`TypingHidden`]: while it lives, a terminal shows no key that is pressed, and hands each over at once.
//! - [`apart_from_terminal`]: starts a program that no key of the terminal's interrupts.
//! - [`replace_process`]: becomes another program, or stands for it until it ends; returns only on failure.
//! - [`KNOWS_OWN_PROGRAM`], [`PROGRAM_SUFFIX`]: how programs are named.
//! - [`HeldSignals`]: what would end or stop this process waits until it is dropped.
//! - [`terminal_columns`]: how wide the terminal is that standard output goes to.
//! - [`Events`]: waits in the kernel for process exits and directory changes, with no timer.

#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

pub mod paths;
#[cfg(any(windows, test))]
pub mod patience;

#[cfg(test)]
mod tests;

#[cfg(target_os = "linux")]
pub use linux::{
    DIRECTORIES_TELL_WRITES, Events, TERMINALS_RUN_LOGIN_SHELLS, boot_and_namespace, clone_file, command_name, give_back_memory, is_being_written,
    is_ending, keep_memory_private, origins, process_group, process_path, program_name, start_time, sync_file_system,
};
#[cfg(target_os = "macos")]
pub use macos::{
    DIRECTORIES_TELL_WRITES, Events, TERMINALS_RUN_LOGIN_SHELLS, boot_and_namespace, clone_file, command_name, give_back_memory, is_being_written,
    is_ending, keep_memory_private, origins, process_group, process_path, program_name, start_time, sync_file_system,
};
#[cfg(unix)]
pub use signals::HeldSignals;
#[cfg(unix)]
pub use unix::{
    HOME_VARIABLE, IGNORES_CASE_OF_VARIABLES, KEEPS_DEAD_CHILDREN, KNOWS_OWN_PROGRAM, Listing, NEEDED_VARIABLES, PROGRAM_SUFFIX, TypingHidden,
    create_lock_dir, create_private_dir, create_private_file, detach, end_session, exchange, give_permissions, has_other_names, identity,
    is_momentary, is_private, link_directory, link_program, linked_program, lock_among_helpers, look_at, look_at_open, make_private, open_directory,
    open_for_reading, open_lock_file, owned_by_this_user, parent_process, physical, powershell_dir, remove_file, rename, rename_new, replace_process,
    same_file, silence_stdout, spelled, start_detached, symlink, sync_directory, terminal_columns, unlink_program, working_directory,
};
#[cfg(windows)]
pub use windows::{
    DIRECTORIES_TELL_WRITES, Events, HOME_VARIABLE, HeldSignals, IGNORES_CASE_OF_VARIABLES, KEEPS_DEAD_CHILDREN, KNOWS_OWN_PROGRAM, Listing,
    NEEDED_VARIABLES, PROGRAM_SUFFIX, TERMINALS_RUN_LOGIN_SHELLS, TypingHidden, boot_and_namespace, clone_file, command_name, create_lock_dir,
    create_private_dir, create_private_file, detach, end_session, exchange, give_back_memory, give_permissions, has_other_names, identity,
    is_being_written, is_ending, is_momentary, is_private, keep_memory_private, link_directory, link_program, linked_program, lock_among_helpers,
    look_at, look_at_open, make_private, open_directory, open_for_reading, open_lock_file, origins, owned_by_this_user, parent_process, physical,
    powershell_dir, process_group, process_path, program_name, remove_file, rename, rename_new, replace_process, same_file, silence_stdout, spelled,
    start_detached, start_time, symlink, sync_directory, sync_file_system, terminal_columns, unlink_program, working_directory,
};

/// The program that reaches the keychain in which Claude Code keeps logins on this system, if it does.
pub const KEYCHAIN_PROGRAM: Option<&str> = if cfg!(target_os = "macos") { Some("/usr/bin/security") } else { None };

/// Where an administrator lays down Claude Code's settings for everybody on this system: its "managed settings", which win over all others.
pub const MANAGED_SETTINGS: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support/ClaudeCode"
} else if cfg!(windows) {
    r"C:\Program Files\ClaudeCode"
} else {
    "/etc/claude-code"
};

/// Keeps a command that is started from what is typed at the terminal: Ctrl-C would end it in the middle.
pub fn apart_from_terminal(command: &mut std::process::Command) -> &mut std::process::Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// Something else, or something that could not be looked at.
    Other,
}

/// What one look at a name tells, its links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// What stands there.
    pub kind: Kind,
    /// The device and inode number.
    pub identity: (u64, u64),
    /// The length in bytes.
    pub length: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: u64,
}

/// Something that a helper woke up for.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The watched process with this pid is gone.
    Exited(u32),
    /// The entry of this name appeared in, changed in or left the watched directory; without a name, something in
    /// what is watched did, or it itself.
    Changed(Watch, Option<std::ffi::OsString>),
    /// What was watched was deleted or moved away.
    Gone(Watch),
    /// Some changes were not told: look at everything again.
    Overflow,
}

/// Names one watched directory or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Watch(pub(self) i32);

/// What to be told about a directory or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Entries that appear, are replaced or leave.
    Names,
    /// That, and files that somebody finished writing.
    Contents,
    /// The same, of a directory in which files grow many times a minute: after one look its changes wait for a second, and are told together.
    Logs,
    /// One file, by its inode: that it was written, replaced or removed.
    File,
}
