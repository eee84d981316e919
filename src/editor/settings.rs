//! Reads, inserts and removes one setting in an editor's settings.json, and touches no other byte.
//!
//! The file is JSON with comments and trailing commas (JSONC). The parser finds the place; this module inserts one piece of text right after an opening brace,
//! because there no comma has to move and no comment of the user's changes what it is about.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::cst::{CstObject, CstRootNode};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::claude_code::editors::Setting;

/// The byte order mark that some editors write first; it is not part of the JSON.
const MARK: char = '\u{feff}';

/// What editors of VS Code's family take where a file has no indentation of its own.
const INDENT: &str = "    ";

/// What a file says of the setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The key is missing, or its value is null or empty.
    Nothing,
    /// The value; of another type than text as it is written there.
    Value(String),
}

/// A replacement of one piece of text by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The text before, usually empty.
    pub old: String,
    /// The text that clauth wrote.
    pub new: String,
}

/// What editors accept. By default the parser accepts JSON5 too, which an editor would reject.
fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// How far a path leads: the innermost object, how many keys lead there, and the last key itself, if it is there.
type Reached<'t, 'a> = (&'t Object<'a>, usize, Option<&'t ObjectProp<'a>>);

/// A file that was parsed.
struct Parsed<'a> {
    text: &'a str,
    root: Option<Object<'a>>,
    /// Where comments stand, in order.
    comments: Vec<Range<usize>>,
}

impl<'a> Parsed<'a> {
    /// Parses a text without its mark.
    fn of(text: &'a str) -> Result<Self, String> {
        let collected = CollectOptions { comments: CommentCollectionStrategy::Separate, tokens: false };
        let parsed = parse_to_ast(text, &collected, &options()).map_err(|error| {
            let line = text[..error.range().start.min(text.len())].matches('\n').count() + 1;
            format!("line {line}: {}", error.kind())
        })?;
        let mut comments: Vec<_> =
            parsed.comments.iter().flatten().flat_map(|(_, comments)| comments.iter()).map(|comment| comment.start()..comment.end()).collect();
        comments.sort_by_key(|comment| comment.start);
        comments.dedup();
        let root = match parsed.value {
            None => None,
            Some(Value::Object(object)) => Some(object),
            Some(_) => return Err("it is not an object".into()),
        };
        Ok(Self { text, root, comments })
    }

    /// Goes down the path as far as it leads; `None` in a file without any value.
    fn follow(&self, path: &[&str]) -> Result<Option<Reached<'_, 'a>>, String> {
        let Some(mut object) = self.root.as_ref() else { return Ok(None) };
        for (depth, key) in path.iter().enumerate() {
            // Of two the last one counts.
            let Some(found) = object.properties.iter().rfind(|property| property.name.as_str() == *key) else {
                return Ok(Some((object, depth, None)));
            };
            if depth + 1 == path.len() {
                return Ok(Some((object, depth, Some(found))));
            }
            let Value::Object(inner) = &found.value else { return Err(format!("its `{key}` is not an object")) };
            object = inner;
        }
        Ok(None)
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Returns the blanks at the beginning of the line of a place.
    fn indentation(&self, place: usize) -> &'a str {
        let line = &self.text[self.text[..place].rfind('\n').map_or(0, |end| end + 1)..place];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Returns one level of indentation, as the first key of the file has it.
    fn unit(&self) -> &'a str {
        let first = self.root.as_ref().and_then(|root| root.properties.first());
        first.map(|first| self.indentation(first.start())).filter(|indentation| !indentation.is_empty()).unwrap_or(INDENT)
    }
}

