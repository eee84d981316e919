//! A scanner of JSON text that accepts what the client's parser (`JSON.parse`) accepts, and builds nothing.
//!
//! It is not recursive, so no text can overflow the stack. A byte order mark is skipped and lone surrogates are accepted, as the client does it. Bytes
//! that are not UTF-8 are accepted, too: the client replaces them when it reads, and what is copied as raw text stays as it was.

use std::fmt;
use std::ops::Range;

/// The deepest nesting that is read.
const DEEPEST: usize = 10_000;

/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a text is not JSON, or not the JSON that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It ends too early, as a file does that is being written.
    EndsEarly,
    /// It is wrong here: the line, counted from 1.
    At(usize),
    /// It is nested too deeply.
    TooDeep,
    /// It is JSON, but not an object.
    NotAnObject,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsEarly => write!(f, "it ends too early"),
            Self::At(line) => write!(f, "line {line} is not JSON"),
            Self::TooDeep => write!(f, "it is nested over {DEEPEST} levels deep"),
            Self::NotAnObject => write!(f, "it is not an object"),
        }
    }
}

impl std::error::Error for Broken {}

/// Is told what a scan meets.
pub trait Visitor {
    /// A string with its quotes, a number or a literal.
    fn scalar(&mut self, raw: &[u8]);
    /// A key with its quotes; its value follows.
    fn key(&mut self, raw: &[u8]);
    /// The beginning of an object or of a list.
    fn open(&mut self, is_object: bool);
    /// The end of the innermost one.
    fn close(&mut self);
}

/// Ignores everything: the scan only finds where a value ends.
pub struct Ignore;

impl Visitor for Ignore {
    fn scalar(&mut self, _: &[u8]) {}
    fn key(&mut self, _: &[u8]) {}
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
}

/// Reads one text from a position on.
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// The end marks of the lists and objects that are open.
    open: Vec<u8>,
}

/// Holds the eight bytes of a word that are all 1.
const ONES: u64 = 0x0101_0101_0101_0101;

