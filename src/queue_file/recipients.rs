//! The recipients of a message to which it has not been delivered yet: where their
//! records are in the queue file, and what a bounce log has to say about each.
//!
//! Stricter than a listing: a file that the queue manager would not read to its end
//! is an error. Observed with Postfix 3.7.11.

use std::collections::HashSet;
use std::io;

use thiserror::Error;

use super::envelope_records::QueueFileReader;
use super::records::{Buffers, Record, RecordError, RecordReader, RecordType};
use crate::spool::message::Message;
use crate::sys::error_text::error_text;
use crate::text::{SHORT_TEXT_MAX, number_or_zero, split_assignment, whole_unsigned};

/// Largest number of recipients of a message that can be changed. Postfix's limit
/// for mail from SMTP clients is 1000.
const RECIPIENTS_MAX: usize = 500_000;

/// The notify flag that asks for no notices at all.
const NEVER: u8 = 1;
/// The notify flag that asks for notices about failures.
const FAILURE: u8 = 4;
/// All notify flags.
const FLAGS: u8 = 15;

/// A recipient that is not done, as it is in the queue file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingRecipient {
    /// The offset of the record's type byte.
    pub offset: u64,
    /// The address, unquoted.
    pub address: Vec<u8>,
    /// The address before aliases and other rewriting, unquoted; empty if the file
    /// does not have it.
    pub original: Vec<u8>,
    /// The original recipient of a delivery status notification, such as
    /// `rfc822;user@example.com`; empty if there is none.
    pub dsn_original: Vec<u8>,
    /// The notify flags of RFC 3461: 1 never, 2 success, 4 failure, 8 delay; 0 if
    /// there are none.
    pub notify: u8,
}

impl PendingRecipient {
    /// Whether a notice about a failed delivery to the recipient is due.
    pub fn is_notified_of_failure(&self) -> bool {
        self.notify == 0 || self.notify & FAILURE != 0
    }

    fn reset(&mut self) {
        self.original.clear();
        self.dsn_original.clear();
        self.notify = 0;
    }

    /// Keeps an attribute of the recipient that follows.
    fn attribute(&mut self, text: &[u8]) {
        match split_assignment(text) {
            (b"dsn_orig_rcpt", Some(value)) => self.set_dsn_original(value),
            (b"notify_flags", Some(value)) => self.set_notify(value),
            _ => {}
        }
    }

    fn set_dsn_original(&mut self, value: &[u8]) {
        self.dsn_original.clear();
        self.dsn_original.extend_from_slice(value);
    }

    /// Sets the flags, unless they are malformed. Observed with Postfix 3.7.11:
    /// malformed ones are ignored, and so are others together with NEVER.
    fn set_notify(&mut self, value: &[u8]) {
        let flags = whole_unsigned(value).and_then(|number| u8::try_from(number).ok());
        let is_valid =
            |flags: &u8| (1..=FLAGS).contains(flags) && (flags & NEVER == 0 || *flags == NEVER);
        if let Some(flags) = flags.filter(is_valid) {
            self.notify = flags;
        }
    }
}

/// Why the recipients of a message cannot be changed.
#[derive(Debug, Error)]
pub enum RecipientsError {
    /// The file cannot be read.
    #[error("cannot be read: {}", error_text(.0))]
    Read(io::Error),
    /// A record is damaged.
    #[error("is damaged: {0}")]
    Record(RecordError),
    /// The file is not as the queue manager expects it.
    #[error("is damaged: {0}")]
    Structure(&'static str),
    /// A record is longer than any address.
    #[error("has an address of more than {SHORT_TEXT_MAX} bytes")]
    LongAddress,
    /// There are too many recipients.
    #[error("has more than {RECIPIENTS_MAX} recipients")]
    TooMany,
}

/// Passes each recipient that is not done to `visit`, in the order of the queue
/// manager. Returns the envelope sender.
///
/// # Errors
///
/// The file cannot be read up to its end record, or its records are out of order.
pub fn read(
    message: &Message,
    buffers: &mut Buffers,
    visit: impl FnMut(&PendingRecipient),
) -> Result<Vec<u8>, RecipientsError> {
    let mut file = RecordReader::new(message.source(), buffers).passing_over_zeros();
    file.limit_text(SHORT_TEXT_MAX);
    let mut reading = RecipientReading {
        visit,
        sender: None,
        content_size: None,
        next: PendingRecipient::default(),
        seen: HashSet::new(),
    };
    let done = reading.all(&mut file);
    match file.take_failure() {
        Some(cause) => Err(RecipientsError::Read(cause)),
        None => done,
    }
}

/// Whether the end record was read.
#[derive(PartialEq, Eq)]
enum RecipientFlow {
    Record,
    End,
}

struct RecipientReading<V> {
    visit: V,
    sender: Option<Vec<u8>>,
    /// Bytes of message text, from the size record.
    content_size: Option<u64>,
    /// The recipient that is being read.
    next: PendingRecipient,
    /// The offsets of the recipients read so far.
    seen: HashSet<u64>,
}

impl<V: FnMut(&PendingRecipient)> RecipientReading<V> {
    fn all(&mut self, file: &mut QueueFileReader<'_, '_>) -> Result<Vec<u8>, RecipientsError> {
        loop {
            let record = file.next_cooked().map_err(RecipientsError::Record)?;
            let record = record.ok_or(RecipientsError::Structure("it has no end record"))?;
            if self.record(file, &record)? == RecipientFlow::End {
                let sender = self.sender.take();
                return sender.ok_or(RecipientsError::Structure("it has no sender"));
            }
        }
    }

