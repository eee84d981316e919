//! What a pass costs, beside a plain parse of the same file. Run it by hand:
//!
//! `cargo test --release json::measure -- --ignored --nocapture --test-threads 1`

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Deletions, Kind, Pair, sync};
use crate::sys;

/// Returns the processor time of this thread, in milliseconds.
fn processor() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = processor();
    let done = work();
    (processor() - before, done)
}

/// Returns a figure of this process's memory, in megabytes.
fn memory(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn pair(directory: &Path) -> Pair {
    Pair {
        own: directory.join("own/.claude.json"),
        hub: directory.join("hub/.claude.json"),
        base: directory.join("base/claude.json"),
        kind: Kind::ClaudeJson,
        losses: directory.join("losses"),
        deletions: Deletions { held: directory.join("held"), accepted: directory.join("accepted") },
    }
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it")]
fn measure(what: &str, state: &Value) {
    let directory = std::env::temp_dir().join(format!("clauth-measure-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    for name in ["own", "hub", "base"] {
        sys::create_private_dir(&directory.join(name)).unwrap();
    }
    let pair = pair(&directory);
    let text = serde_json::to_vec_pretty(state).unwrap();
    let size = text.len();
    fs::write(&pair.own, &text).unwrap();
    fs::write(&pair.hub, &text).unwrap();
    drop(text);
    let (first, report) = timed(|| sync(&pair).unwrap());
    assert_eq!(report, super::pair::Report::default());
    let (parse, parsed) = timed(|| serde_json::from_slice::<Value>(&fs::read(&pair.own).unwrap()).unwrap());
    drop(parsed);
    let written = || fs::read_dir(directory.join("base")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>();
    for (name, which) in [("own", &pair.own), ("hub", &pair.hub)] {
        let mut changed = String::from_utf8(fs::read(which).unwrap()).unwrap();
        let at = changed.rfind("\"last\": ").unwrap() + 8;
        changed.replace_range(at..=at, if name == "own" { "7" } else { "8" });
        let at = changed.find("\"first\": ").unwrap() + 9;
        changed.replace_range(at..=at, if name == "own" { "7" } else { "8" });
        fs::write(which, changed).unwrap();
        sys::give_back_memory();
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let (rest, before) = (memory("VmRSS"), written());
        let (pass, _) = timed(|| sync(&pair).unwrap());
        let peak = memory("VmHWM") - rest;
        let megabytes = f64::from(u32::try_from(size).unwrap()) / 1024.0 / 1024.0;
        let (again, _) = timed(|| sync(&pair).unwrap());
        assert!(fs::read(&pair.own).unwrap() == fs::read(&pair.hub).unwrap());
        eprintln!(
            "{what} ({megabytes:.1} MB), {name} changed: parse {parse:.1} ms, first pass {first:.1}, pass {pass:.1} ({:.2} x), with nothing to do {again:.1}; \
             peak {:.2} x; base {} KB, {} bytes more",
            pass / parse,
            peak / megabytes,
            before / 1024,
            written() - before,
        );
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
#[ignore = "a measurement"]
fn passes() {
    let members =
        |count: u32| (0..count).map(|number| (format!("member {number}"), json!({"first": 1, "tools": ["ls", "cat"], "n": number}))).collect();
    let object = |count| Value::Object(members(count));
    for (what, count) in [("0.1 MB", 700), ("1 MB", 7000), ("20 MB object", 130_000)] {
        measure(what, &json!({"first": 1, "theme": "dark", "big": object(count), "inner": {"last": 1}}));
    }
    let flat: serde_json::Map<_, _> = (0..500_000_u32).map(|number| (format!("member number {number}"), json!(number))).collect();
    measure("20 MB flat", &json!({"first": 1, "big": flat, "inner": {"last": 1}}));
    let mut inside = members(130_000);
    inside.insert("last".into(), json!(1));
    measure("20 MB object, changed inside", &json!({"first": 1, "big": inside}));
    measure("20 MB string", &json!({"first": 1, "big": "x".repeat(20 * 1024 * 1024), "last": 1}));
    let list: Vec<_> = (0..60_000_u32).map(|number| json!(format!("Bash({number})"))).collect();
    measure("60,000 items", &json!({"first": 1, "list": list, "last": 1}));
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "figures for whoever runs it")]
fn two_sides_of_a_long_list() {
    let directory = std::env::temp_dir().join(format!("clauth-measure-list-{}", std::process::id()));
    for name in ["own", "hub", "base"] {
        sys::create_private_dir(&directory.join(name)).unwrap();
    }
    let pair = pair(&directory);
    let list = |from: u32| {
        serde_json::to_vec_pretty(&json!({"list": (from..from + 60_000).map(|number| format!("Bash({number})")).collect::<Vec<_>>()})).unwrap()
    };
    fs::write(&pair.own, list(0)).unwrap();
    fs::write(&pair.hub, list(0)).unwrap();
    sync(&pair).unwrap();
    fs::write(&pair.own, list(50_000)).unwrap();
    fs::write(&pair.hub, list(30_000)).unwrap();
    let (pass, _) = timed(|| sync(&pair).unwrap());
    eprintln!("two sides of 60,000 items: {pass:.1} ms");
    fs::remove_dir_all(directory).unwrap();
}
