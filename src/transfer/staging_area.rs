//! The directory below `saved/` that imports use: their batches, and the locks
//! of exports and imports.
//!
//! Its name and those of its files are not queue IDs, so Postfix's tools ignore
//! them; no daemon reads `saved/`. A batch is a directory `BATCH.incomplete`
//! while the archive is read, then `BATCH.ready` until its messages are in the
//! queues; its index stays as `BATCH.done`.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::TransferError;
use crate::spool::Queue;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::lock::{Locked, try_lock};
use crate::sys::process::process_number;
use crate::sys::time::{Zone, now};

/// The path of the directory, relative to the queue directory.
pub const PATH: &str = "saved/transfer.spoolbox";
/// Its name in saved/.
const NAME: &str = "transfer.spoolbox";
/// The name of the index in the directory of a batch.
pub const INDEX: &str = "index";
/// The largest number of interrupted batches that are handled in one call.
const BATCHES_MAX: usize = 1000;

/// What a process does with the area. Only one process at a time does each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Moving messages out.
    Export,
    /// Moving messages in.
    Import,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Export => "spoolbox export --trash",
            Self::Import => "spoolbox import",
        }
    }

    fn lock_name(self) -> &'static str {
        match self {
            Self::Export => "export.lock",
            Self::Import => "import.lock",
        }
    }
}

/// The state of a batch, which the name of its directory or file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// The archive is being read. Nothing is in a queue.
    Incomplete,
    /// All of the archive has been read and checked. Messages may be in the
    /// queues already.
    Ready,
    /// All messages are in the queues; only the index is left.
    Done,
}

impl BatchState {
    fn suffix(self) -> &'static str {
        match self {
            Self::Incomplete => ".incomplete",
            Self::Ready => ".ready",
            Self::Done => ".done",
        }
    }
}

/// The name of a batch: digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchName(String);

impl BatchName {
    /// Returns the name of a new batch, made of the time and the process ID.
    pub fn new() -> Self {
        let time = Zone::Utc.date_time(now()).unwrap_or_default();
        let process = process_number();
        Self(format!("{}-{process}", time.format("%Y%m%d-%H%M%S")))
    }

    /// Parses the name of a directory or file of the area.
    fn parse(name: &[u8]) -> Option<(Self, BatchState)> {
        let name = std::str::from_utf8(name).ok()?;
        let (name, state) = name.rsplit_once('.')?;
        let states = [BatchState::Incomplete, BatchState::Ready, BatchState::Done];
        let state = states
            .into_iter()
            .find(|s| s.suffix().get(1..) == Some(state))?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        is_name.then(|| (Self(name.to_owned()), state))
    }

    /// Returns the name of its directory or file in a state.
    fn file_name(&self, state: BatchState) -> String {
        format!("{}{}", self.0, state.suffix())
    }

    /// Returns the path of its directory or file, relative to the queue
    /// directory.
    pub fn path(&self, state: BatchState) -> String {
        format!("{PATH}/{}", self.file_name(state))
    }
}

/// The area, locked for one purpose.
#[derive(Debug)]
pub struct StagingArea {
    dir: Dir,
    _lock: Locked,
}

impl StagingArea {
    /// Opens the area, which is made if it is missing, and locks it.
    ///
    /// # Errors
    ///
    /// `saved/` is missing, the area cannot be used, or another process has the
    /// lock.
    pub fn open(spool: &Dir, purpose: Purpose) -> Result<Self, TransferError> {
        let failed = TransferError::spool;
        let saved = spool.open_dir_through_link(OsStr::new(Queue::Saved.name()));
        let saved = saved.map_err(failed("open directory", Queue::Saved.name()))?;
        match saved.make_directory(OsStr::new(NAME)) {
            Err(cause) if !is(&cause, Errno::EEXIST) => {
                return Err(failed("make directory", PATH)(cause));
            }
            _ => {}
        }
        let dir = saved.open_dir(OsStr::new(NAME));
        let dir = dir.map_err(failed("open directory", PATH))?;
        let path = format!("{PATH}/{}", purpose.lock_name());
        let file = dir.open_to_append(OsStr::new(purpose.lock_name()));
        let lock = file.and_then(|file| try_lock(&file));
        match lock.map_err(failed("lock", &path))? {
            Some(lock) => Ok(Self { dir, _lock: lock }),
            None => Err(TransferError::Busy(purpose.word())),
        }
    }

