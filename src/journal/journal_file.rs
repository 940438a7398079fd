//! The file of the journal, `saved/journal.spoolbox`: opening, locking,
//! reading line by line, appending, and replacing it as a whole.
//!
//! The file name is not a queue ID, so Postfix's tools ignore it. The lines are
//! parsed in `records`. The amount of data read is bounded: a file that is not
//! a journal is reported as an error, however long it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

use super::error::{JournalError, PATH};
use super::journal_lines::{FileSection, LineEnd, next_line};
use super::records::{ANY_HEADER, HEADER, JournalRecord};
use crate::actions::WorkError;
use crate::spool::Queue;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::lock::{Locked, try_lock};
use crate::sys::signals::Interrupts;

/// The name of the file in saved/.
const NAME: &str = "journal.spoolbox";
/// The name of a new journal that is being written.
const NEW_NAME: &str = "journal.spoolbox.new";
/// The number of attempts to take the lock, and the pause between two attempts:
/// half a minute in all for another process to finish.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);
/// The largest number of bytes read in lines that are not records.
const UNREADABLE_MAX: u64 = 16 << 20;
/// How much of its end is looked at to find the last record, in bytes: that and
/// the beginning of one more.
const TAIL: u64 = 8 << 10;
/// The size of the read and write buffers in bytes.
const BUFFER: usize = 64 << 10;

/// The directory saved/, which contains the journal.
#[derive(Debug)]
pub struct JournalDirectory {
    saved: Arc<Dir>,
}

/// An open journal.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
}

/// The journal, locked so that no other process can use the trash. The lock is
/// released when the value is dropped.
#[derive(Debug)]
pub struct LockedJournal {
    journal: JournalFile,
    saved: Arc<Dir>,
    lock: Locked,
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

impl JournalDirectory {
    /// Opens saved/ in the queue directory.
    ///
    /// # Errors
    ///
    /// The directory is missing or cannot be opened.
    pub fn open(spool: &Dir) -> Result<Self, JournalError> {
        let saved = Arc::new(open_saved(spool)?);
        Ok(Self { saved })
    }

    /// Returns the size of the journal in bytes; 0 if it cannot be examined.
    pub fn journal_size(&self) -> u64 {
        let stat = self.saved.stat(OsStr::new(NAME));
        stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// Opens the journal for writing, creates it if there is none, and locks it
    /// until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// The journal cannot be opened or written, or is not a journal of this
    /// version. A hostile process could hold the lock forever, so
    /// [`JournalError::Busy`] is returned after half a minute.
    pub fn lock(&self, interrupts: &Interrupts) -> Result<LockedJournal, WorkError> {
        for _ in 0..TRIES {
            let opened = self.saved.open_to_append(OsStr::new(NAME));
            let journal = JournalFile {
                file: opened.map_err(JournalError::open(PATH))?,
            };
            journal.check_type()?;
            if let Some(lock) = try_lock(&journal.file).map_err(JournalError::open(PATH))? {
                // The process that held the lock may have replaced the file.
                if !self.is_current(&journal)? {
                    continue;
                }
                let locked = LockedJournal {
                    journal,
                    saved: Arc::clone(&self.saved),
                    lock,
                };
                locked.begin(interrupts)?;
                return Ok(locked);
            }
            if interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            sleep(PAUSE);
        }
        Err(JournalError::Busy.into())
    }

    /// Returns whether an open journal is still the file with that name.
    fn is_current(&self, journal: &JournalFile) -> Result<bool, JournalError> {
        let failed = JournalError::open(PATH);
        let open = journal.file.metadata().map_err(&failed)?;
        match self.saved.stat(OsStr::new(NAME)) {
            Ok(named) => Ok((named.st_dev, named.st_ino) == (open.dev(), open.ino())),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(false),
            Err(cause) => Err(failed(cause)),
        }
    }
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
        let failed = JournalError::open(PATH);
        let from = range.start;
        let section = FileSection::new(&self.file, range);
        let mut input = BufReader::with_capacity(BUFFER, section);
        let (mut offset, mut number, mut unreadable) = (from, 0u64, 0u64);
        let mut text = Vec::new();
        loop {
            if interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let (bytes, end) = next_line(&mut input, &mut text).map_err(&failed)?;
            match end {
                LineEnd::Newline => {}
                // A line without a newline was never finished, and no message
                // was moved for it.
                LineEnd::EndOfFile => return Ok(()),
                LineEnd::TooLong => return Err(JournalError::Damaged(offset).into()),
            }
            number = number.saturating_add(1);
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
    }

    /// Returns the length of the file in bytes.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.size())
    }

