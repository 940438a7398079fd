//! The file of the journal, `saved/journal.spoolbox`: opening it and reading it
//! line by line. `locked_journal` writes it.
//!
//! The file name is not a queue ID, so Postfix's tools ignore it. The lines are
//! parsed in `records`. The amount of data read is bounded: a file that is not
//! a journal is reported as an error, however long it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};

use nix::errno::Errno;

use super::error::{JournalError, PATH};
use super::journal_lines::{FileSection, LineEnd, next_line};
use super::records::{ANY_HEADER, HEADER, JournalRecord};
use crate::actions::WorkError;
use crate::spool::Queue;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::signals::Interrupts;

/// The name of the file in saved/.
pub(super) const NAME: &str = "journal.spoolbox";
/// The largest number of bytes read in lines that are not records.
const UNREADABLE_MAX: u64 = 16 << 20;
/// How much of its end is looked at to find the last record, in bytes: that and
/// the beginning of one more.
const TAIL: u64 = 8 << 10;
/// The size of the read and write buffers in bytes.
pub(super) const BUFFER: usize = 64 << 10;

/// An open journal.
#[derive(Debug)]
pub struct JournalFile {
    pub(super) file: File,
}

/// A line of the journal, with its position.
#[derive(Debug)]
pub struct Numbered<'t> {
    /// The offset of its first byte.
    pub offset: u64,
    /// The line number, counted from where the reading began.
    pub number: u64,
    /// The bytes of the line without the newline; only the beginning if it is
    /// too long to be a record.
    pub text: &'t [u8],
    /// The length of the line in the file, including the newline.
    pub bytes: u64,
    /// The record; `None` if the line cannot be parsed.
    pub line: Option<JournalRecord>,
}

impl JournalFile {
    /// Opens the journal in the queue directory for reading; `None` if there is
    /// none.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is not a journal of this version.
    pub fn open_to_read(spool: &Dir) -> Result<Option<Self>, JournalError> {
        let saved = match open_saved(spool) {
            Err(JournalError::NoDirectory) => return Ok(None),
            other => other?,
        };
        let file = match saved.open_file(OsStr::new(NAME)) {
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(None),
            other => other.map_err(JournalError::open(PATH))?,
        };
        let journal = Self { file };
        journal.check_type()?;
        match journal.header()? {
            Header::Complete => Ok(Some(journal)),
            Header::Incomplete => Ok(None),
        }
    }

    /// Calls `each` for every line from offset `from` to the current end of the
    /// file, and stops at the first error. Holds one line in memory at a time.
    ///
    /// # Errors
    ///
    /// Those of `each`; a signal was caught; the file cannot be read, or
    /// contains too much that is not a record.
    pub fn read(
        &self,
        from: u64,
        interrupts: &Interrupts,
        each: impl FnMut(Numbered<'_>) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let end = self.length().map_err(JournalError::open(PATH))?;
        self.read_section(from..end, interrupts, each)
    }

    /// Like [`JournalFile::read`], for the lines in a range of offsets.
    ///
    /// # Errors
    ///
    /// Those of [`JournalFile::read`].
    pub fn read_section(
        &self,
        range: Range<u64>,
        interrupts: &Interrupts,
        mut each: impl FnMut(Numbered<'_>) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let mut offset = range.start;
        let mut input = BufReader::with_capacity(BUFFER, FileSection::new(&self.file, range));
        let (mut number, mut unreadable) = (0u64, 0u64);
        let mut text = Vec::new();
        while let Some(bytes) = next_complete(&mut input, &mut text, offset, interrupts)? {
            number = number.saturating_add(1);
            // The first line of the file is its header.
            if offset > 0 {
                let line = JournalRecord::parse(&text);
                if line.is_none() {
                    unreadable = unreadable.saturating_add(bytes);
                }
                if unreadable > UNREADABLE_MAX {
                    return Err(JournalError::Damaged(offset).into());
                }
                if !text.is_empty() {
                    each(Numbered {
                        offset,
                        number,
                        text: &text,
                        bytes,
                        line,
                    })?;
                }
            }
            offset = offset.saturating_add(bytes);
        }
        Ok(())
    }

    /// Returns the length of the file in bytes.
    ///
    /// # Errors
    ///
    /// Those of fstat(2).
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.size())
    }

