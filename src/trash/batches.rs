//! The batches of the trash, as its journal has them: those that are neither
//! undone nor purged, and the calls that moved nothing.
//!
//! Memory is bounded: of more batches than can be kept, some are left out.

use std::collections::{BTreeMap, HashMap};

use super::error::{PATH, TrashError};
use super::journal_file::{JournalFile, Numbered};
use super::locate;
use super::records::{Attempt, Caller, Event, JournalRecord, TrashedMessage, Word};
use crate::actions::report::{ActionLog, ActionObserver};
use crate::actions::{SpoolContext, Warning, WorkError};
use crate::sys::signals::Interrupts;

/// Batches that are kept at most.
pub const BATCHES_MAX: usize = 1 << 16;
/// Lines that cannot be read of which each is reported.
const UNREADABLE_REPORTED: u64 = 10;

/// Messages remembered to have been announced more than once.
const AGAIN_MAX: usize = 1 << 20;

/// Which batches are kept if there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Oldest,
    Newest,
}

/// What a batch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchContent {
    /// Messages, or what is left of them.
    Messages,
    /// None: the call moved nothing.
    Nothing,
    /// None any more: all were removed for good.
    Purged,
}

/// A batch that is in the trash, or what is left of it; or a call that `undo`
/// must not cross.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its name.
    pub name: Word,
    /// Where its first line begins.
    pub start: u64,
    /// When it was begun.
    pub time: i64,
    /// Who did it.
    pub who: Caller,
    /// What the user said about it.
    pub comment: Option<Vec<u8>>,
    /// What it has.
    pub content: BatchContent,
    /// Bytes of its lines in the journal.
    pub bytes: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Batches {
    /// By where they begin.
    pub open: BTreeMap<u64, Batch>,
    starts: HashMap<Word, u64>,
    /// Left out because there are too many.
    left_out: u64,
    /// Lines that cannot be read, and their bytes.
    unreadable: u64,
    unreadable_bytes: u64,
    /// Batches that were added since the last thinning.
    added: usize,
}

impl Batches {
    /// Reads the whole journal. Reports lines that cannot be read.
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

    /// Takes notice of a line.
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
            Event::Trash { comment, .. } => {
                // What was purged before is not to be looked for again.
                if let Some(batch) = self.find_mut(&line.batch)
                    && batch.content != BatchContent::Purged
                {
                    batch.content = BatchContent::Messages;
                    batch.bytes = batch.bytes.saturating_add(bytes);
                    return;
                }
                self.remove(&line.batch);
                self.add(
                    Batch::new(offset, bytes, line, comment, BatchContent::Messages),
                    keep,
                );
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

    /// A batch was undone: as if it had never been.
    pub fn remove(&mut self, name: &Word) {
        if let Some(start) = self.starts.remove(name) {
            self.open.remove(&start);
        }
    }

    /// Nothing of a batch is in the trash, and it cannot be undone.
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

    /// Of calls that moved nothing, or have nothing any more, one after the
    /// other: forgets all but the last. `undo` does not cross that one either.
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
            warn("too many batches, some are left out: --trash-purge the old ones".to_owned());
        }
    }

    /// Whether it is known of every batch whether it is open.
    pub fn is_complete(&self) -> bool {
        self.left_out == 0
    }

    /// Bytes of the journal that are still of use, about.
    pub fn live_bytes(&self) -> u64 {
        let batches = self.open.values().map(|batch| batch.bytes);
        batches.fold(self.unreadable_bytes, u64::saturating_add)
    }

    /// The open batch of that name, and whether a line at an offset counts for
    /// it: those before it was closed and begun again do not.
    pub fn at(&self, name: &Word, offset: u64) -> Option<&Batch> {
        let start = self.starts.get(name).filter(|start| **start <= offset)?;
        self.open.get(start)
    }

    /// What the last call left.
    pub fn last(&self) -> Option<&Batch> {
        self.open.values().next_back()
    }

    /// The newest batch that has messages.
    pub fn last_with_messages(&self) -> Option<&Batch> {
        let mut newest_first = self.open.values().rev();
        newest_first.find(|batch| batch.content == BatchContent::Messages)
    }

    /// The batch of that name.
    ///
    /// # Errors
    ///
    /// If there is none, or it was undone or purged.
    pub fn named(
        &self,
        journal: &JournalFile,
        interrupts: &Interrupts,
        wanted: &[u8],
    ) -> Result<Batch, WorkError> {
        let unknown = || TrashError::NoBatch(crate::text::to_printable(wanted));
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
            bytes,
        }
    }
}

