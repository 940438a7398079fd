//! Writes the journal anew, without what is of no use any more, when that is
//! most of it.
//!
//! Kept are the records of every open batch, of every message that is still in
//! saved/ whatever the journal says of its batch, lines that cannot be read
//! (they may be repaired by hand), and of calls that moved nothing those that
//! `undo` must not cross.

use std::collections::HashSet;

use super::batches::{BATCHES_MAX, Batch, BatchContent, Batches};
use super::error::{PATH, TrashError};
use super::journal_file::{LockedJournal, Numbered};
use super::locate::{InTrash, look_in_trash};
use super::records::{Event, JournalRecord, LINE_MAX, TrashedMessage, Word};
use crate::actions::report::ActionLog;
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Warning, WorkError};
use crate::sys::signals::Interrupts;

/// Bytes of a journal that is left as it is, whatever is in it.
const SMALL: u64 = 64 << 10;
/// A journal that calls with --trash only add to is looked at each time it has
/// doubled, from this size on.
const FIRST_LOOK: u64 = 1 << 20;

/// Writes the journal anew if most of it is of no use. If that fails the old
/// one stays and is as good as before, so that is only reported.
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
        write_anew(locked, batches, ops, interrupts)
    } else {
        locked.remove_unfinished().map_err(WorkError::from)
    };
    match done {
        // There will be another time.
        Ok(()) | Err(WorkError::Interrupted | WorkError::Enough) => {}
        Err(error) => {
            let path = PATH.to_owned();
            let why = format!("cannot be written anew: {error}");
            action_log.warn(&Warning::Trash { path, why });
        }
    }
}

/// Whether a journal that grew to this size is to be looked at.
pub fn has_doubled(before: u64, now: u64) -> bool {
    let doublings = |size: u64| size.max(FIRST_LOOK / 2).checked_ilog2();
    doublings(now) > doublings(before)
}

fn write_anew(
    locked: &mut LockedJournal,
    batches: &Batches,
    ops: &SpoolOps<'_>,
    interrupts: &Interrupts,
) -> Result<(), WorkError> {
    let mut copier = JournalCopier {
        batches,
        ops,
        rescued: HashSet::new(),
    };
    locked.replace(|old, output| {
        old.read(0, interrupts, |numbered| {
            let failed = TrashError::write_new;
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

/// What becomes of a line.
enum RecordDecision {
    Drop,
    Copy,
    /// Another is written in its place.
    Write(JournalRecord),
}

struct JournalCopier<'a> {
    batches: &'a Batches,
    ops: &'a SpoolOps<'a>,
    /// Closed batches that have messages in the trash all the same. They stay
    /// closed.
    rescued: HashSet<Word>,
}

impl JournalCopier<'_> {
    fn choose(&mut self, numbered: &Numbered<'_>) -> Result<RecordDecision, WorkError> {
        let Some(line) = &numbered.line else {
            // One that is too long never was a record.
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
            (_, Event::Trash { entry, .. }) if self.may_be_in_trash(entry) => {
                self.rescue(&line.batch)
            }
            (Some(batch), _) if batch.start == numbered.offset => {
                Ok(RecordDecision::Write(beginning(batch)))
            }
            (Some(batch), Event::Purged) if batch.content == BatchContent::Purged => {
                Ok(RecordDecision::Copy)
            }
            (_, Event::Trash { .. }) => Ok(RecordDecision::Drop),
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

    /// Whether a message is in the trash, or cannot be looked at there.
    fn may_be_in_trash(&self, entry: &TrashedMessage) -> bool {
        let found = look_in_trash(self.ops, entry);
        !matches!(found, Ok(InTrash::Nothing | InTrash::Other))
    }

    /// Keeps a line of a closed batch. Its end follows, and has to be known
    /// again then.
    fn rescue(&mut self, batch: &Word) -> Result<RecordDecision, WorkError> {
        if self.rescued.len() >= BATCHES_MAX {
            return Err(WorkError::Enough);
        }
        self.rescued.insert(batch.clone());
        Ok(RecordDecision::Copy)
    }
}

/// That a call was there, of which there is nothing else to keep.
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
