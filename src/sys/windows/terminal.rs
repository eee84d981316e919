//! The console: what is typed at it, what comes from it, and how wide it is.

use std::io::{self, Read};
use std::marker::PhantomData;

use windows_sys::Win32::System::Console::{
    CONSOLE_SCREEN_BUFFER_INFO, CTRL_BREAK_EVENT, CTRL_C_EVENT, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_PROCESSED_INPUT, GetConsoleMode,
    GetConsoleScreenBufferInfo, GetStdHandle, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetConsoleCtrlHandler, SetConsoleMode,
};
use windows_sys::core::BOOL;

use super::check;

#[expect(unsafe_code, reason = "the system calls it")]
unsafe extern "system" fn is_passed_over(event: u32) -> BOOL {
    BOOL::from(event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT)
}

/// Passes Ctrl-C over until this is dropped. Windows keeps none for later: whoever meant it presses it again.
pub struct HeldSignals {
    _one_thread: PhantomData<*const ()>,
}

impl HeldSignals {
    /// Holds them from now on.
    #[expect(unsafe_code, reason = "std has no console events")]
    pub fn hold() -> io::Result<Self> {
        // SAFETY: the function touches nothing, and is there for as long as the process.
        check(unsafe { SetConsoleCtrlHandler(Some(is_passed_over), 1) })?;
        Ok(Self { _one_thread: PhantomData })
    }

    /// Holds those that a terminal sends: a program that is run meanwhile gets them too.
    pub fn hold_interrupts() -> io::Result<Self> {
        Self::hold()
    }

    /// Whether one came that will end this process: none is kept.
    #[expect(clippy::unused_self, reason = "on other systems it is what is asked")]
    pub fn has_come(&self) -> bool {
        false
    }
}

impl Drop for HeldSignals {
    #[expect(unsafe_code, reason = "std has no console events")]
    fn drop(&mut self) {
        // SAFETY: as many are taken away as were given.
        unsafe { SetConsoleCtrlHandler(Some(is_passed_over), 0) };
    }
}

/// Holds a console that shows nothing of what is typed; dropping it puts back what was.
pub struct TypingHidden {
    before: u32,
}

impl TypingHidden {
    /// Hides what is typed at the standard input, a console. Ctrl-C comes as a key.
    #[expect(unsafe_code, reason = "std has no console modes")]
    pub fn begin() -> io::Result<Self> {
        let mut before = 0;
        // SAFETY: the standard handle is this process's own, and the mode is written once.
        unsafe {
            let input = GetStdHandle(STD_INPUT_HANDLE);
            check(GetConsoleMode(input, &raw mut before))?;
            check(SetConsoleMode(input, before & !(ENABLE_ECHO_INPUT | ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT)))?;
        }
        Ok(Self { before })
    }

    /// Waits for a key; `None` when the console is gone.
    #[expect(clippy::unused_self, reason = "only while it is hidden")]
    pub fn next_key(&self) -> io::Result<Option<u8>> {
        let mut key = [0];
        Ok((io::stdin().read(&mut key)? > 0).then_some(key[0]))
    }
}

impl Drop for TypingHidden {
    #[expect(unsafe_code, reason = "std has no console modes")]
    fn drop(&mut self) {
        // SAFETY: the standard handle is this process's own.
        unsafe { SetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), self.before) };
    }
}

/// The columns of the console that standard output goes to; `None` where it goes elsewhere.
#[expect(unsafe_code, reason = "std does not know how wide a console is")]
pub fn terminal_columns() -> Option<usize> {
    let mut about = CONSOLE_SCREEN_BUFFER_INFO::default();
    // SAFETY: the standard handle is this process's own, and `about` is what the call fills.
    check(unsafe { GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &raw mut about) }).ok()?;
    usize::try_from(about.srWindow.Right - about.srWindow.Left + 1).ok().filter(|columns| *columns > 0)
}
