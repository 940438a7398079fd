//! Reads the envelope of one message for a listing: which records count, in which
//! order the files are read, and the warnings about malformed records. Observed with
//! Postfix 3.7.11.

use std::fs::File;

use super::integrity::arrival_time;
use super::log_reader::LogReader;
use super::message_visitor::{
    LogClass, LogFacts, MessageHead, MessageVisitor, ReadLevel, Recipient, Rules,
};
use super::read_error::{Location, ReadError};
use super::records::{Record, RecordReader, RecordType};
use super::shown_address::display;
use crate::release::Feature;
use crate::spool::Queue;
use crate::spool::message::Message;
use crate::sys::source::FileSource;
use crate::text::{SHORT_TEXT_MAX, make_printable, number_or_zero, quote_address};

/// Bytes of an attribute that are kept: its name, and more than the longest value
/// that Postfix writes.
const ATTRIBUTE_MAX: usize = 4096;
/// Shown as the sender of a damaged message that has none.
const UNKNOWN_SENDER: &[u8] = b"(unknown)";
/// Bytes of a malformed size record that a warning shows.
const SIZE_SHOWN_MAX: usize = 100;

/// Largest capacity of a text buffer that is kept from one message to the next.
/// Quoting can double the size of a text.
const KEPT_MAX: usize = 4 * SHORT_TEXT_MAX;

/// How recipients that are done are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DoneRecipients {
    /// As done, without their addresses.
    #[default]
    Done,
    /// Like those that are pending.
    Pending,
}

/// The texts of a message, and the reader of its logs, reused from one message to
/// the next.
#[derive(Debug, Default)]
pub(super) struct EnvelopeBuffers {
    sender: Vec<u8>,
    address: Vec<u8>,
    original: Vec<u8>,
    /// Whether an original recipient record precedes the next recipient.
    has_original: bool,
    logs: LogReader,
}

impl EnvelopeBuffers {
    /// Stores the original address of the next recipient. Observed with Postfix
    /// 3.11.7: an empty one is quoted, and is not replaced by
    /// empty_address_recipient.
    fn note_original(&mut self, text: &[u8], rules: &Rules) {
        self.original.clear();
        quote_address(text, &mut self.original);
        make_printable(&mut self.original, rules.charset);
        self.has_original = true;
    }

    /// Frees memory that a long text has taken.
    pub(super) fn shrink(&mut self) {
        self.logs.shrink();
        for text in [&mut self.sender, &mut self.address, &mut self.original] {
            if text.capacity() > KEPT_MAX {
                *text = Vec::new();
            }
        }
    }
}

/// Whether to read the next record of a message.
#[derive(PartialEq, Eq)]
enum ReadFlow {
    Record,
    Stop,
}

/// A message that is being read.
pub(super) struct MessageReading<'r> {
    buffers: &'r mut EnvelopeBuffers,
    done: DoneRecipients,
    at: &'r Location<'r>,
    rules: &'r Rules,
    file_size: i64,
    modified: i64,
    forced_expire: Option<bool>,
    /// The first time record that is not zero.
    arrival: i64,
    arrival_microseconds: u32,
    /// The content size, from the first valid size record.
    size: Option<i64>,
    /// Whether a sender was passed on.
    pub(super) has_sender: bool,
    /// The first read error that does not end the reading.
    pub(super) unread: Option<ReadError>,
}

pub(super) type QueueFileReader<'b, 'f> = RecordReader<'b, FileSource<&'f File>>;

impl<'r> MessageReading<'r> {
    pub(super) fn new(
        buffers: &'r mut EnvelopeBuffers,
        message: &Message,
        at: &'r Location<'r>,
        rules: &'r Rules,
        done: DoneRecipients,
    ) -> Self {
        Self {
            buffers,
            done,
            at,
            rules,
            file_size: message.stat.st_size,
            modified: message.stat.st_mtime,
            forced_expire: rules
                .has(Feature::ForcedExpire)
                .then(|| message.is_expired()),
            arrival: 0,
            arrival_microseconds: 0,
            size: None,
            has_sender: false,
            unread: None,
        }
    }

