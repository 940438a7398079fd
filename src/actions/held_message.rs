//! A message that is moved to hold while it is changed, where no daemon looks, and
//! is released afterwards.
//!
//! A message that is to return to its queue has a mark in its mode meanwhile. If the
//! program is killed, the next call sees from it that the message belongs elsewhere.

use std::io;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::report::ActionLog;
use super::spool_ops::{FileAt, Moved, SpoolOps};
use super::warning::Warning;
use crate::spool::message;
use crate::spool::message::{Identity, Message, NoMessage};
use crate::spool::{Queue, QueueId};
use crate::sys::dir::{Dir, stat_open};
use crate::sys::dir_changes::set_mode;
use crate::sys::error_text::is;
use crate::sys::time::now;

/// The mark of a message that was moved to hold to be changed, and belongs in
/// another queue: the sticky bit, which has no meaning for files. Observed with
/// Postfix 3.7.11: messages with it are delivered.
const HELD_MARK: u32 = 0o1000;
/// All permission bits of a file.
const PERMISSIONS: u32 = 0o7777;

/// Whether a message is marked before it is moved to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoldMark {
    /// It is, because it will return to its queue.
    Set,
    /// It is not.
    Leave,
}

/// The result of moving a message to hold.
pub(super) enum HoldResult<'m> {
    /// The message is on hold.
    Held(HeldMessage<'m>),
    /// The message was no longer where it had been found.
    Gone,
    /// Another file has its name in hold.
    Blocked(Warning),
}

/// A message on hold.
pub(super) struct HeldMessage<'m> {
    /// Its queue ID.
    pub(super) id: &'m QueueId,
    /// The open message, and its state before it was moved.
    pub(super) message: &'m Message,
    /// The queue that it was in.
    pub(super) from: Queue,
    /// The directory in hold.
    dir: Arc<Dir>,
}

impl<'m> HeldMessage<'m> {
    /// Moves a message to hold, unless it is there.
    ///
    /// # Errors
    ///
    /// Those of rename(2).
    pub(super) fn hold(
        ops: &SpoolOps<'_>,
        at: FileAt<'_>,
        (id, from): (&'m QueueId, Queue),
        message: &'m Message,
        mark: HoldMark,
    ) -> Result<HoldResult<'m>, WorkError> {
        let name = id.as_bytes();
        if from != Queue::Hold {
            if mark == HoldMark::Set {
                set_held_mark(message);
            }
            let moved = ops.rename(at, Queue::Hold, name, name);
            if !matches!(moved, Ok(Moved::Done)) {
                clear_held_mark(message);
            }
            match moved? {
                Moved::Done => {}
                Moved::Gone => return Ok(HoldResult::Gone),
                Moved::Blocked => {
                    let warning = ops.blocked(at, Queue::Hold, name, name);
                    return Ok(HoldResult::Blocked(warning));
                }
            }
        }
        let dir = ops.home(Queue::Hold, name).map_err(|cause| {
            let path = ops.path(Queue::Hold, name);
            NoMessage::Place { path, cause }
        })?;
        Ok(HoldResult::Held(Self {
            id,
            message,
            from,
            dir,
        }))
    }

    /// Moves a changed message back to where it was, with its times. One that a
    /// killed call left on hold moves to deferred.
    ///
    /// # Errors
    ///
    /// Those of rename(2).
    pub(super) fn return_home(
        &self,
        ops: &SpoolOps<'_>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        let home = if self.from == Queue::Hold && is_marked(self.message) {
            Queue::Deferred
        } else {
            self.from
        };
        self.restore_times();
        self.release_to(home, ops, action_log)
    }

    /// Moves a message that was not changed back to where it was.
    ///
    /// # Errors
    ///
    /// Those of rename(2).
    pub(super) fn put_back(
        &self,
        ops: &SpoolOps<'_>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        self.restore_times();
        self.release_to(self.from, ops, action_log)
    }

    /// Moves a message to deferred, to be looked at in the next queue run.
    ///
    /// # Errors
    ///
    /// Those of rename(2).
    pub(super) fn release_now(
        &self,
        ops: &SpoolOps<'_>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        // If this fails, it is looked at when its next attempt is due.
        drop(self.dir.set_times(self.id.as_os_str(), now()));
        self.release_to(Queue::Deferred, ops, action_log)
    }

    /// Restores the times. If this fails, the next attempt is merely earlier.
    fn restore_times(&self) {
        let name = self.id.as_os_str();
        drop(self.dir.restore_times(name, &self.message.stat));
    }

    fn release_to(
        &self,
        to: Queue,
        ops: &SpoolOps<'_>,
        action_log: &mut ActionLog,
    ) -> Result<(), WorkError> {
        if to == Queue::Hold {
            return Ok(());
        }
        let name = self.id.as_bytes();
        let at = FileAt {
            dir: &self.dir,
            name,
            path: &ops.path(Queue::Hold, name),
        };
        match ops.rename(at, to, name, name)? {
            Moved::Done | Moved::Gone => {}
            Moved::Blocked => action_log.warn(&ops.blocked(at, to, name, name)),
        }
        clear_held_mark(self.message);
        Ok(())
    }
}

/// Opens a message to change it; `None` if it is no longer there, or another file
/// has its name.
pub(super) fn open(at: FileAt<'_>, seen: &FileStat) -> io::Result<Option<Message>> {
    let opened = at.dir.open_to_change(at.os_name());
    match opened.and_then(|file| Ok((stat_open(&file)?, file))) {
        Ok((stat, file)) => {
            let is_same = Identity::of(&stat) == Identity::of(seen) && message::is_regular(&stat);
            Ok(is_same.then_some(Message { file, stat }))
        }
        Err(cause) if is(&cause, Errno::ENOENT) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Whether a message was marked when it was opened.
pub(super) fn is_marked(message: &Message) -> bool {
    has_held_mark(&message.stat)
}

/// Whether a message has the mark of one that was moved to hold to be changed.
pub fn has_held_mark(stat: &FileStat) -> bool {
    stat.st_mode & HELD_MARK != 0
}

/// Sets the mark. If this fails, the next call does not release the message if this
/// one is killed; nothing is lost.
pub fn set_held_mark(message: &Message) {
    let mode = message.stat.st_mode & PERMISSIONS;
    drop(set_mode(&message.file, mode | HELD_MARK));
}

/// Removes the mark. If this fails, a mark that has no meaning in the other queues is
/// left.
pub fn clear_held_mark(message: &Message) {
    if let Ok(stat) = stat_open(&message.file)
        && has_held_mark(&stat)
    {
        let mode = stat.st_mode & PERMISSIONS & !HELD_MARK;
        drop(set_mode(&message.file, mode));
    }
}
