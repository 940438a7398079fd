//! Restores messages from the trash: moves them back to the queues they came
//! from, with their modes, times and logs.
//!
//! Checks which files are really in the spool, so it can be interrupted and
//! repeated. A message that was in active is moved to hold: the queue manager
//! may still have it in memory, and reads active only when it starts.

use std::collections::HashSet;
use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::closing::Remaining;
use super::locate::{MessageLocation, find};
use super::logs;
use super::logs::{KindsInTrash, LogsRestored};
use super::moves;
use super::moves::{MoveResult, restore_times};
use super::recorded_message::RecordedMessage;
use crate::actions::name_snapshot::NameSnapshot;
use crate::actions::report::{ActionDone, ActionLog};
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Warning, WorkError};
use crate::spool::Queue;
use crate::sys::dir::{Dir, stat_open};
use crate::sys::dir_changes::set_mode;
use crate::sys::error_text::{error_text, is};

/// The permission bits that are compared.
const PERMISSIONS: u32 = 0o777;

/// Restores messages from the trash.
pub struct Restorer<'a> {
    /// Operations on the spool.
    pub ops: &'a SpoolOps<'a>,
    /// The inode numbers of messages that were in active.
    pub was_active: &'a HashSet<u64>,
    /// The names in small queues a moment ago. Should a message have got one of
    /// them since, no file is replaced.
    pub snapshot: &'a NameSnapshot,
    /// The kinds of logs in the trash.
    pub kinds: &'a KindsInTrash,
    /// The report.
    pub action_log: &'a mut ActionLog,
}

