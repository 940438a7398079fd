//! How the change of a message's recipients ends: what became of the message, why a
//! change was not made, and what the log says about both.

use std::io;

use nix::sys::stat::FileStat;

use super::error::WorkError;
use super::recipient_change::{RecipientPlan, Refusal};
use super::report::{ActionLog, LineSeverity, LogLine, Outcome};
use super::warning::Warning;
use crate::spool::bounce_log::BounceLogError;
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// A message that was found: its ID, its queue, and its lstat(2) result.
pub(super) type EditCandidate<'i> = (&'i QueueId, Queue, &'i FileStat);

/// The result of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EditResult {
    /// Its recipients were changed.
    Done,
    /// It was no longer where it had been found.
    Gone,
    /// It was left as it was. The outcome was added to the log.
    Left,
}

/// Why a change was not made.
pub(super) enum EditFailure {
    /// For a reason in the message.
    Refused(Refusal),
    /// The bounce log cannot be written.
    Log(BounceLogError),
    /// The queue file cannot be written.
    File(io::Error),
    /// A failure that ends the work.
    Work(WorkError),
}

impl EditFailure {
    /// Returns the reason why a message is left as it is.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Log(error) => error.to_string(),
            Self::File(cause) => error_text(cause),
            Self::Work(error) => to_printable(&error.message()),
        }
    }
}

impl From<BounceLogError> for EditFailure {
    fn from(error: BounceLogError) -> Self {
        Self::Log(error)
    }
}

/// Reports each dropped recipient.
pub(super) fn report_dropped(id: &QueueId, plan: &RecipientPlan, action_log: &mut ActionLog) {
    let mut line = |text: Vec<u8>| {
        action_log.lines.push(LogLine {
            severity: LineSeverity::Done,
            text,
            action_result: None,
        });
    };
    let id = id.as_bytes();
    for recipient in &plan.dropped {
        line([id, b": to=<", recipient, b">: dropped"].concat());
    }
    let more = plan.records.len().saturating_sub(plan.dropped.len());
    if more > 0 {
        let more = format!(": {more} more recipients: dropped");
        line([id, more.as_bytes()].concat());
    }
}

/// Logs why a message was left as it was.
pub(super) fn left_after(
    failure: EditFailure,
    path: &str,
    found: EditCandidate<'_>,
    action_log: &mut ActionLog,
) -> Result<EditResult, WorkError> {
    match failure {
        EditFailure::Work(error) => Err(error),
        failure => Ok(leave(path, found, failure.reason(), action_log)),
    }
}

/// Logs that a message was left as it was, with a warning that says why.
pub(super) fn leave(
    path: &str,
    found: EditCandidate<'_>,
    why: String,
    action_log: &mut ActionLog,
) -> EditResult {
    let path = path.to_owned();
    action_log.warn(&Warning::Recipients { path, why });
    unchanged(found, action_log)
}

/// Logs that nothing in a message had to be changed.
pub(super) fn unchanged(
    (id, queue, _): EditCandidate<'_>,
    action_log: &mut ActionLog,
) -> EditResult {
    action_log.not_done(id.as_bytes(), Outcome::Unchanged(queue));
    EditResult::Left
}
