//! External merge sort: writes sorted runs of entries to an unnamed temporary file
//! and merges them.
//!
//! One entry of each run is in memory during the merge, so the texts of entries in
//! a run have to be short; see `sort`.

use std::fs::File;
use std::io;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::sort_entry::SortEntry;
use super::sort_spec::Direction;
use super::spill::{SpilledText, nameless_file};
use super::totals::Totals;

/// Bytes that are read at a time from each run, and from all of them together.
const READ_MIN: usize = 4 * 1024;
const READ_MAX: usize = 32 * 1024;
const READ_ALL_MAX: usize = 8 * 1024 * 1024;

/// The runs that have been written.
#[derive(Debug)]
pub struct Runs {
    file: Arc<File>,
    /// The end of each run in the file.
    ends: Vec<u64>,
}

impl Runs {
    /// Creates the file, without runs.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            file: Arc::new(nameless_file()?),
            ends: Vec::new(),
        })
    }

    /// Writes a run. The entries have to be in order.
    ///
    /// # Errors
    ///
    /// They cannot be written.
    pub fn add(&mut self, entries: impl Iterator<Item = SortEntry>) -> io::Result<()> {
        let mut end = self.ends.last().copied().unwrap_or(0);
        let mut writer = BufWriter::new(&*self.file);
        for entry in entries {
            end = end.saturating_add(write(&mut writer, &entry)?);
        }
        writer.flush()?;
        self.ends.push(end);
        Ok(())
    }

    /// Merges the runs. Equal entries stay in the order of the runs.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn merge(self, direction: Direction) -> io::Result<Merge> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let mut heads = Vec::new();
        let share = READ_ALL_MAX
            .checked_div(self.ends.len())
            .unwrap_or(READ_MAX);
        let read_size = share.clamp(READ_MIN, READ_MAX);
        for (at, end) in starts.zip(self.ends.iter().copied()) {
            let file = Arc::clone(&self.file);
            let mut rest = BufReader::with_capacity(read_size, RunSection { file, at, end });
            if let Some(entry) = read(&mut rest)? {
                heads.push(RunHead { entry, rest });
            }
        }
        Ok(Merge { heads, direction })
    }
}

/// A merge in progress.
#[derive(Debug)]
pub struct Merge {
    heads: Vec<RunHead>,
    direction: Direction,
}

/// The next entry of a run, and a reader of the entries after it.
#[derive(Debug)]
struct RunHead {
    entry: SortEntry,
    rest: BufReader<RunSection>,
}

impl Merge {
    fn advance(&mut self) -> io::Result<Option<SortEntry>> {
        let direction = self.direction;
        // `min_by` returns the first of equal elements, which keeps the order of
        // the runs.
        let heads = self.heads.iter_mut().enumerate();
        let first = heads.min_by(|(_, a), (_, b)| a.entry.compare(&b.entry, direction));
        let Some((place, head)) = first else {
            return Ok(None);
        };
        Ok(Some(match read(&mut head.rest)? {
            Some(next) => std::mem::replace(&mut head.entry, next),
            None => self.heads.remove(place).entry,
        }))
    }
}

impl Iterator for Merge {
    type Item = io::Result<SortEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// A reader of one run in the file.
#[derive(Debug)]
struct RunSection {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for RunSection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let count = match buffer.get_mut(..room) {
            Some(room) => self.file.read_at(room, self.at)?,
            None => 0,
        };
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

/// Writes an entry, and returns its length in bytes.
fn write(to: &mut impl Write, entry: &SortEntry) -> io::Result<u64> {
    let (rank, text) = (entry.rank.len() as u64, entry.text.len() as u64);
    let kept = entry.kept.iter().flat_map(|kept| [kept.start, kept.length]);
    let Totals { messages, bytes } = entry.totals;
    let numbers = [rank, text, messages, bytes, entry.kept.len() as u64];
    let mut length = rank.saturating_add(text);
    for number in numbers.into_iter().chain(kept) {
        to.write_all(&number.to_le_bytes())?;
        length = length.saturating_add(8);
    }
    to.write_all(&entry.rank)?;
    to.write_all(&entry.text)?;
    Ok(length)
}

/// Reads an entry. Returns `None` at the end of the run.
fn read(from: &mut BufReader<RunSection>) -> io::Result<Option<SortEntry>> {
    if io::BufRead::fill_buf(from)?.is_empty() {
        return Ok(None);
    }
    let [rank, text, messages, bytes] =
        [number(from)?, number(from)?, number(from)?, number(from)?];
    let mut kept = Vec::new();
    for _ in 0..number(from)? {
        kept.push(SpilledText {
            start: number(from)?,
            length: number(from)?,
        });
    }
    Ok(Some(SortEntry {
        rank: take(from, rank)?,
        kept,
        text: take(from, text)?,
        totals: Totals { messages, bytes },
    }))
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn take(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if from.take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
