//! Exports messages: copies each with its logs to an archive, in the order of
//! arrival.
//!
//! A message that is to be moved is put on hold before it is copied, so that
//! nothing delivers or changes it from then on. A copy is only used by an import
//! if the message did not change meanwhile.

use std::io;
use std::io::Write;
use std::ops::ControlFlow;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::TransferError;
use super::archive_writer::{ArchiveWriter, Length};
use super::description::{Positioned, describe, iso, unchanged};
use super::export_context::{ExportContext, ExportMode, ExportObserver};
use super::format::{self, ArchiveEnd, ArchiveHeader, CopyState, FileEntry};
use super::held;
use super::held::HeldMessages;
use super::ordered;
use crate::actions::WorkError;
use crate::actions::spool_ops::{SpoolOps, StepResult};
use crate::queue_file::integrity;
use crate::queue_file::integrity::{IntegrityError, QueueFileFacts};
use crate::queue_file::read_error::{Location, ReadError};
use crate::queue_file::records::Buffers;
use crate::selection::Matcher;
use crate::spool::message;
use crate::spool::message::{Identity, Message, NoMessage};
use crate::spool::{Queue, QueueId};
use crate::sys::dir::stat_open;
use crate::sys::error_text::is;
use crate::sys::time::now;

/// The result of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Messages in the archive that can be imported.
    pub exported: u64,
    /// Messages that left their queue before they were copied.
    pub left: u64,
    /// Messages that changed while they were copied.
    pub changed: u64,
    /// Messages that could not be exported; reported.
    pub refused: u64,
}

/// Exports messages to `W`.
pub struct Export<'a, W: Write> {
    context: ExportContext<'a>,
    ops: SpoolOps<'a>,
    archive: ArchiveWriter<W>,
    matcher: Matcher<'a>,
    buffers: Buffers,
    report: ExportReport,
    /// The number of messages that were written, also of those that changed.
    written: u64,
}

/// The result of examining a message.
enum Examined {
    Ready(Message, QueueFileFacts),
    /// The message left its queue.
    Left,
    /// The message cannot be exported, for this reason.
    Refused(Vec<u8>),
}

