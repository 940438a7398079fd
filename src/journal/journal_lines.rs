//! Reads the lines of the trash's journal.
//!
//! Owns the limits: of an overlong line only the beginning is kept, and without a
//! newline only a limited number of bytes is read.

use std::fs::File;
use std::io;
use std::io::{BufRead, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bstr::ByteSlice;

use super::records::LINE_MAX;

/// The largest number of bytes read without finding a newline. A record has at
/// most 4096.
const LINE_READ_MAX: u64 = 1 << 20;

/// The bytes of a file between two offsets, read without moving the file's own
/// offset.
#[derive(Debug)]
pub(super) struct FileSection<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl<'f> FileSection<'f> {
    /// Creates a reader of the bytes in `range`.
    pub(super) fn new(file: &'f File, range: Range<u64>) -> Self {
        let Range { start: at, end } = range;
        Self { file, at, end }
    }
}

impl Read for FileSection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let Some(buffer) = buffer.get_mut(..wanted).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let read = self.file.read_at(buffer, self.at)?;
        self.at = self
            .at
            .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// With a newline.
    Newline,
    /// With the end of the file.
    EndOfFile,
    /// There are more bytes without a newline than are read.
    TooLong,
}

/// Reads the next line into `line`, without its newline. Of an overlong line,
/// keeps a part that is still too long to be a record. Returns the length of
/// the line in the file, and how it ended.
///
/// # Errors
///
/// Those of `input`.
pub(super) fn next_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
) -> io::Result<(u64, LineEnd)> {
    line.clear();
    let mut bytes: u64 = 0;
    loop {
        let room = LINE_MAX.saturating_add(1).saturating_sub(line.len());
        let piece = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if piece.is_empty() {
            return Ok((bytes, LineEnd::EndOfFile));
        }
        let newline = piece.find_byte(b'\n');
        let text = piece.get(..newline.unwrap_or(piece.len())).unwrap_or(piece);
        line.extend_from_slice(text.get(..room).unwrap_or(text));
        let taken = text.len().saturating_add(newline.map_or(0, |_| 1));
        bytes = bytes.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        input.consume(taken);
        if newline.is_some() {
            return Ok((bytes, LineEnd::Newline));
        }
        if bytes > LINE_READ_MAX {
            return Ok((bytes, LineEnd::TooLong));
        }
    }
}