    /// Makes the directory of a new batch, and opens it.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn begin(&self, batch: &BatchName) -> Result<Dir, TransferError> {
        let name = batch.file_name(BatchState::Incomplete);
        let made = self.dir.make_directory(OsStr::new(&name));
        let path = batch.path(BatchState::Incomplete);
        made.map_err(TransferError::spool("make directory", &path))?;
        self.open_batch(batch, BatchState::Incomplete)
    }

    /// Opens the directory of a batch.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub fn open_batch(&self, batch: &BatchName, state: BatchState) -> Result<Dir, TransferError> {
        let opened = self.dir.open_dir(OsStr::new(&batch.file_name(state)));
        opened.map_err(TransferError::spool("open directory", &batch.path(state)))
    }

    /// Records that a batch has been read completely, after all its files are
    /// on disk.
    ///
    /// # Errors
    ///
    /// The files cannot be written to disk, or the directory cannot be renamed.
    pub fn complete(&self, batch: &BatchName) -> Result<(), TransferError> {
        let path = batch.path(BatchState::Ready);
        self.dir
            .sync_file_system()
            .and_then(|()| {
                let (old, new) = (BatchState::Incomplete, BatchState::Ready);
                let (old, new) = (batch.file_name(old), batch.file_name(new));
                let (old, new) = (OsStr::new(&old), OsStr::new(&new));
                self.dir.rename_no_replace(old, &self.dir, new)
            })
            .and_then(|()| self.dir.sync())
            .map_err(TransferError::spool("write", &path))
    }

    /// Records that all messages of a batch are in the queues: keeps its index
    /// and removes its directory.
    ///
    /// # Errors
    ///
    /// The moves cannot be written to disk, or the index cannot be moved.
    pub fn finish(&self, batch: &BatchName, dir: &Dir) -> Result<(), TransferError> {
        let done = batch.file_name(BatchState::Done);
        let (index, done) = (OsStr::new(INDEX), OsStr::new(&done));
        self.dir
            .sync_file_system()
            .and_then(|()| dir.rename_no_replace(index, &self.dir, done))
            .map_err(TransferError::spool("write", &batch.path(BatchState::Done)))?;
        self.remove(batch, BatchState::Ready)
    }

    /// Removes the directory of a batch with its files.
    ///
    /// # Errors
    ///
    /// It cannot be read or removed.
    pub fn remove(&self, batch: &BatchName, state: BatchState) -> Result<(), TransferError> {
        let dir = self.open_batch(batch, state)?;
        let path = batch.path(state);
        let removed = remove_files(&dir).and_then(|()| {
            let name = batch.file_name(state);
            self.dir.remove_directory(OsStr::new(&name))
        });
        removed.map_err(TransferError::spool("remove directory", &path))
    }

    /// Returns the batches that earlier calls left unfinished, the oldest
    /// first.
    ///
    /// # Errors
    ///
    /// The area cannot be read.
    pub fn unfinished(&self) -> Result<Vec<(BatchName, BatchState)>, TransferError> {
        let mut found = Vec::new();
        self.each_batch(|batch, state| {
            if state != BatchState::Done && found.len() < BATCHES_MAX {
                found.push((batch, state));
            }
            Ok(())
        })?;
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// Calls `each` for the index of every batch that has been read completely,
    /// in no order.
    ///
    /// # Errors
    ///
    /// The area cannot be read; those of `each`.
    pub fn each_index(
        &self,
        mut each: impl FnMut(File, &str) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        self.each_batch(|batch, state| {
            let path = batch.path(state);
            let file = match state {
                BatchState::Incomplete => return Ok(()),
                BatchState::Ready => {
                    let dir = self.open_batch(&batch, state)?;
                    dir.open_file(OsStr::new(INDEX))
                }
                BatchState::Done => self.dir.open_file(OsStr::new(&batch.file_name(state))),
            };
            match file {
                // The index is moved just before the directory is removed.
                Err(cause) if is(&cause, Errno::ENOENT) => Ok(()),
                file => each(file.map_err(TransferError::spool("open", &path))?, &path),
            }
        })
    }

    fn each_batch(
        &self,
        mut each: impl FnMut(BatchName, BatchState) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        let failed = || TransferError::spool("read directory", PATH);
        self.dir.rewind().map_err(failed())?;
        let mut names = self.dir.names().map_err(failed())?;
        let mut name = Vec::new();
        while names.next(&mut name).map_err(failed())?.is_some() {
            if let Some((batch, state)) = BatchName::parse(&name) {
                each(batch, state)?;
            }
        }
        Ok(())
    }
}

fn remove_files(dir: &Dir) -> io::Result<()> {
    let mut name = Vec::new();
    let mut names = dir.names()?;
    while names.next(&mut name)?.is_some() {
        dir.remove_file(OsStr::from_bytes(&name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_batches_are_recognized() {
        let batch = BatchName::new();
        for state in [BatchState::Incomplete, BatchState::Ready, BatchState::Done] {
            let name = batch.file_name(state);
            let parsed = BatchName::parse(name.as_bytes());
            assert_eq!(parsed, Some((batch.clone(), state)));
        }
        for name in [
            ".ready",
            "..ready",
            "1.readyx",
            "1/2.ready",
            "x.done",
            "1",
            "import.lock",
        ] {
            assert_eq!(BatchName::parse(name.as_bytes()), None, "{name}");
        }
    }
}
