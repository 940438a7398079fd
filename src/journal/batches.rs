//! The batches in the journal: those that were neither undone nor purged
//! completely, and the calls that did nothing.
//!
//! Memory use is bounded: if there are too many batches, some are left out.

use std::collections::{BTreeMap, HashMap};

use super::act_fields::ActKinds;
use super::error::{JournalError, PATH};
use super::event::Event;
use super::journal_file::{JournalFile, Numbered};
use super::records::{Caller, JournalRecord, Word};
use crate::actions::report::ActionLog;
use crate::actions::{Warning, WorkError};
use crate::sys::signals::Interrupts;

/// The largest number of batches kept in memory.
pub const BATCHES_MAX: usize = 1 << 16;
/// The number of unreadable lines that are reported one by one.
const UNREADABLE_REPORTED: u64 = 10;

/// Which batches are kept in memory if there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Oldest,
    Newest,
}

/// The remaining content of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchContent {
    /// The batch has messages, some of which may be as they were before.
    Messages,
    /// The batch has no messages, because the call did nothing.
    Nothing,
    /// The batch has no more messages, because all were purged.
    Purged,
}

/// A batch, or a call without messages that `undo` must not skip.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The name of the batch.
    pub name: Word,
    /// The offset of the first record of the batch in the journal.
    pub start: u64,
    /// When the batch was begun, in seconds since the epoch.
    pub time: i64,
    /// The user who made the call.
    pub who: Caller,
    /// The comment that the user gave, if any.
    pub comment: Option<Vec<u8>>,
    /// Its remaining content.
    pub content: BatchContent,
    /// The kinds of its acts.
    pub kinds: ActKinds,
    /// The size of its records in the journal, in bytes.
    pub bytes: u64,
}

/// The batches in the journal.
#[derive(Debug, Default)]
pub struct Batches {
    /// The batches, by the offset of their first record.
    pub open: BTreeMap<u64, Batch>,
    starts: HashMap<Word, u64>,
    /// The number of batches left out because there are too many.
    left_out: u64,
    /// The number of unreadable lines, and their size in bytes.
    unreadable: u64,
    unreadable_bytes: u64,
    /// The number of batches added since the last call of [`Batches::thin`].
    added: usize,
}

impl Batches {
    /// Reads the whole journal. Logs warnings about unreadable lines.
    ///
    /// # Errors
    ///
    /// Those of [`JournalFile::read`].
    pub fn read(
        journal: &JournalFile,
        interrupts: &Interrupts,
        keep: Keep,
        action_log: &mut ActionLog,
    ) -> Result<Self, WorkError> {
        let mut batches = Self::default();
        journal.read(0, interrupts, |numbered| {
            match &numbered.line {
                Some(line) => batches.take(numbered.offset, numbered.bytes, line, keep),
                None => batches.pass_over(&numbered, action_log),
            }
            Ok(())
        })?;
        batches.report(action_log);
        Ok(batches)
    }

    /// Processes one record.
    fn take(&mut self, offset: u64, bytes: u64, line: &JournalRecord, keep: Keep) {
        match &line.event {
            Event::Begin { comment } => {
                if !self.starts.contains_key(&line.batch) {
                    self.add(
                        Batch::new(offset, bytes, line, comment, BatchContent::Nothing),
                        keep,
                    );
                }
            }
            Event::Act { act, comment, .. } => {
                let kinds = ActKinds::of(act);
                // The messages before a purge must not be searched for again,
                // so the batch begins anew with this record.
                if let Some(batch) = self.find_mut(&line.batch)
                    && batch.content != BatchContent::Purged
                {
                    batch.content = BatchContent::Messages;
                    batch.kinds = batch.kinds.and(kinds);
                    batch.bytes = batch.bytes.saturating_add(bytes);
                    return;
                }
                self.remove(&line.batch);
                let batch = Batch::new(offset, bytes, line, comment, BatchContent::Messages);
                self.add(Batch { kinds, ..batch }, keep);
            }
            Event::Undone => self.remove(&line.batch),
            Event::MovedNothing => self.empty(&line.batch, BatchContent::Nothing),
            Event::Purged => self.empty(&line.batch, BatchContent::Purged),
        }
    }

    fn find_mut(&mut self, name: &Word) -> Option<&mut Batch> {
        let start = self.starts.get(name)?;
        self.open.get_mut(start)
    }

    /// Removes a batch, as if it had never existed: it was undone.
    pub fn remove(&mut self, name: &Word) {
        if let Some(start) = self.starts.remove(name) {
            self.open.remove(&start);
        }
    }

    /// Marks a batch as having no messages, so that it cannot be
    /// undone.
    pub fn empty(&mut self, name: &Word, content: BatchContent) {
        if let Some(batch) = self.find_mut(name) {
            batch.content = content;
            batch.bytes = 0;
        }
    }