    /// Returns whether the file is empty up to this length, or ends a line there.
    pub(super) fn ends_line(&self, length: u64) -> io::Result<bool> {
        let mut last = [b'\n'];
        if let Some(at) = length.checked_sub(1) {
            self.file.read_exact_at(&mut last, at)?;
        }
        Ok(last == [b'\n'])
    }

    /// Checks that what is appended would be read again. If the last complete
    /// line is a record, it would.
    ///
    /// # Errors
    ///
    /// Those of [`JournalFile::read`].
    pub(super) fn check_end(&self, interrupts: &Interrupts) -> Result<(), WorkError> {
        let failed = JournalError::open(PATH);
        let end = self.length().map_err(&failed)?;
        let from = end.saturating_sub(TAIL);
        let mut tail = Vec::new();
        let mut section = FileSection::new(&self.file, from..end);
        section.read_to_end(&mut tail).map_err(&failed)?;
        let last = tail.rsplit(|&byte| byte == b'\n').nth(1);
        match last.and_then(JournalRecord::parse) {
            Some(_) => Ok(()),
            None => self.read(0, interrupts, |_| Ok(())),
        }
    }

    /// Checks that the file is a regular one.
    pub(super) fn check_type(&self) -> Result<(), JournalError> {
        match self.file.metadata() {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err(JournalError::NoJournal),
            Err(cause) => Err(JournalError::open(PATH)(cause)),
        }
    }

    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// It is not that of a journal of this version.
    pub(super) fn header(&self) -> Result<Header, JournalError> {
        let mut start = [0; HEADER.len()];
        let length = read_at_most(&self.file, &mut start).map_err(JournalError::open(PATH))?;
        let start = start.get(..length).unwrap_or_default();
        if start == HEADER.as_bytes() {
            return Ok(Header::Complete);
        }
        if HEADER.as_bytes().starts_with(start) {
            Ok(Header::Incomplete)
        } else if start.starts_with(ANY_HEADER.as_bytes()) {
            Err(JournalError::OtherVersion)
        } else {
            Err(JournalError::NoJournal)
        }
    }
}

/// Reads the line at `offset` into `text`, and returns its length in the file;
/// `None` at the end.
fn next_complete(
    input: &mut impl BufRead,
    text: &mut Vec<u8>,
    offset: u64,
    interrupts: &Interrupts,
) -> Result<Option<u64>, WorkError> {
    if interrupts.caught().is_some() {
        return Err(WorkError::Interrupted);
    }
    let (bytes, end) = next_line(input, text).map_err(JournalError::open(PATH))?;
    match end {
        LineEnd::Newline => Ok(Some(bytes)),
        // A line without a newline was never finished, and no message was moved
        // for it.
        LineEnd::EndOfFile => Ok(None),
        LineEnd::TooLong => Err(JournalError::Damaged(offset).into()),
    }
}

/// The state of the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// It is there.
    Complete,
    /// The file is empty, or ends in it.
    Incomplete,
}

/// Opens saved/ in the queue directory.
pub(super) fn open_saved(spool: &Dir) -> Result<Dir, JournalError> {
    // A symbolic link is safe here: its parent directory does not belong to the
    // mail owner.
    match spool.open_dir_through_link(OsStr::new(Queue::Saved.name())) {
        Err(cause) if is(&cause, Errno::ENOENT) => Err(JournalError::NoDirectory),
        other => other.map_err(JournalError::open(Queue::Saved.name())),
    }
}

fn read_at_most(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        let at = u64::try_from(length).unwrap_or(u64::MAX);
        match file.read_at(room, at) {
            Ok(0) => break,
            Ok(more) => length = length.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
