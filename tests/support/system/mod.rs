//! What a sandbox needs of its system; each has the same items.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    CLAUDE, HOME, IDLER, SHELL, age, create_private, in_shell, is_one_file, is_running, kill, needed, path, put_program, rename, start, temporary,
};
#[cfg(windows)]
pub(crate) use windows::{
    CLAUDE, HOME, IDLER, SHELL, age, create_private, in_shell, is_one_file, is_running, kill, needed, path, put_program, rename, start, temporary,
};
