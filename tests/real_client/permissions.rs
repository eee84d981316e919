//! The client asks in a profile for what it asks for in a config directory of its own, and for nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::steps::{Run, Step, Verdict, project_name};
use super::{in_use, world};
use crate::support::rig::{Freshness, Rig, read_json};

const SESSION: &str = "0c1a4f00-0000-4000-8000-000000000001";

/// What the client lets its model do without asking, in a config directory without clauth.
fn own_files(config_dir: &Path, directory: &Path) -> Vec<Step> {
    let project = config_dir.join("projects").join(project_name(directory));
    let (note, transcript, agent) =
        (project.join("memory/note.md"), project.join(format!("{SESSION}.jsonl")), config_dir.join("agent-memory/reviewer/MEMORY.md"));
    vec![
        ("write memory", "Write", json!({"file_path": note, "content": "one"})),
        ("read memory", "Read", json!({"file_path": note})),
        ("edit memory", "Edit", json!({"file_path": note, "old_string": "one", "new_string": "two"})),
        ("read the edited memory", "Read", json!({"file_path": note})),
        ("replace memory", "Write", json!({"file_path": note, "content": "three"})),
        ("write the memory's index", "Write", json!({"file_path": project.join("memory/MEMORY.md"), "content": "- note"})),
        ("cat memory", "Bash", json!({"command": format!("cat {}", note.display())})),
        ("list memory", "Bash", json!({"command": format!("ls {}", project.join("memory").display())})),
        ("more output than fits", "Bash", json!({"command": "cat big.txt"})),
        ("read that output", "Read", json!({"file_path": "@path"})),
        ("cat the transcript", "Bash", json!({"command": format!("cat {}", transcript.display())})),
        ("read the transcript", "Read", json!({"file_path": transcript, "limit": 2})),
        ("write an agent's memory", "Write", json!({"file_path": agent, "content": "one"})),
        ("read an agent's memory", "Read", json!({"file_path": agent})),
    ]
}

/// What it asks for, and so denies where nobody can answer, or refuses while it plans.
fn others(config_dir: &Path, directory: &Path) -> Vec<Step> {
    let file = |name: &str| config_dir.join(name);
    vec![
        ("read settings", "Read", json!({"file_path": file("settings.json")})),
        ("write a task", "Write", json!({"file_path": file("tasks/new.md"), "content": "x"})),
        ("read a login", "Read", json!({"file_path": file(".credentials.json")})),
        ("write a file of the project", "Write", json!({"file_path": directory.join("new.md"), "content": "x"})),
    ]
}

/// While it plans it refuses this for where the link leads, and without clauth for the plan's sake.
fn command(config_dir: &Path) -> Step {
    ("write a command", "Write", json!({"file_path": config_dir.join("commands/new.md"), "content": "x"}))
}

fn planning() -> Vec<Step> {
    vec![
        ("write the plan", "Write", json!({"file_path": "@plan", "content": "one"})),
        ("read the plan", "Read", json!({"file_path": "@plan"})),
        ("edit the plan", "Edit", json!({"file_path": "@plan", "old_string": "one", "new_string": "two"})),
    ]
}

/// Makes a config directory without clauth for alice.
pub(super) fn prepare(rig: &Rig, name: &str) -> PathBuf {
    let config_dir = rig.sandbox.mkdir(name);
    rig.sandbox.write(config_dir.join("settings.json"), "{}\n");
    rig.sandbox.write(config_dir.join(".claude.json"), read_json(&rig.sandbox.runtime("work").join(".claude.json")).to_string());
    rig.sign_in("alice", &config_dir, &config_dir.join(".claude.json"), Freshness::Fresh);
    config_dir
}

#[test]
fn the_client_allows_and_denies_what_it_does_without_clauth() {
    let Some(rig) = world(Freshness::Fresh) else { return };
    let sandbox = &rig.sandbox;
    let (runtime, plain) = (sandbox.runtime("work"), prepare(&rig, "plain-config"));
    // As it would be with links alone: what the steps below can tell.
    let linked = prepare(&rig, "linked-config");
    for name in ["projects", "plans", "agent-memory"] {
        symlink(sandbox.mkdir(Path::new("linked-hub").join(name)), linked.join(name)).unwrap();
    }
    let _holder = in_use(sandbox, "work");

    let directory = sandbox.path("office");
    let big: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    sandbox.write("office/big.txt", big);
    let run = |config_dir: &Path, mode: &str, steps: &[Step]| {
        let own = config_dir == runtime;
        let run = Run { sandbox, profile: own.then_some("work"), config_dir: (!own).then_some(config_dir), directory: &directory, mode };
        let _ = fs::remove_file(config_dir.join("projects").join(project_name(&directory)).join(format!("{SESSION}.jsonl")));
        run.drive(SESSION, steps)
    };
    for mode in ["default", "acceptEdits", "plan"] {
        let steps = |config_dir: &Path| {
            let command = (mode != "plan").then(|| command(config_dir));
            [own_files(config_dir, &directory), others(config_dir, &directory), command.into_iter().collect()].concat()
        };
        let (without, with) = (run(&plain, mode, &steps(&plain)), run(&runtime, mode, &steps(&runtime)));
        assert_eq!(with.verdicts(), without.verdicts(), "{mode}: {with:#?}, and without clauth {without:#?}");
        let _ = fs::remove_file(directory.join("new.md"));
        let own = &with.verdicts()[..own_files(&runtime, &directory).len()];
        assert!(own.iter().all(|(_, verdict)| *verdict == Verdict::Allowed), "{mode}: {with:#?}");
        assert!(with.said("more output than fits").contains(runtime.to_str().unwrap()), "{with:#?}");
    }
    for config_dir in [&plain, &runtime] {
        run(config_dir, "plan", &planning()).assert_all(Verdict::Allowed);
    }
    for (mode, step) in [("plan", &planning()[0]), ("default", &own_files(&linked, &directory)[0])] {
        assert_ne!(run(&linked, mode, std::slice::from_ref(step)).verdicts()[0].1, Verdict::Allowed, "{step:?}");
    }
    for config_dir in [&plain, &runtime] {
        assert_ne!(run(config_dir, "plan", &[command(config_dir)]).verdicts()[0].1, Verdict::Allowed);
    }
    rig.assert_nobody_was_logged_out();
}
