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
        let calls: Vec<Value> = steps.iter().map(|(_, tool, input)| json!([tool, input])).collect();
        let prompt = format!("mock:seq {}", Value::from(calls));
        let words = ["-p", &prompt, "--session-id", session, "--output-format", "stream-json", "--verbose", "--permission-mode", self.mode];
        let mut command = client(self.sandbox, self.profile, &words);
        command.current_dir(self.directory).env("SHELL", "/bin/bash");
        if let Some(config_dir) = self.config_dir {
            command.env("CLAUDE_CONFIG_DIR", config_dir);
        }
        let finished = Finished::run(command).success();
        let lines = finished.stdout().lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let contents = lines.filter(|line| line["type"] == "user").filter_map(|line| line["message"]["content"].as_array().cloned());
        let results: Vec<_> = contents.flatten().filter(|block| block["type"] == "tool_result").map(|block| verdict(&block)).collect();
        assert_eq!(results.len(), steps.len(), "{finished:?}");
        Outcome(steps.iter().zip(results).map(|((label, ..), (verdict, said))| (*label, verdict, said)).collect())
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
