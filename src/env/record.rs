//! The record of what a shell had before clauth changed it: `CLAUTH_STATE`.
//!
//! It is exported, so it comes back from any parent process: it is data, never code. Names outside clauth's closed list are ignored, one
//! that does not parse is dropped whole, and it never holds a secret: values of overriding variables stay in the shell, unexported.

use std::ffi::OsStr;

use serde::{Deserialize, Serialize};

use super::{Env, direnv, mise, to_set_aside, variable};

/// Who chose the profile that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chosen {
    /// The directory, through the hook.
    #[default]
    Hook,
    /// The user, by `env`, `exec` or `start`: the shim of a process below keeps it.
    Hand,
}

/// What to put back when a profile is left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The user's own `CLAUDE_CONFIG_DIR`, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_dir: Option<String>,
    /// The user's own `ANTHROPIC_CONFIG_DIR`, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anthropic_dir: Option<String>,
    /// The directories that clauth has exported: they are clauth's wherever `$HOME` leads meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// The overriding variables that were set aside, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<String>,
    /// The process that keeps their values, where the hook of a shell set the first of them aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<u32>,
    /// Those of them that direnv or mise had set for a directory, and will not take back themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passing: Vec<String>,
    /// Who chose.
    #[serde(default)]
    pub chosen: Chosen,
}

impl Record {
    /// Reads the record from the environment; one that does not parse counts as none.
    pub fn load(env: &Env) -> Self {
        let text = env.non_empty(variable::CLAUTH_STATE).and_then(OsStr::to_str).unwrap_or_default();
        let mut record: Self = serde_json::from_str(text).unwrap_or_default();
        record.aside.retain(|name| to_set_aside(&[]).any(|known| known == name));
        for directory in [&mut record.config_dir, &mut record.anthropic_dir] {
            *directory = directory.take().filter(|directory| !directory.is_empty() && !directory.contains('\0'));
        }
        record
    }

    /// Adds the overriding variables that have a value now; returns those names.
    pub fn set_aside(&mut self, env: &Env, keep: &[String]) -> Vec<&'static str> {
        let present: Vec<_> = env.overriding(keep).collect();
        for name in &present {
            if !self.aside.iter().any(|known| known == name) {
                self.aside.push((*name).into());
            }
            self.passing.retain(|known| known != name);
            if is_passing(env, name) {
                self.passing.push((*name).into());
            }
        }
        self.keeper = self.keeper.filter(|_| !self.aside.is_empty());
        present
    }

    /// Returns the names set aside, as constants of clauth's own list.
    pub fn aside(&self) -> impl Iterator<Item = &'static str> + '_ {
        to_set_aside(&[]).filter(|name| self.aside.iter().any(|known| known == name))
    }

    /// Whether a variable that was set aside was direnv's or mise's, and the directory that it was set for is left.
    pub fn is_spent(&self, env: &Env, name: &str) -> bool {
        self.passing.iter().any(|known| known == name) && !is_passing(env, name)
    }

    /// Returns the text for `CLAUTH_STATE`.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether a variable is set for the directory alone: such a value is never one to go back to.
pub fn is_passing(env: &Env, name: &str) -> bool {
    direnv::has_set(env, name) || mise::has_set(env, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Record {
        let mut env = Env::default();
        env.variables.insert(variable::CLAUTH_STATE.into(), text.into());
        Record::load(&env)
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let record = Record {
            config_dir: Some("/é 'x'".into()),
            anthropic_dir: Some("/a".into()),
            given: vec!["/g".into()],
            aside: vec!["ANTHROPIC_API_KEY".into()],
            keeper: Some(7),
            passing: vec!["ANTHROPIC_API_KEY".into()],
            chosen: Chosen::Hand,
        };
        assert_eq!(load(&record.text()), record);
    }

    #[test]
    fn a_forged_record_names_nothing_outside_the_closed_list() {
        assert_eq!(load(r#"{"aside":["PATH","LD_PRELOAD"]}"#).aside().count(), 0);
        for broken in ["", "{", "[]", r#"{"run":"x"}"#, r#"{"config_dir":7}"#, r#"{"config_dir":""}"#] {
            assert_eq!(load(broken), Record::default(), "{broken}");
        }
    }
}
