//! Rewrites the journal without obsolete records when these make up most of it.
//!
//! The new journal keeps the records of every open batch, the records of every
//! message that is still in saved/ whatever its batch, unreadable lines (they
//! may be repaired by hand), and the records of calls that did nothing and
//! that `undo` must not skip.

use std::collections::HashSet;

use super::batches::{BATCHES_MAX, Batch, BatchContent, Batches};
use super::error::{JournalError, PATH};
use super::event::Event;
use super::journal_file::Numbered;
use super::locate::{InTrash, look_in_trash};
use super::locked_journal::LockedJournal;
use super::recorded_message::RecordedMessage;
use super::records::{JournalRecord, LINE_MAX, Word};
use crate::actions::name_snapshot::NameSnapshot;
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Act, Warning, WorkError};
use crate::spool::Queue;
use crate::sys::signals::Interrupts;

/// The size in bytes below which a journal is never rewritten.
const SMALL: u64 = 64 << 10;
/// The size in bytes from which a journal is examined each time it has doubled,
/// even if it is only used by calls with --trash, which add to it.
const FIRST_LOOK: u64 = 1 << 20;

/// Rewrites the journal if most of it is obsolete. If that fails, the old
/// journal stays and remains valid, so the failure is only logged.
pub fn tidy(
    locked: &mut LockedJournal,
    batches: &mut Batches,
    ops: &SpoolOps<'_>,
    interrupts: &Interrupts,
    action_log: &mut ActionLog,
) {
    batches.thin();
    let length = locked.journal().length().unwrap_or(0);
    let is_mostly_dead = batches.live_bytes() <= length / 2;
    let done = if length >= SMALL && is_mostly_dead && batches.is_complete() {
        rewrite(locked, batches, ops, interrupts)
    } else {
        locked.remove_unfinished().map_err(WorkError::from)
    };
    match done {
        // An interrupted rewrite is repeated by a later call.
        Ok(()) | Err(WorkError::Interrupted | WorkError::Enough) => {}
        Err(error) => {
            let path = PATH.to_owned();
            let why = format!("cannot be rewritten: {error}");
            action_log.warn(&Warning::Trash { path, why });
        }
    }
}

/// Returns whether a journal that grew from `before` to `now` bytes should be
/// examined.
pub fn has_doubled(before: u64, now: u64) -> bool {
    let doublings = |size: u64| size.max(FIRST_LOOK / 2).checked_ilog2();
    doublings(now) > doublings(before)
}

fn rewrite(
    locked: &mut LockedJournal,
    batches: &Batches,
    ops: &SpoolOps<'_>,
    interrupts: &Interrupts,
) -> Result<(), WorkError> {
    // The journal is locked, so that no call moves messages to the trash.
    let mut snapshot = NameSnapshot::default();
    snapshot.renew(ops, [Queue::Saved], usize::MAX);
    let mut copier = JournalCopier {
        batches,
        ops,
        snapshot,
        rescued: HashSet::new(),
    };
    locked.replace(|old, output| {
        old.read(0, interrupts, |numbered| {
            let failed = JournalError::write_new;
            match copier.choose(&numbered)? {
                RecordDecision::Drop => {}
                RecordDecision::Copy => {
                    output.write_all(numbered.text).map_err(failed)?;
                    output.write_all(b"\n").map_err(failed)?;
                }
                RecordDecision::Write(line) => output.write_all(&line.to_text()).map_err(failed)?,
            }
            Ok(())
        })
    })
}

/// The treatment of a line when the journal is rewritten.
enum RecordDecision {
    Drop,
    Copy,
    /// Another record is written in its place.
    Write(Box<JournalRecord>),
}

struct JournalCopier<'a> {
    batches: &'a Batches,
    ops: &'a SpoolOps<'a>,
    /// The names in the trash, if there are only a few.
    snapshot: NameSnapshot,
    /// Closed batches that nevertheless have messages in the trash. They stay
    /// closed.
    rescued: HashSet<Word>,
}

impl JournalCopier<'_> {
    fn choose(&mut self, numbered: &Numbered<'_>) -> Result<RecordDecision, WorkError> {
        let Some(line) = &numbered.line else {
            // A line that is too long was never a record.
            let is_short = numbered.text.len() <= LINE_MAX;
            return Ok(if is_short {
                RecordDecision::Copy
            } else {
                RecordDecision::Drop
            });
        };
        let batch = self.batches.at(&line.batch, numbered.offset);
        match (batch, &line.event) {
            (Some(batch), _) if batch.content == BatchContent::Messages => Ok(RecordDecision::Copy),
            (
                _,
                Event::Act {
                    act: Act::Delete,
                    entry,
                    ..
                },
            ) if self.may_be_in_trash(entry) => self.rescue(&line.batch),
            (Some(batch), _) if batch.start == numbered.offset => {
                Ok(RecordDecision::Write(Box::new(beginning(batch))))
            }
            (Some(batch), Event::Purged) if batch.content == BatchContent::Purged => {
                Ok(RecordDecision::Copy)
            }
            (_, Event::Act { .. }) => Ok(RecordDecision::Drop),
            (_, Event::Begin { .. }) => Ok(RecordDecision::Drop),
            (_, Event::Undone | Event::Purged | Event::MovedNothing) => {
                let is_rescued = self.rescued.contains(&line.batch);
                Ok(if is_rescued {
                    RecordDecision::Copy
                } else {
                    RecordDecision::Drop
                })
            }
        }
    }

    /// Returns whether a message is in the trash, or cannot be examined there.
    fn may_be_in_trash(&self, entry: &RecordedMessage) -> bool {
        if self.snapshot.lacks(Queue::Saved, &entry.id) {
            return false;
        }
        let found = look_in_trash(self.ops, entry);
        !matches!(found, Ok(InTrash::Nothing | InTrash::Other))
    }

    /// Keeps a record of a closed batch. The record that closes the batch
    /// follows, and must be kept as well.
    fn rescue(&mut self, batch: &Word) -> Result<RecordDecision, WorkError> {
        if self.rescued.len() >= BATCHES_MAX {
            return Err(WorkError::Enough);
        }
        self.rescued.insert(batch.clone());
        Ok(RecordDecision::Copy)
    }
}

/// Returns a record of the call, to replace all its other records.
fn beginning(batch: &Batch) -> JournalRecord {
    JournalRecord {
        time: batch.time,
        batch: batch.name.clone(),
        who: batch.who.clone(),
        event: Event::Begin {
            comment: batch.comment.clone(),
        },
    }
}