    fn record(
        &mut self,
        file: &mut QueueFileReader<'_, '_>,
        record: &Record,
    ) -> Result<RecipientFlow, RecipientsError> {
        match record.kind {
            RecordType::SIZE if self.content_size.is_none() => {
                self.content_size = u64::try_from(number_or_zero(file.text(record))).ok();
            }
            RecordType::SENDER => self.sender(text(file, record)?)?,
            RecordType::ATTRIBUTE => self.next.attribute(file.text(record)),
            RecordType::ORIGINAL_RECIPIENT => {
                self.next.original.clear();
                self.next.original.extend_from_slice(text(file, record)?);
            }
            RecordType::DSN_ORIGINAL_RECIPIENT => self.next.set_dsn_original(text(file, record)?),
            RecordType::DSN_NOTIFY => self.next.set_notify(file.text(record)),
            RecordType::RECIPIENT => self.recipient(file, record)?,
            // They have attributes too, which do not belong to the next recipient.
            RecordType::DONE_RECIPIENT | RecordType::CANCELED_RECIPIENT => self.next.reset(),
            RecordType::CONTENT => self.skip_content(file)?,
            RecordType::END => return Ok(RecipientFlow::End),
            RecordType(0) => return Err(RecipientsError::Structure("it contains zeros")),
            _ => {}
        }
        Ok(RecipientFlow::Record)
    }

    fn sender(&mut self, address: &[u8]) -> Result<(), RecipientsError> {
        match self.sender.replace(address.to_vec()) {
            Some(_) => Err(RecipientsError::Structure("it has two senders")),
            None => Ok(()),
        }
    }

    fn recipient(
        &mut self,
        file: &mut QueueFileReader<'_, '_>,
        record: &Record,
    ) -> Result<(), RecipientsError> {
        if self.sender.is_none() {
            return Err(RecipientsError::Structure("it has no sender"));
        }
        if self.seen.len() >= RECIPIENTS_MAX {
            return Err(RecipientsError::TooMany);
        }
        if !self.seen.insert(record.offset) {
            return Err(RecipientsError::Structure("a pointer leads back"));
        }
        self.next.offset = record.offset;
        self.next.address.clear();
        self.next.address.extend_from_slice(text(file, record)?);
        (self.visit)(&self.next);
        self.next.reset();
        Ok(())
    }