    fn ends_line(&self, length: u64) -> io::Result<bool> {
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
    fn check_end(&self, interrupts: &Interrupts) -> Result<(), WorkError> {
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

    fn check_type(&self) -> Result<(), JournalError> {
        match self.file.metadata() {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err(JournalError::NoJournal),
            Err(cause) => Err(JournalError::open(PATH)(cause)),
        }
    }

    fn header(&self) -> Result<Header, JournalError> {
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

impl LockedJournal {
    /// Returns the journal, for reading.
    pub fn journal(&self) -> &JournalFile {
        &self.journal
    }

    /// Appends lines and waits until they are on disk.
    ///
    /// # Errors
    ///
    /// The lines cannot be written; the journal contains none of them then.
    pub fn append(&self, lines: &[u8]) -> Result<(), JournalError> {
        let failed = JournalError::write;
        let file = &self.journal.file;
        let length = self.journal.length().map_err(failed)?;
        let text = if self.journal.ends_line(length).map_err(failed)? {
            lines.to_vec()
        } else {
            // A line that a killed process left unfinished is kept as a line of
            // its own.
            [b"\n", lines].concat()
        };
        let mut to = file;
        let written = to.write_all(&text);
        written.and_then(|()| file.sync_data()).map_err(|cause| {
            // Remove a partial write, which every later call would report as
            // damage. If this fails too, that report is all that happens.
            let _ = file.set_len(length);
            JournalError::write(cause)
        })
    }

    /// Waits until all renames into and out of saved/ are on disk.
    ///
    /// # Errors
    ///
    /// Those of fsync(2).
    pub fn sync_directory(&self) -> Result<(), JournalError> {
        self.saved.sync().map_err(JournalError::write)
    }

    /// Replaces the journal with the lines that `write` produces from the old
    /// one. If the process is killed at any moment, either the old or the new
    /// journal is in place, complete, perhaps with an unfinished file beside it
    /// that the next call removes.
    ///
    /// # Errors
    ///
    /// Those of `write`; the new journal cannot be written. The old one stays
    /// then.
    pub fn replace(
        &mut self,
        write: impl FnOnce(&JournalFile, &mut dyn Write) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let failed = JournalError::write_new;
        self.remove_unfinished()?;
        let (name, new_name) = (OsStr::new(NAME), OsStr::new(NEW_NAME));
        let file = self.saved.create_to_append(new_name).map_err(failed)?;
        let written = self.write_new(&file, write).and_then(|lock| {
            let renamed = self.saved.replace(name, new_name);
            renamed.map(|()| lock).map_err(|cause| failed(cause).into())
        });
        match written {
            Ok(lock) => self.lock = lock,
            Err(error) => {
                // If this fails, the next call removes the file.
                let _ = self.saved.remove_file(new_name);
                return Err(error);
            }
        }
        self.journal = JournalFile { file };
        // The rename must be on disk before anything is appended, so that no
        // appended line is lost with the new journal.
        Ok(self.sync_directory()?)
    }

    /// Writes a complete new journal and locks it, so that another process that
    /// opens it after the rename waits until this one is done.
    fn write_new(
        &self,
        file: &File,
        write: impl FnOnce(&JournalFile, &mut dyn Write) -> Result<(), WorkError>,
    ) -> Result<Locked, WorkError> {
        let failed = JournalError::write_new;
        let lock = try_lock(file).map_err(failed)?.ok_or(JournalError::Busy)?;
        let mut output = BufWriter::with_capacity(BUFFER, file);
        output.write_all(HEADER.as_bytes()).map_err(failed)?;
        write(&self.journal, &mut output)?;
        output.flush().map_err(failed)?;
        drop(output);
        file.sync_all().map_err(failed)?;
        Ok(lock)
    }

    /// Removes an unfinished new journal that a killed process left.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be removed.
    pub fn remove_unfinished(&self) -> Result<(), JournalError> {
        match self.saved.remove_file(OsStr::new(NEW_NAME)) {
            Err(cause) if !is(&cause, Errno::ENOENT) => Err(JournalError::write_new(cause)),
            _ => Ok(()),
        }
    }

    /// Writes the first line, unless it is complete; then checks the end.
    fn begin(&self, interrupts: &Interrupts) -> Result<(), WorkError> {
        if self.journal.header()? == Header::Complete {
            return self.journal.check_end(interrupts);
        }
        // If a killed process wrote a part of the first line, it carries no
        // information.
        self.journal.file.set_len(0).map_err(JournalError::write)?;
        self.append(HEADER.as_bytes())?;
        Ok(self.sync_directory()?)
    }
}

/// The state of the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Complete,
    Incomplete,
}

fn open_saved(spool: &Dir) -> Result<Dir, JournalError> {
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
