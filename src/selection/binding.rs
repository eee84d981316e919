//! The file that binds a directory: `.clauth.toml`.
//!
//! It comes from a project, so it may come from anyone: it selects a profile by name and can do nothing else.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use crate::error::Mistake;
use crate::io::{self, Complaint};
use crate::name::{DEFAULT, ProfileName};
use crate::sys;

/// The most that a binding may hold, in bytes.
const LIMIT: usize = 4096;

/// What a binding asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// As if nothing were bound here.
    Default,
    /// A profile, or an alias of one.
    Profile(ProfileName),
}

impl Target {
    /// Returns the name as it stands in the file.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Default => DEFAULT,
            Self::Profile(name) => name.as_str(),
        }
    }

    /// Reads a name: `default`, or a profile's.
    pub fn parse(name: &str) -> Result<Self, Mistake> {
        if name == DEFAULT { Ok(Self::Default) } else { Ok(Self::Profile(name.parse()?)) }
    }
}

/// Holds one `.clauth.toml` as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// What it asks for.
    pub target: Target,
    /// The whole text.
    pub text: String,
    /// Where in the text the name's value stands, quotes included.
    value: Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingFile {
    profile: toml::Spanned<String>,
}

impl Binding {
    /// Reads a binding; whatever is not a small regular file with one known key is refused, and never waited for.
    pub fn read(file: &Path) -> Result<Self, Mistake> {
        let shown = || file.display().to_string();
        let unreadable = |error: std::io::Error| Mistake::BindingUnreadable { file: shown(), reason: error.to_string() };
        // Asked before it is opened: opening a device can have effects, and the answer for what stands there now is checked again after.
        let meta = match fs::metadata(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Mistake::BindingDangling { file: shown() }),
            other => other.map_err(unreadable)?,
        };
        let not_regular = || Mistake::BindingNotRegular { file: shown() };
        if !meta.is_file() {
            return Err(not_regular());
        }
        let opened = sys::open_for_reading(file).map_err(unreadable)?;
        if !opened.metadata().map_err(unreadable)?.is_file() {
            return Err(not_regular());
        }
        let bytes = io::read_bounded(opened, LIMIT).map_err(unreadable)?.ok_or_else(|| Mistake::BindingTooLarge { file: shown() })?;
        Self::parse(bytes).map_err(|complaint| Mistake::BindingInvalid {
            file: shown(),
            line: complaint.line.to_string(),
            column: complaint.column.to_string(),
            reason: complaint.reason,
        })
    }

    fn parse(bytes: Vec<u8>) -> Result<Self, Complaint> {
        let text = String::from_utf8(bytes).map_err(|_| Complaint { line: 1, column: 1, reason: "not UTF-8 text".into() })?;
        let parsed: BindingFile = toml::from_str(&text).map_err(|error| Complaint::new(&text, &error))?;
        let value = parsed.profile.span();
        match Target::parse(parsed.profile.get_ref()) {
            Ok(target) => Ok(Self { target, text, value }),
            Err(mistake) => {
                let (what, remedy) = mistake.parts();
                Err(Complaint::at(&text, value.start, format!("{what}: {remedy}")))
            }
        }
    }

    /// Returns the text with another name, the user's comments kept.
    pub fn with_target(&self, target: &Target) -> String {
        let mut text = self.text.clone();
        text.replace_range(self.value.clone(), &format!("\"{}\"", target.as_str()));
        text
    }

    /// Returns the text of a new file.
    pub fn new_text(target: &Target) -> String {
        format!("profile = \"{}\"\n", target.as_str())
    }

    /// Whether a shell can hold the text and compare it by itself: short and printable ASCII.
    pub fn fits_a_shell(&self) -> bool {
        let printable = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
        self.text.len() <= 256 && self.text.bytes().all(printable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Binding, Complaint> {
        Binding::parse(text.as_bytes().to_vec())
    }

    #[test]
    fn a_binding_selects_a_profile_and_nothing_else() {
        assert_eq!(parse("profile = \"work\"").unwrap().target, Target::Profile("work".parse().unwrap()));
        assert_eq!(parse("profile = 'default'\n").unwrap().target, Target::Default);
        for bad in ["", "profile = 7", "profile = \"../x\"", "profile = \"\"", "profile = \"a\"\nenv = {}", "profile = \"a\"\n[settings]", "x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_complaint_says_line_and_column() {
        let complaint = parse("# é\nprofile = \"a\"\nprofil = 1\n").unwrap_err();
        assert_eq!((complaint.line, complaint.column), (3, 1));
        let complaint = parse("# é\nprofile = \"a/b\"\n").unwrap_err();
        assert_eq!((complaint.line, complaint.column), (2, 11));
    }

    #[test]
    fn another_name_keeps_the_comments() {
        let binding = parse("# ours\nprofile = 'work' # team\n").unwrap();
        assert_eq!(binding.with_target(&Target::Default), "# ours\nprofile = \"default\" # team\n");
    }
}
