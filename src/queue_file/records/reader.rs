//! Reads a queue file record by record.
//!
//! Owns the limits: nothing in a file makes it allocate before the bytes are
//! there, keep more of a record than its limit on text (`chunk` gives longer
//! data piece by piece), or read more than a small multiple of the file.
//! The caller decides what a record means.

use std::io;

use super::error::RecordError;
use super::{RecordType, pointer};
use crate::sys::source::Source;
use crate::text::{SHORT_TEXT_MAX, trim_space_start};

/// Bytes read at first: the envelope of nearly every message fits.
const FIRST_READ: usize = 4096;
/// Bytes read at a time after that.
const NEXT_READ: usize = 32 * 1024;
/// Most bytes of one record that are kept. Longer text is cut there: the
/// longest address that SMTP can bring is a thousandth of it.
pub const TEXT_MAX: usize = 4 * 1024 * 1024;
/// Length bytes of seven bits each.
const LENGTH_BYTES_MAX: u32 = 4;

/// Buffers that one reader after the other can use, so that a file costs no
/// allocation.
#[derive(Debug)]
pub struct Buffers {
    window: Vec<u8>,
    long: Vec<u8>,
    read_ahead: usize,
}

impl Buffers {
    /// Buffers for readers that read whole files, `size` bytes at a time.
    pub fn reading_ahead(size: usize) -> Self {
        Self {
            read_ahead: size.max(NEXT_READ),
            ..Self::default()
        }
    }

    /// Gives back what a long text has taken.
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
enum Extent {
    /// At least what precedes the first NUL.
    ToNul,
    /// All of it.
    Whole,
}

/// What becomes of records of type 0 without data: two zeros each, and holes in
/// a file are full of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zeros {
    /// Every one counts.
    Read,
    /// One represents all that follow it.
    PassOver,
}

/// A record that was found complete in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The type byte.
    pub kind: RecordType,
    /// Offset of the type byte in the file.
    pub offset: u64,
    /// Offset of the data.
    pub data: u64,
    /// Bytes of data; any number of them may be NUL.
    pub length: u64,
}

/// Reads the records of one file in order.
#[derive(Debug)]
pub struct RecordReader<'b, S> {
    source: S,
    buffers: &'b mut Buffers,
    /// File offset of the first byte of the window.
    window_start: u64,
    /// Bytes of the window that hold file content.
    window_filled: usize,
    position: u64,
    jumps: pointer::Jumps,
    failure: Option<io::Error>,
    zeros: Zeros,
    /// Most bytes of a record that `text` and `data` give.
    text_max: usize,
}

impl<'b, S: Source> RecordReader<'b, S> {
    /// A reader at the start of `source`.
    pub fn new(source: S, buffers: &'b mut Buffers) -> Self {
        Self {
            source,
            buffers,
            window_start: 0,
            window_filled: 0,
            position: 0,
            jumps: pointer::Jumps::default(),
            failure: None,
            zeros: Zeros::Read,
            text_max: TEXT_MAX,
        }
    }

    /// Limits what `text` and `data` give of the records from now on; at
    /// first that is `TEXT_MAX` bytes.
    pub fn limit_text(&mut self, most: usize) {
        self.text_max = most;
    }

    /// Skips zeros, which mean nothing in a message: a hole of
    /// any size costs as little as a small one.
    pub fn passing_over_zeros(mut self) -> Self {
        self.zeros = Zeros::PassOver;
        self
    }

    /// The first read error, if there was any. To `next_raw` it was the end
    /// of the file.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Whether a record that is needed can be read: of one that cannot, the
    /// text is empty.
    pub fn is_readable(&mut self, record: &Record) -> bool {
        self.loaded(record, Extent::ToNul);
        self.failure.is_none()
    }

    /// The first byte of the next record, `None` at the end of the file.
    pub fn peek(&mut self) -> Option<u8> {
        self.byte(self.position)
    }

    /// Whether reading on may have to wait for input.
    pub fn may_wait(&self) -> bool {
        self.source.waits() && self.in_window(self.position, 1).is_none()
    }

