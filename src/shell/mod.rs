//! The shells: how each quotes, and how an answer is said in each.
//!
//! The prompt hook itself is a file in `shells/`. It evaluates what [`Answer`] renders to: changes of variables, and a generated function that is
//! true for as long as nothing that matters has changed, so that a prompt where it is true starts no process.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::env::change::{Change, Keeper};
use crate::io::epoch::Epoch;
use crate::layout::BINDING;
use crate::sys::paths;

pub mod block;
mod completion;
mod fish;
mod fresh;
mod line;
mod posix;
mod pwsh;
mod startup;

pub use completion::{Taker, Takes};
pub use fresh::{Fresh, Obstacle, PATIENCE, Start};
pub use line::command_line;
pub use pwsh::completion::script as powershell_completions;
pub use startup::HOOKED;

/// Returns what is said of a variable that this shell was to put back and does not have.
fn not_kept(name: &str, keeper: Keeper) -> String {
    match keeper {
        Keeper::Another => format!("{name} was set aside by the shell that started this one; it is put back there"),
        Keeper::Nobody => format!("{name} had been set aside, and went with the shell that `exec` replaced; set it again"),
    }
}

/// The last line of every answer: the hook evaluates nothing that does not end in it, so an answer cut short has no effect.
const SENTINEL: &str = ": clauth-end";

/// Where the names of what overrides a login stand in the files of `shells/`.
const OVERRIDING: &str = "@OVERRIDING@";

/// Where fish is told to watch them.
const ON_OVERRIDING: &str = "@ON_OVERRIDING@";

/// Returns the function `use clauth PROFILE` for direnv, which reads it in bash; `overriding` is what a refusal must leave nothing of.
pub fn use_clauth(program: &str, overriding: &[&str]) -> String {
    let text = include_str!("../../shells/use_clauth.bash").replace("'@CLAUTH@'", &Shell::Bash.quote(program));
    text.replace(OVERRIDING, &overriding.join(" "))
}

/// A shell that clauth can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash, 3.2 and newer.
    Bash,
    /// Z shell.
    Zsh,
    /// fish, 3.6 and newer.
    Fish,
    /// PowerShell 7.4 and newer.
    #[value(alias = "powershell")]
    Pwsh,
    /// Any POSIX shell: `env` alone, since it has no prompt hook.
    #[value(hide = true, alias = "dash", alias = "ksh", alias = "ash")]
    Sh,
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().unwrap_or_else(|| "sh".into()).get_name())
    }
}

impl Shell {
    /// Returns the shell that a program's name means, such as `-bash` for a login shell, `fish-4` or `zsh5`.
    pub fn from_program(name: &OsStr) -> Option<Self> {
        let name = name.to_string_lossy();
        let letters: String = name.trim_start_matches('-').chars().take_while(char::is_ascii_alphabetic).collect();
        Self::from_str(&letters, true).ok()
    }

    /// Returns the prompt hook, with the program's path, clauth's home and what overrides a login put in; `None` for a shell without one.
    ///
    /// It is one line, and in bash and zsh one word behind `eval`: users write `eval $(…)` without quotes, or `Invoke-Expression (…)`, which join the
    /// lines of a text by blanks, and then its first comment would swallow the rest.
    pub fn hook(self, program: &str, home: &str, overriding: &[&str]) -> Option<String> {
        let text = match self {
            Self::Bash => include_str!("../../shells/hook.bash"),
            Self::Zsh => include_str!("../../shells/hook.zsh"),
            Self::Fish => include_str!("../../shells/hook.fish"),
            Self::Pwsh => include_str!("../../shells/hook.ps1"),
            Self::Sh => return None,
        };
        let text = text.replace("'@CLAUTH@'", &self.quote(&paths::portable(program))).replace("'@HOME@'", &self.quote(&paths::portable(home)));
        let each = |spell: &dyn Fn(&str) -> String, between: &str| overriding.iter().map(|name| spell(name)).collect::<Vec<_>>().join(between);
        let text = match self {
            Self::Pwsh => text.replace(&self.quote(OVERRIDING), &each(&|name| self.quote(name), ", ")),
            _ => text.replace(ON_OVERRIDING, &each(&|name| format!("--on-variable {name}"), " ")).replace(OVERRIDING, &overriding.join(" ")),
        };
        Some(match self {
            Self::Bash | Self::Zsh | Self::Sh => format!("eval {}\n", posix::quote_as_one_word(&text)),
            Self::Fish => format!("eval {}\n", fish::quote(&text)),
            Self::Pwsh => pwsh::evaluate_where_possible(&text),
        })
    }