    fn add(&mut self, batch: Batch, keep: Keep) {
        self.added = self.added.saturating_add(1);
        if self.open.len() >= BATCHES_MAX && self.added >= BATCHES_MAX / 2 {
            self.thin();
        }
        if self.open.len() >= BATCHES_MAX {
            self.left_out = self.left_out.saturating_add(1);
            match keep {
                Keep::Oldest => return,
                Keep::Newest => {
                    if let Some((_, oldest)) = self.open.pop_first() {
                        self.starts.remove(&oldest.name);
                    }
                }
            }
        }
        self.starts.insert(batch.name.clone(), batch.start);
        self.open.insert(batch.start, batch);
    }

    /// Of consecutive batches without messages, removes all but the last. That
    /// one is enough to keep `undo` from skipping it.
    pub fn thin(&mut self) {
        self.added = 0;
        let mut superfluous = Vec::new();
        let mut previous: Option<&Word> = None;
        for batch in self.open.values() {
            let name = (batch.content != BatchContent::Messages).then_some(&batch.name);
            superfluous.extend(previous.filter(|_| name.is_some()).cloned());
            previous = name;
        }
        for name in superfluous {
            self.remove(&name);
        }
    }

    fn pass_over(&mut self, numbered: &Numbered<'_>, action_log: &mut ActionLog) {
        self.unreadable = self.unreadable.saturating_add(1);
        self.unreadable_bytes = self.unreadable_bytes.saturating_add(numbered.bytes);
        if self.unreadable <= UNREADABLE_REPORTED {
            let (path, line) = (PATH.to_owned(), numbered.number);
            action_log.warn(&Warning::Unreadable { path, line });
        }
    }

    fn report(&self, action_log: &mut ActionLog) {
        let mut warn = |why: String| {
            let path = PATH.to_owned();
            action_log.warn(&Warning::Trash { path, why });
        };
        let more = self.unreadable.saturating_sub(UNREADABLE_REPORTED);
        if more > 0 {
            warn(format!("{more} more lines cannot be read"));
        }
        if self.left_out > 0 {
            warn(
                "too many batches, some are left out: use --trash-purge to remove old ones"
                    .to_owned(),
            );
        }
    }

    /// Returns whether no batch was left out.
    pub fn is_complete(&self) -> bool {
        self.left_out == 0
    }

    /// Returns approximately how many bytes of the journal are still needed.
    pub fn live_bytes(&self) -> u64 {
        let batches = self.open.values().map(|batch| batch.bytes);
        batches.fold(self.unreadable_bytes, u64::saturating_add)
    }

    /// Returns the open batch with this name, if it begins at or before
    /// `offset`. Records before its beginning belong to an earlier batch of the
    /// same name that was closed.
    pub fn at(&self, name: &Word, offset: u64) -> Option<&Batch> {
        let start = self.starts.get(name).filter(|start| **start <= offset)?;
        self.open.get(start)
    }

    /// Returns the batch of the last call.
    pub fn last(&self) -> Option<&Batch> {
        self.open.values().next_back()
    }

    /// Returns the newest batch that has messages.
    pub fn last_with_messages(&self) -> Option<&Batch> {
        let mut newest_first = self.open.values().rev();
        newest_first.find(|batch| batch.content == BatchContent::Messages)
    }

    /// Returns the batch with this name.
    ///
    /// # Errors
    ///
    /// There is no such batch, or it was undone or purged.
    pub fn named(
        &self,
        journal: &JournalFile,
        interrupts: &Interrupts,
        wanted: &[u8],
    ) -> Result<Batch, WorkError> {
        let unknown = || JournalError::NoBatch(crate::text::to_printable(wanted));
        let name = Word::parse(wanted).ok_or_else(unknown)?;
        match self.at(&name, u64::MAX) {
            Some(batch) => Ok(batch.clone()),
            None => Err(what_became_of(journal, interrupts, &name)?
                .unwrap_or_else(unknown)
                .into()),
        }
    }
}

impl Batch {
    fn new(
        start: u64,
        bytes: u64,
        line: &JournalRecord,
        comment: &Option<Vec<u8>>,
        content: BatchContent,
    ) -> Self {
        Self {
            name: line.batch.clone(),
            start,
            time: line.time,
            who: line.who.clone(),
            comment: comment.clone(),
            content,
            kinds: ActKinds::default(),
            bytes,
        }
    }
}

/// Returns the error that explains why a batch no longer exists; `None` if the
/// journal does not say.
fn what_became_of(
    journal: &JournalFile,
    interrupts: &Interrupts,
    name: &Word,
) -> Result<Option<JournalError>, WorkError> {
    let mut found = None;
    journal.read(0, interrupts, |numbered| {
        if let Some(line) = numbered.line.filter(|line| line.batch == *name) {
            found = match line.event {
                Event::Undone => Some("undone"),
                Event::Purged => Some("purged"),
                Event::Begin { .. } | Event::Act { .. } | Event::MovedNothing => None,
            };
        }
        Ok(())
    })?;
    let closed = |how| JournalError::Closed {
        batch: name.clone(),
        how,
    };
    Ok(found.map(closed))
}
