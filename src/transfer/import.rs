//! Imports an archive: reads all of it into a private directory, then moves its
//! messages into the queues.
//!
//! First completes what an earlier call had read and not moved, and removes
//! what an earlier call had not read completely. So a call that was killed at
//! any moment neither loses nor doubles a message if it is repeated.

use std::io;
use std::io::{BufReader, Read};
use std::os::fd::AsFd;

use nix::errno::Errno;

use super::TransferError;
use super::archive_reader::{interruption, read};
use super::format::MOVED;
use super::import_context::{ImportContext, ImportObserver};
use super::publication::{Publication, PublishedCounts};
use super::staging::{StagedCounts, Staging};
use super::staging_area::{BatchName, BatchState, INDEX, Purpose, StagingArea};
use crate::spool::Queue;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::signals::{Interrupts, Wake};

/// The size of the buffer for reading, in bytes.
const BUFFER: usize = 256 << 10;

/// The result of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Messages that earlier calls had read and this one moved.
    pub completed: PublishedCounts,
    /// The messages of the archive.
    pub staged: StagedCounts,
    /// Those that came into the queues.
    pub published: PublishedCounts,
}

/// Imports archives into one spool, one process at a time.
pub struct Import<'a> {
    context: ImportContext<'a>,
    area: StagingArea,
}

impl<'a> Import<'a> {
    /// Prepares an import.
    ///
    /// # Errors
    ///
    /// The spool cannot be used, or another process imports.
    pub fn new(context: ImportContext<'a>) -> Result<Self, TransferError> {
        let area = StagingArea::open(context.spool, Purpose::Import)?;
        check_file_system(context.spool)?;
        Ok(Self { context, area })
    }

    /// Completes what earlier calls left, then imports an archive. `report` is
    /// up to date also if the call fails.
    ///
    /// # Errors
    ///
    /// The archive cannot be read, or its messages cannot be moved. If it cannot
    /// be read, none of its messages is in a queue.
    pub fn run(
        &self,
        input: impl Read + AsFd,
        report: &mut ImportReport,
        observer: &mut dyn ImportObserver,
    ) -> Result<(), TransferError> {
        self.complete(report, observer)?;
        let batch = BatchName::new();
        let dir = self.area.begin(&batch)?;
        let interrupts = self.context.interrupts;
        let input = BufReader::with_capacity(BUFFER, Interruptible { input, interrupts });
        let staged = read(input, |header| Staging::begin(self.context, &dir, header));
        let staged = staged.and_then(|(staging, _)| staging.finish(&self.area));
        let staged = match staged {
            Ok(staged) if staged.staged > 0 => staged,
            other => {
                self.area.remove(&batch, BatchState::Incomplete)?;
                report.staged = other?;
                return Ok(());
            }
        };
        report.staged = staged;
        self.area.complete(&batch)?;
        self.publish(&batch, &mut report.published, observer)
    }

    /// Moves the messages of batches that were read completely, and removes
    /// other batches.
    fn complete(
        &self,
        report: &mut ImportReport,
        observer: &mut dyn ImportObserver,
    ) -> Result<(), TransferError> {
        for (batch, state) in self.area.unfinished()? {
            match state {
                BatchState::Ready => self.publish(&batch, &mut report.completed, observer)?,
                BatchState::Incomplete | BatchState::Done => self.area.remove(&batch, state)?,
            }
        }
        Ok(())
    }

    fn publish(
        &self,
        batch: &BatchName,
        counts: &mut PublishedCounts,
        observer: &mut dyn ImportObserver,
    ) -> Result<(), TransferError> {
        let dir = self.area.open_batch(batch, BatchState::Ready)?;
        if dir.stat(INDEX.as_ref()).is_err() {
            // The index has been moved already, as the last step but one.
            return self.area.remove(batch, BatchState::Ready);
        }
        let publication = Publication::new(self.context, &dir, batch.path(BatchState::Ready));
        let published = publication.run(observer)?;
        counts.published = counts.published.saturating_add(published.published);
        counts.blocked = counts.blocked.saturating_add(published.blocked);
        if published.blocked == 0 {
            self.area.finish(batch, &dir)?;
        }
        Ok(())
    }
}

/// Checks that messages can be moved from saved/ to all queues by rename.
fn check_file_system(spool: &Dir) -> Result<(), TransferError> {
    let device = |queue: Queue| {
        let stat = spool.stat_through_link(queue.name().as_ref());
        match stat.map(|stat| stat.st_dev) {
            Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
            other => other
                .map(Some)
                .map_err(TransferError::spool("examine", queue.name())),
        }
    };
    let saved = device(Queue::Saved)?;
    for queue in MOVED.into_iter().chain(Queue::LOGS) {
        // A missing directory is made in the queue directory.
        if device(queue)?.is_some_and(|device| Some(device) != saved) {
            return Err(TransferError::OtherFileSystem(queue.to_string()));
        }
    }
    Ok(())
}

/// Reads a file or pipe, but stops waiting for it when a signal is caught.
struct Interruptible<'a, R> {
    input: R,
    interrupts: &'a Interrupts,
}

impl<R: Read + AsFd> Read for Interruptible<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.interrupts.wait_for(&self.input)? {
            Wake::Readable => self.input.read(buffer),
            Wake::Interrupted => Err(interruption()),
        }
    }
}