    /// Reads the records to the end of the envelope.
    pub(super) fn read(
        &mut self,
        file: &mut QueueFileReader<'_, '_>,
        report: &mut impl MessageVisitor,
    ) -> Result<(), ReadError> {
        loop {
            if self.rules.is_stopped() {
                return Err(ReadError::Interrupted);
            }
            let next = file.next_cooked();
            if let Ok(Some(record)) = &next {
                file.limit_text(text_max(record, report));
            }
            match next {
                Ok(Some(record)) if file.is_readable(&record) => {
                    let next = self.record(file, &record, report)?;
                    if next == ReadFlow::Stop || report.wanted() == ReadLevel::Nothing {
                        return Ok(());
                    }
                }
                Ok(_) => return Ok(()),
                Err(error) => {
                    let path = self.at.path.as_bytes();
                    report.warning([path, b": ", &error.message()].concat());
                    return Ok(());
                }
            }
        }
    }

    fn record(
        &mut self,
        file: &mut QueueFileReader<'_, '_>,
        record: &Record,
        report: &mut impl MessageVisitor,
    ) -> Result<ReadFlow, ReadError> {
        match record.kind {
            RecordType::TIME if self.arrival == 0 => {
                let text = file.text(record);
                self.arrival = number_or_zero(text);
                self.arrival_microseconds = arrival_time(text).map_or(0, |(_, part)| part);
            }
            RecordType::SIZE => self.size_record(file.text(record), report),
            RecordType::SENDER => return self.sender(file.text(record), report),
            RecordType::ORIGINAL_RECIPIENT if self.has_sender => {
                self.buffers.note_original(file.text(record), self.rules);
            }
            // Before the sender, releases that do not list original recipients
            // ignore them.
            RecordType::ORIGINAL_RECIPIENT
                if !self.rules.has(Feature::OriginalRecipientBeforeSender) => {}
            RecordType::RECIPIENT if self.has_sender => self.recipient(file.text(record), report),
            RecordType::ORIGINAL_RECIPIENT | RecordType::RECIPIENT => {
                // Postfix shows no address here, whatever the record contains.
                self.skip_rest("missing sender address", None, report);
                return Ok(ReadFlow::Stop);
            }
            RecordType::ATTRIBUTE if report.wants_attributes() => {
                let text = file.text(record);
                report.attribute(text.get(..ATTRIBUTE_MAX).unwrap_or(text));
            }
            RecordType::DONE_RECIPIENT
                if self.has_sender && self.done == DoneRecipients::Pending =>
            {
                self.recipient(file.text(record), report);
            }
            RecordType::DONE_RECIPIENT => report.done_recipient(),
            RecordType::CONTENT => self.skip_content(file)?,
            // A type byte of zero ends the reading in Postfix.
            RecordType(0) => return Ok(ReadFlow::Stop),
            _ => {}
        }
        Ok(ReadFlow::Record)
    }

    fn size_record(&mut self, text: &[u8], report: &mut impl MessageVisitor) {
        let believed =
            self.at.queue != Queue::Maildrop || !self.rules.has(Feature::PreliminarySize);
        if self.size.is_some() || !believed {
            return;
        }
        // Examines every byte, which the compiler can do many at a time.
        let is_number = |all, byte: &u8| all & matches!(byte, b' ' | b'0'..=b'9');
        if text.iter().fold(true, is_number) {
            self.size = Some(number_or_zero(text));
            return;
        }
        let start = text
            .get(..SIZE_SHOWN_MAX.min(text.len()))
            .unwrap_or_default();
        let parts = [
            self.at.id,
            b": malformed size record: ",
            start,
            b" -- using file size instead",
        ];
        report.warning(parts.concat());
    }

    /// Reports a damaged message without a sender record, so that it can be listed
    /// and acted on.
    pub(super) fn unknown_sender(&mut self, report: &mut impl MessageVisitor) {
        self.has_sender = true;
        self.buffers.sender.clear();
        self.buffers.sender.extend_from_slice(UNKNOWN_SENDER);
        report.message(&self.head(None));
    }

