//! Profile names.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Mistake;

/// The name in a `.clauth.toml` that means "as if nothing were bound here".
pub const DEFAULT: &str = "default";

/// Holds a checked profile name: 1 to 64 of `[A-Za-z0-9._-]`, starting with a letter or digit, and not `default`.
///
/// It is safe as a file name and as a word in any shell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

impl ProfileName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let spelled_well = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !starts_well || !spelled_well || text.len() > 64 {
            return Err(Mistake::BadName { name: text.into() });
        }
        if text.eq_ignore_ascii_case(DEFAULT) {
            return Err(Mistake::ReservedName { name: text.into() });
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for ProfileName {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<Path> for ProfileName {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

/// Returns that one of the known words which is nearly this one, if any is.
pub fn nearest<'a>(known: impl IntoIterator<Item = &'a str>, word: &str) -> Option<&'a str> {
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &word.to_lowercase());
    let best = known.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    best.filter(|best| likeness(best) > 0.7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_as_files_and_as_words() {
        for good in ["work", "a", "0", "Work-2.client_x", &"x".repeat(64)] {
            assert!(good.parse::<ProfileName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "-x", ".hidden", "a/b", "a b", "é", "a\n", "$(x)", &"x".repeat(65)] {
            assert!(matches!(bad.parse::<ProfileName>(), Err(Mistake::BadName { .. })), "{bad}");
        }
        for reserved in ["default", "DEFAULT"] {
            assert!(matches!(reserved.parse::<ProfileName>(), Err(Mistake::ReservedName { .. })));
        }
    }
}