fn unmarked(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Looks at what a file says.
pub fn look(text: &str, setting: &Setting) -> Result<Said, String> {
    let parsed = Parsed::of(unmarked(text))?;
    let Some((_, _, Some(found))) = parsed.follow(setting.path)? else { return Ok(Said::Nothing) };
    Ok(match &found.value {
        Value::NullKeyword(_) => Said::Nothing,
        Value::StringLit(value) if value.value.is_empty() => Said::Nothing,
        Value::StringLit(value) => Said::Value(value.value.clone().into_owned()),
        other => Said::Value(parsed.text[other.start()..other.end()].into()),
    })
}

/// Inserts the setting into a text that does not have it; returns the new text and the replacement that made it.
pub fn put(text: &str, setting: &Setting, value: &str) -> Result<(String, Piece), String> {
    let body = unmarked(text);
    let parsed = Parsed::of(body)?;
    let (place, piece) = match parsed.follow(setting.path)? {
        // A value that says nothing is replaced.
        Some((_, _, Some(found))) => {
            let range = found.value.range();
            (range.start, Piece { old: body[range.start..range.end].into(), new: json!(value).to_string() })
        }
        Some((object, depth, None)) => inserted(&parsed, object, depth, setting, value),
        None => {
            let newline = parsed.newline();
            let before = if body.is_empty() || body.ends_with('\n') { "" } else { newline };
            let new = format!("{before}{{{newline}{INDENT}{}{newline}}}{newline}", member(setting, 0, value, newline, INDENT, INDENT));
            (body.len(), Piece { old: String::new(), new })
        }
    };
    let place = text.len() - body.len() + place;
    let written = format!("{}{}{}", &text[..place], piece.new, &text[place + piece.old.len()..]);
    if look(&written, setting)? == Said::Value(value.into()) { Ok((written, piece)) } else { Err("its layout is not understood".into()) }
}

fn inserted(parsed: &Parsed<'_>, object: &Object<'_>, depth: usize, setting: &Setting, value: &str) -> (usize, Piece) {
    let (text, newline, unit) = (parsed.text, parsed.newline(), parsed.unit());
    let first = object.properties.first().map(Ranged::start);
    let end = first.unwrap_or_else(|| object.end() - 1);
    // Behind the brace, and what is said of it on its line.
    let mut place = object.start() + 1;
    for comment in &parsed.comments {
        if comment.start < place {
            continue;
        }
        if comment.end > end || text[place..comment.start].contains('\n') || !text[comment.end..end].contains('\n') {
            break;
        }
        place = comment.end - usize::from(text[..comment.end].ends_with('\r'));
    }
    let base = parsed.indentation(object.start());
    let is_on_lines = text[place..end].contains('\n');
    let new = match first {
        Some(first) if is_on_lines => {
            let indentation = parsed.indentation(first);
            format!("{newline}{indentation}{},", member(setting, depth, value, newline, indentation, unit))
        }
        // On one line it stays one.
        Some(_) if text[place..].starts_with([' ', '\t']) => format!(" {},", member(setting, depth, value, " ", "", "")),
        Some(_) => format!("{}, ", member(setting, depth, value, " ", "", "")),
        None => {
            let indentation = format!("{base}{unit}");
            let after = if is_on_lines { String::new() } else { format!("{newline}{base}") };
            format!("{newline}{indentation}{}{after}", member(setting, depth, value, newline, &indentation, unit))
        }
    };
    (place, Piece { old: String::new(), new })
}

/// Returns the key of a depth with its value, and what lies below that.
fn member(setting: &Setting, depth: usize, value: &str, newline: &str, indentation: &str, unit: &str) -> String {
    let key = setting.path[depth];
    if depth + 1 == setting.path.len() {
        return format!("{}: {}", json!(key), json!(value));
    }
    let inner = format!("{indentation}{unit}");
    let besides = setting.besides.filter(|[object, ..]| *object == key);
    let besides = besides.map(|[_, key, value]| format!("{}: {},{newline}{inner}", json!(key), json!(value))).unwrap_or_default();
    let below = member(setting, depth + 1, value, newline, &inner, unit);
    format!("{}: {{{newline}{inner}{besides}{below}{newline}{indentation}}}", json!(key))
}

/// Removes the setting from a text: by undoing the replacement, or by its key where the user has changed the text around it.
pub fn take(text: &str, setting: &Setting, piece: Option<&Piece>) -> Result<String, String> {
    let body = unmarked(text);
    let mark = &text[..text.len() - body.len()];
    let parsed = Parsed::of(body)?;
    let Some((_, _, Some(found))) = parsed.follow(setting.path)? else { return Ok(text.into()) };
    if let Some(piece) = piece.filter(|piece| !piece.new.is_empty()) {
        // A comment may contain the same text, so the match must cover the key.
        let covers = |place: &usize| *place <= found.value.start() && place + piece.new.len() >= found.end();
        if let Some(place) = body.match_indices(&piece.new).map(|(place, _)| place).find(covers) {
            let without = format!("{mark}{}{}{}", &body[..place], piece.old, &body[place + piece.new.len()..]);
            if look(&without, setting) == Ok(Said::Nothing) {
                return Ok(without);
            }
        }
    }
    let tree = CstRootNode::parse(body, &options()).map_err(|error| error.to_string())?;
    let mut object = tree.object_value();
    for key in &setting.path[..setting.path.len() - 1] {
        let last = object.iter().flat_map(CstObject::properties).rfind(|property| property.decoded_name().as_deref() == Some(key));
        object = last.and_then(|property| property.object_value());
    }
    let key = setting.path.last().copied();
    let property = object.iter().flat_map(CstObject::properties).rfind(|property| property.decoded_name().as_deref() == key);
    if let Some(property) = property {
        property.remove();
    }
    Ok(format!("{mark}{tree}"))
}

/// Returns what a person would write into an empty file's braces.
pub fn by_hand(setting: &Setting, value: &str) -> String {
    member(setting, 0, value, " ", "", "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::claude_code::editors::{ACP_EXECUTABLE, PROCESS_WRAPPER};

    /// Blanks and comments that may stand between any two tokens.
    fn gap() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["", " ", "\n", "\r\n", "\t", "    ", "// c { \" , }\n", "/* d\n{ */", "/**/"]), 0..4)
            .prop_map(|parts| parts.concat())
    }

    fn key() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "é", "agent_servers", "claude-acp", "env", "x\\\"{"])
    }

    /// An object in any layout, `depth` levels deep at most.
    fn object(depth: u32) -> BoxedStrategy<String> {
        let plain = prop::sample::select(vec!["1", "true", "\"}\"", "[ 1, ]", "-2.5e3", "\"/* no */\""]).prop_map(str::to_owned);
        let value = if depth == 0 { plain.boxed() } else { prop_oneof![plain, object(depth - 1)].boxed() };
        let member = (gap(), key(), gap(), gap(), value, gap()).prop_map(|(a, key, b, c, value, d)| format!("{a}\"{key}\"{b}:{c}{value}{d}"));
        (prop::collection::vec(member, 0..4), any::<bool>(), gap())
            .prop_map(|(members, has_comma, end)| {
                let comma = if has_comma && !members.is_empty() { "," } else { "" };
                format!("{{{}{comma}{end}}}", members.join(","))
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn in_any_layout_one_piece_is_put_in_and_taken_out_again(mark in any::<bool>(), before in gap(), object in object(3), after in gap()) {
            let text = format!("{}{before}{object}{after}", if mark { "\u{feff}" } else { "" });
            for setting in [&PROCESS_WRAPPER, &ACP_EXECUTABLE] {
                // A key on the way may be no object: then nothing is written.
                let Ok((written, piece)) = put(&text, setting, "/a \"b\"\\c") else {
                    prop_assert!(setting.path.len() > 1);
                    continue;
                };
                prop_assert_eq!(&piece.old, "");
                prop_assert_eq!(written.len(), text.len() + piece.new.len());
                prop_assert_eq!(look(&written, setting), Ok(Said::Value("/a \"b\"\\c".into())));
                prop_assert_eq!(take(&written, setting, Some(&piece)), Ok(text.clone()));
                let without = take(&written, setting, None).unwrap();
                prop_assert_eq!(look(&without, setting), Ok(Said::Nothing));
            }
        }
    }
}
