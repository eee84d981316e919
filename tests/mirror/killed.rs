//! SIGKILL loses nothing: at every system call that changes something, and at any moment while others write.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::support::Sandbox;
use crate::support::files::{age, files_below, replace, text, wait_for_text, write};
use crate::support::length::{is_long, rounds};
use crate::support::meanwhile::meanwhile;
use crate::support::mirror::Shared;
use crate::support::patience::came_true;
use crate::support::random::Random;
use crate::support::trace::strace;
use crate::support::wait_until;

/// The calls that change what is on disk, by kind; between two of them there is nothing that a kill could leave.
pub(crate) const LINKING: &str = "?link linkat ?symlink symlinkat";
pub(crate) const RENAMING: &str = "?rename ?renameat renameat2";
pub(crate) const REMOVING: &str = "?unlink unlinkat ?rmdir";
pub(crate) const WRITING: &str = "?mkdir mkdirat write fsync ?utimensat ?copy_file_range ?sendfile";

/// Lets `run` start a program under strace, which kills it at the first call of a kind, then at the second, and so on, until `run` says that it
/// was not killed any more; `set_up` comes before each. A visible skip where there is no strace.
pub(crate) fn at_each_call(set_up: impl Fn(), run: impl Fn(&[&str], &str) -> bool) {
    let kills: usize = [LINKING, RENAMING, REMOVING, WRITING].iter().map(|calls| at_each(calls, &set_up, &run)).sum();
    assert!(kills > 5 || strace().is_none(), "the program changes more than {kills} times");
}