    /// The offset of the next record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The offset of the next record in the file; `None` of a stream.
    pub fn offset(&self) -> Option<u64> {
        (!self.source.waits()).then_some(self.position)
    }

    /// Starts at `offset`, which a stream must have reached already. What was
    /// read before does not count for the limits.
    pub fn start_at(&mut self, offset: u64) -> io::Result<()> {
        if offset > self.source.size() && !self.source.waits() {
            self.source.check_seek(offset)?;
        }
        self.jumps = pointer::Jumps::default();
        self.position = offset;
        Ok(())
    }

    /// Goes on reading at `offset`; an error if no file can be that long.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        if offset >= self.source.size() {
            self.source.check_seek(offset)?;
        }
        self.jumps.moved(self.position, offset);
        self.position = offset;
        Ok(())
    }

    /// The next record as it is in the file; `None` at its end.
    pub fn next_raw(&mut self) -> Result<Option<Record>, RecordError> {
        let offset = self.position;
        self.source.release(offset);
        let Some(kind) = self.byte(offset) else {
            return Ok(None);
        };
        let kind = RecordType(kind);
        let (length, data) = self.length(kind, offset.saturating_add(1))?;
        let end = data.saturating_add(length);
        if !self.reaches(end) {
            return Err(RecordError::EofInData { kind, length });
        }
        self.jumps
            .read(end.saturating_sub(offset), self.source.size())?;
        self.position = match (self.zeros, kind.0, length) {
            (Zeros::PassOver, 0, 0) => self.behind_zeros(end),
            _ => end,
        };
        Ok(Some(Record {
            kind,
            offset,
            data,
            length,
        }))
    }

    /// The next record for a reader of messages: pointers are followed,
    /// padding is hidden, and after the end record comes the end of the file.
    pub fn next_cooked(&mut self) -> Result<Option<Record>, RecordError> {
        while let Some(record) = self.next_raw()? {
            match record.kind {
                RecordType::POINTER => self.follow(&record)?,
                RecordType::PADDING => {}
                RecordType::END => {
                    self.source.check_end().map_err(RecordError::EndSeek)?;
                    self.position = u64::MAX;
                    return Ok(Some(record));
                }
                _ => return Ok(Some(record)),
            }
        }
        Ok(None)
    }

    /// Goes where a pointer record leads.
    pub fn follow(&mut self, record: &Record) -> Result<(), RecordError> {
        let text = self.text(record);
        let Some(target) = pointer::parse(text) else {
            return Err(RecordError::PointerValue(trim_space_start(text).to_vec()));
        };
        match target {
            0 => Ok(()),
            target => self.jump(target),
        }
    }

    /// Goes to `target`, where a pointer record leads.
    pub fn jump(&mut self, target: u64) -> Result<(), RecordError> {
        self.jumps.jump(target)?;
        self.seek(target).map_err(RecordError::PointerSeek)
    }

    /// The record's data up to its first NUL, as far as the limit on text.
    pub fn text(&mut self, record: &Record) -> &[u8] {
        let text = self.loaded(record, Extent::ToNul);
        match text.iter().position(|&b| b == 0) {
            Some(nul) => text.get(..nul).unwrap_or_default(),
            None => text,
        }
    }

    /// As much of the record's data as is at hand, from its byte `from` on;
    /// empty after its last byte. For data of any length, piece by piece.
    pub fn chunk(&mut self, record: &Record, from: u64) -> &[u8] {
        let left = record.length.saturating_sub(from);
        let at = record.data.saturating_add(from);
        if left > 0 && self.in_window(at, 1).is_none() {
            self.fill(at);
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let chunk = self.window_from(at);
        chunk.get(..left.min(chunk.len())).unwrap_or_default()
    }

    /// The record's data with every NUL in it, as far as the limit on text.
    pub fn data(&mut self, record: &Record) -> &[u8] {
        self.loaded(record, Extent::Whole)
    }

    /// As `data`, but of longer data the end rather than the beginning.
    pub fn data_end(&mut self, record: &Record) -> &[u8] {
        let excess = record.length.saturating_sub(self.text_max as u64);
        let end = Record {
            data: record.data.saturating_add(excess),
            length: record.length.saturating_sub(excess),
            ..*record
        };
        self.loaded(&end, Extent::Whole)
    }

    /// The record's data; of long data, as far as it is needed.
    fn loaded(&mut self, record: &Record, extent: Extent) -> &[u8] {
        let length = usize::try_from(record.length)
            .unwrap_or(usize::MAX)
            .min(self.text_max);
        if length > NEXT_READ {
            return self.long_data(record.data, length, extent);
        }
        if self.in_window(record.data, length).is_none() {
            self.fill(record.data);
        }
        self.in_window(record.data, length).unwrap_or_default()
    }

    /// Data too long for the window, gathered piece by piece: the buffer
    /// grows only as far as there are bytes in the file.
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

    /// Decodes the length that starts at `at`; returns it with the offset
    /// after it.
    fn length(&mut self, kind: RecordType, mut at: u64) -> Result<(u64, u64), RecordError> {
        let mut length = 0u64;
        for group in 0..LENGTH_BYTES_MAX {
            let byte = self.byte(at).ok_or(RecordError::EofInLength(kind))?;
            at = at.saturating_add(1);
            length |= u64::from(byte & 0x7f) << (7 * group);
            if byte & 0x80 == 0 {
                return Ok((length, at));
            }
        }
        Err(RecordError::LengthBits(kind))
    }

    /// The byte at `offset`, `None` after the end. A read error is an end:
    /// nothing more can be had of that file.
    fn byte(&mut self, offset: u64) -> Option<u8> {
        if self.in_window(offset, 1).is_none() {
            self.fill(offset);
        }
        self.in_window(offset, 1)?.first().copied()
    }

    /// The offset after the pairs of zeros that begin at `at`.
    fn behind_zeros(&mut self, mut at: u64) -> u64 {
        let pairs = |count: u64| count & !1;
        loop {
            let rest = self.window_from(at);
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            let is_all = zeros == rest.len();
            at = at.saturating_add(pairs(zeros as u64));
            if !is_all {
                return at;
            }
            let data = self.source.data_from(at);
            at = at.saturating_add(pairs(data.saturating_sub(at)));
            self.fill(at);
            if self.window_filled < 2 {
                return at;
            }
        }
    }

    /// Whether the file goes on to `end` at least.
    fn reaches(&mut self, end: u64) -> bool {
        let window_end = self.window_start.saturating_add(self.window_filled as u64);
        if end <= window_end || end <= self.source.size() {
            return true;
        }
        // The file may have grown since it was opened.
        let mut last = [0];
        matches!(self.source.read_at(&mut last, end.saturating_sub(1)), Ok(1))
    }

    fn in_window(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.window_start)?).ok()?;
        let to = from.checked_add(length)?;
        self.buffers.window.get(..self.window_filled)?.get(from..to)
    }

    /// The bytes of the window from `offset` on.
    fn window_from(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.window_start);
        let from = from.and_then(|from| usize::try_from(from).ok());
        let window = self.buffers.window.get(..self.window_filled);
        match (window, from) {
            (Some(window), Some(from)) => window.get(from..).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Loads the window with the bytes from `offset` on.
    fn fill(&mut self, offset: u64) {
        if offset >= self.source.size() && offset == u64::MAX {
            self.window_filled = 0;
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
        self.window_start = offset;
        self.window_filled = match self.source.read_at(window, offset) {
            Ok(count) => count,
            Err(error) => {
                self.failure.get_or_insert(error);
                0
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue_file::records::writer::RecordWriter;

    /// The type bytes and texts of a file, and how it ended.
    fn read(bytes: &[u8]) -> (Vec<(u8, Vec<u8>)>, Option<String>) {
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(bytes, &mut buffers);
        let mut records = Vec::new();
        loop {
            match reader.next_cooked() {
                Ok(Some(record)) => {
                    let text = reader.text(&record).to_vec();
                    records.push((record.kind.0, text));
                }
                Ok(None) => return (records, None),
                Err(error) => return (records, Some(error.to_string())),
            }
        }
    }

    fn ends_with(bytes: &[u8], error: &str) {
        assert_eq!(read(bytes).1.as_deref(), Some(error));
    }

    #[test]
    fn a_length_of_five_bytes_is_an_error() {
        ends_with(
            b"R\x83\x80\x80\x80\x01abc",
            "too many length bits, record type 82",
        );
        assert_eq!(read(b"R\x83\x80\x80\x00abc").0, [(b'R', b"abc".to_vec())]);
    }

    #[test]
    fn a_file_that_ends_inside_a_record_says_where() {
        ends_with(b"R", "unexpected EOF reading length, record type 82");
        ends_with(b"R\x83", "unexpected EOF reading length, record type 82");
        ends_with(
            b"R\x05abcd",
            "unexpected EOF in data, record type 82 length 5",
        );
        ends_with(
            b"\xff\x05a",
            "unexpected EOF in data, record type 255 length 5",
        );
    }

    #[test]
    fn a_huge_length_costs_no_memory() {
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&b"S\xff\xff\xff\x7fab"[..], &mut buffers);
        assert!(reader.next_cooked().is_err());
        assert!(buffers.window.len() <= NEXT_READ && buffers.long.is_empty());
    }

    #[test]
    fn text_longer_than_the_window_comes_whole() {
        let long = vec![b'x'; 3 * NEXT_READ + 7];
        let mut file = RecordWriter::new();
        file.record(RecordType::SENDER, &long)
            .record(RecordType::RECIPIENT, b"r");
        let (records, error) = read(&file.into_bytes());
        assert_eq!(error, None);
        assert_eq!(records, [(b'S', long), (b'R', b"r".to_vec())]);
    }

    #[test]
    fn pointers_are_followed_and_padding_is_hidden() {
        let mut file = RecordWriter::new();
        file.record(RecordType::PADDING, b"....")
            .pointer(6 + 17 + 3);
        file.record(RecordType::RECIPIENT, b"a")
            .record(RecordType::RECIPIENT, b"b");
        assert_eq!(read(&file.into_bytes()).0, [(b'R', b"b".to_vec())]);
    }

    #[test]
    fn a_pointer_loop_ends() {
        ends_with(b"R\x01ap\x010p\x013", "too many reverse jump records");
        ends_with(b"p\x03abc", "malformed pointer record value: abc");
    }

    #[test]
    fn what_leads_back_is_read_no_more_than_a_few_times() {
        let mut file = RecordWriter::new();
        for _ in 0..100_000 {
            file.record(RecordType::RECIPIENT, b"recipient@example.com");
        }
        file.pointer(23);
        let records = read(&file.into_bytes());
        assert_eq!(records.1.as_deref(), Some("too many reverse jump records"));
        assert!((200_000..300_000).contains(&records.0.len()));
    }

    #[test]
    fn a_reader_that_starts_again_may_jump_again() {
        let file = b"p\x013p\x010R\x01a";
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&file[..], &mut buffers);
        for _ in 0..20_000 {
            reader.start_at(0).expect("a start");
            assert_eq!(
                reader.next_cooked().expect("a record").map(|r| r.offset),
                Some(6)
            );
        }
    }

    #[test]
    fn passing_over_zeros_leaves_all_else_as_it_is() {
        for zeros in (0..9).chain(NEXT_READ - 3..NEXT_READ + 9) {
            let file = [&b"S\x01a"[..], &vec![0; zeros], b"R\x01b"].concat();
            let zeroless = |passing| {
                let mut buffers = Buffers::default();
                let reader = RecordReader::new(&file[..], &mut buffers);
                let mut reader = if passing {
                    reader.passing_over_zeros()
                } else {
                    reader
                };
                let (mut records, mut count) = (Vec::new(), 0);
                let end = loop {
                    match reader.next_raw() {
                        Ok(Some(record)) if record.kind.0 == 0 && record.length == 0 => count += 1,
                        Ok(Some(record)) => records.push(record),
                        Ok(None) => break None,
                        Err(error) => break Some(error.to_string()),
                    }
                };
                (records, end, count.min(1))
            };
            assert_eq!(zeroless(true), zeroless(false), "{zeros}");
        }
    }

    #[test]
    fn nothing_is_read_behind_the_end_record() {
        assert_eq!(read(b"E\0R\x01a").0, [(b'E', Vec::new())]);
    }
}