impl Restorer<'_> {
    /// Returns the queue to which a message would be restored; `None` if it
    /// would not be, which is logged unless the message is in a queue already.
    pub fn plan(&mut self, entry: &RecordedMessage) -> Option<Queue> {
        match find(self.ops, entry, self.action_log) {
            MessageLocation::Trash(_) => self.target(entry),
            MessageLocation::Queue | MessageLocation::Unknown => None,
            MessageLocation::Replaced => {
                let path = self.ops.path(Queue::Saved, entry.id.as_bytes());
                self.warn(path, "is not the file that was moved there");
                None
            }
            MessageLocation::Missing => {
                self.warn(entry.id.to_string(), "is no longer in the trash");
                None
            }
        }
    }

    /// Restores a message, or the logs of one that is in a queue already.
    ///
    /// # Errors
    ///
    /// A rename failed for a reason that affects other messages as well.
    pub fn restore_message(&mut self, entry: &RecordedMessage) -> Result<Remaining, WorkError> {
        match find(self.ops, entry, self.action_log) {
            MessageLocation::Trash(stat) => self.restore(entry, &stat),
            // An interrupted run has already restored the message, or it was
            // never moved.
            MessageLocation::Queue => {
                let back = logs::put_back(self.ops, &entry.id, (&[], self.kinds), self.action_log)?;
                Ok(remaining_after_logs(back))
            }
            MessageLocation::Replaced => {
                let path = self.ops.path(Queue::Saved, entry.id.as_bytes());
                self.warn(path, "is not the file that was moved there");
                Ok(Remaining::Another)
            }
            MessageLocation::Missing => {
                self.warn(entry.id.to_string(), "is no longer in the trash");
                Ok(Remaining::Nothing)
            }
            MessageLocation::Unknown => Ok(Remaining::Something),
        }
    }

    fn warn(&mut self, path: String, why: &str) {
        let why = why.to_owned();
        self.action_log.warn(&Warning::Trash { path, why });
    }

    fn restore(
        &mut self,
        entry: &RecordedMessage,
        stat: &FileStat,
    ) -> Result<Remaining, WorkError> {
        let Some(first) = self.target(entry) else {
            return Ok(Remaining::Something);
        };
        if self.restore_attributes(entry, stat) == Ready::NotYet {
            return Ok(Remaining::Something);
        }
        let back = logs::put_back(
            self.ops,
            &entry.id,
            (&entry.logs, self.kinds),
            self.action_log,
        )?;
        for queue in [first, Queue::Hold] {
            match moves::between(self.ops, &entry.id, (Queue::Saved, queue), self.action_log)? {
                MoveResult::Done => {
                    self.action_log
                        .done(ActionDone::Restored(queue), &entry.id, entry.queue);
                    return Ok(remaining_after_logs(back));
                }
                // Another process has moved the message in the meantime.
                MoveResult::Gone => return Ok(Remaining::Nothing),
                MoveResult::Refused => {}
            }
        }
        Ok(Remaining::Something)
    }

    /// Returns the queue to which a message is restored; `None` if there is
    /// none. Logs a warning if it is not the queue that the message came from.
    fn target(&mut self, entry: &RecordedMessage) -> Option<Queue> {
        let id = &entry.id;
        let has_one = |queue: &Queue| {
            if self.snapshot.lacks(*queue, id) {
                return false;
            }
            let home = self.ops.home(*queue, id.as_bytes());
            home.is_ok_and(|home| home.stat(id.as_os_str()).is_ok())
        };
        let occupied = Queue::LISTED.into_iter().find(has_one);
        let ops = self.ops;
        let path = || ops.path(Queue::Saved, id.as_bytes());
        let was_active = self.was_active.contains(&entry.inode);
        match (occupied, entry.queue) {
            (None, _) if was_active || entry.queue == Queue::Active => {
                self.warn(
                    id.to_string(),
                    "was in active and cannot safely return there: it goes to hold",
                );
                Some(Queue::Hold)
            }
            (None, queue) => Some(queue),
            (Some(_), _) if has_one(&Queue::Hold) => {
                self.warn(
                    path(),
                    "stays in the trash: hold has a message of that name",
                );
                None
            }
            (Some(queue), _) => {
                let why = format!("goes to hold: {queue} has a message of that name");
                self.warn(path(), &why);
                Some(Queue::Hold)
            }
        }
    }

    /// Restores the mode and the times of a message before it is moved, so that
    /// it is complete when it appears in a queue. Returns `NotYet` if its mode
    /// cannot be set: in a queue, the message would look like an unfinished
    /// file.
    fn restore_attributes(&mut self, entry: &RecordedMessage, stat: &FileStat) -> Ready {
        let home = self.ops.home(Queue::Saved, entry.id.as_bytes());
        let (mode, times) = match home {
            Ok(home) => (
                restore_mode(&home, entry, stat),
                restore_times(&home, entry, stat),
            ),
            Err(cause) => (Err(cause), Ok(())),
        };
        let is_set = self.warn_on_failure(entry, "cannot set its mode", mode);
        self.warn_on_failure(entry, "cannot set its times", times);
        is_set
    }

    /// Logs a warning about a failure, unless the message no longer exists.
    fn warn_on_failure(
        &mut self,
        entry: &RecordedMessage,
        what: &str,
        done: io::Result<()>,
    ) -> Ready {
        match done {
            Err(cause) if !is(&cause, Errno::ENOENT) => {
                let path = self.ops.path(Queue::Saved, entry.id.as_bytes());
                self.warn(path, &format!("{what}: {}", error_text(&cause)));
                Ready::NotYet
            }
            _ => Ready::Yes,
        }
    }
}

/// Returns what remains after the logs were moved back. A log whose place is
/// taken by a newer one is obsolete; a purge removes it.
fn remaining_after_logs(back: LogsRestored) -> Remaining {
    match back {
        LogsRestored::All | LogsRestored::Refused => Remaining::Nothing,
        LogsRestored::Unseen => Remaining::Something,
    }
}

fn restore_mode(home: &Dir, entry: &RecordedMessage, stat: &FileStat) -> io::Result<()> {
    if stat.st_mode & PERMISSIONS == entry.mode {
        return Ok(());
    }
    let file = home.open_to_change(entry.id.as_os_str())?;
    if stat_open(&file)?.st_ino == stat.st_ino {
        set_mode(&file, entry.mode)
    } else {
        Ok(())
    }
}

/// Whether a message is ready to be moved to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Yes,
    NotYet,
}
