//! Logs: files that grow by whole lines, such as transcripts. Each side gets the lines that only the other side has.
//!
//! The base says up to which length the two sides agree, and what each side's last bytes before that length are. So:
//!
//! 1. Both sides still begin with what was agreed on: each gets, in one append, the lines that only the other one has. Equal lines cancel out.
//! 2. One side does not (the client compacted it or withdrew a message): that side was rewritten. It gets what the other one added, then the other
//!    one becomes a copy of it.
//! 3. Both were rewritten: the newer one stays, the other one goes to `rescued/`.
//!
//! A log that a live client has open is only ever appended to, since the client refuses to write to another inode. A rewrite of it waits.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use xxhash_rust::xxh3::xxh3_64;

use super::intent::Intent;
use super::side::{Sides, Stat, look, stat_of_open};
use super::transfer::{Fate, Given, Outcome, Replaced, set_modified};
use crate::sharing::decide::Side;
use crate::sharing::lines::beyond;
use crate::{io, sys};

/// What two sides of a log agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The bytes from the beginning that hold the same lines on both sides, though perhaps in another order.
    pub length: u64,
    /// A hash of the last bytes of that, for each side.
    pub tails: [u32; 2],
}

/// What became of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// Both sides have the same lines, and this is what stands there.
    Equal { agreed: Agreed, stats: [Stat; 2] },
    /// Something is still to be carried: look again in a moment.
    Again,
    /// A live client has the log open, which must be rewritten: look again when that session has ended.
    Live,
}

/// The bytes that identify the end of what was agreed on.
const TAIL: usize = 4096;

/// The most that is carried in one append, in bytes, if only one side grew.
const CHUNK: u64 = 8 * 1024 * 1024;

/// How long a last line without an end is left alone: its writer may be about to write the rest.
pub const OPEN_END: Duration = Duration::from_secs(60);

/// Returns the hash of the last bytes of a text.
pub fn tail_of(text: &[u8]) -> u32 {
    let begin = text.len().saturating_sub(TAIL);
    (xxh3_64(&text[begin..]) >> 32) as u32
}

/// Returns the last bytes before `length`: enough for the last line, unless that is very long.
pub fn last_bytes(file: &mut File, length: u64) -> std::io::Result<Vec<u8>> {
    let begin = length.saturating_sub(CHUNK);
    read(file, begin, length - begin)
}

/// Returns the hash of the last bytes before `length`; `None` when the file is shorter.
pub fn tail(file: &mut File, length: u64) -> std::io::Result<Option<u32>> {
    if file.metadata()?.len() < length {
        return Ok(None);
    }
    let begin = length.saturating_sub(TAIL as u64);
    let bytes = read(file, begin, length - begin)?;
    Ok((bytes.len() as u64 == length - begin).then(|| tail_of(&bytes)))
}

fn read(file: &mut File, begin: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.seek(SeekFrom::Start(begin))?;
    (&mut *file).take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One side of a log that is being merged.
struct Open {
    file: File,
    stat: Stat,
    /// Whether it still begins with what was agreed on.
    has_grown: bool,
    /// What it has beyond that.
    news: Vec<u8>,
}

impl Open {
    fn whole(&self) -> &[u8] {
        let end = memchr::memrchr(b'\n', &self.news).map_or(0, |last| last + 1);
        if self.is_quiet() { &self.news } else { &self.news[..end] }
    }

    fn has_open_end(&self) -> bool {
        has_open_end(&self.news)
    }

    fn is_quiet(&self) -> bool {
        let modified = self.file.metadata().and_then(|meta| meta.modified());
        modified.is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age > OPEN_END))
    }
}

