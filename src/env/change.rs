//! What loading, leaving or refusing a profile changes in an environment: worked out once, then rendered for a shell or applied to a child.

use std::ffi::OsStr;
use std::process::Command;

use super::Env;
use super::record::{Chosen, Record, is_passing};
use super::variable::{CLAUTH_PROFILE, CLAUTH_STATE};
use crate::claude_code::variables::{ANTHROPIC_CONFIG_DIR, CLAUDE_CONFIG_DIR};

/// One change of one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Export this value.
    Export(&'static str, String),
    /// Remove the variable.
    Unset(&'static str),
    /// Move an overriding variable into an unexported one of the shell. Its value never passes through clauth.
    SetAside(&'static str),
    /// Move it back, unless the user set it again meanwhile.
    PutBack(&'static str, Keeper),
    /// Drop what was set aside.
    Forget(&'static str),
    /// Let the shell keep what it has of one of the two directories, with everything that a process does not see of it: that it is an array, empty, not
    /// exported, or of every session.
    Take(&'static str),
    /// Let it have that again; this value where it has kept nothing: another shell did, whose environment this one has.
    GiveBack(&'static str, Option<String>),
}

/// Who keeps the value of a variable that was set aside, where the shell at hand does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A shell that started this one.
    Another,
    /// Nobody: the shell at hand was another program when it set the variable aside, and its variables went with `exec`.
    Nobody,
}

impl Change {
    /// The variable.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Export(name, _)
            | Self::GiveBack(name, _)
            | Self::Unset(name)
            | Self::SetAside(name)
            | Self::PutBack(name, _)
            | Self::Forget(name)
            | Self::Take(name) => name,
        }
    }
}

/// The two directories that say which account a client uses, as they are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directories<'a> {
    /// `CLAUDE_CONFIG_DIR`.
    pub config: &'a str,
    /// `ANTHROPIC_CONFIG_DIR`: without one of its own, every profile would be served by the Console login of the whole machine.
    pub anthropic: &'a str,
}

/// What a shell had before clauth changed it, as far as its environment tells.
#[derive(Clone)]
pub struct Before<'a> {
    env: &'a Env,
    record: Record,
    /// Whether the present `CLAUDE_CONFIG_DIR` is one of clauth's.
    is_config_ours: bool,
    /// The same of `ANTHROPIC_CONFIG_DIR`.
    is_anthropic_ours: bool,
    /// The process whose hook asks.
    shell: Option<u32>,
}

impl<'a> Before<'a> {
    /// Looks at the environment; `owns` tells clauth's config directories from the user's.
    pub fn of(env: &'a Env, owns: impl Fn(&OsStr) -> bool) -> Self {
        let mut record = Record::load(env);
        let given = record.given.clone();
        let owns = |directory: &OsStr| owns(directory) || given.iter().any(|given| directory == given.as_str());
        let note = |name: &str, own: &mut Option<String>| {
            let value = env.non_empty(name);
            let is_ours = value.is_some_and(owns);
            // direnv and mise take back what they set for a directory, to what was there before: that stays on record.
            if !(is_ours || value.is_some() && is_passing(env, name)) {
                *own = value.and_then(OsStr::to_str).map(str::to_owned);
            }
            *own = own.take().filter(|directory| !owns(OsStr::new(directory)));
            is_ours
        };
        let is_config_ours = note(CLAUDE_CONFIG_DIR, &mut record.config_dir);
        let is_anthropic_ours = note(ANTHROPIC_CONFIG_DIR, &mut record.anthropic_dir);
        Self { env, record, is_config_ours, is_anthropic_ours, shell: None }
    }

    /// Says which process asks, by its hook: it keeps what is set aside.
    pub fn in_shell(self, pid: u32) -> Self {
        Self { shell: Some(pid), ..self }
    }

    fn keeper(&self) -> Keeper {
        if self.shell.is_some() && self.record.keeper == self.shell { Keeper::Nobody } else { Keeper::Another }
    }

    /// Returns the record to start from: who sets the first variable aside is noted.
    fn noted(&self) -> Record {
        let keeper = if self.record.aside.is_empty() { self.shell } else { self.record.keeper };
        Record { keeper, ..self.record.clone() }
    }

    /// Who chose what is loaded now.
    pub fn chosen(&self) -> Chosen {
        self.record.chosen
    }

    /// Returns the changes that load a profile; none when it is loaded already and nothing overrides it.
    pub fn load(&self, name: &str, directories: Directories<'_>, chosen: Chosen, keep: &[String]) -> Vec<Change> {
        let given = [directories.config, directories.anthropic].map(str::to_owned).into();
        let mut record = Record { given, chosen, ..self.noted() };
        // A refusal sets aside what a profile keeps.
        let kept: Vec<_> =
            record.aside().filter(|name| keep.iter().any(|kept| kept == name)).map(|name| Change::PutBack(name, self.keeper())).collect();
        record.aside.retain(|name| !keep.contains(name));
        let overriding = record.set_aside(self.env, keep).into_iter().map(Change::SetAside);
        let loaded = [
            Change::Export(CLAUDE_CONFIG_DIR, directories.config.into()),
            Change::Export(ANTHROPIC_CONFIG_DIR, directories.anthropic.into()),
            Change::Export(CLAUTH_PROFILE, name.into()),
            Change::Export(CLAUTH_STATE, record.text()),
        ];
        kept.into_iter().chain(overriding).chain(self.take()).chain(self.needed(loaded)).collect()
    }

    /// Returns what has the shell keep its own. What direnv and mise set for a directory is nothing to go back to.
    fn take(&self) -> impl Iterator<Item = Change> + '_ {
        let is_passing = |name: &str| self.env.get(name).is_some() && is_passing(self.env, name);
        let both = [(CLAUDE_CONFIG_DIR, self.is_config_ours), (ANTHROPIC_CONFIG_DIR, self.is_anthropic_ours)];
        both.into_iter().filter(move |(name, is_ours)| !(*is_ours || is_passing(name))).map(|(name, _)| Change::Take(name))
    }

    /// Returns the changes back to what the user had. A directory that is not clauth's is the user's, and stays.
    pub fn leave(&self) -> Vec<Change> {
        let back = |name, is_ours: bool, own: &Option<String>| is_ours.then(|| Change::GiveBack(name, own.clone()));
        let config = back(CLAUDE_CONFIG_DIR, self.is_config_ours, &self.record.config_dir);
        let anthropic = back(ANTHROPIC_CONFIG_DIR, self.is_anthropic_ours, &self.record.anthropic_dir);
        let state = self.pending().map_or(Change::Unset(CLAUTH_STATE), |pending| Change::Export(CLAUTH_STATE, pending.text()));
        let rest = [Change::Unset(CLAUTH_PROFILE), state];
        self.put_back().chain(self.needed(config.into_iter().chain(anthropic).chain(rest))).collect()
    }

    /// Returns what cannot be given back yet: direnv or mise has set it for this directory, and will take back its own.
    fn pending(&self) -> Option<Record> {
        let own = |name, is_ours: bool, own: &Option<String>| {
            own.clone().filter(|_| !is_ours && self.env.get(name).is_some() && is_passing(self.env, name))
        };
        let pending = Record {
            config_dir: own(CLAUDE_CONFIG_DIR, self.is_config_ours, &self.record.config_dir),
            anthropic_dir: own(ANTHROPIC_CONFIG_DIR, self.is_anthropic_ours, &self.record.anthropic_dir),
            aside: self.record.aside().filter(|name| self.is_covered(name)).map(str::to_owned).collect(),
            ..Record::default()
        };
        (pending != Record::default()).then(|| Record { given: self.record.given.clone(), keeper: self.record.keeper, ..pending })
    }

    /// Whether direnv or mise has set a variable since it was set aside, and nothing of it yet was theirs.
    fn is_covered(&self, name: &str) -> bool {
        self.env.get(name).is_some() && !self.record.passing.iter().any(|known| known == name) && is_passing(self.env, name)
    }

    /// Returns the changes that make `claude` refuse. A config directory alone does not: an API key in the environment is served whatever that
    /// is, and so is a Console login (Claude Code 2.1.332). So all that overrides a login is set aside here too, `keep_env` or not, and there is no
    /// directory of Anthropic profiles: `refused` lies below a file, where a sign-in can make none either.
    pub fn refuse(&self, refused: &str) -> Vec<Change> {
        let mut record = Record { given: vec![refused.into()], chosen: Chosen::Hook, ..self.noted() };
        let overriding = record.set_aside(self.env, &[]).into_iter().map(Change::SetAside);
        let refusal = [
            Change::Export(CLAUDE_CONFIG_DIR, refused.into()),
            Change::Export(ANTHROPIC_CONFIG_DIR, refused.into()),
            Change::Unset(CLAUTH_PROFILE),
            Change::Export(CLAUTH_STATE, record.text()),
        ];
        overriding.chain(self.take()).chain(self.needed(refusal)).collect()
    }

    fn put_back(&self) -> impl Iterator<Item = Change> + '_ {
        self.record
            .aside()
            .filter(|name| !self.is_covered(name))
            .map(|name| if self.record.is_spent(self.env, name) { Change::Forget(name) } else { Change::PutBack(name, self.keeper()) })
    }

    fn needed(&self, changes: impl IntoIterator<Item = Change>) -> impl Iterator<Item = Change> {
        changes.into_iter().filter(|change| match change {
            Change::Export(name, value) => self.env.get(name) != Some(OsStr::new(value)),
            Change::Unset(name) => self.env.get(name).is_some(),
            Change::SetAside(_) | Change::PutBack(..) | Change::Forget(_) | Change::Take(_) | Change::GiveBack(..) => true,
        })
    }
}

