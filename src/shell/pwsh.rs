//! PowerShell 7.

use std::fmt::Write as _;

use super::{Answer, Place, binding_above, epoch_test};
use crate::env::change::Change;

/// Quotes by single quotes, in which five characters end the string and are doubled to stand for themselves.
///
/// What is not printable ASCII would pass through the console's encoding, an old code page on Windows: such a value is written as a
/// double-quoted string of escapes.
pub fn quote(value: &str) -> String {
    if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return format!("'{}'", value.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '$' | '`' => {
                quoted.push('`');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            _ => {
                let _ = write!(quoted, "`u{{{:x}}}", u32::from(character));
            }
        }
    }
    quoted + "\""
}

pub fn change(_: &Change) -> String {
    String::new()
}
pub fn pin(_: Option<&str>) -> String {
    String::new()
}
pub fn watch(a: &Answer) -> String {
    let _ = (a.place == Place::Unsure, binding_above(0), epoch_test(&a.epoch));
    String::new()
}
