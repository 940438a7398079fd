//! Restores a batch from the trash: moves messages back to the queues they came
//! from, with their modes, times and logs.
//!
//! Checks which files are really in the spool, so it can be interrupted and
//! repeated. A message that was in active is moved to hold: the queue manager
//! may still have it in memory, and reads active only when it starts.

use std::collections::HashSet;
use std::{io, slice};

use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::batches::{Batch, BatchContent, Batches, Keep, entries};
use super::compact;
use super::error::{TrashError, is_refusal};
use super::journal_file::{JournalDirectory, JournalFile, LockedJournal};
use super::locate::{InTrash, MessageLocation, find, look_in_trash};
use super::logs;
use super::logs::LogsRestored;
use super::records::{Caller, Event, JournalRecord, TrashedMessage, Word};
use crate::actions::report::{
    ActionDone, ActionLog, ActionObserver, Counters, LineSeverity, LogLine,
};
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{SpoolContext, Warning, WorkError};
use crate::spool::Queue;
use crate::sys::dir::{Dir, set_mode, stat_open};
use crate::sys::error_text::{error_text, is};
use crate::sys::time::{Zone, now};
use crate::text::to_printable;

/// The permission bits that are compared.
const PERMISSIONS: u32 = 0o777;

/// The largest number of messages remembered to have been in active. It is
/// higher than the number of messages that the queue manager moves there.
const ACTIVE_MAX: usize = 1 << 20;

/// What remains of a message or a batch in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    Nothing,
    Something,
    /// Another file has the message's name in the trash; it may be another
    /// message of the same batch.
    Another,
}

/// Restores the batch with the name `wanted` or, without a name, the batch of
/// the last call.
pub fn undo(
    context: SpoolContext<'_>,
    wanted: Option<&[u8]>,
    who: Caller,
    journal: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let mut undoer = Undoer {
        context,
        ops: context.ops(),
        action_log: ActionLog::default(),
        was_active: HashSet::new(),
    };
    let ended = undoer.run(wanted, &who, journal);
    report(&mut undoer.action_log, journal);
    (undoer.action_log.counters, ended)
}

/// Passes the collected lines to the observer.
pub fn report(action_log: &mut ActionLog, journal: &mut dyn ActionObserver) {
    journal.lines(&action_log.lines);
    journal.pause();
    action_log.lines.clear();
}

/// Records in the journal that no messages of these batches are left in the
/// trash.
///
/// # Errors
///
/// The records cannot be written.
pub fn close(
    journal: &LockedJournal,
    batches: &[Word],
    who: &Caller,
    event: &Event,
) -> Result<(), TrashError> {
    if batches.is_empty() {
        return Ok(());
    }
    // The records must not reach the disk before the renames that they
    // describe.
    journal.sync_directory()?;
    let line = |batch: &Word| {
        let line = JournalRecord {
            time: now(),
            batch: batch.clone(),
            who: who.clone(),
            event: event.clone(),
        };
        line.to_text()
    };
    let lines: Vec<u8> = batches.iter().flat_map(line).collect();
    journal.append(&lines)
}

struct Undoer<'a> {
    context: SpoolContext<'a>,
    ops: SpoolOps<'a>,
    action_log: ActionLog,
    /// The inode numbers of messages that were in active. A message may have
    /// another record, written when it was announced in a different queue.
    was_active: HashSet<u64>,
}