impl<'a> Scanner<'a> {
    /// Begins at a position.
    pub fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at, open: Vec::new() }
    }

    /// Begins at the first value of a whole text.
    pub fn of_document(text: &'a [u8]) -> Self {
        let mut scanner = Self::new(text, if text.starts_with(BOM) { BOM.len() } else { 0 });
        scanner.skip_blanks();
        scanner
    }

    /// Returns where the scan is.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on behind what is known to be whole.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Fails unless nothing but white space follows.
    pub fn end(&mut self) -> Result<(), Broken> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.broken()) }
    }

    /// Returns the next byte that is not white space.
    pub fn peek(&mut self) -> Result<u8, Broken> {
        self.skip_blanks();
        self.byte()
    }

    /// Passes a mark that must be next.
    pub fn pass(&mut self, mark: u8) -> Result<(), Broken> {
        if self.peek()? != mark {
            return Err(self.broken());
        }
        self.at += 1;
        Ok(())
    }

    /// Passes a key and the colon behind it; returns where the key is, with its quotes.
    pub fn key(&mut self) -> Result<Range<usize>, Broken> {
        if self.peek()? != b'"' {
            return Err(self.broken());
        }
        let start = self.at;
        self.string()?;
        let key = start..self.at;
        self.pass(b':')?;
        Ok(key)
    }

    /// Passes one value, whatever it is; returns where it is.
    pub fn value(&mut self, visitor: &mut impl Visitor) -> Result<Range<usize>, Broken> {
        self.skip_blanks();
        let (start, outside) = (self.at, self.open.len());
        loop {
            let is_complete = self.beginning(visitor)?;
            if is_complete && self.ending(visitor, outside)? {
                return Ok(start..self.at);
            }
        }
    }

    /// Passes a scalar, an empty list or object, or the beginning of one up to its first value. Whether the value is complete.
    fn beginning(&mut self, visitor: &mut impl Visitor) -> Result<bool, Broken> {
        let start = self.at;
        match self.byte()? {
            b'"' => self.string()?,
            b'{' => return self.opened(b'}', visitor),
            b'[' => return self.opened(b']', visitor),
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.literal(b"true")?,
            b'f' => self.literal(b"false")?,
            b'n' => self.literal(b"null")?,
            _ => return Err(self.broken()),
        }
        visitor.scalar(&self.text[start..self.at]);
        Ok(true)
    }

    fn opened(&mut self, end: u8, visitor: &mut impl Visitor) -> Result<bool, Broken> {
        self.at += 1;
        if self.open.len() == DEEPEST {
            return Err(Broken::TooDeep);
        }
        visitor.open(end == b'}');
        if self.peek()? == end {
            self.at += 1;
            visitor.close();
            return Ok(true);
        }
        self.open.push(end);
        if end == b'}' {
            self.visited_key(visitor)?;
        }
        Ok(false)
    }

    /// Passes what follows a value: commas lead to the next one, end marks complete what is around it. Whether the outermost value is complete.
    fn ending(&mut self, visitor: &mut impl Visitor, outside: usize) -> Result<bool, Broken> {
        while self.open.len() > outside {
            let end = self.open.last().copied().unwrap_or_default();
            let mark = self.peek()?;
            if mark == end {
                self.at += 1;
                self.open.pop();
                visitor.close();
            } else if mark == b',' {
                self.at += 1;
                if end == b'}' {
                    self.visited_key(visitor)?;
                } else {
                    self.skip_blanks();
                }
                return Ok(false);
            } else {
                return Err(self.broken());
            }
        }
        Ok(true)
    }

    fn visited_key(&mut self, visitor: &mut impl Visitor) -> Result<(), Broken> {
        let key = self.key()?;
        visitor.key(&self.text[key]);
        self.skip_blanks();
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Result<u8, Broken> {
        self.text.get(self.at).copied().ok_or(Broken::EndsEarly)
    }

    /// What is wrong here, or that the text ends here.
    fn broken(&self) -> Broken {
        if self.at >= self.text.len() {
            return Broken::EndsEarly;
        }
        Broken::At(1 + memchr::memchr_iter(b'\n', &self.text[..self.at]).count())
    }

    fn string(&mut self) -> Result<(), Broken> {
        self.at += 1;
        loop {
            self.skip_plain();
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                0..0x20 => return Err(self.broken()),
                _ => self.at += 1,
            }
        }
    }

    /// Passes what stands for itself in a string, eight bytes at a time.
    fn skip_plain(&mut self) {
        while let Some(eight) = self.text[self.at..].first_chunk() {
            let special = special_bytes(u64::from_le_bytes(*eight));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
    }

    fn escape(&mut self) -> Result<(), Broken> {
        self.at += 1;
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.byte()?.is_ascii_hexdigit() {
                        return Err(self.broken());
                    }
                }
                self.at += 1;
            }
            _ => return Err(self.broken()),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Broken> {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let b'+' | b'-' = self.byte()? {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Broken> {
        if !self.byte()?.is_ascii_digit() {
            return Err(self.broken());
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Broken> {
        let rest = &self.text[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        if word.starts_with(rest) { Err(Broken::EndsEarly) } else { Err(self.broken()) }
    }
}

/// Marks the bytes of a word that mean something in a string: control characters, quotes and backslashes. The lowest mark is always right; one above
/// it can be a carry.
fn special_bytes(word: u64) -> u64 {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    let marked = controls | zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
    marked & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn scan(text: &[u8]) -> Result<(), Broken> {
        let mut scanner = Scanner::of_document(text);
        scanner.value(&mut Ignore)?;
        scanner.end()
    }

    #[test]
    fn what_the_client_accepts_is_accepted_and_what_it_refuses_is_refused() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let accepted = ["\u{feff}{}", r#""\ud800""#, r#"{"a":1,"a":2}"#, " [1 , -0.5e+7 , null ] ", r#""\u0043\/""#, "\"\u{7f}\"", &deep(10_000)];
        for text in accepted {
            assert_eq!(scan(text.as_bytes()), Ok(()), "{text:.40}");
        }
        let words = "01 1. .5 +1 1e - [1,] {\"a\":1,} {a:1} 'a' \"\\x\" \"\\u12g4\" nul nulll NaN { \"a".split(' ');
        let others = ["\"\t\"", "{} {}", "\u{feff}\u{feff}{}", "[1 2]", "{\"a\" 1}", "// x\n1", "\u{a0}1", ""];
        let refused = words.chain(others);
        for text in refused {
            assert!(scan(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert_eq!(scan(deep(10_001).as_bytes()), Err(Broken::TooDeep));
        assert_eq!(scan("[".repeat(1_000_000).as_bytes()), Err(Broken::TooDeep));
    }

    #[test]
    fn a_text_that_is_cut_anywhere_ends_too_early() {
        let text = r#"{"a": [true, false, null, -1.5e-3, "x\"\u00e9"], "b": {"c": {}}}"#;
        for end in 0..text.len() {
            assert_eq!(scan(&text.as_bytes()[..end]), Err(Broken::EndsEarly), "{}", &text[..end]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn it_agrees_with_a_parser(text in r#"[\[\]{},:"\\ua0-3e.+\- \ntrufalsn]{0,14}"#) {
            // A parser that refuses what JSON.parse accepts: lone surrogates.
            prop_assume!(!text.contains("\\u"));
            prop_assert_eq!(scan(text.as_bytes()).is_ok(), serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        }

        #[test]
        fn no_special_byte_of_a_string_is_passed_over(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut scanner = Scanner::new(&bytes, 0);
            scanner.skip_plain();
            let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
            let first = bytes.iter().position(is_special).unwrap_or(bytes.len());
            prop_assert!(scanner.at <= first && first - scanner.at < 8);
        }
    }
}
