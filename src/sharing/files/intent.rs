//! The intent to append: written before each append to a log, invalidated after it.
//!
//! The file is overwritten in place: 8 bytes say how long the record behind them is, 0 that there is none. To truncate it would be dear: ext4 starts
//! to write a file to the disk that was truncated and written anew, and the next truncation waits for that.
//!
//! SIGKILL can cut a large write in two. Then the log ends with a piece of a line of ours, and another process may append to that. The next session
//! finds the intent and mends the log before anything is merged.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xxhash_rust::xxh3::xxh3_64;

use super::log::{append, rewrite_text};
use super::side::{Sides, Stat, look};
use crate::sharing::decide::Side;
use crate::{io, sys};

/// The most that is read of an intent, in bytes.
const LIMIT: usize = 512 * 1024 * 1024;

/// A file that has grown beyond this size, in bytes, is truncated after all.
const KEPT: u64 = 1024 * 1024;

/// The bytes of the length before the record.
const LENGTH: usize = 8;

/// Knows where the intent of one profile lies.
#[derive(Debug)]
pub struct Intent {
    file: PathBuf,
}

/// What was about to be appended.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    relative: PathBuf,
    side: Side,
    /// The length of the log before.
    length: u64,
    bytes: Vec<u8>,
}

impl Intent {
    /// Names the file.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Appends to a log of one side, if it is still the file that was read.
    pub fn append(&self, sides: &Sides, relative: &Path, side: Side, read: Stat, bytes: &[u8]) -> Result<bool> {
        // A path that is not UTF-8 goes without: an intent that cannot name it is of no use.
        if let Some(path) = relative.to_str() {
            let mut text = vec![0; LENGTH];
            text.extend_from_slice(format!("{side:?} {} {path}\n", read.length).as_bytes());
            text.extend_from_slice(bytes);
            text.extend(xxh3_64(&text[LENGTH..]).to_le_bytes());
            let length = (text.len() - LENGTH) as u64;
            text[..LENGTH].copy_from_slice(&length.to_le_bytes());
            let written = self.open().and_then(|mut file| file.write_all(&text));
            written.with_context(|| format!("could not write {}", self.file.display()))?;
        }
        let is_done = append(sides, relative, side, read, bytes)?;
        self.done().map(|()| is_done)
    }

    /// Opens the file to be overwritten.
    fn open(&self) -> std::io::Result<File> {
        match File::options().write(true).open(&self.file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => sys::create_private_file(&self.file),
            opened => opened,
        }
    }

    fn done(&self) -> Result<()> {
        let done = || {
            let mut file = File::options().write(true).open(&self.file)?;
            if file.metadata()?.len() > KEPT { file.set_len(0) } else { file.write_all(&[0; LENGTH]) }
        };
        match done() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            done => done.with_context(|| format!("could not write {}", self.file.display())),
        }
    }

    fn read(&self) -> Option<Record> {
        let text = io::read_regular(&self.file, LIMIT).ok()??;
        let (length, text) = text.split_first_chunk::<LENGTH>()?;
        let text = text.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let (text, check) = text.split_last_chunk::<8>()?;
        if *check != xxh3_64(text).to_le_bytes() {
            return None; // the append had not begun
        }
        let end = memchr::memchr(b'\n', text)?;
        let mut words = std::str::from_utf8(&text[..end]).ok()?.splitn(3, ' ');
        let side = if words.next()? == "Own" { Side::Own } else { Side::Hub };
        let (length, relative) = (words.next()?.parse().ok()?, words.next()?.into());
        Some(Record { relative, side, length, bytes: text[end + 1..].to_vec() })
    }

    /// Mends the log that a killed helper was appending to. `is_live` says whether a client has it open.
    pub fn mend(&self, sides: &Sides, is_live: &dyn Fn(&Path, Side) -> bool, ending: &str) -> Result<()> {
        let Some(record) = self.read() else { return Ok(()) };
        let path = sides.path(record.side, &record.relative);
        let (Some(stat), Ok(whole)) = (look(&path).leaf(), fs::read(&path)) else { return self.done() };
        let begin = usize::try_from(record.length).unwrap_or(usize::MAX).min(whole.len());
        match mended(&whole[begin..], &record.bytes) {
            Mended::Whole => {}
            Mended::Ends(rest) => drop(append(sides, &record.relative, record.side, stat, &rest)?),
            Mended::Glued { text, line } if is_live(&record.relative, record.side) => {
                drop(text);
                append(sides, &record.relative, record.side, stat, &line)?;
            }
            Mended::Glued { text, .. } => {
                let text = [&whole[..begin], &text].concat();
                rewrite_text(sides, &record.relative, record.side, stat, &text, ending)?;
            }
        }
        self.done()
    }
}