    /// Skips the message text, after which the extracted segment begins.
    fn skip_content(&mut self, file: &mut QueueFileReader<'_, '_>) -> Result<(), RecipientsError> {
        const NO_SIZE: RecipientsError = RecipientsError::Structure("it has no size");
        let size = self.content_size.ok_or(NO_SIZE)?;
        let end = file.position().checked_add(size).ok_or(NO_SIZE)?;
        file.seek(end).map_err(RecipientsError::Read)?;
        let next = file.next_cooked().map_err(RecipientsError::Record)?;
        if next.is_some_and(|next| next.kind == RecordType::EXTRACTED) {
            Ok(())
        } else {
            Err(RecipientsError::Structure("its size is wrong"))
        }
    }
}

/// The text of a record, which must not be truncated.
fn text<'r>(
    file: &'r mut QueueFileReader<'_, '_>,
    record: &Record,
) -> Result<&'r [u8], RecipientsError> {
    if record.length > SHORT_TEXT_MAX as u64 {
        return Err(RecipientsError::LongAddress);
    }
    Ok(file.text(record))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::queue_file::records::writer::RecordWriter;
    use crate::sys::dir::stat_open;

    fn message(bytes: &[u8]) -> Message {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        let stat = stat_open(&file).expect("its state");
        Message { file, stat }
    }

    fn file(content: usize, records: &[(u8, &str)]) -> Vec<u8> {
        let mut file = RecordWriter::new();
        let size = format!("{content:15} {:15} {:15}", 0, 1);
        file.record(RecordType::SIZE, size.as_bytes());
        file.record(RecordType::TIME, b"1700000000 5");
        for (kind, text) in records {
            file.record(RecordType(*kind), text.as_bytes());
        }
        file.into_bytes()
    }

    fn read_all(bytes: &[u8]) -> Result<(Vec<u8>, Vec<PendingRecipient>), String> {
        let mut found = Vec::new();
        let mut buffers = Buffers::default();
        let sender = read(&message(bytes), &mut buffers, |r| found.push(r.clone()));
        sender
            .map(|sender| (sender, found))
            .map_err(|error| error.to_string())
    }

    const END: [(u8, &str); 4] = [(b'M', ""), (b'N', "ab"), (b'X', ""), (b'E', "")];

    // Observed with Postfix 3.7.11: what its bounce daemon logs.
    #[test]
    fn attributes_belong_to_the_next_recipient_of_any_state() {
        let records = [
            (b'S', "s@x"),
            (b'A', "dsn_orig_rcpt=rfc822;one"),
            (b'A', "notify_flags=4"),
            (b'O', "o@v"),
            (b'D', "done@x"),
            (b'R', "after@x"),
            (b'A', "dsn_orig_rcpt=rfc822;two"),
            (b'A', "notify_flags=10"),
            (b'O', "two@v"),
            (b'R', "two@x"),
            (b'O', "c@v"),
            (b'/', "cancelled@x"),
            (b'o', "rfc822;three"),
            (b'n', "1"),
            (b'R', "three@x"),
        ];
        let bytes = file(4, &[&records[..], &END].concat());
        let (sender, found) = read_all(&bytes).expect("recipients");
        assert_eq!(sender, b"s@x");
        let of = |address: &str, original: &str, dsn: &str, notify| {
            let record = [&[b'R', address.len() as u8], address.as_bytes()].concat();
            let mut windows = bytes.windows(record.len());
            PendingRecipient {
                offset: windows.position(|w| w == record).expect("it") as u64,
                address: address.into(),
                original: original.into(),
                dsn_original: dsn.into(),
                notify,
            }
        };
        assert_eq!(
            found,
            [
                of("after@x", "", "", 0),
                of("two@x", "two@v", "rfc822;two", 10),
                of("three@x", "", "rfc822;three", 1)
            ]
        );
        let notified = found.iter().map(PendingRecipient::is_notified_of_failure);
        assert_eq!(notified.collect::<Vec<_>>(), [true, false, false]);
    }

    // Each value was tried with Postfix 3.7.11.
    #[test]
    fn malformed_notify_flags_are_ignored() {
        for (text, flags) in [
            ("1", 1),
            ("2", 2),
            ("04", 4),
            ("14", 14),
            ("0", 0),
            ("3", 0),
            ("5", 0),
            ("15", 0),
            ("16", 0),
            ("-1", 0),
            ("4x", 0),
            ("bogus", 0),
            ("", 0),
        ] {
            let mut recipient = PendingRecipient::default();
            recipient.set_notify(text.as_bytes());
            assert_eq!(recipient.notify, flags, "{text}");
        }
    }

    #[test]
    fn recipients_in_the_extracted_segment_are_found() {
        let mut records = vec![(b'S', ""), (b'R', "a@x"), (b'M', ""), (b'N', "R\u{1}a")];
        records.extend([
            (b'X', ""),
            (b'A', "notify_flags=1"),
            (b'R', "b@x"),
            (b'E', ""),
        ]);
        let (_, found) = read_all(&file(5, &records)).expect("recipients");
        let addresses: Vec<_> = found.iter().map(|r| r.address.as_slice()).collect();
        assert_eq!(addresses, [b"a@x", b"b@x"]);
    }

    #[test]
    fn damaged_files_are_errors() {
        let good = [&[(b'S', "s"), (b'R', "r")], &END[..]].concat();
        let good = file(4, &good);
        assert!(read_all(&good).is_ok());
        let without_end = good.strip_suffix(b"E\0").expect("an end record");
        let error = |bytes: &[u8]| read_all(bytes).expect_err("an error");
        assert_eq!(error(without_end), "is damaged: it has no end record");
        let wrong = file(3, &[&[(b'S', "s")], &END[..]].concat());
        assert!(
            error(&wrong).starts_with("is damaged: "),
            "{}",
            error(&wrong)
        );
        let no_sender = file(4, &[&[(b'R', "r")], &END[..]].concat());
        assert_eq!(error(&no_sender), "is damaged: it has no sender");
        let two = file(4, &[&[(b'S', "s"), (b'S', "s")], &END[..]].concat());
        assert_eq!(error(&two), "is damaged: it has two senders");
        let long = "x".repeat(SHORT_TEXT_MAX + 1);
        let long = file(4, &[&[(b'S', "s"), (b'R', &*long)], &END[..]].concat());
        assert!(error(&long).contains("an address of more than"));
        let mut back = RecordWriter::new();
        back.record(RecordType::SENDER, b"s");
        let start = back.offset();
        back.record(RecordType::RECIPIENT, b"r").pointer(start);
        assert_eq!(
            error(&back.into_bytes()),
            "is damaged: a pointer leads back"
        );
        for end in 0..good.len() {
            assert!(read_all(&good[..end]).is_err(), "{end}");
        }
    }
}
