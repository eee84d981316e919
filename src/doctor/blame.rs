//! Which line of a startup file keeps the hook from running: read as text, so it is a line of the files that clauth knows, or none.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::env::variable::CLAUTH_DISABLE;
use crate::io;
use crate::shell::{Obstacle, PATIENCE, Shell, block};

/// A line of a startup file.
#[derive(Debug)]
struct Line {
    file: PathBuf,
    number: usize,
    text: String,
    /// Whether it stands below the line that asks for the hook.
    is_below: bool,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.number)
    }
}

/// The lines of startup files, without comments and without those that ask for the hook.
#[derive(Debug)]
pub struct Lines(Vec<Line>);

impl Lines {
    /// Reads files; one that cannot be read has none.
    pub fn read(files: &[PathBuf]) -> Self {
        Self(files.iter().flat_map(|file| lines(file, &io::read_text(file).unwrap_or_default())).collect())
    }

    /// Returns where a shell is replaced by another, and by which.
    pub fn becoming(&self, shell: Shell) -> Option<(String, Shell)> {
        self.0.iter().find_map(|line| {
            let (_, program) = words(&line.text).skip_while(|word| *word != "exec").nth(1).map(|word| (line, word))?;
            let other = Shell::from_program(Path::new(program).file_name().unwrap_or(OsStr::new(program)))?;
            (other != shell && other != Shell::Sh).then(|| (line.to_string(), other))
        })
    }

    /// Returns what keeps the hook from running, and what to do about it.
    pub fn explain(&self, shell: Shell, obstacle: &Obstacle, program: &Path) -> (String, String) {
        match obstacle {
            Obstacle::NotFound => {
                let directory = shell.word(&program.parent().unwrap_or(program).to_string_lossy());
                let line =
                    if shell == Shell::Fish { format!("fish_add_path --path {directory}") } else { format!("export PATH={directory}:\"$PATH\"") };
                ("`clauth` is not on PATH there".into(), format!("put the line `{line}` above it"))
            }
            Obstacle::Slow => {
                let cause = format!("the shell was not ready after {} s", PATIENCE.as_secs());
                (cause, "look for what its startup files wait for".into())
            }
            Obstacle::NotRun(error) => (error.clone(), format!("install {shell}, or take its startup file away")),
            Obstacle::Ended | Obstacle::Missing => match self.last(|line| !line.is_below && ends(line)) {
                Some(line) => (
                    format!("{line} ends the file, or becomes another program, before that line"),
                    format!("move {line} below the lines of clauth: what ends the file must not stand before the lines of clauth"),
                ),
                None => (
                    "something ends the startup file, or becomes another program, before the lines of clauth".into(),
                    "look whether the file ends, or becomes another shell, before that line".into(),
                ),
            },
            Obstacle::Disabled => {
                if let Some(line) = self.last(|line| line.text.contains(CLAUTH_DISABLE)) {
                    return (format!("{CLAUTH_DISABLE} is set at {line}"), format!("remove {line}, then open a new terminal"));
                }
                let unset = if shell == Shell::Fish { "set -e" } else { "unset" };
                (format!("{CLAUTH_DISABLE} is set"), format!("run `{unset} {CLAUTH_DISABLE}`, and do not export it to your terminals"))
            }
            Obstacle::Redefined => match self.last(|line| line.text.contains("__clauth_")) {
                Some(line) => (format!("{line} defines or removes a function of clauth's"), format!("remove {line}")),
                None => (
                    "something defines or removes a function of clauth's, `__clauth_hook` or `__clauth_begin`".into(),
                    "remove what does so behind the lines of clauth".into(),
                ),
            },
            Obstacle::ReadOnly(list) => {
                let is_guilty =
                    |line: &Line| line.text.contains(list) && ["readonly", "declare", "typeset"].iter().any(|word| line.text.contains(word));
                let at = self.last(is_guilty).map(|line| format!(" at {line}")).unwrap_or_default();
                let remedy =
                    format!("remove what makes {list} read-only{at}, or move it below the lines of clauth; what sets {list} stands above them");
                (format!("{list} is made read-only{at}"), remedy)
            }
            Obstacle::Unlisted(list) => {
                let sets = |line: &Line| line.is_below && line.text.contains(list);
                let at = self.last(sets).map(|line| format!(" at {line}")).unwrap_or_default();
                let there = if at.is_empty() { "what sets it".into() } else { at.replacen(" at ", "", 1) };
                (format!("{list} is set again{at}, without the hook"), format!("move {there} above the lines of clauth, or let it add to {list}"))
            }
            Obstacle::Unreached => (
                "another command of the prompt ends before it".into(),
                format!("look for what fails or exits among the other commands that {shell} runs at its prompts"),
            ),
        }
    }