    fn head<'h>(&'h self, envelope_sender: Option<&'h [u8]>) -> MessageHead<'h> {
        MessageHead {
            queue: self.at.queue.name().as_bytes(),
            id: self.at.id,
            arrival: match self.arrival {
                time if time > 0 => time,
                _ => self.modified,
            },
            arrival_microseconds: self.arrival_microseconds,
            size: self.size.unwrap_or(self.file_size),
            forced_expire: self.forced_expire,
            next_attempt: (self.at.queue == Queue::Deferred).then_some(self.modified),
            sender: &self.buffers.sender,
            envelope_sender,
        }
    }

    fn sender(
        &mut self,
        text: &[u8],
        report: &mut impl MessageVisitor,
    ) -> Result<ReadFlow, ReadError> {
        if self.has_sender {
            self.skip_rest("duplicate sender address", Some(text), report);
            return Ok(ReadFlow::Stop);
        }
        self.has_sender = true;
        display(text, self.rules, &mut self.buffers.sender);
        report.message(&self.head(Some(text)));
        self.buffers.has_original = false;
        self.buffers.logs.forget();
        if report.wanted() != ReadLevel::Everything {
            return Ok(ReadFlow::Record);
        }
        self.reasons(Queue::Defer, LogClass::Defer, report)?;
        if self.rules.has(Feature::OriginalRecipient) {
            self.reasons(Queue::Bounce, LogClass::Bounce, report)?;
        }
        Ok(ReadFlow::Record)
    }

    fn recipient(&mut self, text: &[u8], report: &mut impl MessageVisitor) {
        let EnvelopeBuffers {
            address,
            original,
            has_original,
            logs,
            ..
        } = &mut *self.buffers;
        display(text, self.rules, address);
        if !logs.has_named(address) {
            let original = if *has_original { &*original } else { &*address };
            report.recipient(&Recipient {
                address,
                original: self
                    .rules
                    .has(Feature::OriginalRecipient)
                    .then_some(original),
                reason: None,
                facts: LogFacts::default(),
            });
        }
        *has_original = false;
    }

    /// Passes on the recipients in one of the message's logs.
    fn reasons(
        &mut self,
        log: Queue,
        class: LogClass,
        report: &mut impl MessageVisitor,
    ) -> Result<(), ReadError> {
        let done = self
            .buffers
            .logs
            .read(self.at, (log, class), self.rules, report);
        match done {
            Err(unread) if !unread.ends_listing() => self.note_unread(unread, report),
            other => other?,
        }
        Ok(())
    }

    /// Keeps the first read error for the caller, and passes on later ones as
    /// warnings.
    pub(super) fn note_unread(&mut self, unread: ReadError, report: &mut impl MessageVisitor) {
        match self.unread {
            None => self.unread = Some(unread),
            Some(_) => report.warning(unread.to_string().into_bytes()),
        }
    }

    /// Skips the message text if its size is known.
    fn skip_content(&mut self, file: &mut QueueFileReader<'_, '_>) -> Result<(), ReadError> {
        let Some(size) = self.size.and_then(|size| u64::try_from(size).ok()) else {
            return Ok(());
        };
        let failed = |cause| ReadError::Seek {
            path: self.at.path.to_owned(),
            cause,
        };
        file.seek(file.position().saturating_add(size))
            .map_err(failed)
    }

    fn skip_rest(&mut self, what: &str, text: Option<&[u8]>, report: &mut impl MessageVisitor) {
        self.buffers.address.clear();
        if let Some(text) = text {
            display(text, self.rules, &mut self.buffers.address);
        }
        let what = format!(": {what}: ");
        let address = self.buffers.address.as_slice();
        let parts = [
            self.at.id,
            what.as_bytes(),
            address,
            b" -- skipping remainder of this file",
        ];
        report.warning(parts.concat());
    }
}

/// Largest number of bytes of a record's text to keep.
fn text_max(record: &Record, report: &impl MessageVisitor) -> usize {
    let is_shown = matches!(
        record.kind,
        RecordType::SENDER | RecordType::RECIPIENT | RecordType::ORIGINAL_RECIPIENT
    );
    if is_shown && record.length > SHORT_TEXT_MAX as u64 {
        report.long_text_max()
    } else {
        SHORT_TEXT_MAX
    }
}