impl Sides {
    /// Brings the two sides of a log together, as they were found; one that was edited since without growing is looked at again.
    pub fn merge_log(
        &self,
        relative: &Path,
        found: [Stat; 2],
        agreed: Option<Agreed>,
        intent: &Intent,
        is_live: &dyn Fn(Side) -> bool,
        ending: &str,
    ) -> Result<Merged> {
        let paths = Side::BOTH.map(|side| self.path(side, relative));
        let opening = |path: &Path| format!("could not read {}", path.display());
        let [own, hub] = paths.each_ref().map(|path| sys::open_for_reading(path).with_context(|| opening(path)));
        let (mut own, mut hub) = (own?, hub?);
        let length = match agreed {
            Some(agreed) => agreed.length,
            None => common_lines(&mut own, &mut hub)?,
        };
        let mut opened = Vec::with_capacity(2);
        for (place, mut file) in [own, hub].into_iter().enumerate() {
            let stat = stat_of_open(&file)?;
            if is_edited(found[place], stat) {
                return Ok(Merged::Again);
            }
            let has_grown = agreed.is_none_or(|agreed| tail(&mut file, length).ok().flatten() == Some(agreed.tails[place]));
            opened.push(Open { file, stat, has_grown, news: Vec::new() });
        }
        let Ok([mut own, mut hub]) = <[Open; 2]>::try_from(opened) else { return Ok(Merged::Again) };
        let is_truncated = read_news(&mut own, &mut hub, length)?;
        match (own.has_grown, hub.has_grown) {
            (true, true) => {
                let merged = self.append_news(relative, length, &mut [own, hub], intent)?;
                Ok(if is_truncated { Merged::Again } else { merged })
            }
            (true, false) => self.rewrite(relative, Side::Hub, &hub, &own, intent, is_live, ending),
            (false, true) => self.rewrite(relative, Side::Own, &own, &hub, intent, is_live, ending),
            (false, false) => {
                let newer = if own.stat.modified >= hub.stat.modified { Side::Own } else { Side::Hub };
                let replaced = if newer == Side::Own { hub.stat } else { own.stat };
                if is_live(newer.other()) {
                    return Ok(Merged::Live);
                }
                self.replace(relative, newer, Replaced { stat: replaced, fate: Fate::Rescue }, ending)
            }
        }
    }

    /// Brings together a log that was edited without growing: the lines before the agreed end are others now. `None` where that is not so.
    ///
    /// The two sides can have the same lines in another order, so they are compared as sets. `found` is the look by which `changed` was decided: a side
    /// that was edited since must not be replaced by the other.
    pub fn merge_edited(
        &self,
        relative: &Path,
        found: [Stat; 2],
        agreed: Agreed,
        changed: [bool; 2],
        is_live: &dyn Fn(Side) -> bool,
        ending: &str,
    ) -> Result<Option<Merged>> {
        let paths = Side::BOTH.map(|side| self.path(side, relative));
        let [own, hub] = found;
        let edited = match changed {
            [true, false] => Side::Own,
            [true, true] if own.modified >= hub.modified => Side::Own,
            [_, true] => Side::Hub,
            [false, false] => return Ok(None),
        };
        let fate = if changed == [true, true] { Fate::Rescue } else { Fate::Trash };
        if [own.length, hub.length] != [agreed.length; 2] || line_sum(&paths[0])? == line_sum(&paths[1])? {
            return Ok(None);
        }
        if is_live(edited.other()) {
            return Ok(Some(Merged::Live));
        }
        let replaced = if edited == Side::Own { hub } else { own };
        self.replace(relative, edited, Replaced { stat: replaced, fate }, ending).map(Some)
    }

    fn append_news(&self, relative: &Path, length: u64, sides: &mut [Open; 2], intent: &Intent) -> Result<Merged> {
        let [own, hub] = &*sides;
        let missing = [lines_missing(hub.whole(), own.whole()), lines_missing(own.whole(), hub.whole())];
        let mut expected = Vec::with_capacity(2);
        for (place, side) in Side::BOTH.into_iter().enumerate() {
            let begin = length.saturating_sub(TAIL as u64);
            let before = read(&mut sides[place].file, begin, length - begin)?;
            let whole = [&before, sides[place].whole(), &missing[place]].concat();
            expected.push((begin + whole.len() as u64, tail_of(&whole), sides[place].stat));
            if missing[place].is_empty() {
                continue;
            }
            let (target, source) = (&sides[place], &sides[1 - place]);
            if target.has_open_end() {
                // A line without an end would be glued to what is appended. A quiet one is ended; one that is being written is waited for.
                if target.is_quiet() {
                    intent.append(self, relative, side, target.stat, b"\n")?;
                }
                return Ok(Merged::Again);
            }
            if !intent.append(self, relative, side, target.stat, &missing[place])? {
                return Ok(Merged::Again);
            }
            if missing[1 - place].is_empty() {
                let file = File::options().append(true).open(self.path(side, relative));
                // The client's `--continue` and its cleanup go by this time.
                file.and_then(|file| set_modified(&file, source.stat.modified)).context("could not set a time")?;
            }
        }
        self.agree(relative, &expected)
    }

