//! A JSON object as raw text: its members in their order, found by their keys, and changed without touching the rest.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::scan::{Broken, Ignore, Scanner};
use super::text::unescaped;

/// A part of a text. Texts are far below 4 GB.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Makes it of positions.
    pub fn new(range: Range<usize>) -> Self {
        let short = |position| u32::try_from(position).unwrap_or(u32::MAX);
        Self { start: short(range.start), end: short(range.end) }
    }

    /// Returns where it begins.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Returns where it ends.
    pub fn end(self) -> usize {
        self.end as usize
    }
}

/// One member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its key, with the quotes.
    pub key: Span,
    /// Its value.
    pub value: Span,
}

/// An object in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    /// The whole text.
    pub text: &'a [u8],
    /// The object in it, with its braces.
    pub span: Span,
    /// Its members as they stand there; of two with one key the later one counts.
    pub members: Vec<Member>,
}

impl<'a> Object<'a> {
    /// Reads a text that is an object and nothing else; a byte order mark may stand before it.
    pub fn document(text: &'a [u8]) -> Result<Self, Broken> {
        Self::document_like(text, None)
    }

    /// Like [`Object::document`], faster for a text that is mostly spelled as another one.
    pub fn document_like(text: &'a [u8], like: Option<&Object<'_>>) -> Result<Self, Broken> {
        let mut scanner = Scanner::of_document(text);
        if scanner.peek()? != b'{' {
            scanner.value(&mut Ignore)?;
            scanner.end()?;
            return Err(Broken::NotAnObject);
        }
        let object = Self::read(text, &mut scanner, like)?;
        scanner.end()?;
        Ok(object)
    }

    /// Reads an object within a text; `None` where another value stands.
    pub fn at(text: &'a [u8], value: Span) -> Option<Self> {
        Self::at_like(text, value, None)
    }

    /// Like [`Object::at`], faster for an object that is mostly spelled as another one.
    pub fn at_like(text: &'a [u8], value: Span, like: Option<&Object<'_>>) -> Option<Self> {
        if text.get(value.start()) != Some(&b'{') {
            return None;
        }
        Self::read(text, &mut Scanner::new(text, value.start()), like).ok()
    }

    fn read(text: &'a [u8], scanner: &mut Scanner<'a>, like: Option<&Object<'_>>) -> Result<Self, Broken> {
        let start = scanner.at();
        let mut known = like.map(Known::new);
        let mut members = Vec::new();
        scanner.pass(b'{')?;
        if scanner.peek()? != b'}' {
            loop {
                scanner.peek()?;
                let member = match known.as_mut().and_then(|known| known.next(text, scanner.at())) {
                    Some(member) => {
                        scanner.go_to(member.value.end());
                        member
                    }
                    None => Member { key: Span::new(scanner.key()?), value: Span::new(scanner.value(&mut Ignore)?) },
                };
                if let Some(known) = &mut known {
                    known.pass(&text[member.key.start()..member.key.end()]);
                }
                members.push(member);
                if scanner.peek()? == b'}' {
                    break;
                }
                scanner.pass(b',')?;
            }
        }
        scanner.pass(b'}')?;
        Ok(Self { text, span: Span::new(start..scanner.at()), members })
    }

    /// Returns a member's key as it is meant.
    pub fn key(&self, member: Member) -> Cow<'a, [u8]> {
        unescaped(self.raw(member.key))
    }

    /// Returns the raw text of a part.
    pub fn raw(&self, span: Span) -> &'a [u8] {
        &self.text[span.start()..span.end()]
    }

    /// Returns the member of a key that counts.
    pub fn get(&self, key: &str) -> Option<Member> {
        self.members.iter().rev().find(|member| self.key(**member) == key.as_bytes()).copied()
    }

    /// Returns the object that is the value of a key.
    pub fn object(&self, key: &str) -> Option<Self> {
        Self::at(self.text, self.get(key)?.value)
    }

    /// Returns the places of all members of a key.
    pub fn places(&self, key: &str) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(move |place| self.key(self.members[*place]) == key.as_bytes())
    }

    /// Whether a key has a member.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// Finds in one object what was found in another one already: bytes that are a member there are one here.
struct Known<'a, 'o> {
    object: &'o Object<'a>,
    /// The member that is expected next.
    place: usize,
}

