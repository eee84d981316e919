//! Something to see while clauth waits for others.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::env::Env;

/// What turns, and how long each stands; what is over sooner is not shown.
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME: Duration = Duration::from_millis(100);

/// Does something; where that takes a while, a terminal shows on stderr what is waited for.
pub fn while_waiting<T>(env: &Env, what: &str, work: impl FnOnce() -> T) -> T {
    if env.is_dumb() || !io::stderr().is_terminal() {
        return work();
    }
    let (at_work, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let turn = move || {
            // The sender is gone when the work is done, however it ended.
            for frame in FRAMES.iter().cycle().take_while(|_| waiting.recv_timeout(FRAME) == Err(RecvTimeoutError::Timeout)) {
                let _ = write!(io::stderr(), "\r{frame} {what}\x1b[K");
            }
            let _ = write!(io::stderr(), "\r\x1b[K");
        };
        let _ = thread::Builder::new().spawn_scoped(scope, turn); // without a thread to be had, nothing turns
        let _at_work = at_work;
        work()
    })
}
