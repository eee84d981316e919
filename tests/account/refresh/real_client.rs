//! A refresh beside clients that run, against the mock of the services: single-use tokens, and a login that everyone has.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::finished::Finished;
use crate::support::length::is_long;
use crate::support::rig::{Freshness, Rig};

const CLIENTS: usize = 6;
const REFRESHES: usize = 4;

/// How many seconds before a token ends the client refreshes it, and how many more the mock's tokens are good here.
const EARLY: u64 = 300;
const GOOD_FOR: u64 = 3;

#[test]
fn clients_and_forced_refreshes_of_one_login_spend_no_token_twice() {
    let Some(mut rig) = Rig::start() else { return };
    rig.limit_tokens(EARLY + GOOD_FOR);
    // The proxy's own authority, by which the real addresses are reached.
    rig.sandbox.set_variable("SSL_CERT_FILE", rig.sandbox.path("ca/ca.pem"));
    let sandbox = &rig.sandbox;
    sandbox.clauth(&["add", "work"]).success();
    sandbox.clauth(&["exec", "work", "--", "true"]).success(); // makes its config directory
    sandbox.assert_no_helpers_left();
    let runtime = sandbox.runtime("work");
    rig.sign_in("alice", &runtime, &runtime.join(".claude.json"), Freshness::Expired);
    let seconds = if is_long() { 120 } else { 6 };
    let begun = Instant::now();
    let is_over = || begun.elapsed() >= Duration::from_secs(seconds);

    let (answers, said, lasted) = thread::scope(|scope| {
        let ask = || {
            let mut answers = Vec::new();
            while !is_over() {
                let mut client = sandbox.command("clauth");
                client.args(["start", "work", "-p", "hi"]);
                answers.push(Finished::run(client).stdout().to_owned());
            }
            answers
        };
        let refresh = || {
            let mut said = Vec::new();
            while !is_over() {
                said.push(sandbox.clauth(&["refresh", "work", "--force"]).complaint().to_owned());
            }
            said
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        let refreshes: Vec<_> = (0..REFRESHES).map(|_| scope.spawn(refresh)).collect();
        let answers: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        let said: Vec<_> = refreshes.into_iter().flat_map(|refresh| refresh.join().unwrap()).collect();
        (answers, said, begun.elapsed().as_secs()) // who has begun may take longer
    });

    assert!(answers.iter().all(|answer| answer == "served-by:alice\n"), "{answers:?}");
    rig.assert_nobody_was_logged_out();
    let mut counts = BTreeMap::<&str, u64>::new();
    for line in &said {
        *counts.entry(line).or_default() += 1;
    }
    let own = counts.iter().filter(|(line, _)| line.starts_with("work: refreshed, ")).map(|(_, count)| count).sum::<u64>();
    let all = rig.refreshes("alice");
    // Past the capture of the test runner: the counts are what this test is for.
    let _ = writeln!(io::stderr(), "{} answers, {all} refreshes in {lasted} s, {own} of them forced, no token twice: {counts:?}", answers.len());
    assert!(own > 0 && all >= own, "{counts:?}");
    // The clients' own: no more than tokens ended while nobody forced another one.
    assert!(all - own <= 1 + lasted / GOOD_FOR, "{all} refreshes, {counts:?}");
    assert!(counts.keys().all(|line| !line.contains("ended") && !line.contains("sign in")), "{counts:?}");
    sandbox.assert_no_helpers_left();
}
