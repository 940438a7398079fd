//! Undoes acts on messages that stayed in the queues: hold, release, expire,
//! requeue and postpone.
//!
//! Decides from what is really in the spool, so it can be interrupted and
//! repeated. A message that has left the queue where the act put it is left
//! alone.

use std::collections::HashSet;
use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::closing::Remaining;
use super::locate::{InQueues, find_in_queues};
use super::moves;
use super::moves::{MoveResult, restore_times};
use super::recipients::{RecordedChange, Undoable};
use super::recorded_message::RecordedMessage;
use crate::actions::report::{ActionDone, ActionLog};
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Act, Warning, WorkError};
use crate::spool::{Queue, master_status};
use crate::sys::dir::{Dir, stat_open};
use crate::sys::dir_changes::{FileTime, set_mode};
use crate::sys::error_text::{error_text, is};

/// The group execute bit: the message is forced to expire.
const EXPIRED: u32 = 0o010;
/// All permission bits of a file.
const PERMISSIONS: u32 = 0o7777;

/// The step that undoes an act.
#[derive(Debug)]
pub enum Decision {
    /// The message is moved back.
    Move { from: Queue, to: Queue },
    /// The mark of a message that was forced to expire is removed.
    Unexpire(Queue),
    /// The times of the message are restored.
    Times(Queue),
    /// Its recipients, which were marked as done, are pending again.
    Recipients(Queue, FileStat),
    /// The message is as it was before the act.
    Nothing,
    /// The message is left as it is, for this reason.
    Leave(String),
    /// The message cannot be restored at present, for this reason.
    NotNow(String),
    /// Something could not be examined, which was logged.
    Unknown,
}

/// Undoes acts on messages in the queues.
pub struct Reverter<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Operations on the spool.
    pub ops: &'a SpoolOps<'a>,
    /// The inode numbers of messages that were in active.
    pub was_active: &'a HashSet<u64>,
    /// The report.
    pub action_log: &'a mut ActionLog,
}

