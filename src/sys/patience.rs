//! What fails for a moment only, because another program holds a file just then, is tried again.

use std::io;
use std::thread;
use std::time::Duration;

/// How often it is tried.
const TRIES: u32 = 6;

/// The pause after the first failure; each one is twice as long as the one before, three quarters of a second in all.
const FIRST_PAUSE: Duration = Duration::from_millis(24);

/// Does something that may fail for a moment: virus scanners and indexers open on Windows what was just written, and the client renames its own files.
pub fn patiently<T>(is_momentary: impl Fn(&io::Error) -> bool, mut action: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match action() {
            Err(error) if is_momentary(&error) => thread::sleep(pause),
            done => return done,
        }
        pause *= 2;
    }
    action()
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    /// A rename that somebody is in the way of, so many times.
    fn rename_after(failures: u32, kind: ErrorKind) -> (io::Result<()>, u32) {
        let mut tries = 0;
        let done = patiently(
            |error| error.kind() == ErrorKind::PermissionDenied,
            || {
                tries += 1;
                if tries <= failures { Err(Error::from(kind)) } else { Ok(()) }
            },
        );
        (done, tries)
    }

    #[test]
    fn who_is_in_the_way_for_a_moment_is_waited_for() {
        for failures in [0, 1, 3] {
            let (done, tries) = rename_after(failures, ErrorKind::PermissionDenied);
            assert_eq!((done.is_ok(), tries), (true, failures + 1));
        }
    }

    #[test]
    fn who_stays_in_the_way_is_not_waited_for_longer_than_a_second() {
        let (done, tries) = rename_after(TRIES, ErrorKind::PermissionDenied);
        assert_eq!((done.unwrap_err().kind(), tries), (ErrorKind::PermissionDenied, TRIES));
        let pauses: Duration = (0..TRIES - 1).map(|number| FIRST_PAUSE * 2_u32.pow(number)).sum();
        assert!((700..800).contains(&pauses.as_millis()), "{pauses:?}");
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        let (done, tries) = rename_after(TRIES, ErrorKind::NotFound);
        assert_eq!((done.unwrap_err().kind(), tries), (ErrorKind::NotFound, 1));
    }
}
