//! Writing the journal: locking it, appending to it, and replacing it as a
//! whole.
//!
//! Whatever the moment of a kill, a complete journal is in place.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

use super::error::{JournalError, PATH};
use super::journal_file::{BUFFER, Header, JournalFile, NAME, open_saved};
use super::records::HEADER;
use crate::actions::WorkError;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::lock::{Locked, try_lock};
use crate::sys::signals::Interrupts;

/// The name of a new journal that is being written.
const NEW_NAME: &str = "journal.spoolbox.new";
/// The number of attempts to take the lock, and the pause between two attempts:
/// half a minute in all for another process to finish.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// The directory saved/, which contains the journal.
#[derive(Debug)]
pub struct JournalDirectory {
    saved: Arc<Dir>,
}

/// The journal, locked so that no other process can use the trash. The lock is
/// released when the value is dropped.
#[derive(Debug)]
pub struct LockedJournal {
    journal: JournalFile,
    saved: Arc<Dir>,
    lock: Locked,
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
