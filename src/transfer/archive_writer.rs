//! Writes an archive, entry by entry.

use std::io;
use std::io::{Read, Write};

use nix::sys::stat::FileStat;
use serde::Serialize;
use tar::{Builder, EntryType, Header};

use super::checksum::Checksum;
use super::format::{
    ArchiveEnd, ArchiveHeader, DESCRIPTION, END_NAME, FileEntry, HEADER_NAME, MessageEntry,
};
use crate::text::append_json_line;

/// The mode of descriptions.
const DESCRIPTION_MODE: u32 = 0o600;

/// Writes an archive to `W`.
pub struct ArchiveWriter<W: Write> {
    builder: Builder<W>,
    time: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive. `time` is the modification time of descriptions, in
    /// seconds since the epoch.
    ///
    /// # Errors
    ///
    /// The archive cannot be written.
    pub fn begin(to: W, header: &ArchiveHeader, time: i64) -> io::Result<Self> {
        let mut writer = Self {
            builder: Builder::new(to),
            time: u64::try_from(time).unwrap_or(0),
        };
        writer.json(HEADER_NAME, header)?;
        Ok(writer)
    }

    /// Writes a file of the size in `stat`. If it is shorter by now, zeros take
    /// the place of the rest, since the size has been written before. Returns
    /// the description of what was written, and whether the file was as long as
    /// expected.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the archive cannot be written.
    pub fn file(
        &mut self,
        directory: &str,
        name: &str,
        input: impl Read,
        stat: &FileStat,
    ) -> io::Result<(FileEntry, Length)> {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let path = format!("{directory}/{name}");
        let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
        let header = header(&path, size, (stat.st_mode & 0o777, seconds))?;
        let mut padded = Padded {
            input,
            left: size,
            length: Length::AsExpected,
            sum: Checksum::default(),
        };
        self.builder.append(&header, &mut padded)?;
        let entry = FileEntry {
            name: name.to_owned(),
            size,
            fnv1a64: padded.sum.to_string(),
        };
        Ok((entry, padded.length))
    }

    /// Writes the description of a message, after its files.
    ///
    /// # Errors
    ///
    /// The archive cannot be written.
    pub fn description(&mut self, directory: &str, message: &MessageEntry) -> io::Result<()> {
        self.json(&format!("{directory}/{DESCRIPTION}"), message)
    }

    /// Writes out what is buffered. Returns what the archive is written to.
    ///
    /// # Errors
    ///
    /// The archive cannot be written.
    pub fn flush(&mut self) -> io::Result<&W> {
        let to = self.builder.get_mut();
        to.flush()?;
        Ok(to)
    }

    /// Ends the archive, and returns what it was written to.
    ///
    /// # Errors
    ///
    /// The archive cannot be written.
    pub fn end(mut self, end: &ArchiveEnd) -> io::Result<W> {
        self.json(END_NAME, end)?;
        self.builder.into_inner()
    }

    fn json(&mut self, path: &str, value: &impl Serialize) -> io::Result<()> {
        let mut text = Vec::new();
        append_json_line(value, &mut text);
        let header = header(path, text.len() as u64, (DESCRIPTION_MODE, self.time))?;
        self.builder.append(&header, text.as_slice())
    }
}

/// Returns the tar header of a regular file, with its mode and modification
/// time.
fn header(path: &str, size: u64, (mode, modified): (u32, u64)) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(modified);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// Whether a file had the size that it had when it was examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// It had at least that size.
    AsExpected,
    /// It was shorter.
    TooShort,
}

/// Reads exactly as many bytes as expected, and adds them to a checksum.
struct Padded<R> {
    input: R,
    left: u64,
    length: Length,
    sum: Checksum,
}

impl<R: Read> Read for Padded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let size = buffer.len().min(most);
        let buffer = buffer.get_mut(..size).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut count = 0;
        if self.length == Length::AsExpected {
            count = self.input.read(buffer)?;
        }
        if count == 0 {
            self.length = Length::TooShort;
            buffer.fill(0);
            count = buffer.len();
        }
        self.left = self.left.saturating_sub(count as u64);
        self.sum.add(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