    /// Quotes a value so that the shell reads back these very characters.
    pub fn quote(self, value: &str) -> String {
        match self {
            Self::Bash | Self::Zsh | Self::Sh => posix::quote(value),
            Self::Fish => fish::quote(value),
            Self::Pwsh => pwsh::quote(value),
        }
    }

    /// Quotes a value where the shell would not read it as it stands.
    pub fn word(self, value: &str) -> String {
        let is_plain = !value.is_empty() && value.chars().all(|character| character.is_ascii_alphanumeric() || "/._-".contains(character));
        if is_plain { value.into() } else { self.quote(value) }
    }

    /// Renders changes for `eval`, each line complete in itself.
    pub fn changes(self, changes: &[Change]) -> String {
        changes.iter().map(|change| self.change(change) + "\n").collect()
    }

    fn change(self, change: &Change) -> String {
        match self {
            Self::Bash | Self::Zsh | Self::Sh => posix::change(self, change),
            Self::Fish => fish::change(change),
            Self::Pwsh => pwsh::change(change),
        }
    }

    /// Renders the pin of a shell to a profile, or its end.
    pub fn pin(self, profile: Option<&str>) -> String {
        match self {
            Self::Bash | Self::Zsh | Self::Sh => posix::pin(self, profile),
            Self::Fish => fish::pin(profile),
            Self::Pwsh => pwsh::pin(profile),
        }
    }

    /// Returns what a user types to evaluate what a command prints.
    pub fn evaluate(self, command: &str) -> String {
        match self {
            Self::Bash | Self::Zsh | Self::Sh => format!("eval \"$({command})\""),
            Self::Fish => format!("{command} | source"),
            Self::Pwsh => format!("{command} | Invoke-Expression"),
        }
    }

    /// Renders what makes an `eval` fail, in the shell's own way.
    pub fn failure(self) -> &'static str {
        if self == Self::Pwsh { pwsh::FAILURE } else { "false\n" }
    }

    /// Renders an answer to the hook.
    pub fn answer(self, answer: &Answer) -> String {
        let watch = match self {
            Self::Bash | Self::Zsh | Self::Sh => posix::watch(self, answer),
            Self::Fish => fish::watch(answer),
            Self::Pwsh => pwsh::watch(answer),
        };
        let sentinel = if self == Self::Pwsh { "# clauth-end" } else { SENTINEL };
        format!("{}{watch}{sentinel}\n", self.changes(&answer.changes))
    }
}

/// Holds what an evaluation tells the hook.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What to change.
    pub changes: Vec<Change>,
    /// The epoch the answer was made in.
    pub epoch: Epoch,
    /// The user's settings: newer than the epoch, they were edited since.
    pub settings: String,
    /// Whether there were any.
    pub settings_exist: bool,
    /// Whether the two directories are what the shell has of its own.
    pub has_own_directories: bool,
    /// The `CLAUDE_CONFIG_DIR` after the changes.
    pub config_dir: Option<String>,
    /// The `ANTHROPIC_CONFIG_DIR` after them.
    pub anthropic_dir: Option<String>,
    /// The home that it was made for: with another one all that clauth knows is elsewhere.
    pub home: Option<String>,
    /// The overriding variables whose appearance matters; none outside a profile.
    pub overriding: Vec<&'static str>,
    /// Those of them that have a value which overrides nothing. The shell compares it with what it was: it may be a secret, and is not written here.
    pub harmless: Vec<&'static str>,
    /// What in the file system decides.
    pub place: Place,
    /// How the shell sees that the profile's helper still runs, where there is one.
    pub helper: Option<Liveness>,
    /// Whether the shell may go from here to another directory without any binding by itself.
    pub free: bool,
    /// Stands for what was said about this state, so that it is not said again.
    pub said: String,
}

