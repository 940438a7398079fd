//! The events that records of the journal report.

use super::recorded_message::RecordedMessage;
use crate::actions::Act;

/// Whether the batch has an earlier record of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The message was not announced before.
    First,
    /// The message was announced before. If both records are about a deletion,
    /// the message has moved in between, and this record replaces the earlier
    /// one.
    Retry,
}

/// The event that a record reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call began its batch, which may stay empty. Journals of the first
    /// version of spoolbox do not contain this event: there, a batch begins
    /// with its first message.
    Begin {
        /// The comment that the user gave, if any.
        comment: Option<Vec<u8>>,
    },
    /// An act is about to be performed on a message.
    Act {
        /// Whether the batch has an earlier record of the message.
        turn: Attempt,
        /// The act. One with many offsets has several records.
        act: Act,
        /// The message before the act.
        entry: RecordedMessage,
        /// The comment that the user gave, if any. Only deletions repeat it.
        comment: Option<Vec<u8>>,
    },
    /// A call ended without performing any of the acts that it had announced.
    MovedNothing,
    /// The whole batch was undone.
    Undone,
    /// The whole batch was removed permanently.
    Purged,
}