/// Applies changes to a program about to be run. What a parent shell set aside stays there: the value is not here to be put back.
pub fn apply(changes: &[Change], command: &mut Command) {
    for change in changes {
        match change {
            Change::Export(name, value) | Change::GiveBack(name, Some(value)) => command.env(name, value),
            Change::Unset(name) | Change::SetAside(name) | Change::GiveBack(name, None) => command.env_remove(name),
            Change::PutBack(..) | Change::Forget(_) | Change::Take(_) => command,
        };
    }
}

/// Returns the value that a variable has after these changes.
pub fn value_after(name: &str, changes: &[Change], env: &Env) -> Option<String> {
    let changed = changes.iter().rev().find_map(|change| match change {
        Change::Export(changed, value) if *changed == name => Some(Some(value.clone())),
        Change::GiveBack(changed, value) if *changed == name => Some(value.clone()),
        Change::Unset(changed) if *changed == name => Some(None),
        _ => None,
    });
    changed.unwrap_or_else(|| env.get(name).map(|value| value.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const WORK: &str = "/c/profiles/work/runtime";
    const DIRECTORIES: Directories<'_> = Directories { config: WORK, anthropic: "/c/profiles/work/anthropic" };

    fn env(variables: &[(&str, &str)]) -> Env {
        Env { variables: variables.iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    fn owns(dir: &OsStr) -> bool {
        Path::new(dir).starts_with("/c")
    }

    fn load(env: &Env) -> Vec<Change> {
        Before::of(env, owns).load("work", DIRECTORIES, Chosen::Hook, &["ANTHROPIC_BASE_URL".into()])
    }

    /// Returns the environment after changes, as a shell would have it.
    fn after(env: &Env, changes: &[Change]) -> Env {
        let mut env = env.clone();
        for change in changes {
            match change {
                Change::Export(name, value) | Change::GiveBack(name, Some(value)) => drop(env.variables.insert(name.into(), value.into())),
                Change::Unset(name) | Change::SetAside(name) | Change::GiveBack(name, None) => drop(env.variables.remove(OsStr::new(name))),
                Change::PutBack(name, _) => drop(env.variables.insert(name.into(), "back".into())),
                Change::Forget(_) | Change::Take(_) => {}
            }
        }
        env
    }

    #[test]
    fn what_is_loaded_already_changes_nothing() {
        let plain = env(&[]);
        let loaded = after(&plain, &load(&plain));
        assert_eq!(load(&loaded), []);
    }

    #[test]
    fn leaving_puts_everything_back() {
        let mine = [(CLAUDE_CONFIG_DIR, "/mine"), (ANTHROPIC_CONFIG_DIR, "/my profiles")];
        let own = env(&[mine[0], mine[1], ("ANTHROPIC_API_KEY", "back"), ("ANTHROPIC_BASE_URL", "kept")]);
        let loaded = after(&own, &load(&own));
        assert_eq!(loaded.get(ANTHROPIC_CONFIG_DIR), Some(OsStr::new(DIRECTORIES.anthropic)));
        assert_eq!(loaded.get("ANTHROPIC_API_KEY"), None);
        assert_eq!(loaded.get("ANTHROPIC_BASE_URL"), Some(OsStr::new("kept")));
        let left = after(&loaded, &Before::of(&loaded, owns).leave());
        assert_eq!(left.variables, own.variables);
    }

    #[test]
    fn a_config_dir_that_the_user_changed_meanwhile_is_left_alone() {
        let plain = env(&[("ANTHROPIC_API_KEY", "back")]);
        let mut loaded = after(&plain, &load(&plain));
        loaded.variables.insert(CLAUDE_CONFIG_DIR.into(), "/mine".into());
        let left = after(&loaded, &Before::of(&loaded, owns).leave());
        assert_eq!(left.variables, env(&[(CLAUDE_CONFIG_DIR, "/mine"), ("ANTHROPIC_API_KEY", "back")]).variables);
    }

    #[test]
    fn refusing_leaves_nothing_to_be_served_by_and_remembers_what_the_user_had() {
        let own = env(&[(CLAUDE_CONFIG_DIR, "/mine"), ("ANTHROPIC_API_KEY", "back")]);
        let refused = after(&own, &Before::of(&own, owns).refuse("/c/refused/x"));
        for directory in [CLAUDE_CONFIG_DIR, ANTHROPIC_CONFIG_DIR] {
            assert_eq!(refused.get(directory), Some(OsStr::new("/c/refused/x")));
        }
        assert_eq!(refused.get("ANTHROPIC_API_KEY"), None);
        let left = after(&refused, &Before::of(&refused, owns).leave());
        assert_eq!(left.variables, own.variables);
    }

    #[test]
    fn what_a_profile_keeps_is_back_when_it_is_entered_from_a_refusal() {
        let own = env(&[("ANTHROPIC_BASE_URL", "back")]);
        let refused = after(&own, &Before::of(&own, owns).refuse("/c/refused/x"));
        assert_eq!(refused.get("ANTHROPIC_BASE_URL"), None);
        let loaded = after(&refused, &load(&refused));
        assert_eq!(loaded.get("ANTHROPIC_BASE_URL"), Some(OsStr::new("back")));
        assert_eq!(load(&loaded), []);
    }

    #[test]
    fn a_record_that_names_clauths_own_directory_is_not_put_back() {
        let text = Record { config_dir: Some("/c/profiles/other/runtime".into()), ..Record::default() }.text();
        let leaked = env(&[(CLAUDE_CONFIG_DIR, WORK), (CLAUTH_STATE, &text)]);
        assert_eq!(Before::of(&leaked, owns).leave(), [Change::GiveBack(CLAUDE_CONFIG_DIR, None), Change::Unset(CLAUTH_STATE)]);
    }
}
