//! A look at a few keys of a JSON file that may be large, at the speed at which it can be read.
//!
//! Claude Code and clauth write `.claude.json` in one way: a key on a line, and two blanks more for each level. A string of JSON holds no line break, so
//! a line that begins with two blanks and a quoted key is one of the outermost object's, and all between two of them need not be understood.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};

use memchr::memmem;
use serde_json::{Deserializer, Value};

/// How much is looked at in one go, in bytes: enough to be few calls, and so little that it is in the processor's cache when it is looked at.
const CHUNK: usize = 64 * 1024;

/// How a file begins that is written so.
const BEGINNING: &[u8] = b"{\n  \"";

/// Returns the values of these keys of the outermost object, each if it is there; `None` for a file that is written in another way.
pub fn glance<const N: usize>(mut file: File, keys: [&str; N]) -> io::Result<Option<[Option<Value>; N]>> {
    let Some(places) = places(&mut file, &keys.map(|key| format!("\n  \"{key}\": ")))? else { return Ok(None) };
    let mut values = [const { None }; N];
    for (value, place) in values.iter_mut().zip(places) {
        let Some(place) = place else { continue };
        file.seek(SeekFrom::Start(place))?;
        let mut parser = Deserializer::from_reader(BufReader::new(&file)).into_iter();
        // One that is broken makes the file one that is not written so.
        let Some(Ok(found)) = parser.next() else { return Ok(None) };
        *value = Some(found);
    }
    Ok(Some(values))
}

/// Finds where each of these texts ends for the first time.
fn places<const N: usize>(file: &mut File, texts: &[String; N]) -> io::Result<Option<[Option<u64>; N]>> {
    let longest = texts.iter().map(String::len).max().unwrap_or_default();
    let mut places = [None; N];
    let mut buffer = vec![0; CHUNK];
    // Where in the file the buffer begins, and how much of its beginning was looked at before: a text may lie across two chunks.
    let (mut start, mut known) = (0, 0);
    while places.contains(&None) {
        let count = file.read(&mut buffer[known..])?;
        let text = &buffer[..known + count];
        if start == 0 && known == 0 && !text.starts_with(BEGINNING) {
            return Ok(None);
        }
        if count == 0 {
            break;
        }
        for (place, wanted) in places.iter_mut().zip(texts).filter(|(place, _)| place.is_none()) {
            *place = memmem::find(text, wanted.as_bytes()).map(|at| start + (at + wanted.len()) as u64);
        }
        let (length, kept) = (text.len(), text.len().min(longest));
        buffer.copy_within(length - kept..length, 0);
        start += (length - kept) as u64;
        known = kept;
    }
    Ok(Some(places))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    fn glance_at(text: &str) -> Option<[Option<Value>; 2]> {
        let path = std::env::temp_dir().join(format!("clauth-glance-{}-{}", std::process::id(), text.len()));
        File::create_new(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let found = glance(File::open(&path).unwrap(), ["one", "two"]).unwrap();
        std::fs::remove_file(path).unwrap();
        found
    }

    fn written(value: &Value) -> String {
        serde_json::to_string_pretty(value).unwrap()
    }

    #[test]
    fn keys_are_found_wherever_they_stand_and_no_others() {
        let deceiving = json!({"one": "deep", "x": "\n  \"one\": 7", "\n  \"two\": ": 8});
        // So that the keys lie across, before and behind the border of two chunks.
        for length in (0..60).chain(CHUNK - 160..CHUNK + 60).chain([3 * CHUNK]) {
            let text = written(&json!({"a": deceiving, "filling": "x".repeat(length), "one": {"one": [1]}, "two": null, "z": {"two": 3}}));
            assert_eq!(glance_at(&text), Some([Some(json!({"one": [1]})), Some(Value::Null)]), "{length}");
        }
        assert_eq!(glance_at(&written(&json!({"first": deceiving, "two": 2}))), Some([None, Some(json!(2))]));
        assert_eq!(glance_at(&written(&json!({"one": "1"}))), Some([Some(json!("1")), None]));
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_a_parser() {
        let value = json!({"one": 1, "a": 2});
        for text in ["", "{}", "{\n", "x", &value.to_string(), &written(&value).replace("  ", "\t"), "{\n  \"one\": {\"a\": \n", "{\n  \"one\": x\n}"]
        {
            assert_eq!(glance_at(text), None, "{text:?}");
        }
    }
}