/// What a log needs after an append that was cut.
#[derive(Debug, PartialEq, Eq)]
enum Mended {
    /// Nothing.
    Whole,
    /// The rest of its last line.
    Ends(Vec<u8>),
    /// Another process has written a line behind a piece of ours: the text without the piece, and that line.
    Glued { text: Vec<u8>, line: Vec<u8> },
}

/// Looks for a piece of one of our lines in what a log has had since. Ours were one write, so the piece is of the first line that is missing.
fn mended(since: &[u8], ours: &[u8]) -> Mended {
    let mut ours = ours.split_inclusive(|byte| *byte == b'\n').peekable();
    let mut text = Vec::with_capacity(since.len());
    let mut glued = None;
    for line in since.split_inclusive(|byte| *byte == b'\n') {
        if ours.next_if_eq(&line).is_none()
            && glued.is_none()
            && let Some(whole) = ours.peek()
        {
            if line.last() != Some(&b'\n') && whole.starts_with(line) {
                return Mended::Ends(whole[line.len()..].to_vec());
            }
            // Not by its first bytes: a piece can be one byte long, as the beginning of any line.
            if !is_record(line)
                && let Some(piece) = glued_piece(whole, line)
            {
                text.extend_from_slice(&line[piece..]);
                glued = Some(line[piece..].to_vec());
                continue;
            }
        }
        text.extend_from_slice(line);
    }
    glued.map_or(Mended::Whole, |line| Mended::Glued { text, line })
}

/// Returns how long a piece of `whole` stands before a whole record in `line`.
fn glued_piece(whole: &[u8], line: &[u8]) -> Option<usize> {
    let common = whole.iter().zip(line).take_while(|(one, other)| one == other).count();
    (1..=common).rev().find(|piece| is_record(&line[*piece..]))
}

/// Whether a line is a record: a JSON object.
fn is_record(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_was_cut_anywhere_is_mended_with_or_without_a_line_behind_it() {
        let ours = b"{\"a\":\"one\"}\n{\"b\":\"two\"}\n";
        let other = b"{\"c\":\"three\"}\n";
        for cut in 0..=ours.len() {
            let piece = &ours[..cut];
            let ends_whole = piece.is_empty() || piece.ends_with(b"\n");
            match mended(piece, ours) {
                Mended::Whole => assert!(ends_whole, "{cut}"),
                Mended::Ends(rest) => assert!(ours.starts_with(&[piece, &rest].concat()), "{cut}"),
                glued @ Mended::Glued { .. } => panic!("{cut}: {glued:?}"),
            }
            match mended(&[piece, other].concat(), ours) {
                Mended::Whole => assert!(ends_whole, "{cut}"),
                Mended::Glued { text, line } => {
                    assert_eq!(line, other, "{cut}");
                    assert!(text.ends_with(other) && ours.starts_with(&text[..text.len() - other.len()]), "{cut}");
                    assert!(text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).all(is_record), "{cut}");
                }
                Mended::Ends(_) => panic!("{cut}"),
            }
        }
    }
}
