//! Text that must never be seen: a token, a key.

use std::fmt;

/// Holds a secret. Whoever needs its text says so by [`Secret::reveal`]; no formatting shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
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
}
