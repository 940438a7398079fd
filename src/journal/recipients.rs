//! Undoes changes to the recipients of a message: marks them as pending again, and
//! takes the entries about them out of the bounce log.
//!
//! The message is moved to hold meanwhile, as for the change itself. The recipients
//! are pending again before their entries are gone, so that none is forgotten if the
//! program is killed in between; the same undo goes on from there.

use std::io;

use nix::sys::stat::FileStat;

use super::locate::InQueues;
use super::moves;
use super::moves::{MoveResult, restore_times};
use super::recorded_message::RecordedMessage;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Act, WorkError, clear_held_mark, has_held_mark, set_held_mark};
use crate::queue_file::recipient_state;
use crate::queue_file::recipient_state::RecipientState;
use crate::spool::Queue;
use crate::spool::bounce_log;
use crate::spool::bounce_log::{BounceLog, BounceLogError};
use crate::spool::message;
use crate::spool::message::Message;
use crate::sys::dir::stat_open;
use crate::sys::dir_changes::set_mode;
use crate::sys::error_text::error_text;

/// All permission bits of a file.
const PERMISSIONS: u32 = 0o7777;

/// A change to the recipients of a message, as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct RecordedChange<'a> {
    /// The message before the act.
    pub entry: &'a RecordedMessage,
    /// The offsets of the recipients that were marked as done.
    pub records: &'a [u64],
    /// The bounce log, if entries were appended to it.
    pub log: Option<LogBefore>,
}

/// A bounce log as it was before the act.
#[derive(Clone, Copy, Debug)]
pub struct LogBefore {
    /// Its size; `None` if it did not exist.
    pub size: Option<u64>,
}

/// The steps of a change that remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoable {
    /// Some of it was made.
    Something,
    /// None of it was made, or all of it was undone.
    Nothing,
    /// The notice about the message was sent.
    TooLate,
}

impl<'a> RecordedChange<'a> {
    /// Returns the change that an act makes; `None` if it is another kind of act.
    pub fn of(act: &'a Act, entry: &'a RecordedMessage) -> Option<Self> {
        let (records, log) = match act {
            Act::DropRecipients { records } => (records, None),
            Act::Bounce {
                records, log_size, ..
            } => (records, Some(LogBefore { size: *log_size })),
            _ => return None,
        };
        Some(Self {
            entry,
            records,
            log,
        })
    }

    /// Returns the queue to which a message in `queue` is moved. A message that was
    /// changed and then put on hold stays there; one that an interrupted call left
    /// on hold does not.
    fn target(&self, queue: Queue, stat: &FileStat) -> Queue {
        match (self.log, queue) {
            (Some(_), _) => self.entry.queue,
            (None, Queue::Hold) if has_held_mark(stat) => self.entry.queue,
            (None, _) => queue,
        }
    }

    /// Returns what is left to do of the change to the message that was found.
    ///
    /// # Errors
    ///
    /// The message or its bounce log cannot be read.
    pub fn examine(
        &self,
        ops: &SpoolOps<'_>,
        queue: Queue,
        stat: &FileStat,
    ) -> Result<Undoable, String> {
        let message = self.open(ops, queue).map_err(|cause| error_text(&cause))?;
        let mut done = 0usize;
        for offset in self.records {
            let state = recipient_state::state(&message.file, *offset);
            let state = state.map_err(|cause| error_text(&cause))?;
            done = done.saturating_add((state == Some(RecipientState::Done)).into());
        }
        let has_entries = match self.log {
            Some(before) => self.log_size(ops).map_err(|error| error.to_string())? > before.size,
            None => false,
        };
        Ok(if self.log.is_some() && done > 0 && !has_entries {
            Undoable::TooLate
        } else if done > 0 || has_entries || self.target(queue, stat) != queue {
            Undoable::Something
        } else {
            Undoable::Nothing
        })
    }

