//! The sorted records of a base: in memory while many are looked up, at rest in the file alone.
//!
//! A helper that sleeps needs none of them, and history can have 100,000 files. A file that cannot be read, or is not the one that was written, counts as
//! empty, as a base does that is doubtful.

use std::cell::{Cell, OnceCell, RefCell};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::{KEY, Key, LIMIT};
use crate::io;

/// So many bytes stay in memory.
const SMALL: usize = 16 * 1024;

/// A look into the file takes as long as to read so many records at once.
const WORTH: usize = 400;

/// Holds the records, or knows where they are.
#[derive(Debug)]
pub struct Sorted<const N: usize> {
    file: PathBuf,
    /// What stands before the records in their file; empty for records that are not in the file.
    head: Box<[u8]>,
    count: usize,
    records: OnceCell<Vec<u8>>,
    /// The file, while it is looked into.
    open: RefCell<Option<File>>,
    /// How often it was looked into since the last rest.
    looks: Cell<usize>,
}

impl<const N: usize> Sorted<N> {
    /// The bytes of a record.
    pub const RECORD: usize = KEY + N;

    /// Takes records that stand in a file behind this head, or in none if the head is empty.
    pub fn new(file: PathBuf, head: &[u8], records: Vec<u8>) -> Self {
        let count = records.len() / Self::RECORD;
        Self { file, head: head.into(), count, records: records.into(), open: RefCell::default(), looks: Cell::default() }
    }

    /// Notes that the file has them now, behind this head.
    pub fn saved_behind(&mut self, head: &[u8]) {
        self.head = head.into();
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the file holds them as they are here.
    pub fn is_saved(&self) -> bool {
        self.count == 0 || !self.head.is_empty()
    }

    #[cfg(test)]
    pub fn is_in_memory(&self) -> bool {
        self.records.get().is_some()
    }

    /// Gives back the memory, if the file has them.
    pub fn rest(&mut self) {
        if self.is_saved() && self.count * Self::RECORD > SMALL {
            self.records.take();
        }
        self.open.take();
        self.looks.set(0);
    }

    /// Returns all of them.
    pub fn all(&self) -> &[u8] {
        self.records.get_or_init(|| self.read_all().unwrap_or_default())
    }

    fn read_all(&self) -> Option<Vec<u8>> {
        let mut text = io::read_regular(&self.file, LIMIT).ok()??;
        let is_ours = text.starts_with(&self.head) && text.len() == self.head.len() + self.count * Self::RECORD;
        text.drain(..self.head.len().min(text.len()));
        is_ours.then_some(text)
    }

    /// Returns the place at which a key is, or would be.
    pub fn place(&self, key: Key) -> usize {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get().saturating_mul(WORTH) > self.count {
            self.all();
        }
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.get(middle).is_some_and(|(found, _)| found < key) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Returns the record at a place.
    pub fn get(&self, place: usize) -> Option<(Key, [u8; N])> {
        let begin = place * Self::RECORD;
        match self.records.get() {
            Some(records) => Self::parse(records.get(begin..begin + Self::RECORD)?),
            None => Self::parse(&self.read(begin).filter(|_| place < self.count)?),
        }
    }

    fn read(&self, begin: usize) -> Option<Vec<u8>> {
        let mut open = self.open.borrow_mut();
        if open.is_none() {
            let mut file = io::open_regular(&self.file, LIMIT).ok()??;
            let mut head = vec![0; self.head.len()];
            file.read_exact(&mut head).ok()?;
            *open = Some(file).filter(|_| *head == *self.head);
        }
        let file = open.as_mut()?;
        let mut record = vec![0; Self::RECORD];
        file.seek(SeekFrom::Start((self.head.len() + begin) as u64)).ok()?;
        file.read_exact(&mut record).ok()?;
        Some(record)
    }

    /// Reads one record.
    pub fn parse(bytes: &[u8]) -> Option<(Key, [u8; N])> {
        let (group, rest) = bytes.split_first_chunk::<8>()?;
        let (member, rest) = rest.split_first_chunk::<8>()?;
        Some((Key { group: u64::from_be_bytes(*group), member: u64::from_be_bytes(*member) }, rest.try_into().ok()?))
    }
}
