//! Restricts the report to messages that match the selection. Files whose names
//! cannot match are not opened; opened files are matched before they are read
//! for the table.
//!
//! The module `selection` defines which messages match.

use std::io;

use crate::queue_file::message_visitor::Rules;
use crate::queue_file::read_error::{Location, ReadError};
use crate::selection::{Matcher, Selection};
use crate::spool::message::Message;
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;

/// The location of deferral reasons.
#[derive(Clone, Copy, Debug)]
pub struct Logs<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// The layout of the queue directory.
    pub layout: &'a Layout,
}

/// A selection and everything needed to evaluate it.
#[derive(Clone, Copy, Debug)]
pub struct ReportSelection<'a> {
    /// The selection.
    pub selection: &'a Selection,
    /// The rules for reading messages.
    pub rules: &'a Rules,
    /// The location of the log files.
    pub logs: Logs<'a>,
    /// The requested queues, in the same order.
    pub queues: &'a [Queue],
}

impl ReportSelection<'_> {
    /// Whether any message of a queue can match. Queues are given by number.
    pub(super) fn admits_queue(&self, number: usize) -> bool {
        let queue = self.queues.get(number);
        queue.is_some_and(|queue| self.selection.admits_queue(*queue))
    }

    /// Whether a message with this name can match.
    pub(super) fn admits_name(&self, number: usize, name: &[u8]) -> bool {
        let queue = self.queues.get(number);
        queue.is_some_and(|queue| self.selection.admits_name(queue.name().as_bytes(), name))
    }
}

/// Evaluates open messages one at a time.
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

    /// Whether a message matches.
    ///
    /// # Errors
    ///
    /// The process has run out of a resource.
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
            // The path is used in warnings only, which are ignored here.
            path: "",
        };
        let matches = if self.matching.selection.needs_names_only() {
            // The name does not show whether the file is a message.
            self.matcher.examine(message, &at).map(|it| it.is_some())
        } else {
            self.matcher.matches(message, &at)
        };
        match matches {
            Ok(matches) => Ok(matches),
            // It cannot be determined whether the message matches.
            Err(ReadError::Exhausted { cause, .. } | ReadError::Unread { cause, .. }) => Err(cause),
            // The end of its content is not a valid file offset: such a file
            // never counts.
            Err(ReadError::Seek { .. }) => Ok(false),
            Err(ReadError::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}