/// The same for some calls; returns how often it was killed.
pub(crate) fn at_each(calls: &str, set_up: impl Fn(), run: impl Fn(&[&str], &str) -> bool) -> usize {
    let Some(strace) = strace() else { return 0 };
    let strace = strace.to_str().unwrap();
    let mut kills = 0;
    for call in calls.split(' ') {
        for number in 1.. {
            set_up();
            let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when={number}"));
            let words = [strace, "-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
            if !run(&words, &format!("killed at {call} {number}")) {
                break;
            }
            kills += 1;
        }
    }
    kills
}

/// Returns every text that is somewhere: in the hub, in the profile, or rescued; under temporary names too where `all`.
fn texts(shared: &Shared, all: bool) -> Vec<String> {
    let roots = [shared.hub(""), shared.profile("work").join("runtime"), shared.sandbox.path("home/.clauth/rescued")];
    let files: Vec<PathBuf> = roots.iter().flat_map(|root| files_below(root)).collect();
    files.iter().filter(|file| all || !file.to_string_lossy().ends_with(".tmp")).filter_map(|file| text(file)).collect()
}

/// Changes something of every kind on both sides, below names of this round; returns what must not be lost.
fn change(shared: &Shared, round: usize) -> Vec<String> {
    let at = |name: &str| format!("projects/round-{round}/{name}");
    let new = |name: &str| format!("{name} of round {round}");
    let put = |path: PathBuf, text: &str| write(&path, new(text));
    put(shared.own("work", at("mine/deep.md")), "mine");
    put(shared.hub(at("theirs/deep.md")), "theirs");
    put(shared.own("work", at("clash.md")), "clash-mine");
    put(shared.hub(at("clash.md")), "clash-theirs");
    age(&shared.hub(at("clash.md")), 30);
    // Agreed on in the round before, and now replaced or removed on one side.
    if round > 0 {
        let before = |name: &str| format!("projects/round-{}/{name}", round - 1);
        replace(&shared.own("work", before("mine/deep.md")), new("replaced"));
        fs::remove_file(shared.hub(before("theirs/deep.md"))).unwrap();
        // Gone from both sides, so that the client can make it once more.
        let _ = fs::remove_file(shared.own("work", "themes"));
        let _ = fs::remove_dir_all(shared.hub("themes"));
    }
    put(shared.own("work", "themes/file.md"), "made");
    replace(&shared.own("work", "CLAUDE.md"), new("cut"));
    let mut texts: Vec<_> = ["mine", "theirs", "clash-mine", "clash-theirs", "made", "cut"].map(new).into();
    texts.extend((round > 0).then(|| new("replaced")));
    texts
}

#[test]
fn at_any_linking_of_a_pass_nothing_is_lost_and_the_next_session_finishes() {
    kill_passes("symlink", LINKING);
}

#[test]
fn at_any_renaming_of_a_pass_nothing_is_lost_and_the_next_session_finishes() {
    kill_passes("symlink", RENAMING);
}

#[test]
fn at_any_removing_of_a_pass_nothing_is_lost_and_the_next_session_finishes() {
    kill_passes("symlink", REMOVING);
}

#[test]
fn at_any_writing_of_a_pass_nothing_is_lost_and_the_next_session_finishes() {
    kill_passes("symlink", WRITING);
}

#[test]
fn at_any_call_of_a_pass_that_copies_nothing_is_lost() {
    let calls = if is_long() { [LINKING, RENAMING, REMOVING, WRITING].join(" ") } else { RENAMING.into() };
    kill_passes("copy", &calls);
}

/// Kills the helper at each of these calls of a pass that has everything to do, then lets another finish.
fn kill_passes(mode: &str, calls: &str) {
    let mut sandbox = Sandbox::new();
    sandbox.set_variable("CLAUTH_LINK_MODE", mode);
    let shared = Shared::with(sandbox, &["work"]);
    shared.start("work");
    let round = std::cell::Cell::new(0);
    let expected = std::cell::RefCell::new(Vec::new());
    let set_up = || {
        shared.settle();
        shared.kill("work");
        expected.borrow_mut().extend(change(&shared, round.get()));
    };
    let kills = at_each(calls, set_up, |strace, call| {
        let marker = format!("tasks/~~round-{}", round.get());
        write(&shared.own("work", &marker), "");
        let mut helper = shared.helper("work", strace);
        let mut helper = helper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut ended = None;
        wait_until("the pass is over", || {
            ended = helper.try_wait().unwrap();
            ended.is_some() || shared.hub(&marker).exists()
        });
        shared.kill("work");
        helper.wait().unwrap();
        // What was superseded on purpose in a later round need not be there; what was written in this one must.
        let fresh = format!(" of round {}", round.get());
        let is_found = |texts: &[String], wanted: &String| texts.contains(wanted);
        for text in expected.borrow().iter().filter(|text| text.ends_with(&fresh)) {
            assert!(is_found(&texts(&shared, true), text), "{call}: {text:?} is nowhere");
        }
        shared.join("work");
        shared.settle();
        for text in expected.borrow().iter().filter(|text| text.ends_with(&fresh)) {
            assert!(is_found(&texts(&shared, false), text), "{call}: {text:?} is nowhere after the next session's start");
        }
        shared.assert_all_finished();
        for (name, winner) in [("mine/deep.md", "mine"), ("theirs/deep.md", "theirs"), ("clash.md", "clash-mine")] {
            let relative = format!("projects/round-{}/{name}", round.get());
            for path in [shared.own("work", &relative), shared.hub(&relative)] {
                assert_eq!(text(&path), Some(format!("{winner}{fresh}")), "{call}: {}", path.display());
            }
        }
        assert!(mode != "symlink" || ["CLAUDE.md", "themes"].iter().all(|name| shared.own("work", name).is_symlink()), "{call}");
        round.set(round.get() + 1);
        ended.is_some()
    });
    assert!(kills > 0 || strace().is_none());
}

#[test]
fn at_any_moment_while_others_write_nothing_is_lost() {
    let shared = Shared::live(&["work"]);
    let (own, hub) = (shared.own("work", "projects/p"), shared.hub("projects/p"));
    let mut written = 0;
    let write_once = || {
        let side = [&own, &hub][written % 2];
        // Ten names that both sides replace over and over, and one of its own for each.
        for name in [format!("shared-{}", written / 2 % 10), format!("own-{written}")] {
            replace(&side.join(name), format!("{written}"));
        }
        written += 1;
        thread::sleep(Duration::from_micros(300));
    };
    meanwhile(write_once, || {
        let mut random = Random::new(0);
        for _ in 0..rounds(12, 1000) {
            thread::sleep(random.shorter_than(Duration::from_millis(20)));
            shared.kill("work");
            shared.join("work");
        }
    });
    shared.settle();
    for number in 0..written {
        let name = format!("own-{number}");
        wait_for_text(&[own.join(&name), hub.join(&name)], &format!("{number}"));
    }
    let is_even = || (0..10).all(|name| text(&own.join(format!("shared-{name}"))) == text(&hub.join(format!("shared-{name}"))));
    assert!(came_true(is_even), "both sides are the same");
    // The last of each name was replaced by nobody.
    for number in written.saturating_sub(10)..written {
        assert!(texts(&shared, false).iter().filter(|text| **text == format!("{number}")).count() >= 2, "{number}");
    }
    shared.assert_all_finished();
}
