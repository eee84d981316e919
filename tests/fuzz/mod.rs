//! Whatever a file, a variable or an answer holds: no panic, one clear line or none, no secret said, and the account is right or refused.
//!
//! Each target takes seeds, changes them in every way that comes to a generator's mind, and hands them to the program itself. The suite runs a few
//! cases, the same ones each time; `CLAUTH_LONG=1` runs thousands, others each time, and says the seed by which they come again (`CLAUTH_FUZZ_SEED`).
//! What was ever found stands in the seeds of its target.

mod answers;
mod files;
mod record;

use std::io::Write as _;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::commands::TOKENS;
use crate::support::finished::Finished;
use crate::support::length::{is_long, rounds};

/// What means something to a parser, a terminal, a shell or a path.
const TOKENS_OF_FORMATS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b"\x1b[31m",
    b"\x7f",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
    "\u{200b}".as_bytes(),
    b"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"=",
    b":",
    b",",
    b"#",
    b"../",
    b"/",
    b"~",
    b"..",
    b"-",
    b"$(touch hit)",
    b"`touch hit`",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"99999999999999999999999999",
    b"0x10",
    b"nan",
    b"1970-01-01",
    b"profile",
    b"default",
    b"\"\"\"",
    b"''",
    b"__proto__",
    b"oauthAccount",
    b"claudeAiOauth",
];

/// Returns changed versions of these seeds, and the seeds first.
fn cases(seeds: &[&[u8]], usual: usize, long: usize) -> Vec<Vec<u8>> {
    let mut runner = runner();
    let owned: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
    let piece = prop_oneof![4 => select(TOKENS_OF_FORMATS).prop_map(<[u8]>::to_vec), 1 => vec(any::<u8>(), 1..6), 1 => Just(Vec::new())];
    // Where, how much is taken out, how often, and what is put in.
    let edit = (any::<proptest::sample::Index>(), 0..12_usize, prop_oneof![9 => Just(1_usize), 1 => 2..3000_usize], piece);
    let changed = (select(owned.clone()), vec(edit, 1..4)).prop_map(|(mut text, edits)| {
        for (at, taken, times, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + taken).min(text.len());
            text.splice(start..end, piece.repeat(times));
        }
        text
    });
    let any_bytes = vec(any::<u8>(), 0..64);
    let case = prop_oneof![9 => changed, 1 => any_bytes];
    let fresh = (0..rounds(usual, long)).map(|_| case.new_tree(&mut runner).unwrap().current());
    owned.into_iter().chain(fresh.collect::<Vec<_>>()).collect()
}

fn runner() -> TestRunner {
    if !is_long() {
        return TestRunner::deterministic();
    }
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let number: u128 = std::env::var("CLAUTH_FUZZ_SEED").map_or(time, |text| text.parse().unwrap());
    let _ = writeln!(std::io::stderr(), "CLAUTH_FUZZ_SEED={number}");
    let seed: Vec<u8> = number.to_le_bytes().into_iter().cycle().take(32).collect();
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Asserts what must be so whatever came in: done or refused, lines of clauth's that a terminal can show, and no token.
#[track_caller]
fn assert_sane(finished: &Finished, case: &[u8]) {
    let shown = String::from_utf8_lossy(case);
    assert!(matches!(finished.code(), Some(0 | 1)), "{shown:?}: {finished:?}");
    for line in finished.stderr().lines() {
        assert!(line.starts_with("clauth: "), "{shown:?}: {finished:?}");
        let is_obeyed = |one: char| one.is_control() || matches!(one, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!line.contains(is_obeyed), "{shown:?}: {finished:?}");
    }
    for token in TOKENS {
        assert!(!finished.stdout().contains(token) && !finished.stderr().contains(token), "{shown:?}: {finished:?}");
    }
}
