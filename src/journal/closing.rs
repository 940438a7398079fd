//! Closing batches: what is left of a batch, and the record that nothing is.

use super::error::JournalError;
use super::event::Event;
use super::locked_journal::LockedJournal;
use super::records::{Caller, JournalRecord, Word};
use crate::actions::report::{ActionLog, ActionObserver};
use crate::sys::time::now;

/// The number of lines that are reported together.
const REPORTED_TOGETHER: usize = 64;

/// Whether a message or a batch still has acts to undo or purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    Nothing,
    Something,
    /// Another file has the message's name in the trash; it may be another
    /// message of the same batch.
    Another,
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

/// Passes the collected lines to the observer.
pub fn report(action_log: &mut ActionLog, observer: &mut dyn ActionObserver) {
    observer.lines(&action_log.lines);
    observer.pause();
    action_log.lines.clear();
}

/// Passes the collected lines to the observer if there are many: it sends them with
/// one system call.
pub fn report_many(action_log: &mut ActionLog, observer: &mut dyn ActionObserver) {
    if action_log.lines.len() >= REPORTED_TOGETHER {
        report(action_log, observer);
    }
}

/// Records in the journal that nothing is left to do of these batches.
///
/// # Errors
///
/// The records cannot be written.
pub fn close(
    journal: &LockedJournal,
    batches: &[Word],
    who: &Caller,
    event: &Event,
) -> Result<(), JournalError> {
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
