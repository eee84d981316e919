//! How a text takes the place of another one: by an exchange, so that a newer one is never lost.
//!
//! 1. The new text is written beside the file, and the two names are exchanged.
//! 2. What came out is looked at. Most often it is the text that the new one was made from.
//! 3. If it is newer, it goes back at once, and the caller reads and merges again. Who wrote between the two exchanges is merged in here.
//!
//! Where the file system cannot exchange two names, a file that only clients write, under their lock, is replaced by a rename instead: there is no moment
//! without it, in which a client would start afresh. The user's own settings are missing for a moment there, since a rename could lose a newer text.
//!
//! Killed in between, what came out stays under a temporary name, from which it is rescued.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::fingerprint::Fingerprints;
use super::merge::{Rules, merge};
use super::sources::Sources;
use super::steps::steps;
use crate::claude_code::LIMIT;
use crate::io;
use crate::io::json::Object;
use crate::sys;

/// How often a writer may come between before that is left to the next pass.
const ROUNDS: usize = 50;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// The file says what it should.
    AsMeant,
    /// Another program wrote it meanwhile: it is to be read again.
    Otherwise,
}

/// Puts a text in the place of `expected`, or where there was none. `is_locked`: the caller holds the lock that the client takes around a write.
pub fn place(file: &Path, expected: Option<&[u8]>, text: &[u8], is_locked: bool) -> Result<Placed> {
    let Some(expected) = expected else {
        let placing = || format!("could not write {}", file.display());
        let temp = io::free_temporary(file);
        io::write(&temp, text)?;
        return match sys::rename_new(&temp, file) {
            Ok(()) => Ok(Placed::AsMeant),
            Err(error) => {
                let _ = sys::remove_file(&temp);
                if error.kind() == ErrorKind::AlreadyExists { Ok(Placed::Otherwise) } else { Err(error).with_context(placing) }
            }
        };
    };
    // For as long as an exchange that has to be made good takes, readers see a text without the newest edit: so it must be rare.
    if !io::holds(file, expected)? {
        return Ok(Placed::Otherwise);
    }
    if !is_locked && sys::is_being_written(file) {
        bail!(in_use(file));
    }
    replace(file, expected, text, is_locked)
}

/// Says that what another program writes through its open file would be lost with the file.
fn in_use(file: &Path) -> String {
    format!("{} is open for writing in another program", file.display())
}

fn replace(file: &Path, expected: &[u8], text: &[u8], is_locked: bool) -> Result<Placed> {
    let placing = || format!("could not write {}", file.display());
    let temp = io::free_temporary(file);
    // Copies are made only where a writer came between: a text can be 20 MB, and most often nobody did.
    let (mut expected, mut text) = (Cow::Borrowed(expected), Cow::Borrowed(text));
    for round in 0..ROUNDS {
        write_like(file, &temp, &text)?;
        let is_in_place = match swap(&temp, file, is_locked) {
            Ok(is_in_place) => is_in_place,
            Err(error) if is_locked && error.kind() == ErrorKind::Unsupported => return rename_over(&temp, file, &expected).with_context(placing),
            Err(error) => {
                let _ = sys::remove_file(&temp);
                // It vanished, and nothing of ours appears where another program just removed something.
                return if error.kind() == ErrorKind::NotFound { Ok(Placed::Otherwise) } else { Err(error).with_context(placing) };
            }
        };
        // A link that came out is not the file that was expected, whatever the link leads to.
        if is_in_place && !temp.is_symlink() && io::holds(&temp, &expected)? {
            if !is_locked && sys::is_being_written(&temp) {
                swap(&temp, file, is_locked).and_then(|_| sys::remove_file(&temp)).with_context(placing)?;
                bail!(in_use(file));
            }
            sys::remove_file(&temp).with_context(placing)?;
            return Ok(if round == 0 { Placed::AsMeant } else { Placed::Otherwise });
        }
        let out = text_of(&temp).with_context(placing)?;
        // What came out goes back at once: until then readers miss the newest edit. Only who wrote in that very moment has to be merged.
        let newer = if is_in_place {
            swap(&temp, file, is_locked).with_context(placing)?;
            text_of(&temp).with_context(placing)?
        } else {
            out.clone()
        };
        if is_in_place && newer == *text {
            sys::remove_file(&temp).with_context(placing)?;
            return Ok(Placed::Otherwise);
        }
        if newer != *expected {
            let other = if is_in_place { &out } else { &*text };
            let Some(merged) = three_ways(&expected, &newer, other) else {
                // One of them is not whole: its writer is at work. The later one counts.
                swap(&temp, file, is_locked).with_context(placing)?;
                return Ok(Placed::Otherwise);
            };
            text = Cow::Owned(merged);
        }
        expected = Cow::Owned(out);
    }
    bail!("{} is written all the time", file.display()) // what came out last stays beside it and is rescued
}

/// Writes a text beside the file whose place it will take, for those who may read that one.
fn write_like(file: &Path, temp: &Path, text: &[u8]) -> Result<()> {
    io::write(temp, text)?;
    let (Ok(meta), Ok(made)) = (fs::metadata(file), fs::metadata(temp)) else { return Ok(()) };
    if made.permissions() == meta.permissions() {
        return Ok(());
    }
    let given = fs::File::open(temp).and_then(|open| sys::give_permissions(&open, temp, &meta, false));
    given.with_context(|| format!("could not give {} the permissions of {}", temp.display(), file.display()))
}

