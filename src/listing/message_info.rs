//! What an output format of ours keeps of a message, to write it down
//! when all is known.

use crate::queue_file::message_visitor::MessageHead;
use crate::queue_file::submission::Submission;
use crate::text::SHORT_TEXT_MAX;

/// Most bytes of a text from the message itself that are shown.
const TEXT_MAX: usize = 1000;

/// What is known of one message.
#[derive(Clone, Debug, Default)]
pub struct MessageInfo {
    /// The queue's name.
    pub queue: Vec<u8>,
    /// The queue ID.
    pub id: Vec<u8>,
    /// The sender, as it is shown.
    pub sender: Vec<u8>,
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// Size in bytes.
    pub size: i64,
    /// Whether it was forced to expire.
    pub forced_expire: bool,
    /// Whether the sender is the null sender.
    pub is_from_nobody: bool,
    /// Recipients so far.
    pub recipients: u64,
    /// Recipients that have it, or never will.
    pub done_recipients: u64,
    /// How it came in.
    pub origin: Submission,
    /// What the file itself says; empty of a message from a daemon.
    pub file: FileFacts,
}

/// What a message's file says beside its envelope.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Its path below the queue directory.
    pub path: String,
    /// When it was last changed; of a deferred message the time of its next
    /// attempt.
    pub modified: i64,
    /// The Subject header.
    pub subject: Vec<u8>,
    /// The Message-ID header.
    pub message_id: Vec<u8>,
}

impl FileFacts {
    /// Takes note of a header, if it is one of those that are shown.
    pub fn note_header(&mut self, name: &[u8], value: &[u8]) {
        let field = if name.eq_ignore_ascii_case(b"subject") {
            &mut self.subject
        } else if name.eq_ignore_ascii_case(b"message-id") {
            &mut self.message_id
        } else {
            return;
        };
        if field.is_empty() {
            let value = value.get(..TEXT_MAX.min(value.len())).unwrap_or_default();
            field.extend_from_slice(value);
        }
    }

    /// Whether both headers were found.
    pub fn has_headers(&self) -> bool {
        !self.subject.is_empty() && !self.message_id.is_empty()
    }
}

impl MessageInfo {
    /// Forgets the message before.
    pub fn begin(&mut self) {
        self.origin.clear();
        self.recipients = 0;
        self.done_recipients = 0;
    }

    /// Takes note of the head.
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
        self.size = head.size;
        self.forced_expire = head.forced_expire == Some(true);
        self.is_from_nobody = head.envelope_sender.is_some_and(<[u8]>::is_empty);
    }

    /// When it is tried again: known of a deferred message in the spool.
    pub fn next_attempt(&self) -> Option<i64> {
        (self.queue == b"deferred" && self.file.modified > 0).then_some(self.file.modified)
    }
}
