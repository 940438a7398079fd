//! The part of a queue file that is in memory.
//!
//! Owns the buffers and when the file is read: nothing is allocated before the
//! bytes are there.

use std::io;

use crate::sys::source::Source;
use crate::text::SHORT_TEXT_MAX;

/// Bytes of the first read, into which the envelope of nearly every message fits.
const FIRST_READ: usize = 4096;
/// Bytes of each further read.
pub(super) const NEXT_READ: usize = 32 * 1024;

/// Buffers that readers of successive files share, so that no file needs an
/// allocation.
#[derive(Debug)]
pub struct Buffers {
    pub(super) window: Vec<u8>,
    pub(super) long: Vec<u8>,
    read_ahead: usize,
}

impl Buffers {
    /// Creates buffers for readers that read whole files, `size` bytes at a time.
    pub fn reading_ahead(size: usize) -> Self {
        Self {
            read_ahead: size.max(NEXT_READ),
            ..Self::default()
        }
    }

    /// Frees the memory that was allocated for a long text.
    pub fn shrink(&mut self) {
        self.long.clear();
        self.long.shrink_to(2 * SHORT_TEXT_MAX);
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            window: Vec::new(),
            long: Vec::new(),
            read_ahead: NEXT_READ,
        }
    }
}

/// How much of a record's data is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// At least what precedes the first NUL.
    ToNul,
    /// All of it.
    Whole,
}

/// A window onto a file, and the file.
#[derive(Debug)]
pub(super) struct Window<'b, S> {
    pub(super) source: S,
    buffers: &'b mut Buffers,
    /// File offset of the first byte.
    start: u64,
    /// Bytes that hold file content.
    filled: usize,
    /// The first read error.
    pub(super) failure: Option<io::Error>,
}

impl<'b, S: Source> Window<'b, S> {
    /// A window with nothing in it yet.
    pub(super) fn new(source: S, buffers: &'b mut Buffers) -> Self {
        Self {
            source,
            buffers,
            start: 0,
            filled: 0,
            failure: None,
        }
    }

    /// `length` bytes from `offset` on; of many, as many as are needed. Empty
    /// if they cannot be read.
    pub(super) fn loaded(&mut self, offset: u64, length: usize, extent: Extent) -> &[u8] {
        if length > NEXT_READ {
            return self.long_data(offset, length, extent);
        }
        if self.bytes(offset, length).is_none() {
            self.fill(offset);
        }
        self.bytes(offset, length).unwrap_or_default()
    }

    /// Reads data that is too long for the window piece by piece, so that the
    /// buffer grows only as far as there are bytes in the file.
    fn long_data(&mut self, from: u64, length: usize, extent: Extent) -> &[u8] {
        let Buffers { long, .. } = &mut *self.buffers;
        long.clear();
        while long.len() < length {
            let have = long.len();
            let want = length.saturating_sub(have).min(NEXT_READ);
            long.resize(have.saturating_add(want), 0);
            let piece = long.get_mut(have..).unwrap_or_default();
            let count = match self.source.read_at(piece, from.saturating_add(have as u64)) {
                Ok(count) => count,
                Err(error) => {
                    self.failure.get_or_insert(error);
                    0
                }
            };
            let ends = count < want || extent == Extent::ToNul && piece.contains(&0);
            long.truncate(have.saturating_add(count));
            if ends {
                break;
            }
        }
        long
    }

    /// The byte at `offset`; `None` at the end of the file. A read error is treated
    /// as the end.
    pub(super) fn byte(&mut self, offset: u64) -> Option<u8> {
        if self.bytes(offset, 1).is_none() {
            self.fill(offset);
        }
        self.bytes(offset, 1)?.first().copied()
    }

    /// The offset after the pairs of zeros that begin at `at`.
    pub(super) fn after_zeros(&mut self, mut at: u64) -> u64 {
        let pairs = |count: u64| count & !1;
        loop {
            let rest = self.bytes_from(at);
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            let is_all = zeros == rest.len();
            at = at.saturating_add(pairs(zeros as u64));
            if !is_all {
                return at;
            }
            let data = self.source.data_from(at);
            at = at.saturating_add(pairs(data.saturating_sub(at)));
            self.fill(at);
            if self.filled < 2 {
                return at;
            }
        }
    }

    /// Whether the file has at least `end` bytes.
    pub(super) fn reaches(&mut self, end: u64) -> bool {
        let window_end = self.start.saturating_add(self.filled as u64);
        if end <= window_end || end <= self.source.size() {
            return true;
        }
        // The file may have grown since it was opened.
        let mut last = [0];
        matches!(self.source.read_at(&mut last, end.saturating_sub(1)), Ok(1))
    }

    /// `length` bytes from `offset` on, if they are all at hand.
    pub(super) fn bytes(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(length)?;
        self.buffers.window.get(..self.filled)?.get(from..to)
    }

    /// The bytes that are at hand from `offset` on.
    pub(super) fn bytes_from(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.start);
        let from = from.and_then(|from| usize::try_from(from).ok());
        let window = self.buffers.window.get(..self.filled);
        match (window, from) {
            (Some(window), Some(from)) => window.get(from..).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Loads the window with the bytes from `offset` on.
    pub(super) fn fill(&mut self, offset: u64) {
        if offset >= self.source.size() && offset == u64::MAX {
            self.filled = 0;
            return;
        }
        let size = match offset {
            0 => FIRST_READ,
            _ => self.buffers.read_ahead,
        };
        if self.buffers.window.len() < size {
            self.buffers.window.resize(size, 0);
        }
        let window = self.buffers.window.get_mut(..size).unwrap_or_default();
        self.start = offset;
        self.filled = match self.source.read_at(window, offset) {
            Ok(count) => count,
            Err(error) => {
                self.failure.get_or_insert(error);
                0
            }
        };
    }
}
