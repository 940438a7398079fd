//! Reads a queue file record by record. The caller decides what a record means.
//!
//! Limits memory and work for untrusted files: memory is allocated only for bytes
//! that are in the file; of a long record, at most the limit on text is kept
//! ([`RecordReader::chunk`] returns longer data piece by piece); and no more than a
//! small multiple of the file is read.

use std::io;

use super::error::RecordError;
use super::{RecordType, pointer};
use crate::sys::source::Source;
use crate::text::{SHORT_TEXT_MAX, trim_space_start};

/// Bytes of the first read, into which the envelope of nearly every message fits.
const FIRST_READ: usize = 4096;
/// Bytes of each further read.
const NEXT_READ: usize = 32 * 1024;
/// Largest number of bytes of one record that are kept; longer text is truncated.
/// The longest address that SMTP permits is a thousandth of this.
pub const TEXT_MAX: usize = 4 * 1024 * 1024;
/// Largest number of length bytes, of seven bits each.
const LENGTH_BYTES_MAX: u32 = 4;

/// Buffers that readers of successive files share, so that no file needs an
/// allocation.
#[derive(Debug)]
pub struct Buffers {
    window: Vec<u8>,
    long: Vec<u8>,
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
enum Extent {
    /// At least what precedes the first NUL.
    ToNul,
    /// All of it.
    Whole,
}

/// How to treat records of type 0 without data, which consist of two zero bytes.
/// Holes in a file read as such records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zeros {
    /// Return each of them.
    Read,
    /// Return one for each sequence of them.
    PassOver,
}

/// A record that is complete in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The type byte.
    pub kind: RecordType,
    /// Offset of the type byte in the file.
    pub offset: u64,
    /// Offset of the data.
    pub data: u64,
    /// Number of data bytes, any of which may be NUL.
    pub length: u64,
}

/// Reads the records of one file in order.
#[derive(Debug)]
pub struct RecordReader<'b, S> {
    source: S,
    buffers: &'b mut Buffers,
    /// File offset of the first byte of the window.
    window_start: u64,
    /// Number of bytes in the window that hold file content.
    window_filled: usize,
    position: u64,
    jumps: pointer::Jumps,
    failure: Option<io::Error>,
    zeros: Zeros,
    /// Largest number of bytes that `text` and `data` return.
    text_max: usize,
}

impl<'b, S: Source> RecordReader<'b, S> {
    /// Creates a reader at the start of `source`.
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

    /// Sets the largest number of bytes that [`RecordReader::text`] and
    /// [`RecordReader::data`] return for the records from now on. The initial limit
    /// is [`TEXT_MAX`].
    pub fn limit_text(&mut self, most: usize) {
        self.text_max = most;
    }

    /// Skips zeros, which have no meaning in a message, so that a hole of any size
    /// takes little time.
    pub fn passing_over_zeros(mut self) -> Self {
        self.zeros = Zeros::PassOver;
        self
    }

    /// Returns the first read error, if there was any. [`RecordReader::next_raw`]
    /// treats a read error as the end of the file.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Whether a record can be read without a read error. If not, its text is
    /// empty.
    pub fn is_readable(&mut self, record: &Record) -> bool {
        self.loaded(record, Extent::ToNul);
        self.failure.is_none()
    }

    /// The first byte of the next record; `None` at the end of the file.
    pub fn peek(&mut self) -> Option<u8> {
        self.byte(self.position)
    }

    /// Whether reading the next record may block until there is input.
    pub fn may_wait(&self) -> bool {
        self.source.waits() && self.in_window(self.position, 1).is_none()
    }

    /// The offset of the next record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The offset of the next record in the file; `None` if the source is a stream.
    pub fn offset(&self) -> Option<u64> {
        (!self.source.waits()).then_some(self.position)
    }

    /// Starts again at `offset`, and resets the limits on pointers and reading. A
    /// stream must have reached the offset already.
    ///
    /// # Errors
    ///
    /// No file can be that long.
    pub fn start_at(&mut self, offset: u64) -> io::Result<()> {
        if offset > self.source.size() && !self.source.waits() {
            self.source.check_seek(offset)?;
        }
        self.jumps = pointer::Jumps::default();
        self.position = offset;
        Ok(())
    }

    /// Continues at `offset`.
    ///
    /// # Errors
    ///
    /// No file can be that long.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        if offset >= self.source.size() {
            self.source.check_seek(offset)?;
        }
        self.jumps.moved(self.position, offset);
        self.position = offset;
        Ok(())
    }

    /// Returns the next record as it is in the file; `None` at the end of the file.
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
            (Zeros::PassOver, 0, 0) => self.after_zeros(end),
            _ => end,
        };
        Ok(Some(Record {
            kind,
            offset,
            data,
            length,
        }))
    }

    /// Returns the next record as a reader of messages sees it: pointers are
    /// followed, padding is skipped, and the file ends after the end record.
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

    /// Follows a pointer record.
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

    /// Continues at `target`, to which a pointer record leads.
    pub fn jump(&mut self, target: u64) -> Result<(), RecordError> {
        self.jumps.jump(target)?;
        self.seek(target).map_err(RecordError::PointerSeek)
    }

    /// The record's data up to its first NUL, truncated to the limit on text.
    pub fn text(&mut self, record: &Record) -> &[u8] {
        let text = self.loaded(record, Extent::ToNul);
        match text.iter().position(|&b| b == 0) {
            Some(nul) => text.get(..nul).unwrap_or_default(),
            None => text,
        }
    }

    /// The record's data from its byte `from` on, as much as one read returns;
    /// empty at the end of the data. Serves to process data of any length piece by
    /// piece.
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

    /// The record's data including NULs, truncated to the limit on text.
    pub fn data(&mut self, record: &Record) -> &[u8] {
        self.loaded(record, Extent::Whole)
    }

    /// Like [`RecordReader::data`], but long data is truncated at the beginning.
    pub fn data_end(&mut self, record: &Record) -> &[u8] {
        let excess = record.length.saturating_sub(self.text_max as u64);
        let end = Record {
            data: record.data.saturating_add(excess),
            length: record.length.saturating_sub(excess),
            ..*record
        };
        self.loaded(&end, Extent::Whole)
    }

    /// The record's data, truncated to the limit on text.
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

    /// Decodes the length at `at`. Returns it with the offset after it.
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

    /// The byte at `offset`; `None` at the end of the file. A read error is treated
    /// as the end.
    fn byte(&mut self, offset: u64) -> Option<u8> {
        if self.in_window(offset, 1).is_none() {
            self.fill(offset);
        }
        self.in_window(offset, 1)?.first().copied()
    }

    /// The offset after the pairs of zeros that begin at `at`.
    fn after_zeros(&mut self, mut at: u64) -> u64 {
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

    /// Whether the file has at least `end` bytes.
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

    /// The type bytes and texts of a file, and the error at its end.
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
    fn errors_in_a_truncated_file_name_the_record() {
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
    fn a_huge_length_allocates_no_memory() {
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&b"S\xff\xff\xff\x7fab"[..], &mut buffers);
        assert!(reader.next_cooked().is_err());
        assert!(buffers.window.len() <= NEXT_READ && buffers.long.is_empty());
    }

    #[test]
    fn text_longer_than_the_window_is_complete() {
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
    fn backward_pointers_limit_how_often_a_file_is_read() {
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
    fn starting_again_resets_the_limit_on_jumps() {
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
    fn passing_over_zeros_keeps_all_other_records() {
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
    fn nothing_is_read_after_the_end_record() {
        assert_eq!(read(b"E\0R\x01a").0, [(b'E', Vec::new())]);
    }
}
