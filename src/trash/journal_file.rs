//! The file of the trash's journal, `saved/journal.spoolbox`: opened, locked,
//! read line by line, appended to, and replaced as a whole.
//!
//! Its name is not a queue ID, so Postfix's tools ignore it. The lines are
//! parsed in `records`. What is read is bounded: a file that is no journal any
//! more is an error, however long it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

use super::error::{PATH, TrashError};
use super::records::{ANY_HEADER, HEADER, JournalRecord, LINE_MAX};
use crate::actions::WorkError;
use crate::spool::Queue;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::lock::{Locked, try_lock};
use crate::sys::signals::Interrupts;

/// The name of the file in saved/.
const NAME: &str = "journal.spoolbox";
/// The name of a journal that is being written anew.
const NEW_NAME: &str = "journal.spoolbox.new";
/// How often the lock is tried, and how long between two tries: half a minute
/// for another to finish.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes without a newline that are read at most. A record has 4096 at most.
const UNENDED_MAX: u64 = 1 << 20;
/// Bytes of lines that are no records that are read at most.
const UNREADABLE_MAX: u64 = 16 << 20;
/// Bytes that are read or written at a time.
const BUFFER: usize = 64 << 10;

/// saved/, which has the journal.
#[derive(Debug)]
pub struct JournalDirectory {
    saved: Arc<Dir>,
}

/// The journal, open.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
}

/// The journal while no other process may use the trash. Given back when
/// dropped.
#[derive(Debug)]
pub struct LockedJournal {
    journal: JournalFile,
    saved: Arc<Dir>,
    lock: Locked,
}

/// A line with its number and where it begins.
#[derive(Debug)]
pub struct Numbered<'t> {
    /// The offset of its first byte.
    pub offset: u64,
    /// Its number in the file.
    pub number: u64,
    /// Its bytes without the newline; of one that is too long to be a record,
    /// the beginning.
    pub text: &'t [u8],
    /// Its length in the file, with the newline.
    pub bytes: u64,
    /// What it says; `None` if it cannot be read.
    pub line: Option<JournalRecord>,
}

impl JournalDirectory {
    /// Opens saved/ below the queue directory.
    ///
    /// # Errors
    ///
    /// If it is missing or cannot be opened.
    pub fn open(spool: &Dir) -> Result<Self, TrashError> {
        let saved = Arc::new(open_saved(spool)?);
        Ok(Self { saved })
    }

    /// The size of the journal in bytes; 0 if it cannot be seen.
    pub fn journal_size(&self) -> u64 {
        let stat = self.saved.stat(OsStr::new(NAME));
        stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// Opens the journal to write to it, and makes one if there is none. Keeps
    /// other processes from the trash until it is dropped.
    ///
    /// # Errors
    ///
    /// If it cannot be opened or written, or is no journal of this version. A
    /// hostile process could hold the lock for ever, so after half a minute
    /// that is an error too.
    pub fn lock(&self, interrupts: &Interrupts) -> Result<LockedJournal, WorkError> {
        for _ in 0..TRIES {
            let opened = self.saved.open_to_append(OsStr::new(NAME));
            let journal = JournalFile {
                file: opened.map_err(TrashError::open(PATH))?,
            };
            journal.check_type()?;
            if let Some(lock) = try_lock(&journal.file).map_err(TrashError::open(PATH))? {
                // The one that had the lock may have replaced the file.
                if !self.is_current(&journal)? {
                    continue;
                }
                let locked = LockedJournal {
                    journal,
                    saved: Arc::clone(&self.saved),
                    lock,
                };
                locked.begin()?;
                return Ok(locked);
            }
            if interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            sleep(PAUSE);
        }
        Err(TrashError::Busy.into())
    }

    /// Whether an open journal is still the one that has the name.
    fn is_current(&self, journal: &JournalFile) -> Result<bool, TrashError> {
        let failed = TrashError::open(PATH);
        let open = journal.file.metadata().map_err(&failed)?;
        match self.saved.stat(OsStr::new(NAME)) {
            Ok(named) => Ok((named.st_dev, named.st_ino) == (open.dev(), open.ino())),
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(false),
            Err(cause) => Err(failed(cause)),
        }
    }
}

impl JournalFile {
    /// Opens the journal below the queue directory to read it; `None` if there
    /// is none.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or is no journal of this version.
    pub fn open_to_read(spool: &Dir) -> Result<Option<Self>, TrashError> {
        let saved = match open_saved(spool) {
            Err(TrashError::NoDirectory) => return Ok(None),
            other => other?,
        };
        let file = match saved.open_file(OsStr::new(NAME)) {
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(None),
            other => other.map_err(TrashError::open(PATH))?,
        };
        let journal = Self { file };
        journal.check_type()?;
        match journal.header()? {
            Header::Ours => Ok(Some(journal)),
            Header::Unfinished => Ok(None),
        }
    }

