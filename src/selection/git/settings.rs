//! git's settings files, as git-config(1) describes their syntax.
//!
//! The crate `gix-config` reads them too, and brings some 75 more crates; the few settings that decide here need none of what these do.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

use crate::io;

/// The most that a settings file may hold, in bytes.
const LIMIT: usize = 1024 * 1024;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The section, in small letters.
    pub section: String,
    /// What stands in quotes behind it.
    pub subsection: Option<String>,
    /// The key, in small letters.
    pub key: String,
    /// The value; `None` for a key alone, which means "true".
    pub value: Option<String>,
}

impl Setting {
    /// Whether it is this one, given in small letters; of whichever subsection.
    pub fn is(&self, section: &str, key: &str) -> bool {
        self.section == section && self.key == key
    }

    /// Whether it says yes.
    pub fn is_true(&self) -> bool {
        self.value.as_ref().is_none_or(|value| ["true", "yes", "on", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }
}

/// Returns `core.worktree` of a settings file.
pub fn worktree(file: &Path) -> Option<PathBuf> {
    let settings = read(file).ok()?;
    settings.into_iter().rfind(|setting| setting.is("core", "worktree") && setting.subsection.is_none())?.value.map(PathBuf::from)
}

/// Reads a settings file; the error says what is wrong.
pub fn read(file: &Path) -> Result<Vec<Setting>, String> {
    // Asked before it is opened: opening a device can have effects.
    if !fs::metadata(file).map_err(|error| error.to_string())?.is_file() {
        return Err("it is not a regular file".into());
    }
    let bytes = io::read_regular(file, LIMIT).map_err(|error| error.to_string())?.ok_or("it is over 1 MB")?;
    parse(&String::from_utf8_lossy(&bytes)).map_err(|line| format!("line {line} is not a line of git's settings"))
}

/// Parses settings; the error is the number of the line that is wrong.
fn parse(text: &str) -> Result<Vec<Setting>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut reader = Reader { left: text.chars().peekable(), line: 1 };
    let mut settings = Vec::new();
    let mut section = None;
    while let Some(next) = reader.left.peek().copied() {
        match next {
            '#' | ';' => reader.skip_line(),
            '[' => section = Some(reader.section().ok_or(reader.line)?),
            _ if next.is_whitespace() => drop(reader.next()),
            _ => {
                let (section, subsection) = section.clone().ok_or(reader.line)?;
                let (key, value) = reader.setting().ok_or(reader.line)?;
                settings.push(Setting { section, subsection, key, value });
            }
        }
    }
    Ok(settings)
}

struct Reader<'a> {
    left: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.left.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|next| next != '\n') {}
    }

    fn skip_blanks(&mut self) {
        while self.left.next_if(|next| matches!(next, ' ' | '\t')).is_some() {}
    }

    fn name(&mut self, more: &str) -> String {
        let mut name = String::new();
        while let Some(next) = self.left.next_if(|next| next.is_ascii_alphanumeric() || *next == '-' || more.contains(*next)) {
            name.push(next.to_ascii_lowercase());
        }
        name
    }

    /// Reads `[section]`, `[section "subsection"]` or the old `[section.subsection]`.
    fn section(&mut self) -> Option<(String, Option<String>)> {
        self.next();
        self.skip_blanks();
        let name = self.name(".");
        self.skip_blanks();
        if name.is_empty() {
            return None;
        }
        match self.next()? {
            ']' => Some(match name.split_once('.') {
                Some((section, subsection)) => (section.into(), Some(subsection.into())),
                None => (name, None),
            }),
            '"' => {
                let mut subsection = String::new();
                loop {
                    match self.next()? {
                        '"' => break,
                        '\\' => subsection.push(self.next().filter(|next| *next != '\n')?),
                        '\n' => return None,
                        other => subsection.push(other),
                    }
                }
                (self.next()? == ']').then_some((name, Some(subsection)))
            }
            _ => None,
        }
    }

    /// Reads `key = value` or a key alone, to the end of the line.
    fn setting(&mut self) -> Option<(String, Option<String>)> {
        let key = self.name("");
        if !key.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        self.skip_blanks();
        match self.left.peek() {
            None => Some((key, None)),
            Some('\n' | '#' | ';') => {
                self.skip_line();
                Some((key, None))
            }
            Some('=') => {
                self.next();
                self.skip_blanks();
                Some((key, Some(self.value()?)))
            }
            Some(_) => None,
        }
    }

    fn value(&mut self) -> Option<String> {
        // Blanks count only where something follows them, or inside quotes.
        let (mut value, mut blanks, mut is_quoted) = (String::new(), String::new(), false);
        while let Some(next) = self.next() {
            match next {
                '\n' if is_quoted => return None,
                '\n' => return Some(value),
                '#' | ';' if !is_quoted => {
                    self.skip_line();
                    return Some(value);
                }
                ' ' | '\t' if !is_quoted => blanks.push(next),
                _ => {
                    value.push_str(&std::mem::take(&mut blanks));
                    match next {
                        '"' => is_quoted = !is_quoted,
                        '\\' => match self.next()? {
                            '\n' => {}
                            'n' => value.push('\n'),
                            't' => value.push('\t'),
                            'b' => value.push('\u{8}'),
                            escaped @ ('"' | '\\') => value.push(escaped),
                            _ => return None,
                        },
                        other => value.push(other),
                    }
                }
            }
        }
        (!is_quoted).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Vec<String>, usize> {
        let show = |setting: Setting| {
            let subsection = setting.subsection.map_or(String::new(), |subsection| format!(".{subsection}"));
            format!("{}{subsection}.{}={}", setting.section, setting.key, setting.value.as_deref().unwrap_or("true"))
        };
        parse(text).map(|settings| settings.into_iter().map(show).collect())
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        for (text, expected) in [
            ("", vec![]),
            ("\u{feff}[core]\r\n\tbare = true\r\n", vec!["core.bare=true"]),
            ("[Core] BARE\n[a]b=c", vec!["core.bare=true", "a.b=c"]),
            ("[remote \"My Fork\"] url = https://x/y  # mine\n", vec!["remote.My Fork.url=https://x/y"]),
            ("[remote \"a\\\"b\\\\c]\"]\nurl = \"x # y\" ; z\n", vec!["remote.a\"b\\c].url=x # y"]),
            ("[remote.OLD]\nurl = x", vec!["remote.old.url=x"]),
            ("[a]\nb = one\\\n two  \nc = \"  x\\t\" y\nd =\n", vec!["a.b=one two", "a.c=  x\t y", "a.d="]),
            ("# [a]\n; x\n[a] # c\nb", vec!["a.b=true"]),
        ] {
            assert_eq!(told(text), Ok(expected.into_iter().map(str::to_owned).collect()), "{text:?}");
        }
    }

    #[test]
    fn what_git_would_not_read_is_told_by_its_line() {
        for (text, line) in [
            ("x = 1", 1),
            ("[a]\n\n= 1\n", 3),
            ("[a\nb = 1", 2),
            ("[a \"b]\n", 2),
            ("[a]\nb = \"x\n", 3),
            ("[a]\nb = \\x", 2),
            ("[a]\nb c", 2),
            ("[]", 1),
        ] {
            assert_eq!(told(text), Err(line), "{text:?}");
        }
    }
}
