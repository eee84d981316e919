//! The client's features on shared files: the same in a plain config directory, in a profile, and in plain `~/.claude` beside two helpers.
//!
//! The client looks at what its own files are: where one has two names, or lies behind a link, it refuses to append to a journal, to run a workflow
//! again, to go back to an earlier state of a file, to write the index of its memory. Most of that it says nowhere but in what it does next.
//!
//! The short form has the rows that failed with hard links; the long form (`CLAUTH_LONG=1`) every feature that is known to look at files.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value, json};

use super::places::Stage;
use super::steps::Step;
use crate::support::files::text;
use crate::support::length::is_long;

const AGENTS: [&str; 3] = ["one", "two", "three"];

const WORKFLOW: &str = "export const meta = { name: 'greet', description: 'greets', phases: [] }\n\
    for (const who of ['one', 'two', 'three']) {\n  await agent('greet ' + who, { label: who })\n}\n\
    return 'greeted'\n";

fn bash(label: &'static str, command: impl AsRef<str>) -> Step {
    (label, "Bash", json!({"command": command.as_ref(), "description": "x"}))
}

fn write(label: &'static str, file: impl AsRef<Path>, text: &str) -> Step {
    (label, "Write", json!({"file_path": file.as_ref(), "content": text}))
}

fn read(label: &'static str, file: impl AsRef<Path>) -> Step {
    (label, "Read", json!({"file_path": file.as_ref(), "limit": 5}))
}

fn edit(label: &'static str, file: impl AsRef<Path>, old: &str, new: &str) -> Step {
    (label, "Edit", json!({"file_path": file.as_ref(), "old_string": old, "new_string": new}))
}

fn memory(description: &str) -> String {
    format!("---\nname: note\ndescription: {description}\ntype: user\n---\nhello\n")
}

/// Returns a step that waits until so many workflows have ended since the mark.
fn settled(stage: &Stage, number: usize, count: usize) -> Step {
    let (session, mark) = (stage.project(number, &stage.session), stage.mark());
    bash("wait for workflows", format!("settled {} {} {count}", session.display(), mark.display()))
}

/// The session that makes everything, in the first place.
fn begin(stage: &mut Stage) {
    let tasks = if is_long() { 17 } else { 6 };
    let mut steps = vec![
        bash("more output than fits", "seq 1 40000"),
        read("read that output", "@path"),
        write("write memory", stage.project(0, "memory/note.md"), &memory("flies at noon")),
        write("write an agent's memory", stage.at(0, "agent-memory/keeper/MEMORY.md"), "AGENT\n"),
        ("run a workflow", "Workflow", json!({"script": WORKFLOW})),
        settled(stage, 0, 1),
    ];
    if is_long() {
        steps.push(("start an agent", "Agent", json!({"description": "d", "prompt": "hi", "subagent_type": "general-purpose"})));
    }
    let create = |number: usize| ("create a task", "TaskCreate", json!({"subject": format!("t{number}"), "description": "d", "activeForm": "x"}));
    steps.extend((0..tasks).map(create));
    let update = |number: usize| {
        ["in_progress", "completed"].map(|status| ("update a task", "TaskUpdate", json!({"taskId": number.to_string(), "status": status})))
    };
    steps.extend((1..=tasks).flat_map(update));
    let _ = stage.drive(0, "first session", "default", "--session-id", &steps);
    if is_long() {
        let _ = stage.drive(0, "plan", "plan", "--resume", &[write("write the plan", "@plan", "# plan\n")]);
    }
    stage.settle();
}