    /// Reads the lines from an offset on to the end that the file has now, as
    /// long as `each` says so. Holds one line at a time.
    ///
    /// # Errors
    ///
    /// Those of `each`; if a signal came; if the file cannot be read, or too
    /// much of it is no record.
    pub fn read(
        &self,
        from: u64,
        interrupts: &Interrupts,
        mut each: impl FnMut(Numbered<'_>) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let failed = TrashError::open(PATH);
        let section = FileSection {
            file: &self.file,
            at: from,
            end: self.length().map_err(&failed)?,
        };
        let mut input = BufReader::with_capacity(BUFFER, section);
        let (mut offset, mut number, mut unreadable) = (from, 0u64, 0u64);
        let mut text = Vec::new();
        loop {
            if interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            let (bytes, end) = next_line(&mut input, &mut text).map_err(&failed)?;
            match end {
                LineEnd::OfLine => {}
                // What is there without a newline was never finished, and
                // nothing was moved for it.
                LineEnd::OfFile => return Ok(()),
                LineEnd::Unended => return Err(TrashError::Damaged(offset).into()),
            }
            number = number.saturating_add(1);
            if offset > 0 {
                let line = JournalRecord::parse(&text);
                if line.is_none() {
                    unreadable = unreadable.saturating_add(bytes);
                }
                if unreadable > UNREADABLE_MAX {
                    return Err(TrashError::Damaged(offset).into());
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

    /// Its length in bytes.
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

    fn check_type(&self) -> Result<(), TrashError> {
        match self.file.metadata() {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err(TrashError::NoJournal),
            Err(cause) => Err(TrashError::open(PATH)(cause)),
        }
    }

    fn header(&self) -> Result<Header, TrashError> {
        let mut start = [0; HEADER.len()];
        let length = read_at_most(&self.file, &mut start).map_err(TrashError::open(PATH))?;
        let start = start.get(..length).unwrap_or_default();
        if start == HEADER.as_bytes() {
            return Ok(Header::Ours);
        }
        if HEADER.as_bytes().starts_with(start) {
            Ok(Header::Unfinished)
        } else if start.starts_with(ANY_HEADER.as_bytes()) {
            Err(TrashError::OtherVersion)
        } else {
            Err(TrashError::NoJournal)
        }
    }
}

impl LockedJournal {
    /// The journal to be read.
    pub fn journal(&self) -> &JournalFile {
        &self.journal
    }

    /// Adds lines and waits until they are on the disk.
    ///
    /// # Errors
    ///
    /// If they cannot be written; none of them is in the journal then.
    pub fn append(&self, lines: &[u8]) -> Result<(), TrashError> {
        let failed = TrashError::write;
        let file = &self.journal.file;
        let length = self.journal.length().map_err(failed)?;
        let text = if self.journal.ends_line(length).map_err(failed)? {
            lines.to_vec()
        } else {
            // What a killed process began stays a line of its own.
            [b"\n", lines].concat()
        };
        let mut to = file;
        let written = to.write_all(&text);
        written.and_then(|()| file.sync_data()).map_err(|cause| {
            // Half of it would be reported as damage ever after. If this fails
            // too it is reported, and no harm is done.
            let _ = file.set_len(length);
            TrashError::write(cause)
        })
    }

    /// Waits until what was moved into and out of saved/ is on the disk.
    ///
    /// # Errors
    ///
    /// Those of fsync(2).
    pub fn sync_directory(&self) -> Result<(), TrashError> {
        self.saved.sync().map_err(TrashError::write)
    }

    /// Replaces the journal by what `write` writes, of what it reads from the
    /// old one. A kill at any moment leaves the old one or the new one, each
    /// complete, and perhaps a file beside it that the next call removes.
    ///
    /// # Errors
    ///
    /// Those of `write`; if the new one cannot be written: the old one stays.
    pub fn replace(
        &mut self,
        write: impl FnOnce(&JournalFile, &mut dyn Write) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let failed = TrashError::write_new;
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
                // If it stays, the next call removes it.
                let _ = self.saved.remove_file(new_name);
                return Err(error);
            }
        }
        self.journal = JournalFile { file };
        // What is added from now on must not be lost with the name.
        Ok(self.sync_directory()?)
    }

    /// Writes a new journal to its end, and locks it: another process that
    /// opens it once it has its name waits until we are done.
    fn write_new(
        &self,
        file: &File,
        write: impl FnOnce(&JournalFile, &mut dyn Write) -> Result<(), WorkError>,
    ) -> Result<Locked, WorkError> {
        let failed = TrashError::write_new;
        let lock = try_lock(file).map_err(failed)?.ok_or(TrashError::Busy)?;
        let mut output = BufWriter::with_capacity(BUFFER, file);
        output.write_all(HEADER.as_bytes()).map_err(failed)?;
        write(&self.journal, &mut output)?;
        output.flush().map_err(failed)?;
        drop(output);
        file.sync_all().map_err(failed)?;
        Ok(lock)
    }

    /// Removes what a killed process left of a new journal.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be removed.
    pub fn remove_unfinished(&self) -> Result<(), TrashError> {
        match self.saved.remove_file(OsStr::new(NEW_NAME)) {
            Err(cause) if !is(&cause, Errno::ENOENT) => Err(TrashError::write_new(cause)),
            _ => Ok(()),
        }
    }

    /// Writes the first line, unless it is there.
    fn begin(&self) -> Result<(), TrashError> {
        if self.journal.header()? == Header::Ours {
            return Ok(());
        }
        // Its beginning, if that much was written before a kill, says nothing.
        self.journal.file.set_len(0).map_err(TrashError::write)?;
        self.append(HEADER.as_bytes())?;
        self.sync_directory()
    }
}

/// The bytes of a file between two offsets, read without its own offset.
struct FileSection<'f> {
    file: &'f File,
    at: u64,
    end: u64,
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

/// Whether the first line is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Ours,
    Unfinished,
}

/// What a line ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    OfLine,
    OfFile,
    /// More bytes without a newline than are read.
    Unended,
}

fn open_saved(spool: &Dir) -> Result<Dir, TrashError> {
    // A link is fine here: its parent is not the mail owner's.
    match spool.open_dir_through_link(OsStr::new(Queue::Saved.name())) {
        Err(cause) if is(&cause, Errno::ENOENT) => Err(TrashError::NoDirectory),
        other => other.map_err(TrashError::open(Queue::Saved.name())),
    }
}

/// Puts the next line into `line`, without its newline: of one that is too
/// long a piece that is too long to be one of ours. Returns its length.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<(u64, LineEnd)> {
    line.clear();
    let mut bytes: u64 = 0;
    loop {
        let room = LINE_MAX.saturating_add(1).saturating_sub(line.len());
        let piece = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if piece.is_empty() {
            return Ok((bytes, LineEnd::OfFile));
        }
        let newline = piece.iter().position(|&b| b == b'\n');
        let text = piece.get(..newline.unwrap_or(piece.len())).unwrap_or(piece);
        line.extend_from_slice(text.get(..room).unwrap_or(text));
        let taken = text.len().saturating_add(newline.map_or(0, |_| 1));
        bytes = bytes.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        input.consume(taken);
        if newline.is_some() {
            return Ok((bytes, LineEnd::OfLine));
        }
        if bytes > UNENDED_MAX {
            return Ok((bytes, LineEnd::Unended));
        }
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
