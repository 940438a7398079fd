//! Reports of actions: one line per message, with Postfix's exact words, and
//! the counters.
//!
//! Independent of where the lines go; the observer adds the prefix and writes
//! them.

use std::ops::AddAssign;

use super::warning::Warning;
use crate::spool::{Queue, QueueId};

/// What was done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionDone {
    /// It is gone.
    Removed,
    /// It is in maildrop, to be queued anew.
    Requeued,
    /// It is in hold.
    Held,
    /// It was in hold and is deferred now.
    Released,
    /// The next attempt to deliver it is the last.
    Expired,
    /// It is in the trash.
    Trashed,
    /// It is back from the trash, in this queue.
    Restored(Queue),
    /// It was in the trash and is gone.
    Purged,
}

impl ActionDone {
    /// The line about it.
    pub fn line(self, id: &QueueId) -> String {
        format!("{id}: {}", self.words())
    }

    /// What was done, in Postfix's words where it has any.
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
        }
    }
}

/// The severity of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSeverity {
    /// A message was done.
    Done,
    /// A warning.
    Warning,
    /// Nothing that is reported unless every result was requested.
    Quiet,
}

/// What became of a message, or of what should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was acted on; it was in this queue.
    Done(ActionDone, Queue),
    /// There is none of that ID where the action looks.
    NotFound,
    /// It matched, and was gone or replaced when its turn came.
    Vanished,
    /// It is already what it should become.
    Unchanged(Queue),
    /// It could not be moved out of this queue: another file has its name
    /// in the other.
    NotMoved(Queue),
    /// It is no ID at all.
    Invalid,
}

/// What became of which message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// Its ID, or the text that was given for one.
    pub id: Vec<u8>,
    /// What became of it.
    pub outcome: Outcome,
}

/// A line about the work, ready to go out.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Its severity.
    pub severity: LineSeverity,
    /// Its text.
    pub text: Vec<u8>,
    /// The outcome of a message, if the line is about one.
    pub action_result: Option<ActionResult>,
}

/// How many messages were done, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Removed.
    pub deleted: u64,
    /// Moved to maildrop.
    pub requeued: u64,
    /// Moved to hold.
    pub held: u64,
    /// Moved from hold to deferred.
    pub released: u64,
    /// Forced to expire.
    pub expired: u64,
    /// Given their final name.
    pub renamed: u64,
    /// Moved to the trash.
    pub trashed: u64,
    /// Brought back from there.
    pub restored: u64,
    /// Removed from there.
    pub purged: u64,
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
            ActionDone::Restored(_) => &mut self.restored,
            ActionDone::Purged => &mut self.purged,
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
        ] {
            *counter = counter.saturating_add(more);
        }
    }
}

/// The report of a job: lines in order, and the counts.
#[derive(Debug, Default)]
pub struct ActionLog {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// The counts.
    pub counters: Counters,
}

impl ActionLog {
    /// A message that was in `queue` was acted on: counts it and reports it.
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

    /// Nothing was done to what was asked for.
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

    /// Whether the last that was said is this of this message.
    pub fn ends_with(&self, id: &QueueId, outcome: Outcome) -> bool {
        let last = self
            .lines
            .last()
            .and_then(|line| line.action_result.as_ref());
        last.is_some_and(|action_result| {
            action_result.id == id.as_bytes() && action_result.outcome == outcome
        })
    }

    /// Whether an outcome was reported since there were this many lines.
    pub fn has_result_since(&self, lines: usize) -> bool {
        let mut since = self.lines.iter().skip(lines);
        since.any(|line| line.action_result.is_some())
    }

    /// Whether a message was acted on since there were this many lines.
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

/// Observes the work while it goes on, in order. What is reported was done
/// before.
pub trait ActionObserver {
    /// Lines to be passed on.
    fn lines(&mut self, lines: &[LogLine]);
    /// Everything that came so far has to be out: nothing more is known of at
    /// the moment.
    fn pause(&mut self);
    /// This many more messages were handled.
    fn passed(&mut self, _pieces: usize) {}
}