impl Reverter<'_> {
    /// Returns what is to be done to undo an act.
    pub fn decide(&mut self, act: &Act, entry: &RecordedMessage) -> Decision {
        let after = queue_after(act, entry.queue);
        let (queue, stat) = match find_in_queues(self.ops, entry, after, self.action_log) {
            InQueues::Queue(queue, stat) => (queue, stat),
            InQueues::Nowhere if matches!(act, Act::Requeue { .. }) => {
                return Decision::Leave(
                    "is no longer in maildrop: pickup has queued it with another queue ID"
                        .to_owned(),
                );
            }
            InQueues::Nowhere => return Decision::Leave("is no longer in a queue".to_owned()),
            InQueues::Unknown => return Decision::Unknown,
        };
        match act {
            Act::Expire if stat.st_mode & !entry.mode & EXPIRED != 0 => Decision::Unexpire(queue),
            Act::Expire => Decision::Nothing,
            Act::DropRecipients { .. } | Act::Bounce { .. } => {
                decide_recipients(self.ops, act, entry, (queue, &stat))
            }
            _ if queue == entry.queue => in_place(act, entry, queue, &stat),
            _ if queue == after => self.back(act, entry, after),
            _ => Decision::Leave(format!("is in {queue} now, and stays there")),
        }
    }

    /// Decides about a message that is where the act put it.
    fn back(&self, act: &Act, entry: &RecordedMessage, from: Queue) -> Decision {
        let was_active = entry.queue == Queue::Active || self.was_active.contains(&entry.inode);
        let to = match act {
            Act::Hold if was_active => {
                return Decision::Leave(
                    "was in active and cannot safely return there: it stays on hold".to_owned(),
                );
            }
            // While pickup copies a message, the message must not move: it
            // would be queued twice.
            Act::Requeue { .. } if master_status::is_up(self.spool).unwrap_or(true) => {
                return Decision::NotNow(
                    "stays in maildrop: the mail system is running, and pickup may be copying it"
                        .to_owned(),
                );
            }
            Act::Requeue { .. } if was_active => Queue::Hold,
            _ => entry.queue,
        };
        Decision::Move { from, to }
    }

    /// Undoes an act.
    ///
    /// # Errors
    ///
    /// A rename failed for a reason that affects other messages as well.
    pub fn revert(&mut self, act: &Act, entry: &RecordedMessage) -> Result<Remaining, WorkError> {
        match self.decide(act, entry) {
            Decision::Nothing => Ok(Remaining::Nothing),
            Decision::Unknown => Ok(Remaining::Something),
            Decision::Leave(why) => {
                self.warn(entry.id.to_string(), why);
                Ok(Remaining::Nothing)
            }
            Decision::NotNow(why) => {
                self.warn(entry.id.to_string(), why);
                Ok(Remaining::Something)
            }
            Decision::Unexpire(queue) => {
                let done = self.change(queue, entry, unexpire);
                Ok(self.conclude(done, ActionDone::Unexpired, entry, queue))
            }
            Decision::Times(queue) => {
                let done = self.change(queue, entry, restore_times);
                Ok(self.conclude(done, ActionDone::AttemptRestored, entry, queue))
            }
            Decision::Recipients(queue, stat) => self.restore_recipients(act, entry, (queue, stat)),
            Decision::Move { from, to } => self.move_back(act, entry, (from, to)),
        }
    }

    fn restore_recipients(
        &mut self,
        act: &Act,
        entry: &RecordedMessage,
        (queue, stat): (Queue, FileStat),
    ) -> Result<Remaining, WorkError> {
        let Some(change) = RecordedChange::of(act, entry) else {
            return Ok(Remaining::Nothing);
        };
        let found = InQueues::Queue(queue, stat);
        match change.undo(self.ops, found, self.action_log)? {
            Ok(()) => {
                let restored = ActionDone::RecipientsRestored;
                self.action_log.done(restored, &entry.id, queue);
                Ok(Remaining::Nothing)
            }
            Err(why) => {
                self.warn(entry.id.to_string(), why);
                Ok(Remaining::Something)
            }
        }
    }

    /// Returns what undoing an act would do; `None` if it would change nothing.
    /// Logs the reason if the message is left as it is.
    pub fn plan(&mut self, act: &Act, entry: &RecordedMessage) -> Option<ActionDone> {
        match self.decide(act, entry) {
            Decision::Move { to, .. } => Some(ActionDone::Restored(to)),
            Decision::Unexpire(_) => Some(ActionDone::Unexpired),
            Decision::Times(_) => Some(ActionDone::AttemptRestored),
            Decision::Recipients(..) => Some(ActionDone::RecipientsRestored),
            Decision::Nothing | Decision::Unknown => None,
            Decision::Leave(why) | Decision::NotNow(why) => {
                self.warn(entry.id.to_string(), why);
                None
            }
        }
    }

    /// Moves a message back, and restores its times if the act has set them:
    /// before the move out of maildrop, as in all moves to the queues that the
    /// queue manager scans; after the move to hold.
    fn move_back(
        &mut self,
        act: &Act,
        entry: &RecordedMessage,
        (from, to): (Queue, Queue),
    ) -> Result<Remaining, WorkError> {
        let sets_times = sets(act).is_some();
        let times_at = if to == Queue::Hold { to } else { from };
        let mut times = Remaining::Nothing;
        if sets_times && times_at == from {
            let done = self.change(from, entry, restore_times);
            times = self.conclude_times(done, entry, from);
        }
        match moves::between(self.ops, &entry.id, (from, to), self.action_log)? {
            MoveResult::Done => {}
            MoveResult::Gone => return Ok(Remaining::Something),
            MoveResult::Refused => return Ok(Remaining::Something),
        }
        if sets_times && times_at == to {
            let done = self.change(to, entry, restore_times);
            times = self.conclude_times(done, entry, to);
        }
        let restored = ActionDone::Restored(to);
        self.action_log.done(restored, &entry.id, from);
        // If the times remain, undoing the batch again restores them.
        Ok(times)
    }

    /// Applies a change to the file of a message in a queue.
    fn change(
        &self,
        queue: Queue,
        entry: &RecordedMessage,
        change: fn(&Dir, &RecordedMessage, &FileStat) -> io::Result<()>,
    ) -> io::Result<()> {
        let home = self.ops.home(queue, entry.id.as_bytes())?;
        let stat = home.stat(entry.id.as_os_str())?;
        change(&home, entry, &stat)
    }

    /// Reports a change that was made where the message is.
    fn conclude(
        &mut self,
        done: io::Result<()>,
        action_done: ActionDone,
        entry: &RecordedMessage,
        queue: Queue,
    ) -> Remaining {
        match done {
            Ok(()) => {
                self.action_log.done(action_done, &entry.id, queue);
                Remaining::Nothing
            }
            // The message has moved in the meantime.
            Err(cause) if is(&cause, Errno::ENOENT) => Remaining::Something,
            Err(cause) => {
                let path = self.ops.path(queue, entry.id.as_bytes());
                self.warn(path, error_text(&cause));
                Remaining::Something
            }
        }
    }

    /// Reports that the times of a message that is moved were not restored.
    fn conclude_times(
        &mut self,
        done: io::Result<()>,
        entry: &RecordedMessage,
        queue: Queue,
    ) -> Remaining {
        match done {
            Err(cause) if !is(&cause, Errno::ENOENT) => {
                let path = self.ops.path(queue, entry.id.as_bytes());
                self.warn(
                    path,
                    format!("cannot set its times: {}", error_text(&cause)),
                );
                Remaining::Something
            }
            _ => Remaining::Nothing,
        }
    }

    fn warn(&mut self, path: String, why: String) {
        self.action_log.warn(&Warning::Trash { path, why });
    }
}

