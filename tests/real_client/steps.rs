//! Tool calls that the mock has the client make, and what the client's permission checks said to each.

use std::path::Path;

use serde_json::{Value, json};

use super::client;
use crate::support::Sandbox;
use crate::support::finished::Finished;

/// One tool call: what it is, the tool, and its input, where `@path` is the path that the last result named and `@plan` the client's plan file.
pub(super) type Step = (&'static str, &'static str, Value);

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    Denied,
    Failed,
}

/// What became of each step, by what it is, with what the client said.
#[derive(Debug)]
pub(super) struct Outcome(Vec<(&'static str, Verdict, String)>);

impl Outcome {
    /// Returns the verdicts by themselves: paths in what was said differ from one config directory to another.
    pub(super) fn verdicts(&self) -> Vec<(&'static str, Verdict)> {
        self.0.iter().map(|(label, verdict, _)| (*label, *verdict)).collect()
    }

    /// Returns what the client said to a step.
    pub(super) fn said(&self, label: &str) -> &str {
        let found = self.0.iter().find(|(step, ..)| *step == label);
        &found.unwrap_or_else(|| panic!("no {label} in {self:?}")).2
    }

    #[track_caller]
    pub(super) fn assert_all(&self, expected: Verdict) {
        assert!(self.0.iter().all(|(_, verdict, _)| *verdict == expected), "not all are {expected:?}: {self:#?}");
    }
}

/// Where and how a session runs.
pub(super) struct Run<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) profile: Option<&'a str>,
    /// A config directory that is none of clauth's.
    pub(super) config_dir: Option<&'a Path>,
    pub(super) directory: &'a Path,
    pub(super) mode: &'a str,
}

impl Run<'_> {
    /// Has the client make these calls in one session with this id.
    pub(super) fn drive(&self, session: &str, steps: &[Step]) -> Outcome {
        let outcome = self.tell("--session-id", session, &[], steps);
        assert_eq!(outcome.0.len(), steps.len(), "{outcome:?}");
        outcome
    }

    /// Has the client make these calls in a new session (`--session-id`) or in one that goes on (`--resume`), with more words on its command line;
    /// a session that ends early has fewer results.
    pub(super) fn tell(&self, how: &str, session: &str, more: &[&str], steps: &[Step]) -> Outcome {
        let calls: Vec<Value> = steps.iter().map(|(_, tool, input)| json!([tool, input])).collect();
        let prompt = format!("mock:seq {}", Value::from(calls));
        let words = ["-p", &prompt, how, session, "--output-format", "stream-json", "--verbose", "--permission-mode", self.mode];
        let finished = self.client(&[&words, more].concat()).success();
        let lines = finished.stdout().lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let contents = lines.filter(|line| line["type"] == "user").filter_map(|line| line["message"]["content"].as_array().cloned());
        let results = contents.flatten().filter(|block| block["type"] == "tool_result").map(|block| verdict(&block));
        Outcome(steps.iter().zip(results).map(|((label, ..), (verdict, said))| (*label, verdict, said)).collect())
    }

    /// Runs the client here.
    pub(super) fn client(&self, words: &[&str]) -> Finished {
        let mut command = client(self.sandbox, self.profile, words);
        command.current_dir(self.directory).env("SHELL", "/bin/bash");
        // All tools at once, with the tasks, and a state of each file that can be gone back to.
        for (name, value) in [("ENABLE_TOOL_SEARCH", "0"), ("CLAUDE_CODE_ENABLE_TODO_TOOLS", "1"), ("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING", "1")]
        {
            command.env(name, value);
        }
        if let Some(config_dir) = self.config_dir {
            command.env("CLAUDE_CONFIG_DIR", config_dir);
        }
        Finished::run(command)
    }
}

fn verdict(result: &Value) -> (Verdict, String) {
    let said = match &result["content"] {
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        text => text.as_str().unwrap_or_default().to_owned(),
    };
    let is_refusal = ["permission", "sensitive", "denied"].iter().any(|word| said.to_lowercase().contains(word));
    let verdict = match result["is_error"] == true {
        true if is_refusal => Verdict::Denied,
        true => Verdict::Failed,
        false => Verdict::Allowed,
    };
    (verdict, said.chars().take(400).collect()) // enough to tell why; an output can be long
}

/// Returns the name that the client gives a directory below `projects/`.
pub(super) fn project_name(directory: &Path) -> String {
    directory.to_str().unwrap().chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '-' }).collect()
}
