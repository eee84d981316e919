//! JSON: read as the client reads it, changed as text, and written to files and as the `--json` of a command.

mod object;
mod scan;
mod text;
mod value;

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Serialize;

use super::say::is_control;

pub use object::{Change, Edits, Member, Object, Raw, Span, elements, is_pretty};
pub use scan::{Broken, Ignore, Scanner, Visitor};
pub use text::{compact, unescaped};
pub use value::{state, value};

/// Returns a value as JSON, for a file that nobody else reads.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("could not write JSON")
}

/// Returns a value as Claude Code writes its files, a key on a line.
pub fn pretty_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).context("could not write JSON")
}

/// Prints a value, the schema's number first.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        schema: u32,
        #[serde(flatten)]
        value: &'a T,
    }
    let text = serde_json::to_string_pretty(&Versioned { schema: 1, value })?;
    super::print(escape_controls(&text) + "\n")?;
    Ok(())
}

/// Escapes what a terminal would obey, as JSON does it: all of it stands inside strings, but for the line breaks, and lies below U+10000.
fn escape_controls(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, character| {
        if is_control(character) && character != '\n' {
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
        safe
    })
}
