//! Lists the batches of the journal, and the messages of one batch.

use std::collections::HashMap;

use super::act_fields::{ActKinds, act_name};
use super::batch_index::BatchIndex;
use super::batches::{Batch, BatchContent, Batches, Keep};
use super::closing::report;
use super::error::JournalError;
use super::event::{Attempt, Event};
use super::journal_file::JournalFile;
use super::locate;
use super::logs::KindsInTrash;
use super::only::{OnlyFilter, place};
use super::recorded_message::RecordedMessage;
use super::records::{Caller, Word};
use super::restore::Restorer;
use super::revert::{Decision, Reverter};
use super::undo::{UndoRequest, chosen};
use crate::actions::name_snapshot::NameSnapshot;
use crate::actions::report::{ActionDone, ActionLog, ActionObserver};
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Act, SpoolContext, WorkError};
use crate::spool::{Queue, QueueId};

/// A batch, with the number of messages that an undo would change.
#[derive(Debug)]
pub struct BatchSummary {
    /// The name of the batch.
    pub name: Word,
    /// When the batch was begun, in seconds since the epoch.
    pub time: i64,
    /// The user who made the call.
    pub who: Caller,
    /// The comment that the user gave, if any.
    pub comment: Option<Vec<u8>>,
    /// The kinds of its acts.
    pub kinds: ActKinds,
    /// The number of its messages that are as the act left them.
    pub messages: u64,
    /// The total size of these messages in bytes.
    pub bytes: u64,
}

/// Returns the batches of the journal that have messages, oldest first.
///
/// # Errors
///
/// The journal cannot be read.
pub fn list(
    context: SpoolContext<'_>,
    observer: &mut dyn ActionObserver,
) -> Result<Vec<BatchSummary>, WorkError> {
    let mut action_log = ActionLog::default();
    let counted = count(context, &mut action_log);
    report(&mut action_log, observer);
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
    let mut counts: HashMap<u64, BatchCount> = HashMap::new();
    journal.read(0, context.interrupts, |numbered| {
        if let Some(line) = numbered.line
            && let Event::Act {
                turn, act, entry, ..
            } = line.event
            && turn == Attempt::First
            && let Some(batch) = batches.at(&line.batch, numbered.offset)
            && is_changed(context, &ops, &act, &entry)
        {
            counts.entry(batch.start).or_default().add(&entry);
        }
        Ok(())
    })?;
    let summary = |(start, batch): (u64, Batch)| {
        let BatchCount {
            messages, bytes, ..
        } = counts.get(&start).copied().unwrap_or_default();
        BatchSummary {
            name: batch.name,
            time: batch.time,
            who: batch.who,
            comment: batch.comment,
            kinds: batch.kinds,
            messages,
            bytes,
        }
    };
    Ok(std::mem::take(&mut batches.open)
        .into_iter()
        .filter(|(_, batch)| batch.content == BatchContent::Messages)
        .map(summary)
        .collect())
}

/// The number of messages in a batch.
#[derive(Clone, Copy, Debug, Default)]
struct BatchCount {
    messages: u64,
    bytes: u64,
    /// The inode number of the message that was counted last: the two steps of
    /// `-f` on a message have records next to each other.
    last: u64,
}

impl BatchCount {
    fn add(&mut self, entry: &RecordedMessage) {
        if self.messages > 0 && self.last == entry.inode {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(entry.size);
        self.last = entry.inode;
    }
}

/// Returns whether a message is as the act left it.
fn is_changed(
    context: SpoolContext<'_>,
    ops: &SpoolOps<'_>,
    act: &Act,
    entry: &RecordedMessage,
) -> bool {
    if *act == Act::Delete {
        return locate::is_in_trash(ops, entry);
    }
    let decision = Reverter {
        spool: context.spool,
        ops,
        was_active: &Default::default(),
        action_log: &mut ActionLog::default(),
    }
    .decide(act, entry);
    !matches!(decision, Decision::Nothing | Decision::Leave(_))
}

/// A message of a batch.
#[derive(Debug)]
pub struct RecordedAct {
    /// Its queue ID.
    pub id: QueueId,
    /// The name of the act.
    pub act: &'static str,
    /// The queue that it was in before the act.
    pub before: Queue,
    /// The queue that it is in now, `Saved` for the trash; `None` if it is not
    /// found.
    pub now: Option<Queue>,
    /// Its size in bytes before the act.
    pub size: u64,
    /// The effect of undoing the act; `None` if it would change nothing.
    pub undo: Option<ActionDone>,
}

/// Calls `each` for every act of a batch, the last one first: what undoing it
/// would do.
///
/// # Errors
///
/// There is no such batch, the journal or a message cannot be read, or `each`
/// failed.
pub fn show(
    context: SpoolContext<'_>,
    request: UndoRequest<'_>,
    observer: &mut dyn ActionObserver,
    mut each: impl FnMut(RecordedAct) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    let interrupts = context.interrupts;
    let mut action_log = ActionLog::default();
    let file = JournalFile::open_to_read(context.spool)?.ok_or(JournalError::Empty)?;
    let batches = Batches::read(&file, interrupts, Keep::Newest, &mut action_log)?;
    let batch = chosen(&batches, &file, interrupts, request.batch)?;
    report(&mut action_log, observer);
    let ops = context.ops();
    let mut filter = OnlyFilter::new(request.only);
    let index = BatchIndex::read(&file, interrupts, &batch)?;
    index.newest_first(|act, entry| {
        if !filter.admits(context, &ops, act, entry, &mut action_log)? {
            return Ok(());
        }
        let undo = plan(context, &ops, &index, act, entry, &mut action_log);
        report(&mut action_log, observer);
        each(RecordedAct {
            id: entry.id.clone(),
            act: act_name(act),
            before: entry.queue,
            now: place(&ops, act, entry),
            size: entry.size,
            undo,
        })
    })?;
    filter.report(&mut action_log);
    report(&mut action_log, observer);
    Ok(())
}

/// Returns what undoing an act would do; `None` if it would change nothing,
/// which is logged if the user should know why.
fn plan(
    context: SpoolContext<'_>,
    ops: &SpoolOps<'_>,
    index: &BatchIndex<'_>,
    act: &Act,
    entry: &RecordedMessage,
    action_log: &mut ActionLog,
) -> Option<ActionDone> {
    let was_active = &index.was_active;
    if *act == Act::Delete {
        let mut restorer = Restorer {
            kinds: &KindsInTrash::default(),
            snapshot: &NameSnapshot::default(),
            ops,
            was_active,
            action_log,
        };
        return restorer.plan(entry).map(ActionDone::Restored);
    }
    let mut reverter = Reverter {
        spool: context.spool,
        ops,
        was_active,
        action_log,
    };
    reverter.plan(act, entry)
}
