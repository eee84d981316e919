//! Cost stays in proportion: eight times as much is no more than about eight times the work.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::files::write;
use crate::support::finished::Finished;
use crate::support::sharing::{Sides, processor_time, wait_for_calm, wait_for_same};
use crate::support::trace::strace;
use crate::support::wait_until;
use crate::sync::household::{Household, replace, state};

/// Returns the helper's milliseconds for two sides whose lists have so many entries in common and one of their own.
fn list_of(entries: usize) -> u64 {
    let household = Household::in_use(&["work"]);
    household.leave("work");
    for (file, name) in [(household.hub(), "hub"), (household.own("work"), "own")] {
        let mut own = state(&file);
        let list: Vec<Value> = (0..entries).map(|number| json!(format!("entry {number}"))).chain([json!(name)]).collect();
        own.insert("list".into(), list.into());
        replace(&file, serde_json::to_vec(&own).unwrap());
    }
    household.enter("work");
    let is_merged = |file: &PathBuf| ["hub", "own"].iter().all(|name| state(file)["list"].as_array().unwrap().contains(&json!(name)));
    wait_until("both have both", || [household.hub(), household.own("work")].iter().all(is_merged));
    processor_time(household.helper("work").unwrap())
}

#[test]
fn long_lists_meet_in_linear_time() {
    let (few, many) = (list_of(3000), list_of(24_000));
    // In proportion it is 8, by pairs 64.
    assert!(many < 24 * few.max(5), "8 times the entries take {many} ms after {few}");
}

/// Returns how many system calls the first pass over a tree so deep takes.
fn depth_of(depth: usize) -> Option<usize> {
    let sides = Sides::new(&["work"]);
    let bottom = format!("tasks/{}", vec!["d"; depth].join("/"));
    write(&sides.hub(format!("{bottom}/1.json")), "{}");
    let log = sides.sandbox.path("strace.log");
    let mut command = sides.sandbox.command(strace()?);
    command.args(["-f", "-qqq", "-o"]).arg(&log).args(["-e", "trace=%file,%desc", "clauth", "exec", "work", "--", "cat"]);
    sides.start_by("work", command);
    wait_for_same(&sides.both(format!("{bottom}/1.json")), "{}");
    wait_for_calm("a deep tree", sides.helper("work").unwrap(), 0);
    Some(fs::read_to_string(log).unwrap().lines().count())
}

#[test]
fn a_deep_tree_is_walked_in_linear_time() {
    let (Some(shallow), Some(deep)) = (depth_of(15), depth_of(120)) else { return };
    // In proportion it is 8 and less, since much does not depend on the tree.
    assert!(deep < 16 * shallow, "a tree 8 times as deep takes {deep} system calls after {shallow}");
}

#[test]
fn a_binding_that_grows_huge_is_refused_before_it_is_read() {
    let sides = Sides::new(&["work"]);
    let directory = sides.sandbox.bind("home/project", "work");
    let file = directory.join(".clauth.toml");
    let mut text = fs::read(&file).unwrap();
    text.extend(b"\n#");
    text.resize(400_000_000, b'#');
    fs::write(&file, &text).unwrap();
    drop(text);
    let mut command = sides.sandbox.command("/bin/sh");
    // Far less than the file, far more than a prompt needs.
    command.args(["-c", "ulimit -v 300000; exec clauth export bash --pid $$"]).current_dir(&directory);
    let said = Finished::run(command).success();
    assert!(said.stderr().contains("clauth"), "a binding that is not followed is said: {said:?}");
    assert!(!said.stdout().contains(sides.own("work", "").to_str().unwrap().trim_end_matches('/')), "{said:?}");
}
