//! Signals that wait until something is finished.

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

/// What ends a process from outside, SIGKILL aside.
const ENDING: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Holds back what would end or stop this process: what came meanwhile takes effect when this is dropped. Threads that are started meanwhile never
/// get any of it. Those that are ignored (`nohup`) stay so.
pub struct HeldSignals {
    ending: libc::sigset_t,
    before: libc::sigset_t,
    /// A mask belongs to one thread.
    _one_thread: PhantomData<*const ()>,
}

impl HeldSignals {
    /// Holds them from now on.
    pub fn hold() -> io::Result<Self> {
        Self::hold_these(&ENDING, &[libc::SIGTSTP])
    }

    /// Holds those that a terminal sends by Ctrl-C and Ctrl-\: a program that is run meanwhile gets them too, and whoever waits for it obeys after it.
    pub fn hold_interrupts() -> io::Result<Self> {
        Self::hold_these(&[libc::SIGINT, libc::SIGQUIT], &[])
    }

    #[expect(unsafe_code, reason = "neither std nor rustix has signal masks")]
    fn hold_these(ending: &[i32], stopping: &[i32]) -> io::Result<Self> {
        let ending = ending.iter().copied().filter(|signal| !is_ignored(*signal));
        let (held, ending) = (set(ending.clone().chain(stopping.iter().copied())), set(ending));
        let mut before = MaybeUninit::uninit();
        // SAFETY: `held` is initialised, and `before` has room for the mask that is returned.
        let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const held, before.as_mut_ptr()) };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        // SAFETY: a successful call has written it.
        Ok(Self { ending, before: unsafe { before.assume_init() }, _one_thread: PhantomData })
    }

    /// Whether one came that will end this process.
    #[expect(unsafe_code, reason = "neither std nor rustix has signal masks")]
    pub fn has_come(&self) -> bool {
        let mut pending = set([]);
        // SAFETY: both sets are initialised, and each of `ENDING` is a signal.
        unsafe {
            libc::sigpending(&raw mut pending);
            ENDING.iter().any(|signal| libc::sigismember(&raw const pending, *signal) == 1 && libc::sigismember(&raw const self.ending, *signal) == 1)
        }
    }
}

impl Drop for HeldSignals {
    #[expect(unsafe_code, reason = "neither std nor rustix has signal masks")]
    fn drop(&mut self) {
        // SAFETY: the mask that `hold` was given, on the same thread, since this value cannot leave it.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

#[expect(unsafe_code, reason = "neither std nor rustix has signal masks")]
fn set(signals: impl IntoIterator<Item = i32>) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset(3) initialises the whole of the set, and what is added is a signal.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

/// Whether a signal is ignored: while it is held back it would be kept for later all the same.
#[expect(unsafe_code, reason = "neither std nor rustix has signal dispositions")]
fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: no new action is given; `action` has room for the present one, and all-zero is one (SIG_DFL, no flags).
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
