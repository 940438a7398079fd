//! The information about a message that spoolbox's own output formats keep until all
//! of the message has been read.

use std::borrow::Cow;

use crate::queue_file::message_visitor::MessageHead;
use crate::queue_file::mime::{TextForm, decode_header};
use crate::queue_file::submission::Submission;
use crate::text::SHORT_TEXT_MAX;

/// Largest number of bytes that are shown of a message header.
const TEXT_MAX: usize = 1000;

/// Everything that has been read of one message.
#[derive(Clone, Debug, Default)]
pub struct MessageInfo {
    /// The queue's name.
    pub queue: Vec<u8>,
    /// The queue ID.
    pub id: Vec<u8>,
    /// The sender as it is displayed.
    pub sender: Vec<u8>,
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// The microseconds of the arrival time; 0 if they are not known.
    pub arrival_microseconds: u32,
    /// Size in bytes.
    pub size: i64,
    /// Whether the message was forced to expire.
    pub forced_expire: bool,
    /// Whether the sender is the null address.
    pub has_null_sender: bool,
    /// Number of recipients so far.
    pub recipients: u64,
    /// Number of recipients that were delivered or bounced.
    pub done_recipients: u64,
    /// How the message was submitted.
    pub origin: Submission,
    /// Information about the queue file; empty if the message was listed by a
    /// daemon.
    pub file: FileFacts,
}

/// Information about a message's queue file other than its envelope.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Path relative to the queue directory.
    pub path: String,
    /// Modification time in seconds since the epoch. For a deferred message this is
    /// the time of the next delivery attempt.
    pub modified: i64,
    /// The inode number.
    pub inode: u64,
    /// The Subject header.
    pub subject: Vec<u8>,
    /// The Message-ID header.
    pub message_id: Vec<u8>,
    /// Whether headers are decoded.
    pub text_form: TextForm,
    /// Other headers that are shown: their names in lower case, and their values.
    headers: Vec<(String, Vec<u8>)>,
}

impl FileFacts {
    /// Requests headers, by their names in lower case, in place of Subject and
    /// Message-ID.
    pub fn request_headers(&mut self, names: Vec<String>) {
        self.headers = names.into_iter().map(|name| (name, Vec::new())).collect();
    }

    /// The value of a requested header; empty if the message does not have it.
    pub fn header(&self, name: &str) -> &[u8] {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or(b"", |(_, value)| value)
    }

    /// Resets the headers for the next message.
    pub fn clear_headers(&mut self) {
        self.subject.clear();
        self.message_id.clear();
        for (_, value) in &mut self.headers {
            value.clear();
        }
    }

    /// Stores a header if it is one of those that are shown.
    pub fn note_header(&mut self, name: &[u8], value: &[u8]) {
        let is_it = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let requested = self.headers.iter_mut().find(|(known, _)| is_it(known));
        let field = if let Some((_, field)) = requested {
            field
        } else if name.eq_ignore_ascii_case(b"subject") {
            &mut self.subject
        } else if name.eq_ignore_ascii_case(b"message-id") {
            &mut self.message_id
        } else {
            return;
        };
        if field.is_empty() {
            let value = match self.text_form {
                TextForm::Decoded => decode_header(value),
                TextForm::Raw => Cow::Borrowed(value),
            };
            field.extend_from_slice(start_of(&value));
        }
    }

    /// Whether all headers have been found.
    pub fn has_headers(&self) -> bool {
        if !self.headers.is_empty() {
            return self.headers.iter().all(|(_, value)| !value.is_empty());
        }
        !self.subject.is_empty() && !self.message_id.is_empty()
    }
}

/// The first [`TEXT_MAX`] bytes of a text, or a few less so that no character is
/// split.
fn start_of(text: &[u8]) -> &[u8] {
    let is_inside = |at: &usize| text.get(*at).is_some_and(|b| matches!(b, 0x80..=0xbf));
    let most = TEXT_MAX.min(text.len());
    let end = (0..=most).rev().take(4).find(|at| !is_inside(at));
    text.get(..end.unwrap_or(most)).unwrap_or(text)
}

impl MessageInfo {
    /// Resets what is counted or collected for each message.
    pub fn begin(&mut self) {
        self.origin.clear();
        self.recipients = 0;
        self.done_recipients = 0;
    }

    /// Stores the queue, ID, sender, arrival time and size of a message.
    pub fn note(&mut self, head: &MessageHead<'_>) {
        for (field, text) in [
            (&mut self.queue, head.queue),
            (&mut self.id, head.id),
            (&mut self.sender, head.sender),
        ] {
            field.clear();
            field.extend_from_slice(text.get(..SHORT_TEXT_MAX).unwrap_or(text));
        }
        self.arrival = head.arrival;
        self.arrival_microseconds = head.arrival_microseconds;
        self.size = head.size;
        self.forced_expire = head.forced_expire == Some(true);
        self.has_null_sender = head.envelope_sender.is_some_and(<[u8]>::is_empty);
    }

    /// The time of the next delivery attempt, in seconds since the epoch; `None`
    /// unless the message is deferred and was read from the spool.
    pub fn next_attempt(&self) -> Option<i64> {
        (self.queue == b"deferred" && self.file.modified > 0).then_some(self.file.modified)
    }
}