/// Decides about a message whose recipients were changed.
fn decide_recipients(
    ops: &SpoolOps<'_>,
    act: &Act,
    entry: &RecordedMessage,
    (queue, stat): (Queue, &FileStat),
) -> Decision {
    let Some(change) = RecordedChange::of(act, entry) else {
        return Decision::Nothing;
    };
    if queue == Queue::Active {
        let why = "is being delivered: undo it again when it is deferred";
        return Decision::NotNow(why.to_owned());
    }
    if queue == Queue::Maildrop {
        return Decision::Leave("was requeued, and stays as it is".to_owned());
    }
    match change.examine(ops, queue, stat) {
        Ok(Undoable::Something) => Decision::Recipients(queue, *stat),
        Ok(Undoable::Nothing) => Decision::Nothing,
        Ok(Undoable::TooLate) => Decision::Leave("was returned to its sender".to_owned()),
        Err(why) => Decision::NotNow(why),
    }
}

/// Returns the queue in which a message is after an act.
pub fn queue_after(act: &Act, before: Queue) -> Queue {
    match act {
        Act::Delete => Queue::Saved,
        Act::Hold => Queue::Hold,
        Act::Release { .. } => Queue::Deferred,
        Act::Requeue { .. } => Queue::Maildrop,
        Act::Bounce { to, .. } => *to,
        Act::Expire | Act::Postpone { .. } | Act::DropRecipients { .. } => before,
    }
}

/// Returns the modification time that an act sets, if it sets one.
fn sets(act: &Act) -> Option<FileTime> {
    match act {
        Act::Release { sets } | Act::Requeue { sets } => *sets,
        Act::Postpone { sets } => Some(*sets),
        _ => None,
    }
}

/// Decides about a message that is in the queue where it was before the act.
fn in_place(act: &Act, entry: &RecordedMessage, queue: Queue, stat: &FileStat) -> Decision {
    let modified = (stat.st_mtime, stat.st_mtime_nsec);
    if modified == entry.modified {
        Decision::Nothing
    } else if sets(act) == Some(modified) {
        Decision::Times(queue)
    } else if matches!(act, Act::Postpone { .. }) {
        Decision::Leave("has another next attempt now, and keeps it".to_owned())
    } else {
        Decision::Nothing
    }
}

/// Removes the mark of a message that was forced to expire.
fn unexpire(home: &Dir, entry: &RecordedMessage, stat: &FileStat) -> io::Result<()> {
    let file = home.open_to_change(entry.id.as_os_str())?;
    let open = stat_open(&file)?;
    if open.st_ino != stat.st_ino {
        return Err(Errno::ENOENT.into());
    }
    set_mode(&file, open.st_mode & PERMISSIONS & !EXPIRED)
}
