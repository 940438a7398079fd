//! The report of an action: one line per message, in Postfix's exact words
//! where Postfix has them, and the counters.
//!
//! Independent of where the lines go: the observer adds the prefix and writes
//! them.

use std::ops::AddAssign;

use super::warning::Warning;
use crate::spool::{Queue, QueueId};

/// The action that was performed on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionDone {
    /// The message was removed.
    Removed,
    /// The message was moved to maildrop, to be queued again.
    Requeued,
    /// The message was moved to hold.
    Held,
    /// The message was moved from hold to deferred.
    Released,
    /// The message was marked so that the next delivery attempt is the last.
    Expired,
    /// The message was moved to the trash.
    Trashed,
    /// The message was restored from the trash to this queue.
    Restored(Queue),
    /// The message was removed from the trash.
    Purged,
    /// The next delivery attempt was put off.
    Postponed,
    /// The mark of a message that was forced to expire was removed.
    Unexpired,
    /// The time of the next delivery attempt was set to what it was before.
    AttemptRestored,
    /// Recipients of the message were marked as pending again.
    RecipientsRestored,
    /// Recipients of the message were marked as done.
    RecipientsDropped,
    /// The message was released with a bounce log about all its recipients, and
    /// the queue manager will have it returned to the sender.
    Returned,
}

impl ActionDone {
    /// Returns the line that reports the action.
    pub fn line(self, id: &QueueId) -> String {
        format!("{id}: {}", self.words())
    }

    /// Returns a description of the action if it would be performed.
    pub fn would_be(self) -> String {
        let verb = match self {
            ActionDone::RecipientsDropped
            | ActionDone::RecipientsRestored
            | ActionDone::AttemptRestored => "have",
            _ => "be",
        };
        format!("would {verb} {}", self.words())
    }

    /// Returns a description of the action, in Postfix's words where Postfix
    /// has them.
    pub fn words(self) -> &'static str {
        match self {
            ActionDone::Removed => "removed",
            ActionDone::Requeued => "requeued",
            ActionDone::Held => "placed on hold",
            ActionDone::Released => "released from hold",
            ActionDone::Expired => "expired",
            ActionDone::Trashed => "moved to trash",
            ActionDone::Restored(Queue::Maildrop) => "restored to maildrop",
            ActionDone::Restored(Queue::Incoming) => "restored to incoming",
            ActionDone::Restored(Queue::Hold) => "restored to hold",
            ActionDone::Restored(Queue::Deferred) => "restored to deferred",
            ActionDone::Restored(_) => "restored",
            ActionDone::Purged => "removed from trash",
            ActionDone::Postponed => "postponed",
            ActionDone::Unexpired => "no longer expired",
            ActionDone::AttemptRestored => "next attempt restored",
            ActionDone::RecipientsRestored => "recipients restored",
            ActionDone::RecipientsDropped => "recipients dropped",
            ActionDone::Returned => "returned to sender",
        }
    }
}

/// The severity of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSeverity {
    /// An action was performed on a message.
    Done,
    /// A warning.
    Warning,
    /// The line has no text. Only its result is reported, and only if every
    /// result was requested.
    Quiet,
}

/// The outcome for a message, or for text that was given as a queue ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The action was performed on the message, which was in this queue.
    Done(ActionDone, Queue),
    /// No message with that ID is in the queues where the action looks.
    NotFound,
    /// The message matched the selection, but had vanished or been replaced
    /// before the action.
    Vanished,
    /// The message, in this queue, was left unchanged; usually because it
    /// already is in the requested state.
    Unchanged(Queue),
    /// The message could not be moved out of this queue, because another file
    /// has its name in the target queue.
    NotMoved(Queue),
    /// The text is not a valid queue ID.
    Invalid,
}

/// A message and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// The queue ID, or the text that was given as one.
    pub id: Vec<u8>,
    /// The outcome.
    pub outcome: Outcome,
}

/// A line of the report, without the prefix.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The severity of the line.
    pub severity: LineSeverity,
    /// The text of the line.
    pub text: Vec<u8>,
    /// The result for a message, if the line is about one.
    pub action_result: Option<ActionResult>,
}