impl Undoer<'_> {
    fn run(
        &mut self,
        wanted: Option<&[u8]>,
        who: &Caller,
        journal: &mut dyn ActionObserver,
    ) -> Result<(), WorkError> {
        let (spool, interrupts) = (self.context.spool, self.context.interrupts);
        JournalFile::open_to_read(spool)?.ok_or(TrashError::Empty)?;
        let mut locked = JournalDirectory::open(spool)?.lock(interrupts)?;
        let file = locked.journal();
        let mut batches = Batches::read(file, interrupts, Keep::Newest, &mut self.action_log)?;
        let batch = match wanted {
            Some(name) => batches.named(file, interrupts, name)?,
            None => last(&batches)?,
        };
        match batch.content {
            BatchContent::Messages => {}
            BatchContent::Nothing => return self.nothing_to_undo(&batches, &batch),
            BatchContent::Purged => return Err(TrashError::closed(&batch.name, "purged").into()),
        }
        self.inform(format!("undoing {}", described(&batch)));
        let left = self.messages(file, &batch, journal)?;
        if left == Remaining::Nothing {
            close(&locked, slice::from_ref(&batch.name), who, &Event::Undone)?;
            batches.remove(&batch.name);
            let (ops, action_log) = (&self.ops, &mut self.action_log);
            compact::tidy(&mut locked, &mut batches, ops, interrupts, action_log);
        }
        Ok(())
    }

    /// Restores the messages of a batch. Returns whether any of them is left in
    /// the trash.
    fn messages(
        &mut self,
        file: &JournalFile,
        batch: &Batch,
        journal: &mut dyn ActionObserver,
    ) -> Result<Remaining, WorkError> {
        let interrupts = self.context.interrupts;
        entries(file, interrupts, batch, |entry| {
            if entry.queue == Queue::Active && self.was_active.len() < ACTIVE_MAX {
                self.was_active.insert(entry.inode);
            }
            Ok(())
        })?;
        let mut all = Remaining::Nothing;
        entries(file, interrupts, batch, |entry| {
            let done = self.restore_message(entry);
            report(&mut self.action_log, journal);
            all = all.and(done?);
            Ok(())
        })?;
        if all != Remaining::Another {
            return Ok(all);
        }
        let mut left = Remaining::Nothing;
        entries(file, interrupts, batch, |entry| {
            if !matches!(look_in_trash(&self.ops, entry), Ok(InTrash::Nothing)) {
                left = Remaining::Something;
            }
            Ok(())
        })?;
        Ok(left)
    }

    /// Reports that the call to be undone moved nothing. Batches of earlier
    /// calls are undone only if they are named.
    fn nothing_to_undo(&mut self, batches: &Batches, batch: &Batch) -> Result<(), WorkError> {
        let is_last = batches.last().is_some_and(|last| last.name == batch.name);
        let described = described(batch);
        self.inform(match (is_last, batches.last_with_messages()) {
            (true, Some(earlier)) => format!(
                "the last call, {described}, moved nothing; nothing to undo; to undo the batch \
                 before it: postsuper --undo={}",
                earlier.name
            ),
            (true, None) => format!("the last call, {described}, moved nothing; nothing to undo"),
            (false, _) => format!("{described} moved nothing; nothing to undo"),
        });
        Ok(())
    }

    fn inform(&mut self, text: String) {
        self.action_log.lines.push(LogLine {
            severity: LineSeverity::Done,
            text: text.into_bytes(),
            action_result: None,
        });
    }

    fn restore_message(&mut self, entry: &TrashedMessage) -> Result<Remaining, WorkError> {
        match find(&self.ops, entry, &mut self.action_log) {
            MessageLocation::Trash(stat) => self.restore(entry, &stat),
            // An interrupted run has already restored the message, or it was
            // never moved.
            MessageLocation::Queue => {
                let back = logs::put_back(&self.ops, &entry.id, &mut self.action_log)?;
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

    fn restore(&mut self, entry: &TrashedMessage, stat: &FileStat) -> Result<Remaining, WorkError> {
        let Some(first) = self.target(entry) else {
            return Ok(Remaining::Something);
        };
        if self.restore_attributes(entry, stat) == Ready::NotYet {
            return Ok(Remaining::Something);
        }
        let back = logs::put_back(&self.ops, &entry.id, &mut self.action_log)?;
        for queue in [first, Queue::Hold] {
            match self.move_to(entry, queue)? {
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
    fn target(&mut self, entry: &TrashedMessage) -> Option<Queue> {
        let id = &entry.id;
        let has_one = |queue: &Queue| {
            let home = self.ops.home(*queue, id.as_bytes());
            home.is_ok_and(|home| home.stat(id.as_os_str()).is_ok())
        };
        let hold_is_taken = has_one(&Queue::Hold);
        let occupied = Queue::LISTED.into_iter().find(has_one);
        let path = self.ops.path(Queue::Saved, id.as_bytes());
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
            (Some(_), _) if hold_is_taken => {
                self.warn(path, "stays in the trash: hold has a message of that name");
                None
            }
            (Some(queue), _) => {
                let why = format!("goes to hold: {queue} has a message of that name");
                self.warn(path, &why);
                Some(Queue::Hold)
            }
        }
    }

    /// Restores the mode and the times of a message before it is moved, so that
    /// it is complete when it appears in a queue. Returns `NotYet` if its mode
    /// cannot be set: in a queue, the message would look like an unfinished
    /// file.
    fn restore_attributes(&mut self, entry: &TrashedMessage, stat: &FileStat) -> Ready {
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
        entry: &TrashedMessage,
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

    fn move_to(&mut self, entry: &TrashedMessage, queue: Queue) -> Result<MoveResult, WorkError> {
        let name = entry.id.as_bytes();
        let path = self.ops.path(Queue::Saved, name);
        let to = self.ops.path(queue, name);
        let Ok(home) = self.ops.home(Queue::Saved, name) else {
            return Ok(MoveResult::Gone);
        };
        let at = FileAt {
            dir: &home,
            name,
            path: &path,
        };
        match self.ops.rename_to_free(at, queue, name, name) {
            Ok(StepResult::Done) => Ok(MoveResult::Done),
            Ok(StepResult::Gone) => Ok(MoveResult::Gone),
            Err(cause) if is_refusal(&cause) => {
                let why = format!("cannot be moved to {to}: {}", error_text(&cause));
                self.warn(path, &why);
                Ok(MoveResult::Refused)
            }
            Err(cause) => Err(WorkError::Rename {
                from: path,
                to,
                cause,
            }),
        }
    }
}

impl Remaining {
    /// Combines the results for two messages.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Something, _) | (_, Self::Something) => Self::Something,
            (Self::Another, _) | (_, Self::Another) => Self::Another,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
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

/// Returns the batch that is undone if none is named.
fn last(batches: &Batches) -> Result<Batch, TrashError> {
    match (batches.last(), batches.last_with_messages()) {
        (Some(last), Some(earlier)) if last.content == BatchContent::Purged => {
            Err(TrashError::LastPurged {
                batch: last.name.clone(),
                earlier: earlier.name.clone(),
            })
        }
        (Some(last), _) if last.content != BatchContent::Purged => Ok(last.clone()),
        _ => Err(TrashError::Empty),
    }
}

/// Describes a batch: its name, when it was begun and by whom, and the comment.
fn described(batch: &Batch) -> String {
    let mut text = format!("batch {}", batch.name);
    if let Some(time) = Zone::Local.date_time(batch.time) {
        text.push_str(&format!(" of {time:?}"));
    }
    text.push_str(&format!(" by {}", batch.who.name));
    if let Some(comment) = &batch.comment {
        text.push_str(&format!(" ({})", to_printable(comment)));
    }
    text
}

fn restore_mode(home: &Dir, entry: &TrashedMessage, stat: &FileStat) -> io::Result<()> {
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

fn restore_times(home: &Dir, entry: &TrashedMessage, stat: &FileStat) -> io::Result<()> {
    let modified = (stat.st_mtime, stat.st_mtime_nsec);
    let accessed = (stat.st_atime, stat.st_atime_nsec);
    if (accessed, modified) == (entry.accessed, entry.modified) {
        Ok(())
    } else {
        home.set_times_to(entry.id.as_os_str(), entry.accessed, entry.modified)
    }
}

/// Whether a message is ready to be moved to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Yes,
    NotYet,
}

/// The result of moving a message.
enum MoveResult {
    Done,
    Gone,
    Refused,
}
