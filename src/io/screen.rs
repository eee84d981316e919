//! Text in columns: how wide it may be and is, and whether it may be coloured.
//!
//! What is measured here must be safe for the terminal already ([`super::terminal_safe`]), and is coloured last: an escape has no width.

use std::io::{IsTerminal, stdout};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::env::Env;
use crate::sys;

/// The columns of what is no terminal and says none.
const USUAL: usize = 80;

/// The fewest columns that text is made for, and the most: a line that is longer is hard to read.
const FEWEST: usize = 20;
const MOST: usize = 100;

/// Knows what standard output takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// How many columns a line may have.
    pub columns: usize,
    /// Whether it may be coloured.
    pub has_colour: bool,
}

/// Says what a text is, for the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Not for long.
    Warning,
    /// Nothing is left.
    Bad,
    /// A title.
    Strong,
    /// Beside the point.
    Faint,
}

impl Screen {
    /// Looks at standard output, and at what the user wants of it.
    pub fn stdout(env: &Env) -> Self {
        let columns = env.columns().or_else(sys::terminal_columns).unwrap_or(USUAL).clamp(FEWEST, MOST);
        Self { columns, has_colour: env.wants_colour(stdout().is_terminal()) }
    }

    /// Returns the text in the colour of a tone, where there are colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Warning => 33,
            Tone::Bad => 31,
            Tone::Strong => 1,
            Tone::Faint => 2,
        };
        if self.has_colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

/// Returns the number of columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns the text with blanks behind it, so many that it takes this number of columns.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Returns the text, cut where it takes more than this number of columns.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let mut taken = 1; // the ellipsis
    let fits = |character: &char| {
        taken += character.width().unwrap_or(0);
        taken <= columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Breaks a text at plain blanks into lines of at most this number of columns; a word that is longer is cut.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, columns)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_and_marks_none() {
        for (text, expected) in [("", 0), ("work", 4), ("日本", 4), ("e\u{301}", 1), ("█░…·", 4)] {
            assert_eq!(width(text), expected, "{text}");
        }
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(pad("too long", 3), "too long");
    }

    #[test]
    fn what_is_cut_says_so_and_fits() {
        for (text, columns, expected) in [("work", 4, "work"), ("works", 4, "wor…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("ab", 1, "…")]
        {
            assert_eq!(cut(text, columns), expected);
            assert!(width(&cut(text, columns)) <= columns, "{text} in {columns}");
        }
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("resets Tue 14:30, in 3 d 4 h", 17), ["resets Tue 14:30,", "in 3 d 4 h"]);
        assert_eq!(wrap("日本語 日本語 x", 8), ["日本語", "日本語 x"]);
        assert_eq!(wrap("extraordinary day", 8), ["extraor…", "day"]);
        assert!(wrap(" ", 8).is_empty());
    }

    #[test]
    fn only_a_screen_with_colours_gets_an_escape() {
        let screen = |has_colour| Screen { columns: 80, has_colour };
        assert_eq!(screen(true).paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!((screen(false).paint(Tone::Bad, "x"), screen(true).paint(Tone::Bad, "")), ("x".into(), String::new()));
    }
}
