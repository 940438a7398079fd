//! Which messages count when only some are meant: what their names rule out
//! is not opened; what is opened is judged before it is read for the table.
//!
//! What a selection means is `selection`'s business.

use std::io;

use super::counter::Logs;
use crate::selection::{Matcher, Selection};
use crate::spool::Queue;
use crate::spool::message::Message;
use crate::spool::report::Rules;
use crate::spool::reporter::{Location, ReportError};

/// The messages that are meant.
#[derive(Clone, Copy, Debug)]
pub struct Meant<'a> {
    /// What is true of them.
    pub selection: &'a Selection,
    /// What counts in a message and how it is shown.
    pub rules: &'a Rules,
    /// Where their logs are.
    pub logs: Logs<'a>,
    /// The queues that were asked for, in the same order.
    pub queues: &'a [Queue],
}

impl Meant<'_> {
    /// Whether one of a queue's messages can be meant. Queues have numbers.
    pub(super) fn admits_queue(&self, number: usize) -> bool {
        let queue = self.queues.get(number);
        queue.is_some_and(|queue| self.selection.admits_queue(*queue))
    }

    /// Whether a message of that name can be meant.
    pub(super) fn admits_name(&self, number: usize, name: &[u8]) -> bool {
        let queue = self.queues.get(number);
        queue.is_some_and(|queue| self.selection.admits_name(queue.name().as_bytes(), name))
    }
}

/// Judges one open message after the other.
pub(super) struct Sieve<'a> {
    meant: Meant<'a>,
    matcher: Matcher<'a>,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(meant: Meant<'a>) -> Self {
        Self {
            meant,
            matcher: Matcher::new(meant.selection, meant.rules),
        }
    }

    /// Whether a message is meant. An error is that the process has run out
    /// of something.
    pub(super) fn lets_through(
        &mut self,
        message: &Message,
        id: &[u8],
        number: usize,
    ) -> io::Result<bool> {
        let Some(queue) = self.meant.queues.get(number) else {
            return Ok(false);
        };
        let at = Location {
            spool: self.meant.logs.spool,
            layout: self.meant.logs.layout,
            queue: *queue,
            id,
            // Only warnings name it, and nobody hears them here.
            path: "",
        };
        let judged = match self.meant.selection.needs_names_only() {
            // Its name does not tell whether a file is a message at all.
            true => self.matcher.examine(message, &at).map(|it| it.is_some()),
            false => self.matcher.is_meant(message, &at),
        };
        match judged {
            Ok(is_meant) => Ok(is_meant),
            // Whether it counts cannot be known.
            Err(ReportError::Exhausted { cause, .. } | ReportError::Unread { cause, .. }) => {
                Err(cause)
            }
            // Its text ends where no file can: it does not count anyway.
            Err(ReportError::Seek { .. }) => Ok(false),
            Err(ReportError::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}
