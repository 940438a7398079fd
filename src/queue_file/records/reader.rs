//! Reads a queue file record by record. The caller decides what a record means.
//!
//! Limits memory and work for untrusted files: memory is allocated only for bytes
//! that are in the file; of a long record, at most the limit on text is kept
//! ([`RecordReader::chunk`] returns longer data piece by piece); and no more than a
//! small multiple of the file is read.

use std::io;

use bstr::ByteSlice;

use super::error::RecordError;
use super::pointer;
use super::record::{Record, RecordType};
use super::window::{Buffers, Extent, Window};
use crate::sys::source::Source;

/// Largest number of bytes of one record that are kept; longer text is truncated.
/// The longest address that SMTP permits is a thousandth of this.
pub const TEXT_MAX: usize = 4 * 1024 * 1024;
/// Largest number of length bytes, of seven bits each.
const LENGTH_BYTES_MAX: u32 = 4;

/// How to treat records of type 0 without data, which consist of two zero bytes.
/// Holes in a file read as such records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zeros {
    /// Return each of them.
    Read,
    /// Return one for each sequence of them.
    PassOver,
}

/// Reads the records of one file in order.
#[derive(Debug)]
pub struct RecordReader<'b, S> {
    window: Window<'b, S>,
    position: u64,
    jumps: pointer::Jumps,
    zeros: Zeros,
    /// Largest number of bytes that `text` and `data` return.
    text_max: usize,
}

impl<'b, S: Source> RecordReader<'b, S> {
    /// Creates a reader at the start of `source`.
    pub fn new(source: S, buffers: &'b mut Buffers) -> Self {
        Self {
            window: Window::new(source, buffers),
            position: 0,
            jumps: pointer::Jumps::default(),
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
        self.window.failure.take()
    }

    /// Whether a record can be read without a read error. If not, its text is
    /// empty.
    pub fn is_readable(&mut self, record: &Record) -> bool {
        self.loaded(record, Extent::ToNul);
        self.window.failure.is_none()
    }

    /// The first byte of the next record; `None` at the end of the file.
    pub fn peek(&mut self) -> Option<u8> {
        self.window.byte(self.position)
    }

    /// Whether reading the next record may block until there is input.
    pub fn may_wait(&self) -> bool {
        self.window.source.waits() && self.window.bytes(self.position, 1).is_none()
    }

    /// The offset of the next record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The offset of the next record in the file; `None` if the source is a stream.
    pub fn offset(&self) -> Option<u64> {
        (!self.window.source.waits()).then_some(self.position)
    }

    /// Starts again at `offset`, and resets the limits on pointers and reading. A
    /// stream must have reached the offset already.
    ///
    /// # Errors
    ///
    /// No file can be that long.
    pub fn start_at(&mut self, offset: u64) -> io::Result<()> {
        self.position = if offset > self.window.source.size() && !self.window.source.waits() {
            self.window.source.check_seek(offset)?
        } else {
            offset
        };
        self.jumps = pointer::Jumps::default();
        Ok(())
    }

    /// Continues at `offset`.
    ///
    /// # Errors
    ///
    /// No file can be that long.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        if offset >= self.window.source.size() {
            self.window.source.check_seek(offset)?;
        }
        self.jumps.moved(self.position, offset);
        self.position = offset;
        Ok(())
    }

    /// Returns the next record as it is in the file; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// The record is damaged or cut short, or a limit of reading is exceeded.
    pub fn next_raw(&mut self) -> Result<Option<Record>, RecordError> {
        let offset = self.position;
        self.window.source.release(offset);
        let Some(kind) = self.window.byte(offset) else {
            return Ok(None);
        };
        let kind = RecordType(kind);
        let (length, data) = self.length(kind, offset.saturating_add(1))?;
        let end = data.saturating_add(length);
        if !self.window.reaches(end) {
            return Err(RecordError::EofInData { kind, length });
        }
        self.jumps
            .read(end.saturating_sub(offset), self.window.source.size())?;
        self.position = match (self.zeros, kind.0, length) {
            (Zeros::PassOver, 0, 0) => self.window.after_zeros(end),
            _ => end,
        };
        Ok(Some(Record {
            kind,
            offset,
            data,
            length,
        }))
    }

    /// Ends the file here, after its end record.
    ///
    /// # Errors
    ///
    /// The stream cannot be read to its end.
    pub(super) fn end(&mut self) -> Result<(), RecordError> {
        let source = &mut self.window.source;
        source.check_end().map_err(RecordError::EndSeek)?;
        self.position = u64::MAX;
        Ok(())
    }

    /// Continues at `target`, to which a pointer record leads.
    ///
    /// # Errors
    ///
    /// It leads back too often, or where no file can be.
    pub fn jump(&mut self, target: u64) -> Result<(), RecordError> {
        self.jumps.jump(target)?;
        self.seek(target).map_err(RecordError::PointerSeek)
    }

    /// The record's data up to its first NUL, truncated to the limit on text.
    pub fn text(&mut self, record: &Record) -> &[u8] {
        let text = self.loaded(record, Extent::ToNul);
        match text.find_byte(0) {
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
        if left > 0 && self.window.bytes(at, 1).is_none() {
            self.window.fill(at);
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let chunk = self.window.bytes_from(at);
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
        let length = usize::try_from(record.length).unwrap_or(usize::MAX);
        let length = length.min(self.text_max);
        self.window.loaded(record.data, length, extent)
    }

    /// Decodes the length at `at`. Returns it with the offset after it.
    fn length(&mut self, kind: RecordType, mut at: u64) -> Result<(u64, u64), RecordError> {
        let mut length = 0u64;
        for group in 0..LENGTH_BYTES_MAX {
            let byte = self.window.byte(at).ok_or(RecordError::EofInLength(kind))?;
            at = at.saturating_add(1);
            length |= u64::from(byte & 0x7f) << (7 * group);
            if byte & 0x80 == 0 {
                return Ok((length, at));
            }
        }
        Err(RecordError::LengthBits(kind))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::queue_file::records::window::NEXT_READ;
    use crate::queue_file::records::writer::RecordWriter;

    /// The type bytes and texts of a file as `next` returns them, and the error at its
    /// end.
    pub(in super::super) fn records_of(
        bytes: &[u8],
        next: impl Fn(&mut RecordReader<'_, &[u8]>) -> Result<Option<Record>, RecordError>,
    ) -> (Vec<(u8, Vec<u8>)>, Option<String>) {
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(bytes, &mut buffers);
        let mut records = Vec::new();
        loop {
            match next(&mut reader) {
                Ok(Some(record)) => {
                    let text = reader.text(&record).to_vec();
                    records.push((record.kind.0, text));
                }
                Ok(None) => return (records, None),
                Err(error) => return (records, Some(error.to_string())),
            }
        }
    }

    fn read(bytes: &[u8]) -> (Vec<(u8, Vec<u8>)>, Option<String>) {
        records_of(bytes, |reader| reader.next_raw())
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
        assert!(reader.next_raw().is_err());
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
}