/// The same session goes on in a place, and does with its files what a session does.
fn go_on(stage: &mut Stage, number: usize) {
    let name = stage.places[number].name;
    let first = |stage: &Stage, relative: &str, ending: &str| {
        let mut found = stage.of_session(number, relative, ending);
        found.sort_by_key(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok());
        found.first().cloned().unwrap_or_else(|| PathBuf::from("/missing").join(relative))
    };
    let journals = stage.of_session(number, "subagents/workflows", "journal.jsonl");
    let lines: Vec<_> = journals.iter().map(|file| text(file).unwrap_or_default().lines().count()).collect();
    stage.note(number, "whole journals before", &lines.iter().filter(|lines| **lines > 2 * AGENTS.len()).count());
    let script = first(stage, "workflows/scripts", ".js");
    let run = first(stage, "workflows", ".json").file_stem().unwrap().to_string_lossy().into_owned();
    let output = first(stage, "tool-results", "");
    let (note, transcript) = (stage.project(number, "memory/note.md"), stage.project(number, format!("{}.jsonl", stage.session)));
    let agent_memory = stage.at(number, "agent-memory/keeper/MEMORY.md");
    let before = stage.rig.bodies().len();
    let mut steps = vec![
        read("read memory", note.clone()),
        edit("edit memory", note, "hello", &format!("hello {name}")),
        write("write more memory", stage.project(number, format!("memory/{name}.md")), &memory("more")),
        read("read an agent's memory", agent_memory.clone()),
        edit("edit an agent's memory", agent_memory, "AGENT", &format!("AGENT {name}")),
        read("read an earlier output", output.clone()),
        bash("head of an earlier output", format!("head -3 {}", output.display())),
        read("read the transcript", transcript.clone()),
        bash("tail of the transcript", format!("tail -c 50 {}", transcript.display())),
        ("get a task", "TaskGet", json!({"taskId": "1"})),
        ("update a task", "TaskUpdate", json!({"taskId": "2", "status": "in_progress"})),
        ("create a task", "TaskCreate", json!({"subject": format!("more of {name}"), "description": "d", "activeForm": "x"})),
        ("list tasks", "TaskList", json!({})),
        read("read a task", stage.at(number, format!("tasks/{}/1.json", stage.session))),
        ("run the workflow again", "Workflow", json!({"scriptPath": script})),
        settled(stage, number, 1),
        ("go on with the first run", "Workflow", json!({"scriptPath": script, "resumeFromRunId": run})),
        settled(stage, number, 2),
    ];
    let agents = stage.of_session(number, "subagents", ".jsonl");
    let agent = agents.iter().filter_map(|file| file.file_stem()?.to_str()?.strip_prefix("agent-")).find(|id| !id.contains('/'));
    if let Some(agent) = agent.filter(|_| is_long()) {
        steps.push(("write to the agent", "SendMessage", json!({"to": agent, "message": "go on", "summary": "go on"})));
    }
    let outcome = stage.drive(number, "goes on", "default", "--resume", &steps);
    let listed = outcome.verdicts().iter().any(|(label, _)| *label == "list tasks").then(|| outcome.said("list tasks").lines().count());
    stage.note(number, "tasks in the list", &listed.unwrap_or(0));
    let requests = stage.since(before);
    stage.note(number, "the conversation is in the prompt", &requests.iter().any(|body| body.to_string().contains("seq 1 40000")));
    stage.note(number, "the memory is in the prompt", &requests.iter().any(|body| body.to_string().contains("flies at noon")));
    stage.note(number, "agents that were asked by two runs", &requests.iter().filter(|body| is_greeting(body)).count());
    if is_long() {
        let steps = [read("read the plan", "@plan"), edit("edit the plan", "@plan", "# plan", &format!("# plan {name}"))];
        let _ = stage.drive(number, "plan", "plan", "--resume", &steps);
    }
    stage.settle();
    let before = stage.rig.bodies().len();
    let _ = stage.client(number, &["--continue", "-p", "hi"]);
    let longest = stage.since(before).iter().filter_map(|body| body["messages"].as_array().map(Vec::len)).max();
    stage.note(number, "--continue finds the newest session", &(longest.unwrap_or(0) > 20));
    stage.settle();
}

/// Whether a request is a workflow's to one of its agents.
fn is_greeting(body: &Value) -> bool {
    let first = body["messages"][0].to_string();
    AGENTS.iter().any(|who| first.contains(&format!("greet {who}"))) && !first.contains("mock:seq")
}

