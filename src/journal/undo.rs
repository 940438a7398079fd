//! Undoes a batch: each of its acts, the last one first.
//!
//! Checks what is really in the spool, so it can be interrupted and repeated.

use std::slice;

use super::batch_index::BatchIndex;
use super::batches::{Batch, BatchContent, Batches, Keep};
use super::closing::{Remaining, close, report, report_many};
use super::compact;
use super::error::JournalError;
use super::event::Event;
use super::journal_file::JournalFile;
use super::locate::{InTrash, look_in_trash};
use super::locked_journal::JournalDirectory;
use super::logs::KindsInTrash;
use super::only::{Only, OnlyFilter};
use super::recorded_message::RecordedMessage;
use super::records::Caller;
use super::restore::Restorer;
use super::revert::Reverter;
use crate::actions::name_snapshot::NameSnapshot;
use crate::actions::report::{ActionLog, ActionObserver, Counters, LineSeverity, LogLine};
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Act, SpoolContext, WorkError};
use crate::spool::Queue;
use crate::sys::signals::Interrupts;
use crate::sys::time::Zone;
use crate::text::to_printable;

/// The number of acts for which the names in small queues are read once.
const GROUP: usize = 128;

/// The number of deletions in a batch from which reading all names in the trash once is
/// faster than looking for logs that most messages lack.
const KINDS_MIN: u64 = 10_000;

/// Which acts are undone.
#[derive(Clone, Copy, Debug)]
pub struct UndoRequest<'a> {
    /// The name of the batch; `None` for that of the last call.
    pub batch: Option<&'a [u8]>,
    /// The messages of it.
    pub only: Only<'a>,
}

/// Undoes a batch.
pub fn undo(
    context: SpoolContext<'_>,
    request: UndoRequest<'_>,
    who: Caller,
    observer: &mut dyn ActionObserver,
) -> (Counters, Result<(), WorkError>) {
    let mut undoer = Undoer {
        context,
        ops: context.ops(),
        filter: OnlyFilter::new(request.only),
        snapshot: NameSnapshot::default(),
        kinds: KindsInTrash::default(),
        action_log: ActionLog::default(),
    };
    let ended = undoer.run(request.batch, &who, observer);
    report(&mut undoer.action_log, observer);
    (undoer.action_log.counters, ended)
}

struct Undoer<'a> {
    context: SpoolContext<'a>,
    ops: SpoolOps<'a>,
    filter: OnlyFilter<'a>,
    snapshot: NameSnapshot,
    kinds: KindsInTrash,
    action_log: ActionLog,
}

