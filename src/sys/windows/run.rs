//! Running programs: one that outlives its starter and has nothing of it, and one that this process stands for until it ends.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, PipeReader};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, IntoRawHandle, OwnedHandle};
use std::path::Path;
use std::process::{Child, Command};
use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::System::Console::{FreeConsole, GetStdHandle, STD_OUTPUT_HANDLE, SetStdHandle};
use windows_sys::Win32::System::Environment::SetCurrentDirectoryW;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DETACHED_PROCESS, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
    PROCESS_INFORMATION, STARTF_USESTDHANDLES, STARTUPINFOEXW, UpdateProcThreadAttribute,
};
use windows_sys::core::BOOL;

use super::terminal::HeldSignals;
use super::{check, wide, wide_text};

/// Starts a program that outlives this process and keeps nothing of it: no console, no handle but what it reads and writes. Its environment is what
/// the command names and no more. Returns the reading end of its standard output, and what waits for its end: nothing has to here.
pub fn start_detached(command: &mut Command, log: &File) -> io::Result<(PipeReader, impl FnOnce() -> io::Result<()>)> {
    let (reader, writer) = io::pipe()?;
    let nothing = OpenOptions::new().read(true).open("NUL")?;
    let (nothing, writer, log) = (OwnedHandle::from(nothing), OwnedHandle::from(writer), OwnedHandle::from(log.try_clone()?));
    let line = wide_text(&command_line(command));
    let environment = environment(command);
    // Some terminals and services end all that was started in them, but for what leaves their job; not all of them let it.
    let flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
    let handles = [nothing.as_raw_handle(), writer.as_raw_handle(), log.as_raw_handle()];
    create(command, &line, &environment, handles, flags | CREATE_BREAKAWAY_FROM_JOB)
        .or_else(|_| create(command, &line, &environment, handles, flags))?;
    Ok((reader, || Ok(())))
}

/// Starts a process to which these three handles are passed and no other, though others of this process may be inheritable: those of a shell's `$(…)`
/// would keep it waiting for as long as the process lives.
#[expect(unsafe_code, reason = "std passes on all handles that are inheritable")]
fn create(command: &Command, line: &[u16], environment: &[u16], handles: [HANDLE; 3], flags: u32) -> io::Result<()> {
    let mut line = line.to_vec();
    let (program, root) = (wide(Path::new(command.get_program())), wide_text(OsStr::new("\\")));
    let mut attributes = Attributes::of_one()?;
    let mut startup = STARTUPINFOEXW { lpAttributeList: attributes.as_mut_ptr(), ..STARTUPINFOEXW::default() };
    startup.StartupInfo.cb = u32::try_from(size_of::<STARTUPINFOEXW>()).unwrap_or_default();
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    [startup.StartupInfo.hStdInput, startup.StartupInfo.hStdOutput, startup.StartupInfo.hStdError] = handles;
    let mut process = PROCESS_INFORMATION::default();
    // SAFETY: the handles are open, and they, the attributes and all texts, each of which ends in a NUL, live until the process is made; its own two
    // handles are this function's.
    unsafe {
        for handle in handles {
            check(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT))?;
        }
        let (list, kind, none) = (attributes.as_mut_ptr(), PROC_THREAD_ATTRIBUTE_HANDLE_LIST as usize, ptr::null_mut());
        check(UpdateProcThreadAttribute(list, 0, kind, handles.as_ptr().cast(), size_of_val(&handles), none, ptr::null()))?;
        let (environment, startup) = (environment.as_ptr().cast(), (&raw const startup).cast());
        let security = ptr::null();
        check(CreateProcessW(
            program.as_ptr(),
            line.as_mut_ptr(),
            security,
            security,
            1,
            flags,
            environment,
            root.as_ptr(),
            startup,
            &raw mut process,
        ))?;
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
    Ok(())
}

/// Holds room for one attribute of a new process.
struct Attributes(Vec<usize>);

impl Attributes {
    #[expect(unsafe_code, reason = "std has process attributes, but not in a stable way")]
    fn of_one() -> io::Result<Self> {
        let mut size = 0;
        // SAFETY: without a list the call only says how large one is; then there is one of that size, which is initialised once.
        unsafe {
            InitializeProcThreadAttributeList(ptr::null_mut(), 1, 0, &raw mut size);
            let mut list = vec![0_usize; size.div_ceil(size_of::<usize>())];
            check(InitializeProcThreadAttributeList(list.as_mut_ptr().cast(), 1, 0, &raw mut size))?;
            Ok(Self(list))
        }
    }

    fn as_mut_ptr(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.0.as_mut_ptr().cast()
    }
}

