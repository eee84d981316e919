//! Writes and wake-ups are counted, by the kernel's own word: one change is one write of each other file, and then there is silence.

use std::collections::BTreeMap;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::fs::inotify;
use serde_json::json;

use super::household::{Household, edit, settle, state, wait_for};

/// Counts how often each of some files is written or replaced.
struct Writes {
    inotify: OwnedFd,
    files: BTreeMap<i32, PathBuf>,
}

impl Writes {
    fn watch(files: &[PathBuf]) -> Self {
        let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).unwrap();
        let flags = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::CLOSE_WRITE;
        let watch = |file: &PathBuf| (inotify::add_watch(&inotify, file.parent().unwrap(), flags).unwrap(), file.clone());
        let files = files.iter().map(watch).collect();
        Self { inotify, files }
    }

    /// Returns what happened since the last look.
    fn counts(&self) -> BTreeMap<PathBuf, usize> {
        let mut counts = BTreeMap::new();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let file = &self.files[&event.wd()];
            if event.file_name().is_some_and(|name| Some(name.to_str().unwrap()) == file.file_name().unwrap().to_str()) {
                *counts.entry(file.clone()).or_insert(0) += 1;
            }
        }
        counts
    }
}

#[test]
fn one_change_is_one_write_of_each_file() {
    let household = Household::in_use(&["work", "acme", "play"]);
    let all = [household.hub(), household.own("work"), household.own("acme"), household.own("play")];
    settle(&all[0], &all);
    for from in &all {
        let writes = Writes::watch(&all);
        edit(from, |state| drop(state.insert("from".into(), json!(from))));
        wait_for(&all, "from", &json!(from));
        // An echo would be an answer to the last of these writes: whoever has dealt with the next change has dealt with that before.
        let first = writes.counts();
        settle(from, &all);
        let second = writes.counts();
        let once: BTreeMap<_, _> = all.iter().map(|file| (file.clone(), 1)).collect();
        assert_eq!((&first, &second), (&once, &once), "{}", from.display());
    }
}

#[test]
fn one_edit_of_settings_is_one_write_of_the_other_file() {
    let household = Household::new(&["work"]);
    household.configure("work", "[settings]\nmodel = \"opus\"");
    household.enter("work");
    let both = [household.own_settings("work"), household.hub_settings()];
    for (number, from) in [(1, &both[0]), (2, &both[1])] {
        let writes = Writes::watch(&both);
        let mut settings = state(from);
        settings.insert("number".into(), json!(number));
        super::household::replace(from, serde_json::to_vec_pretty(&settings).unwrap());
        wait_for(&both, "number", &json!(number));
        settle(&household.own("work"), &[household.hub()]);
        let once: BTreeMap<_, _> = both.iter().map(|file| (file.clone(), 1)).collect();
        assert_eq!(writes.counts(), once, "{}", from.display());
    }
}

#[test]
fn a_helper_with_nothing_to_do_never_wakes() {
    let household = Household::new(&["work", "acme"]);
    household.configure("work", "[settings]\nmodel = \"opus\"");
    household.enter("work");
    household.enter("acme");
    settle(&household.own("work"), &[household.own("acme")]);
    settle(&household.own("acme"), &[household.own("work")]);
    let helpers = ["work", "acme"].map(|name| household.helper(name).unwrap());
    let mut switches = 0;
    // What the last change has still to say comes at once, so that one second without anything follows soon.
    crate::support::wait_until("a second passes in silence", || {
        let before: u64 = helpers.iter().map(|helper| context_switches(*helper)).sum();
        thread::sleep(Duration::from_secs(1));
        switches = helpers.iter().map(|helper| context_switches(*helper)).sum::<u64>() - before;
        switches == 0
    });
}

fn context_switches(process: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let counts = status.lines().filter(|line| line.contains("_ctxt_switches:"));
    counts.map(|line| line.split_whitespace().last().unwrap().parse::<u64>().unwrap()).sum()
}
