//! A source that can only be read forward, such as a pipe or a terminal.
//!
//! Keeps all bytes of the current record, however long it is, because a record is
//! shown only when it is complete. Bytes before it are discarded.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::io::Read;

use nix::libc;

use crate::sys::source::Source;

/// Bytes requested in each read.
const READ: usize = 64 * 1024;
/// Number of stale bytes after which the remaining bytes are moved to the front of
/// the buffer.
const STALE: u64 = 256 * 1024;

/// An input without offsets, read from its current position.
#[derive(Debug)]
pub struct StreamSource(RefCell<StreamBuffer>);

/// The part of the stream that is in memory.
#[derive(Debug)]
struct StreamBuffer {
    input: File,
    /// Offset of the first byte in memory, counted from where reading began.
    start: u64,
    bytes: Vec<u8>,
}

impl StreamSource {
    /// Creates a source that reads the stream from its current position.
    pub fn new(input: File) -> Self {
        Self(RefCell::new(StreamBuffer {
            input,
            start: 0,
            bytes: Vec::new(),
        }))
    }

    /// Skips `count` bytes. Returns the number of bytes that there were.
    ///
    /// # Errors
    ///
    /// The read error, after which nothing more is read.
    pub fn skip(&self, count: u64) -> io::Result<u64> {
        let mut kept = self.0.borrow_mut();
        let skipped = io::copy(&mut (&kept.input).take(count), &mut io::sink())?;
        kept.start = kept.start.saturating_add(skipped);
        Ok(skipped)
    }
}

impl StreamBuffer {
    /// The bytes from `offset` on that are in memory.
    fn from(&self, offset: u64) -> &[u8] {
        let skip = offset.checked_sub(self.start);
        let skip = skip.and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.bytes.get(skip..))
            .unwrap_or_default()
    }

    /// Reads more bytes. Returns 0 at the end of the stream.
    fn more(&mut self) -> io::Result<usize> {
        let have = self.bytes.len();
        self.bytes.resize(have.saturating_add(READ), 0);
        let count = loop {
            let rest = self.bytes.get_mut(have..).unwrap_or_default();
            match self.input.read(rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let filled = have.saturating_add(*count.as_ref().unwrap_or(&0));
        self.bytes.truncate(filled);
        count
    }
}

impl Source for StreamSource {
    /// Waits until there is at least one byte, but not until the buffer is full, so
    /// that records can be shown as they arrive.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut kept = self.0.borrow_mut();
        while kept.from(offset).is_empty() {
            if offset < kept.start || kept.more()? == 0 {
                return Ok(0);
            }
        }
        kept.from(offset).read(buffer)
    }

    fn size(&self) -> u64 {
        0
    }

    fn check_seek(&self, _: u64) -> io::Result<u64> {
        Err(io::Error::from_raw_os_error(libc::ESPIPE))
    }

    fn check_end(&self) -> io::Result<()> {
        self.check_seek(0).map(drop)
    }

    fn waits(&self) -> bool {
        true
    }

    fn release(&self, before: u64) {
        let mut kept = self.0.borrow_mut();
        let stale = before.saturating_sub(kept.start);
        let half = kept.bytes.len() as u64 / 2;
        if stale >= STALE && stale >= half {
            let count = usize::try_from(stale).unwrap_or(usize::MAX);
            let count = count.min(kept.bytes.len());
            kept.bytes.drain(..count);
            kept.start = kept.start.saturating_add(count as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::queue_file::records::writer::RecordWriter;
    use crate::queue_file::records::{Buffers, RecordReader, RecordType};

    /// A pipe that contains `bytes` and is closed at the other end.
    fn pipe(bytes: &[u8]) -> StreamSource {
        let (reader, mut writer) = UnixStream::pair().unwrap();
        let bytes = bytes.to_vec();
        std::thread::spawn(move || writer.write_all(&bytes));
        StreamSource::new(File::from(OwnedFd::from(reader)))
    }

    #[test]
    fn complete_records_are_returned_and_discarded() {
        let line = vec![b'x'; 3000];
        let mut file = RecordWriter::new();
        for _ in 0..1000 {
            file.record(RecordType::TEXT, &line);
        }
        let source = pipe(&file.into_bytes());
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&source, &mut buffers);
        let mut count = 0;
        while let Some(record) = reader.next_raw().unwrap() {
            assert_eq!(reader.text(&record), line);
            count += 1;
        }
        assert_eq!(count, 1000);
        assert!(source.0.borrow().bytes.len() < 4 * 256 * 1024);
    }

    #[test]
    fn a_stream_cannot_seek() {
        let source = pipe(b"R\x01aE\0");
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&source, &mut buffers);
        assert!(reader.seek(0).is_err());
        assert_eq!(
            reader.next_cooked().unwrap().unwrap().kind,
            RecordType::RECIPIENT
        );
        assert_eq!(
            reader.next_cooked().unwrap_err().to_string(),
            "seek error after reading END record: Illegal seek"
        );
    }
}