impl<'a, 'o> Known<'a, 'o> {
    /// So many members may be missing on the other side until each is scanned.
    const WINDOW: usize = 8;

    fn new(object: &'o Object<'a>) -> Self {
        Self { object, place: 0 }
    }

    /// Returns the member here if it is spelled as the one that is expected.
    fn next(&self, text: &[u8], at: usize) -> Option<Member> {
        let Member { key, value } = *self.object.members.get(self.place)?;
        // Other values end where their last byte is; a number does not.
        if !matches!(self.object.text[value.start()], b'{' | b'[' | b'"') || !text[at..].starts_with(self.object.raw(Span { end: value.end, ..key }))
        {
            return None;
        }
        let moved = |position: usize| position - key.start() + at;
        let span = |span: Span| Span::new(moved(span.start())..moved(span.end()));
        Some(Member { key: span(key), value: span(value) })
    }

    /// Expects what follows this key.
    fn pass(&mut self, key: &[u8]) {
        let rest = self.object.members[self.place.min(self.object.members.len())..].iter().take(Self::WINDOW);
        let found = rest.map(|member| self.object.raw(member.key)).position(|known| known == key);
        self.place += found.map_or(0, |behind| behind + 1);
    }
}

/// Returns the elements of a list; `None` where another value stands.
pub fn elements(text: &[u8], value: Span) -> Option<Vec<Span>> {
    if text.get(value.start()) != Some(&b'[') {
        return None;
    }
    let mut scanner = Scanner::new(text, value.start());
    let mut elements = Vec::new();
    scanner.pass(b'[').ok()?;
    if scanner.peek().ok()? != b']' {
        loop {
            elements.push(Span::new(scanner.value(&mut Ignore).ok()?));
            if scanner.peek().ok()? == b']' {
                break;
            }
            scanner.pass(b',').ok()?;
        }
    }
    Some(elements)
}

/// Changes of a text: each replaces a part of it.
#[derive(Debug, Default)]
pub struct Edits<'a>(Vec<(Range<usize>, Cow<'a, [u8]>)>);

impl<'a> Edits<'a> {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces a part.
    pub fn replace(&mut self, span: Span, with: impl Into<Cow<'a, [u8]>>) {
        self.0.push((span.start()..span.end(), with.into()));
    }

    /// Drops the changes within a part.
    pub fn forget_in(&mut self, span: Span) {
        self.0.retain(|(range, _)| range.start < span.start() || span.end() < range.end);
    }

    /// Returns the changed text.
    pub fn apply(mut self, text: &[u8]) -> Vec<u8> {
        // What is put in at a place comes before what is taken out from there on.
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let added: usize = self.0.iter().map(|(_, with)| with.len()).sum();
        let mut changed = Vec::with_capacity(text.len() + added);
        let mut done = 0;
        for (range, with) in self.0 {
            changed.extend_from_slice(&text[done..range.start.max(done)]);
            changed.extend_from_slice(&with);
            done = range.end.max(done);
        }
        changed.extend_from_slice(&text[done..]);
        changed
    }
}

/// The raw key and the raw value of a member.
pub type Raw<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Members to be taken out of one object, and to be put in at its end.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// Places in [`Object::members`] that go.
    pub removed: Vec<usize>,
    /// Raw keys and values that come.
    pub added: Vec<Raw<'a>>,
}

impl<'a> Change<'a> {
    /// Notes the change in `edits`. What is added is laid out as the object's members are; in an object without any as the client does it, unless the
    /// text is not: `level` says how deep the object lies.
    pub fn note(self, object: &Object<'_>, is_pretty: bool, level: usize, edits: &mut Edits<'a>) {
        if self.removed.is_empty() && self.added.is_empty() {
            return;
        }
        let removed: HashSet<usize> = self.removed.iter().copied().collect();
        let (count, inside) = (object.members.len(), object.span.start() + 1);
        let end_of = |place: usize| object.members[place].value.end();
        let mut kept = (0..count).filter(|place| !removed.contains(place));
        let first_kept = kept.next().unwrap_or(count);
        let last_kept = kept.next_back().or((first_kept < count).then_some(first_kept));
        let nothing = Cow::Borrowed(&b""[..]);
        // Of what goes from the front the comma behind it goes, too; of the others, the one before.
        if first_kept > 0 {
            let to = if first_kept < count { comma_after(object.text, end_of(first_kept - 1)) } else { end_of(count - 1) };
            edits.0.push((inside..to, nothing.clone()));
        }
        for place in (first_kept..count).filter(|place| removed.contains(place)) {
            edits.0.push((end_of(place - 1)..end_of(place), nothing.clone()));
        }
        if !self.added.is_empty() {
            let at = last_kept.map_or(inside, end_of);
            edits.0.push((at..at, Cow::Owned(Layout::of(object, is_pretty, level).text(&self.added, last_kept.is_some()))));
        } else if last_kept.is_none() {
            // Nothing stays, not even the white space before the end.
            edits.0.push((end_of(count - 1)..object.span.end() - 1, nothing));
        }
    }
}

