//! A helper that is killed, at any instant, loses nothing: the next one goes on where it was.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::household::{Household, edit, edit_locked, replace, settle, state, try_lock, wait_for};
use crate::support::files::age;
use crate::support::length::{is_long, rounds};
use crate::support::meanwhile::SetOnDrop;
use crate::support::random::Random;
use crate::support::trace::strace;
use crate::support::wait_until;

/// The system calls that change what is on the disk; a kill between two others is one between these. Not every processor has all of them.
const CHANGES: &[&str] = &["?rename", "?renameat", "renameat2", "?mkdir", "mkdirat", "?rmdir", "?unlink", "unlinkat", "write", "fsync"];

/// The others of a pass.
const LOOKS: &[&str] = &["openat", "read", "close", "statx", "flock", "inotify_add_watch", "getdents64", "fcntl", "?readlink", "mmap"];

/// Where a helper waits for something to do.
const WAITS: &str = "?epoll_wait,epoll_pwait";

#[test]
fn a_helper_that_was_dead_for_a_while_brings_both_sides_together() {
    let household = Household::in_use(&["work", "acme"]);
    let (own, hub) = (household.own("work"), household.hub());
    edit(&own, |state| state.extend([("kept".into(), json!(1)), ("gone".into(), json!(1)), ("gone from hub".into(), json!(1))]));
    wait_for(&[household.own("acme")], "gone from hub", &json!(1));
    household.leave("acme");
    // By the next change, that one is agreed on in both profiles.
    settle(&own, &[&hub]);
    settle(&hub, &[&own]);
    household.kill_helper_and_its_locks("work");

    edit(&own, |state| {
        state.shift_remove("gone");
        state.insert("own".into(), json!("new"));
    });
    edit(&hub, |state| {
        state.shift_remove("gone from hub");
        state["kept"] = json!(2);
        state.insert("hub".into(), json!("new"));
    });
    household.enter("work");
    household.enter("acme");
    let all = [own, hub, household.own("acme")];
    for (key, value) in [("own", json!("new")), ("hub", json!("new")), ("kept", json!(2))] {
        wait_for(&all, key, &value);
    }
    for file in all {
        let state = state(&file);
        assert!(!state.contains_key("gone") && !state.contains_key("gone from hub"), "{}: {state:?}", file.display());
    }
}

#[test]
fn a_helper_killed_at_random_instants_loses_nothing_while_clients_write() {
    let household = Household::in_use(&["work"]);
    let files = [household.own("work"), household.hub()];
    // Held around each write, so that the killer can tell a lock of the dead helper from one of a client.
    let writing = [Mutex::new(()), Mutex::new(())];
    let is_over = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        let writers: Vec<_> = files.iter().zip(&writing).map(|(file, writing)| scope.spawn(|| write_until(file, writing, &is_over))).collect();
        let over = SetOnDrop(&is_over);
        let mut random = Random::new(0);
        for _ in 0..rounds(15, 1000) {
            // Any instant will do, and a different one each time.
            thread::sleep(random.shorter_than(Duration::from_millis(20)));
            household.kill_helper("work");
            let guards = [writing[0].lock().unwrap(), writing[1].lock().unwrap()];
            household.kill_helper_and_its_locks("work");
            drop(guards);
            household.enter("work");
        }
        drop(over);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    for file in &files {
        for (writer, last) in files.iter().zip(&last) {
            for number in last - KEYS..*last {
                wait_for(&[&file], &key(writer, number), &json!({"number": number}));
            }
        }
    }
}

/// How many keys a writer goes through, round and round: each write is one that an older value must not replace.
const KEYS: usize = 20;

fn key(writer: &Path, number: usize) -> String {
    format!("{} {}", writer.display(), number % KEYS)
}

/// Writes ever higher numbers and returns how many.
fn write_until(file: &Path, writing: &Mutex<()>, is_over: &AtomicBool) -> usize {
    let mut number = 0;
    while number < KEYS || !is_over.load(Ordering::Relaxed) {
        let guard = writing.lock().unwrap();
        if try_lock(file) {
            edit_locked(file, |state| drop(state.insert(key(file, number), json!({"number": number}))));
            number += 1;
        }
        drop(guard);
        thread::yield_now();
    }
    number
}

#[test]
fn a_helper_killed_at_any_change_of_a_pass_leaves_whole_files_and_loses_nothing() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own("work"), household.hub());
    let mut count = 0;
    kill_at_every_change(&household, &["rename", "mkdir", "rmdir", "write"], || {
        count += 1;
        edit(&own, |state| drop(state.insert(format!("own {count}"), json!(count))));
        edit(&hub, |state| drop(state.insert(format!("hub {count}"), json!(count))));
    });
    household.enter("work");
    let missing = |file: &Path| {
        let state = state(file);
        let keys = (1..=count).flat_map(|number| [format!("own {number}"), format!("hub {number}")]);
        keys.filter(|key| !state.contains_key(key)).collect::<Vec<_>>()
    };
    settle(&own, &[&hub]);
    assert_eq!((missing(&own), missing(&hub)), (vec![], vec![]));
}