impl<'a, W: Write> Export<'a, W> {
    /// Begins an archive.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn begin(context: ExportContext<'a>, to: W) -> Result<Self, TransferError> {
        let time = now();
        let header = ArchiveHeader {
            format: format::FORMAT.to_owned(),
            version: format::VERSION,
            host: context.host.to_owned(),
            queue_directory: context.queue_directory.to_owned(),
            postfix: context.postfix.to_owned(),
            exported: iso(time),
        };
        let archive = ArchiveWriter::begin(to, &header, time);
        Ok(Self {
            ops: context.ops(),
            archive: archive.map_err(TransferError::Write)?,
            matcher: Matcher::new(context.selection, context.rules),
            buffers: Buffers::default(),
            report: ExportReport::default(),
            written: 0,
            context,
        })
    }

    /// Copies the messages. Those that were put on hold are added to `held`.
    ///
    /// # Errors
    ///
    /// The messages cannot be listed, the archive cannot be written, or a signal
    /// was caught. The archive cannot be imported then.
    pub fn copy_all(
        &mut self,
        held: &mut HeldMessages,
        observer: &mut impl ExportObserver,
    ) -> Result<(), TransferError> {
        ordered::each_message(self.context, observer, |observer, path| {
            if self.context.interrupts.caught().is_some() {
                return Err(TransferError::Interrupted);
            }
            self.export(path, held, observer)
        })
    }

    /// Writes out what is buffered, and waits with `sync` until it is stored, so
    /// that the end is the only part that can fail afterwards.
    ///
    /// # Errors
    ///
    /// The archive cannot be written. It cannot be imported then.
    pub fn settle(&mut self, sync: impl FnOnce(&W) -> io::Result<()>) -> Result<(), TransferError> {
        let stored = self.archive.flush().and_then(sync);
        stored.map_err(TransferError::Write)
    }

    /// Writes the end of the archive, without which it cannot be imported.
    /// Returns what the archive was written to.
    ///
    /// # Errors
    ///
    /// It cannot be written. Whether the reader of a pipe has all of the archive
    /// is not known then.
    pub fn end(self) -> Result<(W, ExportReport), TransferError> {
        let end = ArchiveEnd {
            messages: self.written,
        };
        let to = self.archive.end(&end).map_err(TransferError::Write)?;
        Ok((to, self.report))
    }

    /// Exports the message at a path.
    fn export(
        &mut self,
        path: &[u8],
        held: &mut HeldMessages,
        observer: &mut impl ExportObserver,
    ) -> Result<(), TransferError> {
        let mut parts = path.split(|&byte| byte == b'/');
        let queue = parts.next().and_then(Queue::parse);
        let id = parts.next_back().and_then(QueueId::parse);
        let (Some(queue), Some(id)) = (queue, id) else {
            return Ok(());
        };
        match self.examine(queue, &id)? {
            Examined::Left => self.report.left = self.report.left.saturating_add(1),
            Examined::Refused(text) => {
                self.report.refused = self.report.refused.saturating_add(1);
                observer.warning(&[&text[..], b": not exported"].concat());
            }
            Examined::Ready(message, facts) => {
                let source = (queue, &id, &facts);
                match self.context.mode {
                    ExportMode::Copy => self.copy(source, queue, &message).map(drop)?,
                    ExportMode::Move => self.hold_and_copy(source, &message, held, observer)?,
                }
            }
        }
        Ok(())
    }

    /// Opens a message and checks that it matches and is complete.
    fn examine(&mut self, queue: Queue, id: &QueueId) -> Result<Examined, TransferError> {
        let path = self.context.layout.path(queue, id.as_bytes());
        let name = path.to_string_lossy();
        let spool = self.context.spool;
        let message = match message::open(spool, path.as_encoded_bytes(), queue, &name) {
            Ok(message) => message,
            Err(NoMessage::NotThere) => return Ok(Examined::Left),
            Err(error) if error.is_exhaustion() => {
                return Err(WorkError::from(error).into());
            }
            Err(error) => return Ok(Examined::Refused(error.to_string().into_bytes())),
        };
        let at = Location {
            spool,
            layout: self.context.layout,
            queue,
            id: id.as_bytes(),
            path: &name,
        };
        if let Some(examined) = self.unless_matching(&message, &at)? {
            return Ok(examined);
        }
        let facts = match integrity::check(message.source(), &mut self.buffers) {
            Ok(facts) => facts,
            Err(IntegrityError::Read(cause)) if message::is_exhaustion(&cause) => {
                return Err(TransferError::spool("read", &name)(cause));
            }
            Err(error) => {
                return Ok(Examined::Refused(format!("{name}: {error}").into_bytes()));
            }
        };
        Ok(Examined::Ready(message, facts))
    }

    /// Returns `None` if a message matches the selection.
    fn unless_matching(
        &mut self,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<Examined>, TransferError> {
        match self.matcher.matches(message, at) {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(Examined::Left)),
            Err(ReadError::Interrupted) => Err(TransferError::Interrupted),
            Err(error) if error.ends_listing() => Err(WorkError::from(error).into()),
            Err(error) => Ok(Some(Examined::Refused(error.to_string().into_bytes()))),
        }
    }

    /// Puts a message on hold, unless it is, and copies it from there.
    fn hold_and_copy(
        &mut self,
        source: (Queue, &QueueId, &QueueFileFacts),
        message: &Message,
        held: &mut HeldMessages,
        observer: &mut impl ExportObserver,
    ) -> Result<(), TransferError> {
        let (queue, id, _) = source;
        if queue != Queue::Hold && self.put_on_hold(queue, id, observer)?.is_break() {
            return Ok(());
        }
        let on_hold = self.stat_on_hold(id);
        let is_same = |stat: &FileStat| Identity::of(stat) == Identity::of(&message.stat);
        match on_hold.filter(is_same) {
            // Recorded before it is copied: from now on a failure puts it back.
            Some(stat) => held.add(id, queue, &stat)?,
            // Another message had got the name, and is on hold now; or this one
            // has just been released.
            None => {
                self.report.left = self.report.left.saturating_add(1);
                return Ok(());
            }
        }
        match self.copy(source, Queue::Hold, message)? {
            CopyState::Complete => Ok(()),
            CopyState::Changed => {
                let path = self.ops.path(Queue::Hold, id.as_bytes());
                Err(TransferError::ChangedOnHold(path))
            }
        }
    }

    /// Moves a message to hold. Returns `Break` if it is not exported, which was
    /// counted.
    fn put_on_hold(
        &mut self,
        queue: Queue,
        id: &QueueId,
        observer: &mut impl ExportObserver,
    ) -> Result<ControlFlow<()>, TransferError> {
        match held::hold(&self.ops, queue, id) {
            Ok(StepResult::Done) => Ok(ControlFlow::Continue(())),
            Ok(StepResult::Gone) => {
                self.report.left = self.report.left.saturating_add(1);
                Ok(ControlFlow::Break(()))
            }
            Err(cause) if is(&cause, Errno::EEXIST) => {
                self.report.refused = self.report.refused.saturating_add(1);
                let path = self.ops.path(queue, id.as_bytes());
                let text = format!("{path}: another message of this ID is on hold: not exported");
                observer.warning(text.as_bytes());
                Ok(ControlFlow::Break(()))
            }
            Err(cause) => {
                let path = self.ops.path(queue, id.as_bytes());
                Err(TransferError::spool("hold", &path)(cause))
            }
        }
    }

    fn stat_on_hold(&self, id: &QueueId) -> Option<FileStat> {
        let home = self.ops.home(Queue::Hold, id.as_bytes()).ok()?;
        home.stat(id.as_os_str()).ok()
    }

    /// Copies a message and its logs. `place` is the queue that it is in now.
    fn copy(
        &mut self,
        (queue, id, facts): (Queue, &QueueId, &QueueFileFacts),
        place: Queue,
        message: &Message,
    ) -> Result<CopyState, TransferError> {
        let number = self.written.saturating_add(1);
        let directory = format::directory(number, id);
        // Moving it to hold has changed the time of its last change.
        let before = stat_open(&message.file).map_err(|cause| self.unread(place, id, cause))?;
        let input = Positioned::new(&message.file);
        let copied = self
            .archive
            .file(&directory, format::QUEUE_FILE, input, &before);
        let (file, length) = copied.map_err(TransferError::Write)?;
        let mut files = vec![file];
        for log in Queue::LOGS {
            files.extend(self.copy_log(&directory, log, id)?);
        }
        let after = stat_open(&message.file).map_err(|cause| self.unread(place, id, cause))?;
        let named = self.ops.home(place, id.as_bytes());
        let named = named.and_then(|home| home.stat(id.as_os_str()));
        let is_there = named.is_ok_and(|stat| Identity::of(&stat) == Identity::of(&before));
        let is_same = length == Length::AsExpected && unchanged(&before, &after) && is_there;
        let state = if is_same {
            self.report.exported = self.report.exported.saturating_add(1);
            CopyState::Complete
        } else {
            self.report.changed = self.report.changed.saturating_add(1);
            CopyState::Changed
        };
        let entry = describe((queue, id, facts), &before, files, state);
        let written = self.archive.description(&directory, &entry);
        written.map_err(TransferError::Write)?;
        self.written = number;
        Ok(state)
    }

    /// Copies a log of a message, if there is one.
    fn copy_log(
        &mut self,
        directory: &str,
        log: Queue,
        id: &QueueId,
    ) -> Result<Option<FileEntry>, TransferError> {
        let home = match self.ops.home(log, id.as_bytes()) {
            Ok(home) => home,
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(None),
            Err(cause) => return Err(self.unread(log, id, cause)),
        };
        let (file, stat) = match message::open_any(&home, id.as_bytes()) {
            Ok(opened) => opened,
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(None),
            Err(cause) => return Err(self.unread(log, id, cause)),
        };
        if !message::is_regular(&stat) {
            return Ok(None);
        }
        let copied = self
            .archive
            .file(directory, format::log_name(log), file, &stat);
        copied
            .map(|(entry, _)| Some(entry))
            .map_err(TransferError::Write)
    }

    fn unread(&self, queue: Queue, id: &QueueId, cause: io::Error) -> TransferError {
        TransferError::spool("read", &self.ops.path(queue, id.as_bytes()))(cause)
    }
}