/// The number of messages handled, by action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages removed.
    pub deleted: u64,
    /// Messages moved to maildrop.
    pub requeued: u64,
    /// Messages moved to hold.
    pub held: u64,
    /// Messages moved from hold to deferred.
    pub released: u64,
    /// Messages forced to expire.
    pub expired: u64,
    /// Messages given their final name by a repair.
    pub renamed: u64,
    /// Messages moved to the trash.
    pub trashed: u64,
    /// Messages restored to their state before an act.
    pub restored: u64,
    /// Messages removed from the trash.
    pub purged: u64,
    /// Messages whose next delivery attempt was put off.
    pub postponed: u64,
    /// Messages with recipients that were marked as done.
    pub recipients_dropped: u64,
    /// Messages that will be returned to their senders.
    pub returned: u64,
}

impl Counters {
    /// Counts one message.
    pub fn count(&mut self, action_done: ActionDone) {
        let counter = match action_done {
            ActionDone::Removed => &mut self.deleted,
            ActionDone::Requeued => &mut self.requeued,
            ActionDone::Held => &mut self.held,
            ActionDone::Released => &mut self.released,
            ActionDone::Expired => &mut self.expired,
            ActionDone::Trashed => &mut self.trashed,
            ActionDone::Restored(_)
            | ActionDone::Unexpired
            | ActionDone::AttemptRestored
            | ActionDone::RecipientsRestored => &mut self.restored,
            ActionDone::Purged => &mut self.purged,
            ActionDone::Postponed => &mut self.postponed,
            ActionDone::RecipientsDropped => &mut self.recipients_dropped,
            ActionDone::Returned => &mut self.returned,
        };
        *counter = counter.saturating_add(1);
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, more: Self) {
        for (counter, more) in [
            (&mut self.deleted, more.deleted),
            (&mut self.requeued, more.requeued),
            (&mut self.held, more.held),
            (&mut self.released, more.released),
            (&mut self.expired, more.expired),
            (&mut self.renamed, more.renamed),
            (&mut self.trashed, more.trashed),
            (&mut self.restored, more.restored),
            (&mut self.purged, more.purged),
            (&mut self.postponed, more.postponed),
            (&mut self.recipients_dropped, more.recipients_dropped),
            (&mut self.returned, more.returned),
        ] {
            *counter = counter.saturating_add(more);
        }
    }
}

/// The report of a job: its lines, in order, and its counters.
#[derive(Debug, Default)]
pub struct ActionLog {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// The counters.
    pub counters: Counters,
}

impl ActionLog {
    /// Counts and reports an action on a message that was in `queue`.
    pub fn done(&mut self, action_done: ActionDone, id: &QueueId, queue: Queue) {
        self.counters.count(action_done);
        self.lines.push(LogLine {
            severity: LineSeverity::Done,
            text: action_done.line(id).into_bytes(),
            action_result: Some(ActionResult {
                id: id.as_bytes().to_vec(),
                outcome: Outcome::Done(action_done, queue),
            }),
        });
    }

    /// Adds the outcome for an ID on which no action was performed.
    pub fn not_done(&mut self, id: &[u8], outcome: Outcome) {
        self.lines.push(LogLine {
            severity: LineSeverity::Quiet,
            text: Vec::new(),
            action_result: Some(ActionResult {
                id: id.to_vec(),
                outcome,
            }),
        });
    }

    /// Returns whether the last line reports this outcome for this message.
    pub fn ends_with(&self, id: &QueueId, outcome: Outcome) -> bool {
        let last = self
            .lines
            .last()
            .and_then(|line| line.action_result.as_ref());
        last.is_some_and(|action_result| {
            action_result.id == id.as_bytes() && action_result.outcome == outcome
        })
    }

    /// Returns whether a line after the first `lines` ones reports an outcome.
    pub fn has_result_since(&self, lines: usize) -> bool {
        let mut since = self.lines.iter().skip(lines);
        since.any(|line| line.action_result.is_some())
    }

    /// Returns whether a line after the first `lines` ones reports an action on
    /// a message.
    pub fn has_action_since(&self, lines: usize) -> bool {
        let mut since = self.lines.iter().skip(lines);
        since.any(|line| line.severity == LineSeverity::Done)
    }

    /// Adds a warning.
    pub fn warn(&mut self, warning: &Warning) {
        self.lines.push(LogLine {
            severity: LineSeverity::Warning,
            text: warning.message(),
            action_result: None,
        });
    }
}

/// Receives the report while the work goes on, in order. Every action is
/// reported after it was performed.
pub trait ActionObserver {
    /// Called with lines of the report.
    fn lines(&mut self, lines: &[LogLine]);
    /// Called when there is nothing more to report at the moment, so that the
    /// observer can write out what it has buffered.
    fn pause(&mut self);
    /// Called after this many more messages were handled.
    fn passed(&mut self, _pieces: usize) {}
}