    /// Undoes the change to a message in `queue`. Returns false if the message moved
    /// in the meantime, or cannot be moved, which was logged.
    ///
    /// # Errors
    ///
    /// A rename failed for a reason that affects other messages as well.
    pub fn undo(
        &self,
        ops: &SpoolOps<'_>,
        found: InQueues,
        action_log: &mut ActionLog,
    ) -> Result<Result<(), String>, WorkError> {
        let InQueues::Queue(queue, stat) = found else {
            return Ok(Err("is no longer in a queue".to_owned()));
        };
        let id = &self.entry.id;
        let target = self.target(queue, &stat);
        let message = match self.open(ops, queue) {
            Ok(message) => message,
            Err(cause) => return Ok(Err(error_text(&cause))),
        };
        if queue != Queue::Hold {
            if self.log.is_none() {
                set_held_mark(&message);
            }
            match moves::between(ops, id, (queue, Queue::Hold), action_log)? {
                MoveResult::Done => {}
                MoveResult::Gone | MoveResult::Refused => {
                    let mode = message.stat.st_mode & PERMISSIONS;
                    drop(set_mode(&message.file, mode));
                    return Ok(Err("cannot be moved to hold".to_owned()));
                }
            }
        }
        if let Err(why) = self.restore(ops, &message) {
            return Ok(Err(format!("{why}; it is on hold")));
        }
        if target != Queue::Hold {
            match moves::between(ops, id, (Queue::Hold, target), action_log)? {
                MoveResult::Done => {}
                MoveResult::Gone | MoveResult::Refused => {
                    return Ok(Err("stays on hold".to_owned()));
                }
            }
        }
        clear_held_mark(&message);
        Ok(Ok(()))
    }

    /// Restores the recipients, the bounce log and the times of a message on hold.
    fn restore(&self, ops: &SpoolOps<'_>, message: &Message) -> Result<(), String> {
        let set = |offset: &u64| {
            let set = recipient_state::set_state(&message.file, *offset, RecipientState::Pending);
            set.map(drop).map_err(|cause| error_text(&cause))
        };
        self.records.iter().try_for_each(set)?;
        if let Some(before) = self.log {
            let entries = self.entries(ops).map_err(|error| error.to_string())?;
            entries.iter().try_for_each(set)?;
            let name = self.entry.id.as_bytes();
            let path = ops.path(Queue::Bounce, name);
            if let Ok(dir) = ops.home(Queue::Bounce, name) {
                let reverted = bounce_log::revert(&dir, name, before.size, &path);
                reverted.map_err(|error| error.to_string())?;
            }
        }
        let hold = ops.home(Queue::Hold, self.entry.id.as_bytes());
        // The times of a message that a killed call left on hold are those of its last
        // change.
        let is_interrupted = has_held_mark(&message.stat);
        let timed = hold.and_then(|hold| {
            if self.log.is_some() || is_interrupted {
                restore_times(&hold, self.entry, &stat_open(&message.file)?)
            } else {
                hold.restore_times(self.entry.id.as_os_str(), &message.stat)
            }
        });
        // Without its time, the next attempt is merely earlier.
        drop(timed);
        Ok(())
    }

    /// Returns the records about which the act appended entries: an act with many
    /// recipients has several records in the journal, and all are undone at once.
    fn entries(&self, ops: &SpoolOps<'_>) -> Result<Vec<u64>, BounceLogError> {
        let Some(before) = self.log else {
            return Ok(Vec::new());
        };
        let name = self.entry.id.as_bytes();
        let Ok(dir) = ops.home(Queue::Bounce, name) else {
            return Ok(Vec::new());
        };
        let path = ops.path(Queue::Bounce, name);
        Ok(BounceLog::examine(&dir, name, &path)?.entries_after(before.size.unwrap_or(0)))
    }

    fn log_size(&self, ops: &SpoolOps<'_>) -> Result<Option<u64>, BounceLogError> {
        let name = self.entry.id.as_bytes();
        let Ok(dir) = ops.home(Queue::Bounce, name) else {
            return Ok(None);
        };
        let path = ops.path(Queue::Bounce, name);
        Ok(BounceLog::examine(&dir, name, &path)?.size_before())
    }

    fn open(&self, ops: &SpoolOps<'_>, queue: Queue) -> io::Result<Message> {
        let home = ops.home(queue, self.entry.id.as_bytes())?;
        let file = home.open_to_change(self.entry.id.as_os_str())?;
        let stat = stat_open(&file)?;
        if message::is_regular(&stat) && stat.st_nlink == 1 {
            Ok(Message { file, stat })
        } else {
            Err(io::Error::from(io::ErrorKind::NotFound))
        }
    }
}
