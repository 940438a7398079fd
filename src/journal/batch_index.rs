//! The records of one batch, read from the journal in reverse: what was done
//! last is undone first.
//!
//! Memory use is bounded: a section of the journal is in memory at a time.

use std::collections::{HashMap, HashSet};

use super::batches::Batch;
use super::event::{Attempt, Event};
use super::journal_file::JournalFile;
use super::recorded_message::RecordedMessage;
use super::records::JournalRecord;
use crate::actions::{Act, WorkError};
use crate::spool::Queue;
use crate::sys::signals::Interrupts;

/// The smallest size of a section of the journal in bytes.
const SECTION: u64 = 64 << 10;
/// The largest number of messages, deleted after they were announced more than
/// once, that are remembered.
const RETRIED_MAX: usize = 1 << 20;
/// The largest number of messages remembered to have been in active. It is
/// higher than the number of messages that the queue manager moves there.
const ACTIVE_MAX: usize = 1 << 20;

/// A batch, prepared for being read in reverse.
#[derive(Debug)]
pub struct BatchIndex<'j> {
    journal: &'j JournalFile,
    interrupts: &'j Interrupts,
    batch: &'j Batch,
    /// The offsets at which sections of the journal begin, and the end of the
    /// last one.
    sections: Vec<u64>,
    /// The offset of the last announcement of messages that were announced for
    /// deletion more than once, by inode number.
    retried: HashMap<u64, u64>,
    /// The inode numbers of messages that were in active. A message may have
    /// another record, written when it was announced in a different queue.
    pub was_active: HashSet<u64>,
    /// The number of records about deletions.
    pub deletions: u64,
}

impl<'j> BatchIndex<'j> {
    /// Reads the records of a batch once.
    ///
    /// # Errors
    ///
    /// Those of [`JournalFile::read`].
    pub fn read(
        journal: &'j JournalFile,
        interrupts: &'j Interrupts,
        batch: &'j Batch,
    ) -> Result<Self, WorkError> {
        let mut index = Self {
            journal,
            interrupts,
            batch,
            sections: vec![batch.start],
            retried: HashMap::new(),
            was_active: HashSet::new(),
            deletions: 0,
        };
        let mut end = batch.start;
        journal.read(batch.start, interrupts, |numbered| {
            let begun = index.sections.last().copied().unwrap_or(0);
            if numbered.offset.saturating_sub(begun) >= SECTION {
                index.sections.push(numbered.offset);
            }
            end = numbered.offset.saturating_add(numbered.bytes);
            if let Some((turn, act, entry)) = act_of(batch, numbered.line) {
                index.note(numbered.offset, turn, &act, &entry);
            }
            Ok(())
        })?;
        index.sections.push(end);
        Ok(index)
    }

    fn note(&mut self, offset: u64, turn: Attempt, act: &Act, entry: &RecordedMessage) {
        if *act == Act::Delete {
            self.deletions = self.deletions.saturating_add(1);
        }
        let is_again = turn == Attempt::Retry && *act == Act::Delete;
        if is_again && self.retried.len() < RETRIED_MAX {
            self.retried.insert(entry.inode, offset);
        }
        if entry.queue == Queue::Active && self.was_active.len() < ACTIVE_MAX {
            self.was_active.insert(entry.inode);
        }
    }

    /// Calls `each` for every act of the batch, the last one first. Of several
    /// announcements of a deletion, only the last one counts.
    ///
    /// # Errors
    ///
    /// Those of [`JournalFile::read`] and of `each`.
    pub fn newest_first(
        &self,
        mut each: impl FnMut(&Act, &RecordedMessage) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let mut acts = Vec::new();
        for section in self.sections.windows(2).rev() {
            let &[from, to] = section else { continue };
            let read = self
                .journal
                .read_section(from..to, self.interrupts, |numbered| {
                    let offset = numbered.offset;
                    if let Some((_, act, entry)) = act_of(self.batch, numbered.line) {
                        let last = self.retried.get(&entry.inode);
                        if act != Act::Delete || last.is_none_or(|last| *last == offset) {
                            acts.push((act, entry));
                        }
                    }
                    Ok(())
                });
            read?;
            for (act, entry) in acts.drain(..).rev() {
                each(&act, &entry)?;
            }
        }
        Ok(())
    }
}

/// Returns the act of a record of this batch.
fn act_of(batch: &Batch, line: Option<JournalRecord>) -> Option<(Attempt, Act, RecordedMessage)> {
    let line = line.filter(|line| line.batch == batch.name)?;
    match line.event {
        Event::Act {
            turn, act, entry, ..
        } => Some((turn, act, entry)),
        _ => None,
    }
}
