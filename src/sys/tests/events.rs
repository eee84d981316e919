//! What is told of processes, directories and files.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;

use super::{Idler, idler, in_time, scratch};
use crate::sys::{Event, Events, Interest, Watch, start_time};

/// Waits for an event and returns all that came until then.
fn wait_for(mut events: Events, wanted: impl Fn(&Event) -> bool + Send + 'static) -> (Events, Vec<Event>) {
    in_time(move || {
        let mut seen = Vec::new();
        while !seen.iter().any(&wanted) {
            seen.extend(events.wait(None).unwrap());
        }
        (events, seen)
    })
}

#[test]
fn an_exit_wakes_and_leaves_no_start_time_though_nobody_has_reaped_it() {
    let (mut events, mut child) = (Events::new().unwrap(), idler());
    let pid = child.0.id();
    let start = start_time(pid).unwrap();
    assert!(events.watch_process(pid, &start).unwrap());
    child.0.kill().unwrap();
    let (mut events, seen) = wait_for(events, move |event| *event == Event::Exited(pid));
    assert_eq!(seen, [Event::Exited(pid)]);
    assert_eq!(start_time(pid), None);
    assert!(!events.watch_process(pid, &start).unwrap());
    child.0.wait().unwrap();
    assert!(!events.watch_process(pid, &start).unwrap());
}

#[test]
fn neither_a_wrong_start_time_nor_a_forgotten_process_is_watched() {
    let mut events = Events::new().unwrap();
    let (mut wrong, mut forgotten, mut last) = (idler(), idler(), idler());
    assert!(!events.watch_process(wrong.0.id(), "0").unwrap());
    for child in [&forgotten, &last] {
        assert!(events.watch_process(child.0.id(), &start_time(child.0.id()).unwrap()).unwrap());
    }
    events.forget_process(forgotten.0.id());
    for child in [&mut wrong, &mut forgotten, &mut last] {
        child.0.kill().unwrap();
        child.0.wait().unwrap();
    }
    let end = Event::Exited(last.0.id());
    let (_, seen) = wait_for(events, move |event| *event == end);
    assert_eq!(seen, [Event::Exited(last.0.id())]);
}

#[test]
fn an_entry_that_appears_or_leaves_wakes() {
    let scratch = scratch("watch");
    let (inside, outside) = (scratch.0.join("inside"), scratch.0.join("outside"));
    fs::create_dir(&inside).unwrap();
    fs::write(&outside, "").unwrap();
    let mut events = Events::new().unwrap();
    assert!(events.watch(&outside, Interest::Names).is_err(), "a file is no directory");
    let watch = events.watch(&inside, Interest::Names).unwrap();
    let about = |name: &'static str| move |event: &Event| matches!(event, Event::Changed(told, entry) if *told == watch && entry.as_ref().is_none_or(|entry| entry == name));
    fs::write(inside.join("created"), "").unwrap();
    (events, _) = wait_for(events, about("created"));
    fs::rename(&outside, inside.join("renamed")).unwrap();
    (events, _) = wait_for(events, about("renamed"));
    fs::remove_file(inside.join("renamed")).unwrap();
    wait_for(events, about("renamed"));
}

#[test]
fn more_processes_are_watched_than_one_call_can_wait_for() {
    let mut events = Events::new().unwrap();
    let mut crowd: Vec<Idler> = (0..80).map(|_| idler()).collect();
    for child in &crowd {
        assert!(events.watch_process(child.0.id(), &start_time(child.0.id()).unwrap()).unwrap());
    }
    let mut expected: BTreeSet<u32> = crowd.iter().map(|child| child.0.id()).collect();
    for child in &mut crowd {
        child.0.kill().unwrap();
    }
    in_time(move || {
        while !expected.is_empty() {
            for event in events.wait(None).unwrap() {
                assert!(matches!(event, Event::Exited(pid) if expected.remove(&pid)), "{event:?}");
            }
        }
    });
}

#[test]
fn a_wait_that_is_asked_for_ends() {
    let mut events = Events::new().unwrap();
    let pause = std::time::Duration::from_millis(20);
    assert_eq!(in_time(move || events.wait(Some(pause)).unwrap()), []);
}

