//! Something that goes on beside a test, and ends with it however the test ends: a thread that only a passing test stops would hang a failing one, or
//! work on in files that are gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// Does `again` over and over on a thread of its own while `body` runs, and once before; returns what `body` does.
pub(crate) fn meanwhile<T>(mut again: impl FnMut() + Send, body: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    let (begin, begun) = channel::<()>();
    thread::scope(|scope| {
        let repeated = scope.spawn(|| {
            again();
            drop(begin);
            while !is_over.load(Ordering::Relaxed) {
                again();
            }
        });
        let _ = begun.recv(); // an error either way: there is nothing to say but that it has begun
        let over = SetOnDrop(&is_over);
        let result = body();
        drop(over);
        repeated.join().unwrap();
        result
    })
}

/// Tells threads that they should end, when it is dropped.
pub(crate) struct SetOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