/// Merges a newer text and the one that was to take its place, both made from `base`.
fn three_ways(base: &[u8], newer: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let fingerprints = Fingerprints::fresh();
    let known: BTreeMap<_, _> = steps(&Object::document(base).ok()?, fingerprints, |_| false, &BTreeMap::new(), &Sources::default(), false)
        .into_iter()
        .filter_map(|(key, version, _)| Some((key, version?)))
        .collect();
    let rules = Rules { fingerprints, agreed: &known, is_private: |_| false, accepted: &BTreeSet::new() };
    let merged = merge(newer, text, &rules).ok()?;
    Some(merged.own.unwrap_or_else(|| newer.to_vec()))
}

/// Renames a text over a file that still says what is expected.
fn rename_over(temp: &Path, file: &Path, expected: &[u8]) -> Result<Placed> {
    let is_as_expected = io::holds(file, expected);
    match is_as_expected.and_then(|is_so| if is_so { sys::rename(temp, file).map(|()| true).map_err(Into::into) } else { Ok(false) }) {
        Ok(true) => Ok(Placed::AsMeant),
        other => {
            let _ = sys::remove_file(temp);
            other.map(|_| Placed::Otherwise)
        }
    }
}

/// Exchanges two files; returns whether the first is in the place of the second now. The first name has the other file.
///
/// Where names cannot be exchanged, it fails for a file that is locked. Any other is missing for a moment; whoever makes it anew in that moment keeps it.
fn swap(temp: &Path, file: &Path, is_locked: bool) -> std::io::Result<bool> {
    match sys::exchange(temp, file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Unsupported && !is_locked => {
            let aside = io::aside(file);
            sys::rename_new(file, &aside)?;
            let is_in_place = match sys::rename_new(temp, file) {
                Ok(()) => true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                Err(error) => return sys::rename_new(&aside, file).and(Err(error)),
            };
            sys::rename(&aside, temp)?;
            Ok(is_in_place)
        }
        Err(error) => Err(error),
    }
}

/// Reads what came out of an exchange; what is not a file says nothing.
fn text_of(temp: &Path) -> std::io::Result<Vec<u8>> {
    let out = fs::symlink_metadata(temp)?;
    let text = if out.is_file() { io::read_regular(temp, LIMIT)? } else { None };
    Ok(text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn a_newer_text_and_the_one_to_be_placed_both_count() {
        let merged = three_ways(br#"{"a": 1, "b": 1, "c": 1}"#, br#"{"a": 2, "b": 1}"#, br#"{"a": 1, "b": 3, "c": 1, "d": 4}"#).unwrap();
        assert_eq!(parsed(&merged), json!({"a": 2, "b": 3, "d": 4}));
    }

    #[test]
    fn a_text_takes_the_place_of_the_expected_one_only() {
        let directory = std::env::temp_dir().join(format!("clauth-place-{}", std::process::id()));
        sys::create_private_dir(&directory).unwrap();
        let file = directory.join("settings.json");
        let names = || fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(place(&file, None, b"{}", false).unwrap(), Placed::AsMeant);
        assert_eq!(place(&file, None, br#"{"a": 1}"#, false).unwrap(), Placed::Otherwise);
        assert_eq!(place(&file, Some(b"{}"), br#"{"a": 1}"#, false).unwrap(), Placed::AsMeant);
        // Another program wrote what was not expected.
        fs::write(&file, r#"{"a": 1, "b": 2}"#).unwrap();
        assert_eq!(place(&file, Some(br#"{"a": 1}"#), br#"{"a": 1, "c": 3}"#, false).unwrap(), Placed::Otherwise);
        assert_eq!(parsed(&fs::read(&file).unwrap()), json!({"a": 1, "b": 2}));
        // And after the last look.
        let expected = br#"{"a": 1}"#.to_vec();
        assert_eq!(replace(&file, &expected, br#"{"a": 1, "c": 3}"#, false).unwrap(), Placed::Otherwise);
        assert_eq!(parsed(&fs::read(&file).unwrap()), json!({"a": 1, "b": 2}));
        // A link took its place, to something that says what was expected.
        fs::rename(&file, directory.join("elsewhere")).unwrap();
        if sys::symlink(&directory.join("elsewhere"), &file).is_ok() {
            let expected = br#"{"a": 1, "b": 2}"#;
            assert_eq!(replace(&file, expected, br#"{"a": 9}"#, false).unwrap(), Placed::Otherwise);
            assert!(file.is_symlink() && fs::read(&file).unwrap() == expected);
        }
        let _ = fs::remove_file(&file);
        fs::remove_file(directory.join("elsewhere")).unwrap();
        // It is at work.
        fs::write(&file, r#"{"a": 1, "b"#).unwrap();
        assert_eq!(replace(&file, &expected, br#"{"a": 9}"#, false).unwrap(), Placed::Otherwise);
        assert_eq!(fs::read_to_string(&file).unwrap(), r#"{"a": 1, "b"#);
        // It vanished.
        fs::remove_file(&file).unwrap();
        assert_eq!(place(&file, Some(b"{}"), b"{}", false).unwrap(), Placed::Otherwise);
        assert_eq!(names(), [] as [std::ffi::OsString; 0]);
        fs::remove_dir_all(directory).unwrap();
    }
}