#[test]
fn a_helper_killed_while_it_changes_overrides_leaks_none_and_loses_no_edit() {
    let household = Household::in_use(&["work"]);
    let (own, hub) = (household.own_settings("work"), household.hub_settings());
    let overrides = ["[env]\nLEAK = \"one\"", "[settings]\nleak = \"two\"", ""];
    let mut count = 0;
    let leak = || fs::read_to_string(&hub).unwrap().to_lowercase().contains("leak");
    kill_at_every_change(&household, &["rename", "unlink", "write"], || {
        assert!(!leak(), "{}", fs::read_to_string(&hub).unwrap());
        count += 1;
        let mut settings = state(&own);
        settings.insert(format!("edit {count}"), json!(count));
        replace(&own.canonicalize().unwrap(), serde_json::to_vec_pretty(&settings).unwrap());
        household.configure("work", overrides[count % 3]);
    });
    household.enter("work");
    wait_until("every edit is in the user's settings", || (1..=count).all(|number| state(&hub).contains_key(&format!("edit {number}"))));
    assert!(!leak(), "{}", fs::read_to_string(&hub).unwrap());
}

/// Has one pass after the other killed at its first change of a kind, its second, and so on until one is through, and so on with each kind; each pass
/// after something to do, and with the client's locks that it held gone. Each of the `expected` kinds must be among those it was killed at.
fn kill_at_every_change(household: &Household, expected: &[&str], mut make_work: impl FnMut()) {
    let Some(strace) = strace() else { return };
    household.kill_helper_and_its_locks("work");
    let mut killed_at = Vec::new();
    for call in CHANGES.iter().chain(LOOKS.iter().filter(|_| is_long())) {
        // strace counts each call by itself.
        for number in 1.. {
            make_work();
            if !is_killed(household, strace, call, number) {
                break;
            }
            killed_at.push(call.trim_start_matches('?'));
        }
    }
    for kind in expected {
        assert!(killed_at.iter().any(|call| call.starts_with(kind)), "never killed at {kind}, only at {killed_at:?}");
    }
}

/// Runs a helper and kills it at a system call; false when it has nothing left to do and never got there.
fn is_killed(household: &Household, strace: &Path, call: &str, number: usize) -> bool {
    let log = household.sandbox.path("strace.log");
    let trace = format!("trace={call},{WAITS}");
    let inject = format!("inject={call}:signal=SIGKILL:when={number}");
    let mut command = household.sandbox.command(strace);
    command.args(["-qq", "-e", &trace, "-e", &inject, "-o"]).arg(&log).args(["clauth", "helper", "work"]);
    let _ = fs::remove_file(&log);
    let mut helper = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let text = || fs::read_to_string(&log).unwrap_or_default();
    let mut has_ended = false;
    wait_until("the helper is killed or has nothing left to do", || {
        has_ended = helper.try_wait().unwrap().is_some();
        // Its last call is a wait for events, which has begun and not returned, and the kernel has put it to sleep there: its own writes, too, have no
        // more to tell. strace itself may be slow to write down that a wait is over; the helper is stopped then, and not asleep.
        let before = text();
        let is_waiting = before.lines().last().is_some_and(|line| line.starts_with("epoll") && !line.contains(" = "));
        let is_asleep = is_waiting && household.helper("work").is_some_and(|helper| state_of(helper) == Some('S'));
        has_ended || (is_asleep && text() == before)
    });
    household.kill_helper_and_its_locks("work");
    helper.wait().unwrap();
    has_ended
}

/// Returns what a process is at, in the kernel's letter.
fn state_of(process: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Where two names cannot be exchanged, settings make room for a moment, and a kill in that moment leaves them under this name.
#[test]
fn settings_that_had_made_room_are_back_with_the_next_helper() {
    let household = Household::in_use(&["work"]);
    household.kill_helper_and_its_locks("work");
    for (file, theme) in [(household.own_settings("work"), "light"), (household.hub_settings(), "dark")] {
        let aside = file.with_file_name(".settings.json.clauth-00000000-4712.aside.tmp");
        fs::write(&aside, format!("{{\"theme\": \"{theme}\"}}")).unwrap();
        age(&aside, 25 * 60 * 60); // the process that it names may be one of another container, for a day
        fs::remove_file(&file).unwrap();
        household.enter("work");
        wait_for(&[household.own_settings("work"), household.hub_settings()], "theme", &json!(theme));
        household.kill_helper_and_its_locks("work");
    }
}
