//! What a terminal shows, collected by a thread of its own.
//!
//! The thread also answers what a shell asks the terminal; a shell that gets no answer waits for it before its first prompt.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use pty_process::blocking::Pty;

use super::patience::patience;
use super::screen::readable;

/// Questions and answers: where the cursor is (pwsh), and what kind of terminal this is (fish 4).
const ANSWERS: [(&[u8], &[u8]); 3] = [(b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b[c", b"\x1b[?62c"), (b"\x1b[0c", b"\x1b[?62c")];

/// So much of the end can be the beginning of a question: the longest, less one.
const OVERLAP: usize = 3;

/// Says why what was waited for cannot come any more, or has not in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitedInVain {
    /// The last process that had the terminal has ended.
    Closed,
    /// The deadline has passed.
    TooLong,
}

impl fmt::Display for WaitedInVain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Closed => "the shell ended",
            Self::TooLong => "the patience ended",
        })
    }
}

/// Holds all bytes that came so far, and wakes who waits for more.
#[derive(Default)]
pub(crate) struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    closed: bool,
}

impl Output {
    /// Starts collecting. The thread ends with the last process that has the terminal, so nobody waits for it.
    pub(crate) fn collect(pty: Arc<Pty>) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let collected = Arc::clone(&output);
        thread::spawn(move || collected.read_all(&pty));
        output
    }

    /// Returns the number of bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().unwrap().bytes.len()
    }

    /// Returns a part as a user would read it.
    pub(crate) fn readable(&self, range: Range<usize>) -> String {
        readable(&self.state.lock().unwrap().bytes[range])
    }

    /// Waits until `look` finds something in the bytes so far.
    pub(crate) fn wait<T>(&self, look: impl Fn(&[u8]) -> Option<T>) -> Result<T, WaitedInVain> {
        let deadline = Instant::now() + patience();
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = look(&state.bytes) {
                return Ok(found);
            }
            if state.closed {
                return Err(WaitedInVain::Closed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(WaitedInVain::TooLong);
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn read_all(&self, pty: &Pty) {
        let mut part = [0; 4096];
        let mut asked = 0;
        loop {
            // The end of a terminal is an error (EIO) on Linux and an empty read elsewhere.
            let count = (&*pty).read(&mut part).unwrap_or(0);
            let mut state = self.state.lock().unwrap();
            state.bytes.extend_from_slice(&part[..count]);
            state.closed = count == 0;
            let answers = answers(&state.bytes, &mut asked);
            drop(state);
            self.changed.notify_all();
            if count == 0 {
                return;
            }
            // A shell that has ended meanwhile needs no answer.
            let _ = (&*pty).write_all(&answers);
        }
    }
}

/// Returns the answers to the questions behind offset `asked`, and moves that behind the last of them.
fn answers(bytes: &[u8], asked: &mut usize) -> Vec<u8> {
    let mut answers = Vec::new();
    loop {
        let open = &bytes[*asked..];
        let first =
            ANSWERS.iter().filter_map(|(question, answer)| Some((find(open, question)?, question, answer))).min_by_key(|(offset, ..)| *offset);
        let Some((offset, question, answer)) = first else {
            *asked = bytes.len().saturating_sub(OVERLAP).max(*asked);
            return answers;
        };
        *asked += offset + question.len();
        answers.extend_from_slice(answer);
    }
}

/// Returns the offset of `wanted` in `bytes`.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::answers;

    #[test]
    fn every_question_is_answered_once() {
        let mut asked = 0;
        let mut bytes = b"> \x1b[6".to_vec();
        assert_eq!(answers(&bytes, &mut asked), b"");
        bytes.extend_from_slice(b"n \x1b[c");
        assert_eq!(answers(&bytes, &mut asked), b"\x1b[1;1R\x1b[?62c");
        assert_eq!(answers(&bytes, &mut asked), b"");
        bytes.extend_from_slice(b" \x1b[0c");
        assert_eq!(answers(&bytes, &mut asked), b"\x1b[?62c");
    }
}