    fn last(&self, is_meant: impl Fn(&Line) -> bool) -> Option<&Line> {
        self.0.iter().rev().find(|line| is_meant(line))
    }
}

/// Returns the lines of one file.
fn lines(file: &Path, text: &str) -> Vec<Line> {
    let own = block::own_lines(text);
    let asks = text.lines().enumerate().find(|(at, line)| own.contains(at) || block::is_hooked(line)).map_or(usize::MAX, |(at, _)| at);
    let is_anothers = |(at, line): &(usize, &str)| !own.contains(at) && !line.trim_start().starts_with('#') && !block::is_hooked(line);
    let line = |(at, line): (usize, &str)| Line { file: file.into(), number: at + 1, text: line.into(), is_below: at > asks };
    text.lines().enumerate().filter(is_anothers).map(line).collect()
}

/// Whether it ends the file, or the shell, wherever it is reached; one that is indented belongs to a condition.
fn ends(line: &Line) -> bool {
    matches!(words(&line.text).next(), Some("return" | "exit" | "exec")) && !line.text.starts_with([' ', '\t'])
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character.is_whitespace() || ";&|(){}".contains(character)).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: &str = "eval \"$(clauth hook bash)\"\n";

    fn of(text: &str) -> Lines {
        Lines(lines(Path::new("/rc"), text))
    }

    fn cause(text: &str, obstacle: &Obstacle) -> String {
        of(text).explain(Shell::Bash, obstacle, Path::new("/bin/clauth")).0
    }

    #[test]
    fn the_line_that_is_to_blame_is_named() {
        let list = || "PROMPT_COMMAND".to_owned();
        let missing = format!("case $- in\n  *i*) ;;\n  *) return ;;\nesac\nreturn\n{HOOK}exit\n");
        assert!(cause(&missing, &Obstacle::Missing).starts_with("/rc:5 ends the file"));
        let set = format!("PROMPT_COMMAND=first\n{HOOK}# PROMPT_COMMAND=none\nPROMPT_COMMAND=(second)\n");
        assert!(cause(&set, &Obstacle::Unlisted(list())).contains("set again at /rc:4"));
        let fixed = format!("PROMPT_COMMAND=x; readonly PROMPT_COMMAND\n{HOOK}");
        assert!(cause(&fixed, &Obstacle::ReadOnly(list())).contains("read-only at /rc:1"));
        let marked = block::insert("export CLAUTH_DISABLE=1\n", HOOK) + "__clauth_hook() { :; }\n";
        assert!(cause(&marked, &Obstacle::Disabled).ends_with("at /rc:1"));
        assert!(cause(&marked, &Obstacle::Redefined).starts_with("/rc:6 defines"));
    }

    #[test]
    fn where_no_line_is_to_blame_none_is_named() {
        for obstacle in [Obstacle::Missing, Obstacle::Unlisted("PROMPT_COMMAND".into()), Obstacle::Disabled, Obstacle::Redefined] {
            assert!(!cause(HOOK, &obstacle).contains("/rc"), "{obstacle:?}");
        }
    }

    #[test]
    fn another_shell_in_the_place_of_this_one_is_seen() {
        for (line, other) in [("exec zsh", Some(Shell::Zsh)), ("[ -t 1 ] && exec /usr/bin/fish -l", Some(Shell::Fish)), ("exec bash", None)] {
            assert_eq!(of(line).becoming(Shell::Bash).map(|(_, other)| other), other, "{line}");
        }
    }
}
