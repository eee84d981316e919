//! A helper that may open no more, and files whose times are wrong.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::files::{files_below, text, write};
use crate::support::mirror::Shared;
use crate::support::session::{in_use, signal};
use crate::support::{Holder, Session, World, wait_until};
use rustix::process::Signal;

/// Sets how many descriptors a process may have.
fn limit_descriptors(pid: u32, most: usize) {
    let status = Command::new("prlimit").args([format!("--pid={pid}"), format!("--nofile={most}:{most}")]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_helper_that_may_open_no_more_keeps_those_it_has_and_follows_the_others_later() {
    let world = World::new();
    let (work, session, first) = in_use(&world);
    let helper = session.assert_serves(first.pid());
    // Three standard ones, the lock, epoll and two of inotify, the shell: and one more shell, or a file to read.
    let count = || fs::read_dir(format!("/proc/{helper}/fd")).unwrap().count();
    let mut quiet = 0;
    wait_until("the helper has done its first work", || {
        quiet = if count() == 8 { quiet + 1 } else { 0 };
        quiet == 20
    });
    limit_descriptors(helper, 9);

    let others: Vec<_> = (0..4).map(|_| Holder::start(&world)).collect();
    for other in &others {
        other.evaluate(&world, &work).success();
        assert_eq!(session.assert_serves(first.pid()), helper);
    }
    wait_until("it says so", || session.log().contains("Too many open files"));
    // Who is not followed yet holds a lease all the same, and is followed when others go.
    drop(first);
    for other in &others {
        assert_eq!(session.assert_serves(other.pid()), helper);
    }
    drop(others);
    session.wait_for_end();
}

/// Sets the time of every file and directory in HOME, links aside.
fn set_times(shared: &Shared, time: SystemTime) {
    for file in files_below(&shared.sandbox.home()).iter().filter(|file| !file.is_symlink()) {
        // What a helper takes away meanwhile needs none.
        let _ = File::open(file).and_then(|file| file.set_modified(time));
    }
}

#[test]
fn times_from_the_past_and_the_future_lose_nothing() {
    let shared = Shared::live(&["work", "play"]);
    let times = [SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(10 * 365 * 24 * 3600), SystemTime::now()];
    for (round, time) in times.into_iter().enumerate() {
        let name = |side: &str| format!("projects/p/{side}-{round}.md");
        write(&shared.own("work", name("own")), "own");
        shared.settle();
        set_times(&shared, time);
        // Both sides replace one file while nobody looks.
        shared.asleep(&["work", "play"], || {
            for (path, text) in [(shared.own("work", name("own")), "own again"), (shared.hub(name("own")), "hub again")] {
                write(&path.with_extension("new"), text);
                fs::rename(path.with_extension("new"), &path).unwrap();
                let _ = File::open(&path).unwrap().set_modified(time);
            }
        });
        shared.settle();
        let everywhere = shared.places(name("own"));
        wait_until("all are one again", || everywhere.iter().all(|path| text(path) == text(&everywhere[0])));
        let winner = text(&everywhere[0]).unwrap();
        let kept: Vec<_> = ["work", "play"].iter().flat_map(|profile| shared.rescued(profile)).map(|(_, text)| text).collect();
        let loser = if winner == "own again" { "hub again" } else { "own again" };
        assert!(kept.iter().any(|text| text == loser), "round {round}: {winner} stays and {loser} is not in {kept:?}");
        for profile in ["work", "play"] {
            shared.join(profile);
        }
        let new = everywhere[2].with_extension("new");
        write(&new, "later");
        fs::rename(&new, &everywhere[2]).unwrap();
        shared.settle();
        let texts = everywhere.each_ref().map(|path| text(path));
        assert!(texts.iter().all(|text| *text == texts[0]), "round {round}: {texts:?}");
        let kept: Vec<_> = ["work", "play"].iter().flat_map(|profile| shared.rescued(profile)).map(|(_, text)| text).collect();
        assert!(texts[0].as_deref() == Some("later") || kept.iter().any(|text| text == "later"), "round {round}: {texts:?}, {kept:?}");
    }
}

/// The other way round from `a_stopped_helper_keeps_no_shell_waiting`: what it slept through is a whole life of a shell, a switch and an edit.
#[test]
fn a_helper_that_is_suspended_while_everything_changes_catches_up() {
    let world = World::new();
    let (work, acme) = (world.bind("home/work", "work"), world.bind("home/acme", "acme"));
    let (session, other) = (Session::of(&world, "work"), Session::of(&world, "acme"));
    let [stays, leaves, dies] = [(); 3].map(|()| Holder::start(&world));
    for shell in [&stays, &leaves, &dies] {
        shell.evaluate(&world, &work).success();
    }
    let helper = session.assert_serves(stays.pid());
    signal(helper, Signal::STOP);
    let gone = dies.pid();
    drop(dies);
    let mut switch = crate::support::session::evaluation(&world, &acme, leaves.pid());
    switch.env("CLAUDE_CONFIG_DIR", world.config_dir("work"));
    crate::support::finished::Finished::run(switch).success();
    other.assert_serves(leaves.pid());
    let comes = Holder::start(&world);
    assert_eq!(comes.evaluate(&world, &work).success().stderr(), "");
    signal(helper, Signal::CONT);
    let mut expected = [stays.pid(), comes.pid()];
    expected.sort_unstable();
    wait_until("the leases are those of the living", || session.leases().into_keys().eq(expected.iter().copied()));
    assert!(!session.leases().contains_key(&gone));
    assert_eq!(session.helper(), Some(helper));
    drop((stays, comes, leaves));
    session.wait_for_end();
    other.wait_for_end();
}
