//! Moves the staged messages of an import into the queues: all of them to hold
//! first, with their logs, and only then each to its queue.
//!
//! Every step is a rename that replaces nothing. A repeated run recognizes what
//! an interrupted one has done: a staged file that is missing has been moved; a
//! message on hold that nobody has touched since goes to its queue.

use std::ffi::OsStr;
use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::TransferError;
use super::import_context::{ImportContext, ImportObserver};
use super::import_index::{ImportSource, ImportedMessage, IndexReader};
use super::staged_files::staged_name;
use super::staging_area::INDEX;
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::spool::{Queue, QueueId};
use crate::sys::dir::Dir;
use crate::sys::error_text::{error_text, is};

/// The difference between the times of two changes of one rename, in seconds.
const CLOCK_SLACK: i64 = 1;

/// The messages that were moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishedCounts {
    /// Messages that came into hold or a queue by this call.
    pub published: u64,
    /// Messages that stay in the directory of the import, because something
    /// has their name; reported.
    pub blocked: u64,
}

/// A batch whose archive was read completely.
pub struct Publication<'a> {
    context: ImportContext<'a>,
    ops: SpoolOps<'a>,
    dir: &'a Dir,
    /// The path of the directory, for messages.
    path: String,
    counts: PublishedCounts,
}

impl<'a> Publication<'a> {
    /// The publication of the batch in `dir`.
    pub fn new(context: ImportContext<'a>, dir: &'a Dir, path: String) -> Self {
        Self {
            ops: context.ops(),
            context,
            dir,
            path,
            counts: PublishedCounts::default(),
        }
    }

    /// Moves all messages to hold, then those that belong in other queues
    /// there.
    ///
    /// # Errors
    ///
    /// The index cannot be read, a message cannot be moved for a reason that
    /// concerns others as well, or a signal was caught. The call can be
    /// repeated.
    pub fn run(
        mut self,
        observer: &mut dyn ImportObserver,
    ) -> Result<PublishedCounts, TransferError> {
        let mut index = self.index()?;
        while let Some(message) = index.next_message()? {
            self.check_signals()?;
            self.hold(&message, index.source(), observer)?;
        }
        let released_until = self.dir.stat(OsStr::new("."));
        let released_until = released_until.map_err(self.failed("examine"))?;
        let mut index = self.index()?;
        while let Some(message) = index.next_message()? {
            self.check_signals()?;
            self.release(&message, index.source(), &released_until, observer)?;
        }
        Ok(self.counts)
    }

    fn index(&self) -> Result<IndexReader, TransferError> {
        let file = self.dir.open_file(OsStr::new(INDEX));
        let path = format!("{}/{INDEX}", self.path);
        IndexReader::new(file.map_err(self.failed("open"))?, &path)
    }

    fn check_signals(&self) -> Result<(), TransferError> {
        match self.context.interrupts.caught() {
            Some(_) => Err(TransferError::Interrupted),
            None => Ok(()),
        }
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(io::Error) -> TransferError + use<> {
        TransferError::spool(what, &self.path)
    }

    /// Moves the logs of a message, then the message, which counts as moved
    /// if its staged file is missing.
    fn hold(
        &mut self,
        message: &ImportedMessage,
        source: &ImportSource,
        observer: &mut dyn ImportObserver,
    ) -> Result<(), TransferError> {
        let id = self.id(message)?;
        let name = staged_name(message.number, None);
        match self.dir.stat(OsStr::new(&name)) {
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(()),
            other => other.map_err(self.failed("examine"))?,
        };
        for log in Queue::LOGS {
            let name = staged_name(message.number, Some(log));
            match self.dir.stat(OsStr::new(&name)) {
                Err(cause) if is(&cause, Errno::ENOENT) => continue,
                other => other.map_err(self.failed("examine"))?,
            };
            if self.move_to(log, &name, &id, observer)? == Placed::Blocked {
                return Ok(());
            }
        }
        if self.move_to(Queue::Hold, &name, &id, observer)? == Placed::Yes {
            self.counts.published = self.counts.published.saturating_add(1);
            let (from, host) = (&message.from_id, &source.host);
            observer.info(format!("{id}: imported, was {from} on {host}"));
        }
        Ok(())
    }

    /// Moves a staged file to where its queue ID belongs.
    fn move_to(
        &mut self,
        queue: Queue,
        name: &str,
        id: &QueueId,
        observer: &mut dyn ImportObserver,
    ) -> Result<Placed, TransferError> {
        let path = format!("{}/{name}", self.path);
        let at = FileAt {
            dir: self.dir,
            name: name.as_bytes(),
            path: &path,
        };
        match self
            .ops
            .rename_to_free(at, queue, id.as_bytes(), id.as_bytes())
        {
            Ok(StepResult::Done) => Ok(Placed::Yes),
            Ok(StepResult::Gone) => Ok(Placed::Missing),
            Err(cause) if is(&cause, Errno::EEXIST) => {
                self.counts.blocked = self.counts.blocked.saturating_add(1);
                let to = self.ops.path(queue, id.as_bytes());
                let why = error_text(&cause);
                observer.warning(format!("{path}: not moved to {to}: {why}"));
                Ok(Placed::Blocked)
            }
            Err(cause) => Err(TransferError::spool("rename", &path)(cause)),
        }
    }

    /// Moves a message from hold to its queue, unless somebody put it on hold
    /// again: then its file was changed after the last one came to hold.
    fn release(
        &mut self,
        message: &ImportedMessage,
        source: &ImportSource,
        released_until: &FileStat,
        observer: &mut dyn ImportObserver,
    ) -> Result<(), TransferError> {
        let id = self.id(message)?;
        let target = message.target(source.destination);
        let target = target.ok_or_else(|| self.damaged(message))?;
        if target == Queue::Hold {
            return Ok(());
        }
        let path = self.ops.path(Queue::Hold, id.as_bytes());
        let home = self.ops.home(Queue::Hold, id.as_bytes());
        let found = home.and_then(|home| Ok((home.stat(id.as_os_str())?, home)));
        let (stat, home) = match found {
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(()),
            other => other.map_err(TransferError::spool("examine", &path))?,
        };
        let last = released_until.st_ctime.saturating_add(CLOCK_SLACK);
        if stat.st_ino != message.inode || stat.st_ctime > last {
            return Ok(());
        }
        let at = FileAt {
            dir: &home,
            name: id.as_bytes(),
            path: &path,
        };
        match self
            .ops
            .rename_to_free(at, target, id.as_bytes(), id.as_bytes())
        {
            Ok(_) => Ok(()),
            Err(cause) if is(&cause, Errno::EEXIST) => {
                let to = self.ops.path(target, id.as_bytes());
                observer.warning(format!("{path}: stays on hold: {to} exists"));
                Ok(())
            }
            Err(cause) => Err(TransferError::spool("rename", &path)(cause)),
        }
    }

    fn id(&self, message: &ImportedMessage) -> Result<QueueId, TransferError> {
        message.queue_id().ok_or_else(|| self.damaged(message))
    }

    fn damaged(&self, message: &ImportedMessage) -> TransferError {
        TransferError::Index {
            path: format!("{}/{INDEX}", self.path),
            why: format!("message {} cannot be read", message.number),
        }
    }
}

/// Whether a file came to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    Yes,
    /// There was no file.
    Missing,
    /// Something has the name; reported.
    Blocked,
}
