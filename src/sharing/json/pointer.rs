//! How members are named: by JSON pointers (RFC 6901), and, where a user reads them, without the first slash.

use crate::io::json::unescaped;

/// Returns the name of the member that raw keys lead to: an outermost one is called by its key.
pub fn name(path: &[&[u8]]) -> String {
    path.iter().map(|key| escaped(&unescaped(key))).collect::<Vec<_>>().join("/")
}

/// Returns the JSON pointer of that member.
pub fn of(path: &[&[u8]]) -> String {
    format!("/{}", name(path))
}

/// Returns a key as it stands in a name.
pub fn escaped(key: &[u8]) -> String {
    String::from_utf8_lossy(key).replace('~', "~0").replace('/', "~1")
}
