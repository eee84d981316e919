//! Text that must never be seen: a token, a key.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::io;

/// Holds a secret. Whoever needs its text says so by [`Secret::reveal`]; no formatting shows it, and nothing serialises it by itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// The longest that one from outside may be, in bytes.
    pub const LIMIT: usize = 4096;

    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Takes in what somebody typed or piped, less the end of its line. Says what is wrong in words that repeat nothing of it.
    pub fn from_input(input: &[u8]) -> Result<Self, &'static str> {
        let line = input.strip_suffix(b"\n").unwrap_or(input);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            [] => Err("it is empty"),
            _ if line.len() > Self::LIMIT => Err("it is over 4 KiB"),
            // It travels in a header of a request, where nothing else can stand.
            _ if !line.iter().all(u8::is_ascii_graphic) => Err("it has blanks, control characters or letters that no key has"),
            _ => Ok(Self(line.iter().copied().map(char::from).collect())),
        }
    }

    /// Returns what tells this secret from any other and says nothing of it: a hash.
    pub fn fingerprint(&self) -> String {
        io::hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// Returns the text, for a request or a private file.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn no_formatting_shows_a_secret() {
        assert_eq!(format!("{:?}", Some(Secret::new("tok"))), "Some([secret])");
    }

    #[test]
    fn the_end_of_a_line_is_no_part_of_a_secret_and_nothing_else_is_cut() {
        for input in ["tok", "tok\n", "tok\r\n"] {
            assert_eq!(Secret::from_input(input.as_bytes()).unwrap().reveal(), "tok");
        }
        let longest = "x".repeat(Secret::LIMIT);
        assert!(Secret::from_input(longest.as_bytes()).is_ok());
        for bad in ["", "\n", " tok", "tok ", "to k", "tok\n\n", "tok\ntok\n", "t\u{1b}ok", "t\0ok", "tök", &(longest + "x")] {
            assert!(Secret::from_input(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Secret::from_input(b"to\xff").is_err());
    }
}