/// Why a batch is not there any more.
fn what_became_of(
    journal: &JournalFile,
    interrupts: &Interrupts,
    name: &Word,
) -> Result<Option<TrashError>, WorkError> {
    let mut found = None;
    journal.read(0, interrupts, |numbered| {
        if let Some(line) = numbered.line.filter(|line| line.batch == *name) {
            found = match line.event {
                Event::Undone => Some("undone"),
                Event::Purged => Some("purged"),
                Event::Begin { .. } | Event::Trash { .. } | Event::MovedNothing => None,
            };
        }
        Ok(())
    })?;
    let closed = |how| TrashError::Closed {
        batch: name.clone(),
        how,
    };
    Ok(found.map(closed))
}

/// Hands out the messages of a batch in order, each as it was announced last.
///
/// # Errors
///
/// Those of [`JournalFile::read`] and of `each`.
pub fn entries(
    journal: &JournalFile,
    interrupts: &Interrupts,
    batch: &Batch,
    mut each: impl FnMut(&TrashedMessage) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    let mut again: HashMap<u64, u64> = HashMap::new();
    lines(journal, interrupts, batch, |offset, turn, entry| {
        if turn == Attempt::Retry && again.len() < AGAIN_MAX {
            again.insert(entry.inode, offset);
        }
        Ok(())
    })?;
    lines(journal, interrupts, batch, |offset, _, entry| {
        let is_last = again.get(&entry.inode).is_none_or(|last| *last == offset);
        if is_last { each(entry) } else { Ok(()) }
    })
}

/// Hands out the lines about messages of a batch.
fn lines(
    journal: &JournalFile,
    interrupts: &Interrupts,
    batch: &Batch,
    mut each: impl FnMut(u64, Attempt, &TrashedMessage) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    journal.read(batch.start, interrupts, |numbered| match numbered.line {
        Some(JournalRecord {
            batch: name,
            event: Event::Trash { turn, entry, .. },
            ..
        }) if name == batch.name => each(numbered.offset, turn, &entry),
        _ => Ok(()),
    })
}

/// A batch and what is really there of it.
#[derive(Debug)]
pub struct BatchSummary {
    /// The batch's name.
    pub name: Word,
    /// When it was begun.
    pub time: i64,
    /// Who did it.
    pub who: Caller,
    /// What the user said about it.
    pub comment: Option<Vec<u8>>,
    /// How many of its messages are in the trash.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The batches of the trash, the oldest first; not the calls that moved nothing.
pub fn list(
    context: SpoolContext<'_>,
    journal: &mut dyn ActionObserver,
) -> Result<Vec<BatchSummary>, WorkError> {
    let mut action_log = ActionLog::default();
    let counted = count(context, &mut action_log);
    journal.lines(&action_log.lines);
    journal.pause();
    counted
}

fn count(
    context: SpoolContext<'_>,
    action_log: &mut ActionLog,
) -> Result<Vec<BatchSummary>, WorkError> {
    let Some(journal) = JournalFile::open_to_read(context.spool)? else {
        return Ok(Vec::new());
    };
    let mut batches = Batches::read(&journal, context.interrupts, Keep::Oldest, action_log)?;
    let ops = context.ops();
    let mut counts: HashMap<u64, (u64, u64)> = HashMap::new();
    journal.read(0, context.interrupts, |numbered| {
        // Each message has one first line.
        if let Some(line) = numbered.line
            && let Event::Trash { turn, entry, .. } = line.event
            && turn == Attempt::First
            && let Some(batch) = batches.at(&line.batch, numbered.offset)
            && locate::is_in_trash(&ops, &entry)
        {
            let (messages, bytes) = counts.entry(batch.start).or_default();
            *messages = messages.saturating_add(1);
            *bytes = bytes.saturating_add(entry.size);
        }
        Ok(())
    })?;
    let held = |(start, batch): (u64, Batch)| {
        let (messages, bytes) = counts.get(&start).copied().unwrap_or_default();
        BatchSummary {
            name: batch.name,
            time: batch.time,
            who: batch.who,
            comment: batch.comment,
            messages,
            bytes,
        }
    };
    Ok(std::mem::take(&mut batches.open)
        .into_iter()
        .filter(|(_, batch)| batch.content == BatchContent::Messages)
        .map(held)
        .collect())
}
