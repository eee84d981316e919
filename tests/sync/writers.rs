//! Nothing is lost between many clients that write at full speed, each under the lock of its own directory.

use std::path::{Path, PathBuf};
use std::thread;

use serde_json::json;

use super::household::{Household, edit, state};
use crate::support::length::rounds;
use crate::support::wait_until;

/// Returns how many changes each writer makes; on Windows fewer, since Wine is slow.
fn changes() -> usize {
    rounds(if cfg!(windows) { 20 } else { 200 }, 1000)
}

/// Makes changes as a client does, each with a key of its own and one that all writers fill together.
fn write(file: &Path, writer: &str, changes: usize) {
    for number in 0..changes {
        edit(file, |state| {
            let all = state.entry("projects").or_insert_with(|| json!({}));
            all[format!("/srv/{writer}/{number}")] = json!({"by": writer, "number": number});
            state.insert(format!("last of {writer}"), json!(number));
        });
    }
}

/// Waits until each file has every change of every writer.
fn assert_nothing_lost(files: &[PathBuf], writers: &[&str], changes: usize) {
    for file in files {
        let missing = || {
            let state = state(file);
            let keys = writers.iter().flat_map(|writer| (0..changes).map(move |number| format!("/srv/{writer}/{number}")));
            let mut missing: Vec<_> = keys.filter(|key| state["projects"].get(key).is_none()).collect();
            missing.extend(
                writers.iter().filter(|writer| state.get(&format!("last of {writer}")) != Some(&json!(changes - 1))).map(|writer| (*writer).into()),
            );
            missing
        };
        let mut left = missing();
        // A wait by itself would not tell what was lost.
        let arrived = crate::support::patience::came_true(|| {
            left = missing();
            left.is_empty()
        });
        assert!(arrived, "{} of {} lack in {}: {:?}", left.len(), writers.len() * changes, file.display(), &left[..left.len().min(5)]);
    }
}

fn all_arrive(writers: &[&str], changes: usize) {
    let household = Household::in_use(writers);
    let files: Vec<_> = writers.iter().map(|writer| household.own(writer)).collect();
    thread::scope(|scope| {
        for (writer, file) in writers.iter().zip(&files) {
            scope.spawn(move || write(file, writer, changes));
        }
    });
    assert_nothing_lost(&[files, vec![household.hub()]].concat(), writers, changes);
    // No two of them write one key.
    let conflicts: String = writers.iter().map(|writer| household.log(writer)).filter(|log| log.contains("both sides")).collect();
    assert_eq!(conflicts, "");
    wait_until("nothing is wrong", || writers.iter().all(|writer| household.troubles(writer).is_empty()));
}

#[test]
fn two_writers_lose_nothing() {
    all_arrive(&["one", "two"], changes());
}

#[test]
fn eight_writers_lose_nothing() {
    all_arrive(&["one", "two", "three", "four", "five", "six", "seven", "eight"], changes());
}

/// The client locks its settings at the path as it is spelled, so clients of different profiles do not exclude each other.
#[test]
#[cfg_attr(windows, ignore = "Windows cannot exchange two names in one step, so the user's settings are missing for a moment")]
fn clients_that_change_their_settings_at_once_lose_nothing() {
    let household = Household::in_use(&["one", "two"]);
    let files = [household.own_settings("one"), household.own_settings("two"), household.hub_settings()];
    let writers = ["one", "two", "plain"];
    thread::scope(|scope| {
        for (writer, file) in writers.iter().zip(&files) {
            scope.spawn(move || write(file, writer, changes()));
        }
    });
    assert_nothing_lost(&files, &writers, changes());
    let conflicts: String = ["one", "two"].map(|profile| household.log(profile)).into_iter().filter(|log| log.contains("both sides")).collect();
    assert_eq!(conflicts, "");
}
