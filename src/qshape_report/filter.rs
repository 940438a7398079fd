//! Restricts the report to messages that match the selection: what their names rule out
//! is not opened; what is opened is matched before it is read for the table.
//!
//! What a selection means is decided by `selection`.

use std::io;

use crate::queue_file::message_visitor::Rules;
use crate::queue_file::read_error::{Location, ReadError};
use crate::selection::{Matcher, Selection};
use crate::spool::message::Message;
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;

/// Where deferral reasons are found.
#[derive(Clone, Copy, Debug)]
pub struct Logs<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Where IDs belong in it.
    pub layout: &'a Layout,
}

/// The messages that match the selection.
#[derive(Clone, Copy, Debug)]
pub struct ReportSelection<'a> {
    /// What is true of them.
    pub selection: &'a Selection,
    /// What counts in a message and how it is shown.
    pub rules: &'a Rules,
    /// Where their logs are.
    pub logs: Logs<'a>,
    /// The queues that were asked for, in the same order.
    pub queues: &'a [Queue],
}

impl ReportSelection<'_> {
    /// Whether one of a queue's messages can match. Queues have numbers.
    pub(super) fn admits_queue(&self, number: usize) -> bool {
        let queue = self.queues.get(number);
        queue.is_some_and(|queue| self.selection.admits_queue(*queue))
    }

    /// Whether a message of that name can match.
    pub(super) fn admits_name(&self, number: usize, name: &[u8]) -> bool {
        let queue = self.queues.get(number);
        queue.is_some_and(|queue| self.selection.admits_name(queue.name().as_bytes(), name))
    }
}

/// Judges one open message after the other.
pub(super) struct Filter<'a> {
    matching: ReportSelection<'a>,
    matcher: Matcher<'a>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(matching: ReportSelection<'a>) -> Self {
        Self {
            matching,
            matcher: Matcher::new(matching.selection, matching.rules),
        }
    }

    /// Whether a message matches. An error is that the process has run out
    /// of something.
    pub(super) fn lets_through(
        &mut self,
        message: &Message,
        id: &[u8],
        number: usize,
    ) -> io::Result<bool> {
        let Some(queue) = self.matching.queues.get(number) else {
            return Ok(false);
        };
        let at = Location {
            spool: self.matching.logs.spool,
            layout: self.matching.logs.layout,
            queue: *queue,
            id,
            // Only warnings name it, and they are ignored here.
            path: "",
        };
        let matches = if self.matching.selection.needs_names_only() {
            // Its name does not tell whether a file is a message at all.
            self.matcher.examine(message, &at).map(|it| it.is_some())
        } else {
            self.matcher.matches(message, &at)
        };
        match matches {
            Ok(matches) => Ok(matches),
            // Whether it counts cannot be known.
            Err(ReadError::Exhausted { cause, .. } | ReadError::Unread { cause, .. }) => Err(cause),
            // Its text ends where no file can: it does not count anyway.
            Err(ReadError::Seek { .. }) => Ok(false),
            Err(ReadError::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}