/// How a shell sees, without starting a process, that another one runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// By a path that is there for as long as the process is.
    Path(String),
    /// By a signal that does nothing, to this pid.
    Signal(u32),
}

/// What a shell looks at to know that its directory still asks for the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The working directory has no path (it was removed, or the path is too long); true for as long as that is so.
    Unnamed,
    /// The file in question is not one that a shell can compare: ask each time.
    Unsure,
    /// A directory and the files above it.
    Known {
        /// The physical working directory; `None` where it is not UTF-8, and the shell's own `$PWD` serves.
        directory: Option<String>,
        /// The levels above at which no binding may appear.
        absent: Vec<usize>,
        /// The deciding binding: where it stands, and its text.
        decider: Option<(Spot, String)>,
        /// What else must stay as it was.
        watched: Vec<Look>,
    },
}

/// Where the deciding binding stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// So many levels above the working directory.
    Above(usize),
    /// At this path, in the main checkout of a worktree.
    At(String),
}

/// A path beside those above the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing may appear there.
    Absent(String),
    /// It must exist, and not be newer than the epoch.
    Unwritten(String),
}

/// Spells the paths of bindings above the working directory. Relative, so that they need no quoting and mean the physical parents whatever `$PWD` says.
struct Above(String);

impl Above {
    /// Knows those of these levels, and of the deciding one.
    fn spell(absent: &[usize], decider: Option<&(Spot, String)>) -> Self {
        let decider = decider.and_then(|(spot, _)| if let Spot::Above(level) = spot { Some(level) } else { None });
        Self("../".repeat(absent.iter().chain(decider).max().copied().unwrap_or_default()) + BINDING)
    }

    /// Returns the deciding binding as a shell that quotes so reads it.
    fn decider(&self, spot: &Spot, quote: fn(&str) -> String) -> String {
        match spot {
            Spot::Above(level) => self.binding(*level).into(),
            Spot::At(path) => quote(path),
        }
    }

    /// Returns the path of one of them; the working directory's own is that of level 0.
    fn binding(&self, level: usize) -> &str {
        &self.0[self.0.len() - BINDING.len() - "../".len() * level..]
    }
}

/// Returns the path as text where it can be shown to a shell.
pub fn as_text(path: &Path) -> Option<String> {
    path.to_str().map(paths::portable)
}

/// Returns the epoch's path and whether it must exist.
fn epoch_test(epoch: &Epoch) -> (String, bool) {
    let text = |path: &PathBuf| paths::portable(&path.to_string_lossy());
    match epoch {
        Epoch::At(path) => (text(path), true),
        Epoch::Never(path) => (text(path), false),
    }
}

#[cfg(test)]
mod tests {
    use super::Shell;

    #[test]
    fn a_shell_is_known_by_every_name_it_goes_by() {
        let names = [
            ("-bash", Shell::Bash),
            ("bash-5.3", Shell::Bash),
            ("zsh5", Shell::Zsh),
            ("fish-4", Shell::Fish),
            ("pwsh.exe", Shell::Pwsh),
            ("powershell.exe", Shell::Pwsh),
        ];
        for (name, shell) in names.into_iter().chain([("dash", Shell::Sh)]) {
            assert_eq!(Shell::from_program(name.as_ref()), Some(shell), "{name}");
        }
        for name in ["python3", "", "bashful"] {
            assert_eq!(Shell::from_program(name.as_ref()), None, "{name}");
        }
    }
}