impl Undoer<'_> {
    fn run(
        &mut self,
        wanted: Option<&[u8]>,
        who: &Caller,
        observer: &mut dyn ActionObserver,
    ) -> Result<(), WorkError> {
        let (spool, interrupts) = (self.context.spool, self.context.interrupts);
        JournalFile::open_to_read(spool)?.ok_or(JournalError::Empty)?;
        let mut locked = JournalDirectory::open(spool)?.lock(interrupts)?;
        let file = locked.journal();
        let mut batches = Batches::read(file, interrupts, Keep::Newest, &mut self.action_log)?;
        let batch = chosen(&batches, file, interrupts, wanted)?;
        if batch.content == BatchContent::Nothing {
            self.inform(nothing_to_undo(&batches, &batch));
            return Ok(());
        }
        self.inform(format!("undoing {}", described(&batch)));
        let left = self.messages(file, &batch, observer)?;
        self.filter.report(&mut self.action_log);
        if left == Remaining::Nothing {
            close(&locked, slice::from_ref(&batch.name), who, &Event::Undone)?;
            batches.remove(&batch.name);
            let (ops, action_log) = (&self.ops, &mut self.action_log);
            compact::tidy(&mut locked, &mut batches, ops, interrupts, action_log);
        }
        Ok(())
    }

    /// Undoes the acts of a batch. Returns whether any of them is left.
    fn messages(
        &mut self,
        file: &JournalFile,
        batch: &Batch,
        observer: &mut dyn ActionObserver,
    ) -> Result<Remaining, WorkError> {
        let index = BatchIndex::read(file, self.context.interrupts, batch)?;
        if index.deletions >= KINDS_MIN {
            self.kinds = KindsInTrash::read(self.context.spool);
        }
        let mut all = Remaining::Nothing;
        let mut undone: usize = 0;
        index.newest_first(|act, entry| {
            all = all.and(self.undo(&index, act, entry)?);
            undone = undone.saturating_add(1);
            report_many(&mut self.action_log, observer);
            if undone.is_multiple_of(GROUP) {
                self.snapshot.renew(&self.ops, Queue::LISTED, GROUP);
            }
            Ok(())
        })?;
        if all != Remaining::Another {
            return Ok(all);
        }
        let mut left = Remaining::Nothing;
        index.newest_first(|act, entry| {
            let is_deletion = *act == Act::Delete;
            if is_deletion && !matches!(look_in_trash(&self.ops, entry), Ok(InTrash::Nothing)) {
                left = Remaining::Something;
            }
            Ok(())
        })?;
        Ok(left)
    }

    fn undo(
        &mut self,
        index: &BatchIndex<'_>,
        act: &Act,
        entry: &RecordedMessage,
    ) -> Result<Remaining, WorkError> {
        let (ops, action_log) = (&self.ops, &mut self.action_log);
        if !self
            .filter
            .admits(self.context, ops, act, entry, action_log)?
        {
            return Ok(Remaining::Something);
        }
        let was_active = &index.was_active;
        match act {
            Act::Delete => Restorer {
                ops,
                was_active,
                snapshot: &self.snapshot,
                kinds: &self.kinds,
                action_log,
            }
            .restore_message(entry),
            _ => Reverter {
                spool: self.context.spool,
                ops,
                was_active,
                action_log,
            }
            .revert(act, entry),
        }
    }

    fn inform(&mut self, text: String) {
        self.action_log.lines.push(LogLine {
            severity: LineSeverity::Done,
            text: text.into_bytes(),
            action_result: None,
        });
    }
}

/// Returns the batch to be undone, which may be one without messages.
///
/// # Errors
///
/// There is no such batch, or it was undone or purged.
pub fn chosen(
    batches: &Batches,
    file: &JournalFile,
    interrupts: &Interrupts,
    wanted: Option<&[u8]>,
) -> Result<Batch, WorkError> {
    let batch = match wanted {
        Some(name) => batches.named(file, interrupts, name)?,
        None => last(batches)?,
    };
    match batch.content {
        BatchContent::Purged => Err(JournalError::closed(&batch.name, "purged").into()),
        BatchContent::Messages | BatchContent::Nothing => Ok(batch),
    }
}

/// Reports that the call to be undone did nothing. Batches of earlier calls are
/// undone only if they are named.
pub fn nothing_to_undo(batches: &Batches, batch: &Batch) -> String {
    let is_last = batches.last().is_some_and(|last| last.name == batch.name);
    let described = described(batch);
    match (is_last, batches.last_with_messages()) {
        (true, Some(earlier)) => format!(
            "the last call, {described}, did nothing; nothing to undo; to undo the batch \
             before it: postsuper --undo={}",
            earlier.name
        ),
        (true, None) => format!("the last call, {described}, did nothing; nothing to undo"),
        (false, _) => format!("{described} did nothing; nothing to undo"),
    }
}

/// Returns the batch that is undone if none is named.
fn last(batches: &Batches) -> Result<Batch, JournalError> {
    match (batches.last(), batches.last_with_messages()) {
        (Some(last), Some(earlier)) if last.content == BatchContent::Purged => {
            Err(JournalError::LastPurged {
                batch: last.name.clone(),
                earlier: earlier.name.clone(),
            })
        }
        (Some(last), _) if last.content != BatchContent::Purged => Ok(last.clone()),
        _ => Err(JournalError::Empty),
    }
}

/// Describes a batch: its name, when it was begun and by whom, and the comment.
pub fn described(batch: &Batch) -> String {
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