/// An edit is taken back, and an index that is missing is written.
fn go_back(stage: &mut Stage, number: usize) {
    let (note, index) = (stage.project(number, "memory/note.md"), stage.project(number, "memory/MEMORY.md"));
    stage.note(number, "the index has the note", &text(&index).unwrap_or_default().contains("flies at noon"));
    let before = text(&note);
    let steps = [read("read memory", note.clone()), edit("edit memory", note.clone(), "hello", "goodbye")];
    let _ = stage.drive(number, "to be taken back", "default", "--resume", &steps);
    stage.settle();
    let transcript = text(&stage.project(number, format!("{}.jsonl", stage.session))).unwrap_or_default();
    let said = transcript.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_prompt = |content: String| content.contains("goodbye") && !content.contains("tool_use_id");
    let prompts = said.filter(|line| line["type"] == "user" && is_prompt(line["message"]["content"].to_string()));
    let prompt = prompts.fold(None, |_, line| Some(line));
    let id = prompt.and_then(|line| line["uuid"].as_str().map(str::to_owned)).unwrap_or_default();
    let told = stage.client(number, &["--resume", &stage.session, "--rewind-files", &id]);
    stage.note(number, "going back skips a file", &told.contains("skipped"));
    stage.note(number, "the edit is taken back", &(before.is_some() && text(&note) == before));
    stage.settle();
    let _ = fs::remove_file(&index);
    stage.settle();
    let start = stage.rig.bodies().len();
    let _ = stage.client(number, &["-p", "hi"]);
    let is_known = stage.since(start).iter().any(|body| body.to_string().contains("flies at noon"));
    stage.note(number, "a missing index is in the prompt again", &is_known);
    stage.settle();
    stage.note(number, "a missing index is written again", &index.exists());
}

/// The setup of auto mode reads what was done in other projects, and says to its model how much of that it could read.
fn set_up_auto_mode(stage: &mut Stage, number: usize) {
    let before = stage.rig.bodies().len();
    let words = ["-p", "/auto-mode-setup --wizard posture=personal scope=all depth=both --propose"];
    let _ = stage.client_in(number, "plain", &words);
    let asked: String = stage.since(before).iter().map(Value::to_string).collect();
    let scanned = asked.split("Transcripts scanned: ").filter_map(|rest| rest.split_once(" selected")?.0.split_once(" of "));
    let is_whole = scanned.map(|(read, all)| read == all && read != "0").reduce(|one, other| one && other);
    stage.note(number, "the setup of auto mode reads all transcripts", &(is_whole == Some(true)));
}

/// The client's own removal of a project.
fn purge(stage: &mut Stage) {
    let directory = stage.directory.to_str().unwrap().to_owned();
    let _ = stage.client(2, &["purge", "--yes", &directory]);
    let is_gone = crate::support::patience::came_true(|| (0..3).all(|number| !stage.project(number, format!("{}.jsonl", stage.session)).exists()));
    stage.keep("all", "what was purged is gone", &is_gone);
}

fn play(mut stage: Stage) -> Vec<(String, String)> {
    begin(&mut stage);
    let places: &[usize] = if is_long() { &[0, 1, 2] } else { &[2] };
    for number in places {
        go_on(&mut stage, *number);
    }
    for number in if is_long() { [0, 1, 2].as_slice() } else { &[0] } {
        go_back(&mut stage, *number);
    }
    for number in if is_long() { [0, 1, 2].as_slice() } else { &[2] } {
        set_up_auto_mode(&mut stage, *number);
    }
    stage.look_for_leftovers();
    if is_long() {
        purge(&mut stage);
    }
    stage.rig.assert_nobody_was_logged_out();
    stage.results().to_vec()
}

#[test]
fn every_feature_does_in_a_profile_and_beside_it_what_it_does_in_a_plain_directory() {
    // Side by side: each has a world of its own, and most of it is waiting for the client to start.
    let shared = thread::spawn(|| Stage::shared().map(play));
    let (plain, shared) = (Stage::plain().map(play), shared.join());
    let (Some(plain), Some(shared)) = (plain, shared.unwrap_or_else(|panic| std::panic::resume_unwind(panic))) else { return };
    let wrong: Vec<_> = plain.iter().zip(&shared).filter(|(plain, shared)| plain != shared).collect();
    assert!(wrong.is_empty() && plain.len() == shared.len(), "{} of {} differ; without clauth and with it: {wrong:#?}", wrong.len(), plain.len());
    // The measure itself must be one: a client that fails everywhere would be the same everywhere.
    let bad = |(_, told): &&(String, String)| ["Denied", "Failed", "not reached", "false"].contains(&told.as_str());
    let bad: Vec<_> = plain.iter().filter(bad).filter(|(what, _)| !what.ends_with("going back skips a file")).collect();
    assert!(bad.is_empty(), "in a plain directory: {bad:#?}");
}
