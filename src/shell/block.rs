//! The lines that `clauth setup` keeps in a startup file, between two marks: pure.

use std::ops::Range;

/// Stands before clauth's lines.
const BEGIN: &str = "# >>> clauth >>>";

/// Stands behind them.
const END: &str = "# <<< clauth <<<";

/// Notes that the line before the marks had no end, so that it gets none when they go.
const OPEN_END: &str = "# (the line above had no end)\n";

/// Returns the text with these lines in it: in the place of those that stood there, else at the end.
pub fn insert(text: &str, lines: &str) -> String {
    if let Some((before, old, after)) = split(text) {
        let note = if has_note(old) { OPEN_END } else { "" };
        return format!("{before}{BEGIN}\n{note}{lines}{END}\n{after}");
    }
    let (gap, note) = match text {
        "" => ("", ""),
        text if text.ends_with('\n') => ("\n", ""),
        _ => ("\n\n", OPEN_END),
    };
    format!("{text}{gap}{BEGIN}\n{note}{lines}{END}\n")
}

fn has_note(block: &str) -> bool {
    block.strip_prefix(BEGIN).is_some_and(|rest| rest.trim_start_matches(['\r', '\n']).starts_with(OPEN_END))
}

/// Returns the text without clauth's lines, as it was before they came.
pub fn remove(text: &str) -> String {
    let Some((before, block, after)) = split(text) else { return text.into() };
    let gap = if has_note(block) && after.is_empty() { "\n\n" } else { "\n" };
    let before = if before.ends_with("\n\n") { before.strip_suffix(gap).unwrap_or(before) } else { before };
    format!("{before}{after}")
}

/// Whether the text asks for the hook by a line of the user's own.
pub fn is_hooked_by_hand(text: &str) -> bool {
    is_hooked(&remove(text))
}

/// Whether the text asks for the hook, by whatever line; the program's path may stand there in quotes.
pub fn is_hooked(text: &str) -> bool {
    let asks = |line: &str| line.split("clauth").skip(1).any(|rest| rest.trim_start_matches(['\'', '"']).starts_with(" hook "));
    text.lines().any(|line| asks(line) && !line.trim_start().starts_with('#'))
}

/// Whether a line that asks for the hook finds the program by PATH.
pub fn calls_by_name(text: &str) -> bool {
    let is_name = |(at, _): (usize, &str)| !text[..at].ends_with(['/', '\\']);
    text.match_indices("clauth hook ").any(is_name)
}

/// Returns the numbers of the lines between the marks, with those of the marks, from 0.
pub fn own_lines(text: &str) -> Range<usize> {
    let count = |text: &str| text.matches('\n').count();
    split(text).map_or(0..0, |(before, own, _)| count(before)..count(before) + own.lines().count())
}

/// Splits the text at the marks; a begin without an end is the user's to look at, and not touched.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let begin = line_starts(text).find(|at| text[*at..].lines().next() == Some(BEGIN))?;
    let end = line_starts(text).find(|at| *at > begin && text[*at..].lines().next() == Some(END))?;
    let after = text[end..].find('\n').map_or(text.len(), |length| end + length + 1);
    Some((&text[..begin], &text[begin..after], &text[after..]))
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inserted_is_removed_again_to_the_letter() {
        for text in ["", "\n", "a\n", "a\n\n", "# >>> other >>>\nx\n# <<< other <<<\n", "x # >>> clauth >>>\n"] {
            let inserted = insert(text, "hook\n");
            assert!(inserted.ends_with("# >>> clauth >>>\nhook\n# <<< clauth <<<\n"), "{inserted}");
            assert_eq!(remove(&inserted), text);
            assert_eq!(insert(&inserted, "hook\n"), inserted, "a second time changes nothing");
        }
        let open = insert("a", "hook\n");
        assert_eq!((remove(&open).as_str(), remove(&insert(&open, "new\n")).as_str()), ("a", "a"), "a last line without an end has none again");
        assert_eq!(remove(&format!("{open}b\n")), "a\nb\n", "unless something follows");
    }

    #[test]
    fn lines_that_changed_are_replaced_where_they_stand() {
        let text = "a\n\n# >>> clauth >>>\nold\nolder\n# <<< clauth <<<\nb\n";
        assert_eq!(insert(text, "new\n"), "a\n\n# >>> clauth >>>\nnew\n# <<< clauth <<<\nb\n");
        assert_eq!(remove(text), "a\nb\n");
    }

    #[test]
    fn a_mark_without_its_end_is_left_alone() {
        let text = "# >>> clauth >>>\nhook\n";
        assert_eq!(remove(text), text);
        assert!(insert(text, "hook\n").starts_with(text));
    }

    #[test]
    fn a_hook_by_hand_is_known() {
        assert!(is_hooked_by_hand("eval \"$(clauth hook bash)\"\n"));
        assert!(is_hooked_by_hand("eval \"$('/odd path/clauth' hook bash)\"\n") && !is_hooked_by_hand("clauth list\n"));
        assert!(!is_hooked_by_hand("# eval \"$(clauth hook bash)\"\n"));
        assert!(is_hooked("if command -v clauth >/dev/null; then eval \"$(clauth hook zsh)\"; fi\n"));
        assert!(!is_hooked_by_hand(&insert("", "eval \"$(clauth hook bash)\"\n")));
    }
}
