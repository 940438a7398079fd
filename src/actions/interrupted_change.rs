//! Messages that a killed call left on hold while it changed their recipients: found
//! by the same call, so that it completes the change.
//!
//! Their recipients may be done, and they belong in another queue. The selection is
//! evaluated as if neither had happened.

use super::action::Selected;
use super::executor::Executor;
use crate::queue_file::message_visitor::Rules;
use crate::queue_file::read_error::{Location, ReadError};
use crate::selection::{FileIdentity, Matcher, Selection};
use crate::spool::message::Message;
use crate::spool::{Queue, QueueId};

/// The queues from which such a message may come.
const ORIGINS: [Queue; 3] = [Queue::Hold, Queue::Deferred, Queue::Incoming];

/// The messages on which to act.
#[derive(Clone, Copy, Debug)]
pub struct SelectedMessages<'a> {
    /// The selection that the messages must match.
    pub selection: &'a Selection,
    /// The rules for reading a message.
    pub rules: &'a Rules,
}

/// Finds such messages.
#[derive(Debug)]
pub struct InterruptedChanges<'a> {
    matcher: Matcher<'a>,
    origins: Vec<Queue>,
}

impl<'a> InterruptedChanges<'a> {
    /// Finds those that match and may come from one of the selected queues.
    pub fn new(matching: SelectedMessages<'a>, selected: &[Selected]) -> Self {
        let is_selected = |origin: &Queue| selected.contains(&Selected::Queue(*origin));
        Self {
            matcher: Matcher::with_done_recipients(matching.selection, matching.rules),
            origins: ORIGINS.into_iter().filter(is_selected).collect(),
        }
    }

    /// Returns the identity of a message if it is one of them. `executor` knows the
    /// change.
    ///
    /// # Errors
    ///
    /// The message cannot be read to its end.
    pub fn examine(
        &mut self,
        executor: &mut Executor<'_>,
        id: &QueueId,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<FileIdentity>, ReadError> {
        if !executor.is_interrupted(id, message, at.queue) {
            return Ok(None);
        }
        if at.queue != Queue::Hold {
            return self.matcher.examine(message, at);
        }
        for origin in &self.origins {
            let origin = Location {
                queue: *origin,
                ..*at
            };
            let found = self.matcher.examine(message, &origin)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