/// Returns the position behind the comma that follows.
fn comma_after(text: &[u8], from: usize) -> usize {
    memchr::memchr(b',', &text[from..]).map_or(from, |comma| from + comma + 1)
}

/// How the members of an object are laid out.
struct Layout<'a> {
    before: Cow<'a, [u8]>,
    colon: &'a [u8],
    end: Vec<u8>,
}

impl<'a> Layout<'a> {
    fn of(object: &Object<'a>, is_pretty: bool, level: usize) -> Self {
        let line = |level: usize| if is_pretty { format!("\n{}", "  ".repeat(level)).into_bytes() } else { Vec::new() };
        match object.members.last() {
            Some(last) => {
                let blanks = object.text[..last.key.start()].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
                let before = &object.text[last.key.start() - blanks..last.key.start()];
                Self { before: before.into(), colon: &object.text[last.key.end()..last.value.start()], end: Vec::new() }
            }
            None => Self { before: line(level + 1).into(), colon: if is_pretty { b": " } else { b":" }, end: line(level) },
        }
    }

    fn text(&self, added: &[Raw<'_>], follows: bool) -> Vec<u8> {
        let mut text = Vec::new();
        for (number, (key, value)) in added.iter().enumerate() {
            if follows || number > 0 {
                text.push(b',');
            }
            for part in [&self.before, key, self.colon, value] {
                text.extend_from_slice(part);
            }
        }
        text.extend_from_slice(&self.end);
        text
    }
}

/// Whether the members of a text's object stand on lines of their own; of an empty one they should.
pub fn is_pretty(document: &Object<'_>) -> bool {
    let Some(first) = document.members.first() else { return true };
    document.text[document.span.start()..first.key.start()].contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member() -> impl Strategy<Value = String> {
        let value =
            prop_oneof![r"[0-3]{1,2}", r#""[ab\\"]{0,3}""#, r#"\{ ?("a" ?: ?[12])? ?\}"#, r"\[ ?[12]? ?\]", "true|null", r#"[\[\]{},:" ]{0,2}"#];
        (r#" ?"[a-c]" ?: ?"#, value, " ?").prop_map(|(key, value, blank)| key + &value + &blank)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn what_is_known_of_another_text_changes_nothing(
            members in prop::collection::vec(member(), 0..6),
            others in prop::collection::vec((0..8_usize, member()), 0..8),
            ends in (r"[ }]?\}? ?", r"\{? ?"),
        ) {
            let like = format!("{{{}}}", members.join(","));
            let mixed: Vec<_> = others.iter().map(|(place, other)| members.get(*place).unwrap_or(other).as_str()).collect();
            let text = format!("{}{{{}}}{}", ends.1, mixed.join(","), ends.0);
            let Ok(like) = Object::document(like.as_bytes()) else { return Ok(()) };
            let (plain, fast) = (Object::document(text.as_bytes()), Object::document_like(text.as_bytes(), Some(&like)));
            prop_assert_eq!(plain, fast, "{}", text);
        }
    }

    #[test]
    fn members_that_are_missing_or_new_do_not_hide_those_behind_them() {
        let like = Object::document(br#"{"a": {}, "b": [1], "c": "x", "d": {"y": 1}}"#).unwrap();
        for text in [r#"{"b": [1],"d": {"y": 1}}"#, r#"{"n": 1, "a": {}, "c": "x","m": {}, "d": {"y": 1} }"#, r#"{"d": {"y": 1}, "a": {}}"#, "{}"] {
            assert_eq!(Object::document_like(text.as_bytes(), Some(&like)), Object::document(text.as_bytes()));
        }
    }
}