/// Whether an event is about this watch, and about this name as far as the system tells names.
fn about(watch: Watch, name: &'static str) -> impl Fn(&Event) -> bool + Send + 'static {
    move |event| matches!(event, Event::Changed(told, entry) if *told == watch && entry.as_ref().is_none_or(|entry| entry == name))
}

#[test]
fn a_file_tells_that_it_was_written_and_replaced_and_its_neighbours_nothing() {
    let scratch = scratch("file");
    let [file, neighbour, new] = ["file", "neighbour", "new"].map(|name| scratch.0.join(name));
    fs::write(&file, "1").unwrap();
    let mut events = Events::new().unwrap();
    assert!(events.watch(&neighbour, Interest::File).is_err(), "there is none yet");
    let watch = events.watch(&file, Interest::File).unwrap();
    assert_eq!(events.watch(&file, Interest::File).unwrap(), watch, "the same one twice is one watch");
    let is_told = move |event: &Event| matches!(event, Event::Changed(told, None) | Event::Gone(told) if *told == watch);
    let all_of_it = |seen: Vec<Event>| assert!(seen.iter().all(is_told), "{seen:?}");
    fs::write(&neighbour, "x").unwrap();
    fs::write(&file, "2").unwrap();
    let (events, seen) = wait_for(events, is_told);
    all_of_it(seen);
    fs::write(&new, "3").unwrap();
    fs::rename(&new, &file).unwrap();
    let (_, seen) = wait_for(events, is_told);
    all_of_it(seen);
}

#[cfg(not(target_os = "macos"))] // a directory there tells of names alone
#[test]
fn a_directory_tells_of_what_is_written_into_its_files_where_that_is_asked_for() {
    let scratch = scratch("contents");
    let [loud, quiet] = ["loud", "quiet"].map(|name| scratch.0.join(name));
    for directory in [&loud, &quiet] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join("file"), "1").unwrap();
    }
    let mut events = Events::new().unwrap();
    let (told, untold) = (events.watch(&loud, Interest::Contents).unwrap(), events.watch(&quiet, Interest::Names).unwrap());
    fs::write(quiet.join("file"), "2").unwrap();
    fs::write(loud.join("file"), "2").unwrap();
    let (events, seen) = wait_for(events, about(told, "file"));
    assert!(!seen.iter().any(about(untold, "file")), "{seen:?}");
    fs::write(quiet.join("new"), "").unwrap();
    wait_for(events, about(untold, "new"));
}

/// The mirror watches each directory of a tree; Windows tells of all of them by the topmost.
#[test]
fn directories_below_a_watched_one_are_told_each_by_its_own_watch() {
    let scratch = scratch("tree");
    let [root, top, below, other] = ["root", "root/top", "root/top/below", "root/top/Other"].map(|name| scratch.0.join(name));
    fs::create_dir_all(&below).unwrap();
    let mut events = Events::new().unwrap();
    let watches = [&root, &top, &below].map(|directory| events.watch(directory, Interest::Names).unwrap());
    assert_eq!(watches.iter().collect::<BTreeSet<_>>().len(), 3);
    fs::write(below.join("deep"), "").unwrap();
    (events, _) = wait_for(events, about(watches[2], "deep"));
    fs::create_dir(&other).unwrap();
    (events, _) = wait_for(events, about(watches[1], "Other"));
    let watch = events.watch(&other, Interest::Names).unwrap();
    fs::write(other.join("new"), "").unwrap();
    (events, _) = wait_for(events, about(watch, "new"));
    // Nobody has asked about what lies below this one.
    fs::create_dir_all(scratch.0.join("root/top/below/unwatched/x")).unwrap();
    fs::write(scratch.0.join("root/top/below/unwatched/x/y"), "").unwrap();
    fs::write(root.join("last"), "").unwrap();
    let (_, seen) = wait_for(events, about(watches[0], "last"));
    let is_of_the_depth = |event: &Event| matches!(event, Event::Changed(_, Some(name)) if name == "x" || name == "y");
    assert!(!seen.iter().any(is_of_the_depth), "{seen:?}");
}

#[test]
#[cfg_attr(windows, ignore = "beyond Wine: row `deleted` of tests/cross/README.md")]
fn a_watched_directory_that_is_deleted_is_told_as_gone_and_can_be_made_anew() {
    let scratch = scratch("gone");
    let directory = scratch.0.join("directory");
    fs::create_dir(&directory).unwrap();
    let mut events = Events::new().unwrap();
    let watch = events.watch(&directory, Interest::Names).unwrap();
    fs::remove_dir(&directory).unwrap();
    let (mut events, _) = wait_for(events, move |event| *event == Event::Gone(watch));
    fs::create_dir(&directory).unwrap();
    let watch = events.watch(&directory, Interest::Names).unwrap();
    fs::write(directory.join("new"), "").unwrap();
    wait_for(events, about(watch, "new"));
}

#[test]
fn changes_that_are_too_many_are_told_as_such() {
    let scratch = scratch("many");
    let mut events = Events::new().unwrap();
    let watch = events.watch(&scratch.0, Interest::Names).unwrap();
    let mut expected: BTreeSet<OsString> = (0..2000).map(|number| format!("a rather long name of a file, number {number}").into()).collect();
    for name in &expected {
        fs::write(scratch.0.join(name), "").unwrap();
    }
    in_time(move || {
        while !expected.is_empty() {
            for event in events.wait(None).unwrap() {
                match event {
                    Event::Overflow | Event::Changed(_, None) => return, // whoever is told so looks again
                    Event::Changed(told, Some(name)) if told == watch => drop(expected.remove(&name)),
                    other => panic!("{other:?}"),
                }
            }
        }
    });
}