    /// Returns what both sides have, if that is just what is expected of each: so many bytes, with this end, and what was read if nothing was appended.
    fn agree(&self, relative: &Path, expected: &[(u64, u32, Stat)]) -> Result<Merged> {
        let mut stats = [Stat { identity: (0, 0), length: 0, modified: 0 }; 2];
        for ((place, side), (length, end, read)) in Side::BOTH.into_iter().enumerate().zip(expected) {
            let path = self.path(side, relative);
            let mut file = sys::open_for_reading(&path).with_context(|| format!("could not read {}", path.display()))?;
            stats[place] = stat_of_open(&file)?;
            if is_edited(*read, stats[place]) || stats[place].length != *length || tail(&mut file, *length)? != Some(*end) {
                return Ok(Merged::Again);
            }
        }
        match expected {
            [(own, own_end, _), (hub, hub_end, _)] if own == hub => {
                Ok(Merged::Equal { agreed: Agreed { length: *own, tails: [*own_end, *hub_end] }, stats })
            }
            _ => Ok(Merged::Again),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "two sides of one log, and how to write them")]
    fn rewrite(
        &self,
        relative: &Path,
        rewritten: Side,
        new: &Open,
        old: &Open,
        intent: &Intent,
        is_live: &dyn Fn(Side) -> bool,
        ending: &str,
    ) -> Result<Merged> {
        if is_live(rewritten.other()) {
            return Ok(Merged::Live);
        }
        let path = self.path(rewritten, relative);
        let mut file = sys::open_for_reading(&path).with_context(|| format!("could not read {}", path.display()))?;
        let all = read(&mut file, 0, new.stat.length)?;
        let mut missing = lines_missing(old.whole(), &all);
        if !missing.is_empty() {
            if has_open_end(&all) {
                missing.insert(0, b'\n');
            }
            if !intent.append(self, relative, rewritten, new.stat, &missing)? {
                return Ok(Merged::Again);
            }
        }
        // What the rewrite took out is in no file any more, so it is kept for a while.
        self.replace(relative, rewritten, Replaced { stat: old.stat, fate: Fate::Trash }, ending)
    }

    fn replace(&self, relative: &Path, from: Side, replaced: Replaced, ending: &str) -> Result<Merged> {
        Ok(match self.give(relative, from, ending, Some(replaced))? {
            Outcome::Given(Given { source, target, end, .. }) => {
                let stats = if from == Side::Own { [source, target] } else { [target, source] };
                Merged::Equal { agreed: Agreed { length: target.length, tails: [end, end] }, stats }
            }
            Outcome::Overtaken => Merged::Again,
        })
    }

    /// Whether one side's log is still what was agreed on, whatever its time says.
    pub fn is_log_as_agreed(&self, relative: &Path, side: Side, stat: Stat, agreed: Agreed) -> bool {
        let place = usize::from(side == Side::Hub);
        let tail = || tail(&mut sys::open_for_reading(&self.path(side, relative)).ok()?, agreed.length).ok().flatten();
        stat.length == agreed.length && tail() == Some(agreed.tails[place])
    }
}

/// Whether a log was replaced or written since an earlier look, and is as long as it was: then its length and its end do not tell.
fn is_edited(before: Stat, now: Stat) -> bool {
    now.length == before.length && now != before
}

