//! What a raw JSON string says.

use std::borrow::Cow;

/// Returns the bytes that a raw string with its quotes stands for: UTF-8, and a lone surrogate as three bytes that nothing else stands for.
pub fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let Some(first) = memchr::memchr(b'\\', inside) else { return Cow::Borrowed(inside) };
    let mut plain = inside[..first].to_vec();
    let mut rest = &inside[first..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else { break };
        rest = after;
        match escape {
            b'b' => plain.push(8),
            b'f' => plain.push(12),
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'u' => push_unit(&mut plain, &mut rest),
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// Pushes the character of a `\u` escape, of which the four digits follow; of a pair of surrogates, the one character of both.
fn push_unit(plain: &mut Vec<u8>, rest: &mut &[u8]) {
    let Some(unit) = hex_unit(rest) else { return };
    *rest = &rest[4..];
    let mut code = unit;
    if (0xd800..0xdc00).contains(&unit) {
        let low = rest.strip_prefix(b"\\u").and_then(hex_unit).filter(|low| (0xdc00..0xe000).contains(low));
        if let Some(low) = low {
            *rest = &rest[6..];
            code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    match char::from_u32(code) {
        Some(character) => plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        // A lone surrogate, written as UTF-8 would write it.
        None => plain.extend([code >> 12 | 0xe0, code >> 6 & 0x3f | 0x80, code & 0x3f | 0x80].map(|byte| byte.to_le_bytes()[0])),
    }
}

fn hex_unit(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits.get(..4)?).ok()?, 16).ok()
}

/// Returns a raw value without the white space between its parts, so that it fits on a line.
pub fn compact(raw: &[u8]) -> Vec<u8> {
    let mut compact = Vec::with_capacity(raw.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for &byte in raw {
        if in_string || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            compact.push(byte);
        }
        in_string ^= byte == b'"' && !is_escaped;
        is_escaped = in_string && byte == b'\\' && !is_escaped;
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_what_a_parser_says() {
        for raw in [r#""plain é""#, r#""\"\\\/\b\f\n\r\t""#, r#""\u0043LAUDE\u00e9\u20ac\ud83d\ude00!""#, r#""""#] {
            let parsed: String = serde_json::from_str(raw).unwrap();
            assert_eq!(unescaped(raw.as_bytes()), parsed.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn lone_surrogates_differ_from_each_other_and_from_a_pair() {
        let all = [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800\udc00""#, r#""\ufffd""#, r#""\ud800x""#]
            .map(|raw| unescaped(raw.as_bytes()));
        for (number, one) in all.iter().enumerate() {
            assert!(all[number + 1..].iter().all(|other| one != other));
        }
    }

    #[test]
    fn what_is_compact_says_the_same_on_one_line() {
        let raw = "{\n  \"a b\": [1, \"\\\" x\\\\\", { }],\t\"c\": \"\\n \"\r\n}";
        assert_eq!(compact(raw.as_bytes()), br#"{"a b":[1,"\" x\\",{}],"c":"\n "}"#);
    }
}
