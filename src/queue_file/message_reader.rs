//! Reads what a listing shows of one message after the other, from their queue files
//! and their logs. Observed with Postfix 3.7.11.
//!
//! `envelope_records` decides which records count; `log_reader` reads the logs.
//! Independent of the output format.

use super::envelope_records::{DoneRecipients, EnvelopeBuffers, MessageReading};
use super::message_visitor::{MessageVisitor, Rules};
use super::read_error::{Location, ReadError};
use super::records::{Buffers, RecordReader};
use crate::spool::Queue;
use crate::spool::message::Message;

/// Reads messages one after the other, reusing its buffers.
#[derive(Debug, Default)]
pub struct MessageReader {
    done: DoneRecipients,
    records: Buffers,
    envelope: EnvelopeBuffers,
}

impl MessageReader {
    /// A reader that passes on recipients that are done like pending ones.
    pub fn with_done_recipients() -> Self {
        Self {
            done: DoneRecipients::Pending,
            ..Self::default()
        }
    }

    /// Reads a message at `at`, and passes what it contains to `report`.
    ///
    /// # Errors
    ///
    /// The message cannot be read to its end. What was passed to `report` until
    /// then is correct.
    pub fn report(
        &mut self,
        message: &Message,
        at: &Location<'_>,
        rules: &Rules,
        report: &mut impl MessageVisitor,
    ) -> Result<(), ReadError> {
        let mut reading = MessageReading::new(&mut self.envelope, message, at, rules, self.done);
        report.begin();
        let mut file = RecordReader::new(message.source(), &mut self.records).passing_over_zeros();
        let done = reading.read(&mut file, report);
        if let Some(cause) = file.take_failure() {
            reading.note_unread(ReadError::unread(at, cause), report);
        }
        if !reading.has_sender && at.queue == Queue::Corrupt && done.is_ok() {
            reading.unknown_sender(report);
        }
        if reading.has_sender && done.is_ok() {
            report.end();
        }
        let unread = reading.unread.take().map_or(Ok(()), Err);
        self.records.shrink();
        self.envelope.shrink();
        done.and(unread)
    }
}
