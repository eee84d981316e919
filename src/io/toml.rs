//! Where in a TOML file something is wrong.

/// Holds a place in a text, counted from 1, and what is wrong there in one line.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The parser's words, without the excerpt it draws.
    pub reason: String,
}

impl Complaint {
    /// Translates the parser's byte offset.
    pub fn new(text: &str, error: &::toml::de::Error) -> Self {
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        Self::at(text, error.span().map_or(0, |span| span.start), reason)
    }

    /// Names the place at a byte offset.
    pub fn at(text: &str, offset: usize, reason: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column, reason }
    }
}
