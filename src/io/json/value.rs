//! Values of a text that another program wrote, to be looked at and not to be written back.

use serde_json::{Map, Value};

use super::object::Object;
use super::scan::Broken;

/// Reads an object as the client does: a byte order mark and lone surrogates are no hindrance.
///
/// A lone surrogate becomes U+FFFD, and a member that is nested too deeply for a [`Value`] is left out: what is written back must be changed as text.
pub fn state(text: &[u8]) -> Result<Map<String, Value>, Broken> {
    let object = Object::document(text)?;
    let member = |member| {
        let member: super::Member = member;
        Some((string(&object.key(member)), value(object.raw(member.value))?))
    };
    Ok(object.members.iter().copied().filter_map(member).collect())
}

/// Reads one raw value; `None` if it is nested too deeply.
pub fn value(raw: &[u8]) -> Option<Value> {
    serde_json::from_slice(raw).ok().or_else(|| serde_json::from_str(&without_lone_surrogates(raw)).ok())
}

fn string(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// Returns a text in which each lone surrogate is escaped as U+FFFD.
fn without_lone_surrogates(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut safe = String::with_capacity(text.len());
    let mut rest = &text[..];
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        safe.push_str(before);
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                safe.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        safe.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    safe + rest
}

/// Returns the number of a `\u` escape that stands here.
fn unit(escape: &str) -> Option<u32> {
    u32::from_str_radix(escape.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_client_reads_is_read() {
        let deep = "[".repeat(500) + &"]".repeat(500);
        let text = format!("\u{feff}{{\"env\": {{\"A\": \"\\ud800x\\\\ud800 \\ud83d\\ude00\"}}, \"\\udc00\": 1, \"deep\": {deep}}}");
        let expected = json!({"env": {"A": "\u{fffd}x\\ud800 \u{1f600}"}, "\u{fffd}\u{fffd}\u{fffd}": 1});
        assert_eq!(Value::Object(state(text.as_bytes()).unwrap()), expected);
        assert_eq!(state(b"{\"a\": "), Err(Broken::EndsEarly));
        assert_eq!(state(b"[]"), Err(Broken::NotAnObject));
    }
}