impl Drop for Attributes {
    #[expect(unsafe_code, reason = "the system made it")]
    fn drop(&mut self) {
        // SAFETY: the list was initialised, and is released once.
        unsafe { DeleteProcThreadAttributeList(self.as_mut_ptr()) };
    }
}

/// Returns the command line of a program and arguments that need no escape: a path cannot hold a quote, and the arguments are clauth's own words.
fn command_line(command: &Command) -> OsString {
    let mut line = OsString::from("\"");
    line.push(command.get_program());
    line.push("\"");
    for argument in command.get_args() {
        line.push(" ");
        line.push(argument);
    }
    line
}

/// Returns the variables that a command names, as the system takes them: sorted, each with a NUL, and one more.
fn environment(command: &Command) -> Vec<u16> {
    let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_ascii_uppercase(), (name, value?))));
    let sorted: BTreeMap<_, _> = variables.collect();
    let text =
        |(name, value): &(&OsStr, &OsStr)| name.encode_wide().chain([u16::from(b'=')]).chain(value.encode_wide()).chain([0]).collect::<Vec<_>>();
    let block: Vec<u16> = sorted.values().flat_map(text).chain([0]).collect();
    if block.len() == 1 { vec![0, 0] } else { block }
}

/// Stands for another program until it ends, and ends as that does; returns only when it could not be started. Ctrl-C is that program's to answer.
pub fn replace_process(command: &mut Command) -> io::Error {
    // Not by the flag that its children would have, too.
    let started = find(command).and_then(|mut found| Ok((HeldSignals::hold_interrupts()?, found.spawn()?)));
    let (_held, mut child) = match started {
        Ok(started) => started,
        Err(error) => return error,
    };
    // Without a job, which some systems do not grant, the program would outlive this process if that were killed: that is all.
    let job = end_with_us(&child);
    let ended = child.wait();
    drop(job);
    match ended {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Returns the same command with the program's whole path. `std` looks for `NAME.exe` alone, and the client is `claude.cmd` when it comes from npm.
fn find(command: &Command) -> io::Result<Command> {
    let program = command.get_program();
    let found = which::which(program).map_err(|_| io::Error::from(ErrorKind::NotFound));
    // What is there and cannot be found as a program says itself why it cannot be run.
    let found = found.or_else(|error| if Path::new(program).exists() { Ok(program.into()) } else { Err(error) })?;
    let mut whole = Command::new(found);
    whole.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => whole.env(name, value),
            None => whole.env_remove(name),
        };
    }
    Ok(whole)
}

/// Ends a child, and none of its own, when this process ends, however that is.
#[expect(unsafe_code, reason = "std has no jobs")]
fn end_with_us(child: &Child) -> io::Result<OwnedHandle> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    let size = u32::try_from(size_of_val(&limits)).unwrap_or_default();
    // SAFETY: a job that is returned is valid and nobody else's, `limits` is of the class that is named, and the child is not released yet.
    unsafe {
        let job = CreateJobObjectW(ptr::null(), ptr::null());
        check(BOOL::from(!job.is_null()))?;
        let job = OwnedHandle::from_raw_handle(job);
        check(SetInformationJobObject(job.as_raw_handle(), JobObjectExtendedLimitInformation, (&raw const limits).cast(), size))?;
        check(AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()))?;
        Ok(job)
    }
}

/// Cuts this process off from whoever started it: no console, and no directory that could not be removed for as long as it lives.
#[expect(unsafe_code, reason = "std has no consoles, and the working directory is not asked for but set")]
pub fn detach() -> io::Result<()> {
    let root = wide_text(OsStr::new("\\"));
    // SAFETY: the path ends in a NUL. Where there is no console, none is released.
    unsafe {
        FreeConsole();
        check(SetCurrentDirectoryW(root.as_ptr()))
    }
}

/// Ends a child that has called [`detach`].
pub fn end_session(child: &mut Child) {
    let _ = child.kill(); // what it started ends by itself
}

/// Lets go of the standard output that a starter reads until it closes.
#[expect(unsafe_code, reason = "std does not change the standard handles")]
pub fn silence_stdout() -> io::Result<()> {
    let nothing = OpenOptions::new().write(true).open("NUL")?;
    // SAFETY: this is the only handle of the standard output in a process of one thread, which asks for it at each write.
    unsafe {
        let before = GetStdHandle(STD_OUTPUT_HANDLE);
        check(SetStdHandle(STD_OUTPUT_HANDLE, nothing.into_raw_handle()))?;
        CloseHandle(before);
    }
    Ok(())
}
