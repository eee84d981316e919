//! The prompt hook, in every shell of this machine.

mod changes;
mod no_answer;
mod overriding;
mod pin;
mod record;
mod selection;
mod unchanged;
mod user_shell;

use crate::support::{Language, Shell};

impl Shell {
    /// Returns the line that pins this shell to a profile.
    fn pin(&self, profile: &str) -> String {
        self.evaluate(&format!("clauth env {profile}"))
    }

    /// Returns the line that evaluates, in this shell, what a command of clauth's prints.
    fn evaluate(&self, command: &str) -> String {
        match self.language {
            Language::Bash | Language::Zsh => format!("eval \"$({command})\""),
            Language::Fish => format!("{command} | source"),
            Language::Pwsh => format!(". ([scriptblock]::Create((& {command}) -join \"`n\"))"),
        }
    }
}
