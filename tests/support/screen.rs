//! From what a shell wrote to the terminal to what a user would read.

/// The sign that fish puts behind output without a final line break.
const FISH_OMITTED_NEWLINE: char = '\u{23ce}';

/// Returns the text without escape sequences, carriage returns and fish's omitted-newline sign, and without final line breaks.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let plain = without_escapes(&text);
    let text = without_fish_sign(&plain).replace('\r', "");
    text.trim_end_matches('\n').to_owned()
}

/// Removes CSI, OSC and two-character sequences.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{7}' => {}
            other => plain.push(other),
        }
    }
    plain
}

fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        // CSI: parameters, then one final character.
        Some('[') => {
            rest.find(|character| ('@'..='~').contains(character));
        }
        // OSC, DCS and their kind: up to BEL or ESC \.
        Some(']' | 'P' | '_' | '^') => {
            let end = rest.find(|character| matches!(character, '\u{7}' | '\u{1b}'));
            if end == Some('\u{1b}') {
                rest.next();
            }
        }
        // Choosing a character set: one more character.
        Some('(' | ')' | '*' | '+') => {
            rest.next();
        }
        _ => {}
    }
}

/// Before each prompt fish writes the sign, a line of blanks, and goes back; the sign stays visible only behind output that lacks
/// its final line break. Here it is cut in both cases: a test compares what was printed. What a prompt event prints comes behind it.
fn without_fish_sign(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(FISH_OMITTED_NEWLINE) {
        plain.push_str(before);
        rest = behind_drawn_sign(behind).unwrap_or_else(|| {
            plain.push(FISH_OMITTED_NEWLINE);
            behind
        });
    }
    plain + rest
}

/// Returns what follows the blanks that go with a drawn sign; `None` when the sign was output like any other.
fn behind_drawn_sign(behind: &str) -> Option<&str> {
    let at_start = behind.trim_start_matches(' ').strip_prefix('\r')?;
    // It is drawn twice, first to find out whether it wraps.
    let second = at_start.strip_prefix(FISH_OMITTED_NEWLINE).and_then(|rest| rest.trim_start_matches(' ').strip_prefix('\r'));
    Some(second.unwrap_or(at_start))
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_user_reads_text_not_escapes() {
        let cases: [(&[u8], &str); 7] = [
            (b"hello\r\n", "hello"),
            (b"\x1b[?2004l\rhello\r\nworld\r\n\x1b[?2004h", "hello\nworld"),
            (b"\x1b]0;title\x07a\x1b]0;title\x1b\\b\x1b(Bc\x1b=d", "abcd"),
            (b"\x1b[1;31mred\x1b[0m and \x1b[Kgone\x07", "red and gone"),
            ("abc\u{23ce}    \r\u{23ce} \r".as_bytes(), "abc"),
            ("\u{23ce}    \r\u{23ce} \rtold by an event\r\n".as_bytes(), "told by an event"),
            ("a \u{23ce} b\n".as_bytes(), "a \u{23ce} b"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(readable(bytes), expected, "{bytes:?}");
        }
    }
}
