//! Many shells over many profiles, and everything at once: enter, switch, leave, edit, allow, deny, use, remove, and SIGKILL at random.
//!
//! After each quiet moment and one evaluation per shell all must be as if nothing had happened: each shell has the account of its directory, each
//! profile in use has one helper and no other has, and no lease, lock, temporary file, login or line of history is lost or left over.

mod checks;
mod crowd;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::length::rounds;
use crowd::{Crowd, Storm};

/// Threads that each have shells of their own.
const WORKERS: usize = 4;

#[test]
fn after_a_storm_every_shell_has_its_account_and_nothing_is_left_over() {
    let storm = Storm::new(rounds(5, 20));
    let shells = rounds(40, 1000);
    let mut crowds: Vec<_> = (0..WORKERS).map(|number| Crowd::new(&storm, number, shells / WORKERS)).collect();
    let mut memory = Vec::new();
    for round in 0..rounds(2, 10) {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for crowd in &mut crowds {
                let is_over = &is_over;
                scope.spawn(move || crowd.rage(is_over));
            }
            // The short form counts steps; the long one takes its time.
            let until = Instant::now() + Duration::from_secs(rounds(0, 60).try_into().unwrap());
            while Instant::now() < until {
                thread::sleep(Duration::from_millis(100));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        storm.restore();
        for crowd in &mut crowds {
            crowd.evaluate();
        }
        let shells: Vec<_> = crowds.iter_mut().flat_map(|crowd| &mut crowd.shells).collect();
        memory.push((checks::all_is_well(&storm, &shells, round), storm.lines.lock().unwrap().len()));
    }
    // What a helper holds depends on how many files there are, a KB for each at the most, and not on what it went through.
    let (first, files) = memory[0];
    let is_bounded = |(most, now): &(usize, usize)| *most < first + 1024 + (now - files);
    assert!(memory.iter().all(is_bounded), "KB of the largest helper, and files, round by round: {memory:?}");
    let lines = storm.lines.lock().unwrap().len();
    assert!(lines > 10 && storm.has_removed(), "{lines} lines, and a removal ({}), are no storm", storm.has_removed());
    drop(crowds);
    storm.sandbox.assert_no_helpers_left();
    checks::nothing_is_left(&storm);
}