/// Reads what each side has beyond the agreed length; whether only a part of it was read.
fn read_news(own: &mut Open, hub: &mut Open, length: u64) -> Result<bool> {
    let beyond = [&*own, &*hub].map(|side| if side.has_grown { side.stat.length.saturating_sub(length) } else { 0 });
    let limit = if beyond.contains(&0) { CHUNK } else { u64::MAX };
    for (side, beyond) in [own, hub].into_iter().zip(beyond) {
        side.news = read(&mut side.file, length, beyond.min(limit))?;
        if beyond > limit
            && let Some(last) = memchr::memrchr(b'\n', &side.news)
        {
            side.news.truncate(last + 1);
        } else if beyond > limit {
            side.news = read(&mut side.file, length, beyond)?; // one line that is longer
        }
    }
    Ok(beyond.iter().any(|beyond| *beyond > limit))
}

fn has_open_end(text: &[u8]) -> bool {
    text.last().is_some_and(|last| *last != b'\n')
}

/// Returns the lines of one text that the other lacks, in their order; a line that stands twice here and once there is missing once.
fn lines_missing<'a>(from: &'a [u8], there: &'a [u8]) -> Vec<u8> {
    let lines = |text: &'a [u8]| text.split_inclusive(|byte| *byte == b'\n');
    beyond(lines(from), lines(there)).concat()
}

/// Returns a number that is equal for two logs with the same lines in any order.
fn line_sum(path: &Path) -> Result<u64> {
    let reading = || format!("could not read {}", path.display());
    let mut reader = BufReader::new(sys::open_for_reading(path).with_context(reading)?);
    let (mut sum, mut line) = (0_u64, Vec::new());
    while reader.read_until(b'\n', &mut line).with_context(reading)? > 0 {
        sum = sum.wrapping_add(xxh3_64(&line));
        line.clear();
    }
    Ok(sum)
}

/// Returns the length of the whole lines that two files begin with alike; all of a file that is the beginning of the other, or equal.
fn common_lines(one: &mut File, other: &mut File) -> std::io::Result<u64> {
    let lengths = [one.metadata()?.len(), other.metadata()?.len()];
    let mut offset = 0;
    let mut lines = 0;
    loop {
        let (left, right) = (read(one, offset, 65536)?, read(other, offset, 65536)?);
        let equal = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
        if let Some(last) = memchr::memrchr(b'\n', &left[..equal]) {
            lines = offset + last as u64 + 1;
        }
        offset += equal as u64;
        if equal < 65536 {
            return Ok(if lengths == [offset, offset] { offset } else { lines });
        }
    }
}

/// Appends in one write, so that a client's lines and these never mix; false where another file stands there than was read (one under a mount, say), which
/// may have these lines already, or where another helper appends at this moment.
pub fn append(sides: &Sides, relative: &Path, side: Side, known: Stat, bytes: &[u8]) -> Result<bool> {
    let path = sides.path(side, relative);
    let appending = || format!("could not write {}", path.display());
    anyhow::ensure!(look(&path).leaf().is_some(), "{} is gone", path.display());
    let mut file = File::options().read(true).append(true).open(&path).with_context(appending)?;
    if !sys::lock_among_helpers(&file) {
        return Ok(false);
    }
    let now = stat_of_open(&file)?;
    if now.identity != known.identity {
        return Ok(false);
    }
    // What another helper has appended since must not be there twice.
    let since = read(&mut file, known.length, now.length.saturating_sub(known.length))?;
    file.write_all(&lines_missing(bytes, &since)).with_context(appending).map(|()| true)
}

/// Replaces the whole text of a log, if it is still what was looked at.
pub fn rewrite_text(sides: &Sides, relative: &Path, side: Side, expected: Stat, text: &[u8], ending: &str) -> Result<bool> {
    let path = sides.path(side, relative);
    let temp = io::temporary_ending(&path, ending);
    let mode = std::fs::metadata(&path).with_context(|| format!("could not read {}", path.display()))?.permissions();
    let mut file = super::transfer::create(&temp)?;
    file.write_all(text)?;
    file.set_permissions(mode)?;
    drop(file);
    sides.place(&temp, &path, relative, Some(Replaced { stat: expected, fate: Fate::Contained }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_cancel_out_once_each() {
        assert_eq!(lines_missing(b"a\nb\na\n", b"a\nc\n"), b"b\na\n");
        assert_eq!(lines_missing(b"", b"a\n"), b"");
        assert_eq!(lines_missing(b"a\nb", b"a\n"), b"b");
    }
}
