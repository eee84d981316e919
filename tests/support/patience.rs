//! Waiting for a condition, with a deadline: the only way a test may wait.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take before the test fails; far longer than it ever takes, since it costs nothing when all is well.
const DEADLINE: Duration = Duration::from_secs(30);

/// The pause between two looks; short, since every test pays half of it at each wait.
const PAUSE: Duration = Duration::from_millis(2);

/// Returns the deadline of one wait: half a minute, times `CLAUTH_TEST_PATIENCE` (such as `4`, or `0.2`) on a machine that needs it.
pub(crate) fn patience() -> Duration {
    let factor = match std::env::var("CLAUTH_TEST_PATIENCE") {
        Ok(text) => text.parse().unwrap_or_else(|err| panic!("CLAUTH_TEST_PATIENCE is a factor such as 4, not {text:?}: {err}")),
        Err(_) => 1.0,
    };
    DEADLINE.mul_f64(factor)
}

/// Waits until `condition` holds; panics with `what` when it does not come true in time.
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(came_true(condition), "waited in vain until {what}");
}

/// Waits until `condition` holds and returns whether it did in time, for places that must not panic, such as `Drop`.
pub(crate) fn came_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience();
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
}
