//! Ctrl-C at a console of Windows: it is for the program that clauth stands for.

use std::os::windows::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio, exit};
use std::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::System::Console::{CTRL_C_EVENT, GenerateConsoleCtrlEvent, SetConsoleCtrlHandler};
use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

use crate::support::{Session, World, wait_until};

const NAME: &str = "session::interrupt::ctrl_c_is_for_the_client_whose_code_is_returned";

/// What this program is when it starts itself: what holds a console, or what is interrupted.
const ROLE: &str = "CLAUTH_TEST_ROLE";

/// A file that is there once the client waits for Ctrl-C.
const READY: &str = "CLAUTH_TEST_READY";

static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

#[test]
fn ctrl_c_is_for_the_client_whose_code_is_returned() {
    match std::env::var(ROLE).as_deref() {
        Ok("console") => exit(console()),
        Ok(_) => exit(client()),
        Err(_) => {}
    }
    let world = World::new();
    // The tests have no console, or one that others use too.
    let mut console = this("console", world.command(std::env::current_exe().unwrap()));
    console.env(READY, world.path("ready")).stdout(Stdio::null()).creation_flags(CREATE_NO_WINDOW);
    assert_eq!(console.status().unwrap().code(), Some(42));
    Session::of(&world, "work").wait_for_end();
}

/// Makes a command, which is this program or leads to it, do one thing.
fn this(role: &str, mut command: Command) -> Command {
    command.args(["--exact", NAME, "--nocapture"]).env(ROLE, role);
    command
}

/// Presses Ctrl-C at a console where `clauth` runs the client; returns its code.
fn console() -> i32 {
    note_interrupts();
    let mut clauth = Command::new("clauth");
    clauth.args(["exec", "work", "--"]).arg(std::env::current_exe().unwrap());
    let mut clauth = this("client", clauth).spawn().unwrap();
    let ready = PathBuf::from(std::env::var_os(READY).unwrap());
    wait_until("the client is ready", || ready.exists());
    press();
    clauth.wait().unwrap().code().unwrap()
}

/// Waits for Ctrl-C as a client does that has something to clear up.
fn client() -> i32 {
    note_interrupts();
    std::fs::write(std::env::var_os(READY).unwrap(), "").unwrap();
    wait_until("Ctrl-C comes", || IS_INTERRUPTED.load(Ordering::SeqCst));
    42
}

#[expect(unsafe_code, reason = "std has no console events")]
fn press() {
    // SAFETY: no memory is passed.
    assert_ne!(unsafe { GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) }, 0, "{}", std::io::Error::last_os_error());
}

#[expect(unsafe_code, reason = "std has no console events")]
fn note_interrupts() {
    unsafe extern "system" fn note(_: u32) -> i32 {
        IS_INTERRUPTED.store(true, Ordering::SeqCst);
        1
    }
    // SAFETY: the function is there for as long as the process, and touches one atomic.
    assert_ne!(unsafe { SetConsoleCtrlHandler(Some(note), 1) }, 0);
}
