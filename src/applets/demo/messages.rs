//! The messages of the demo: twenty that differ in everything that a listing
//! can show.

use crate::queue_file::records::writer::{QueueFile, RecipientsIn};
use crate::spool::Queue;
use crate::sys::time::now;
use crate::text::{quote_address, to_printable};

/// The file mode of a complete message.
const READY: u32 = 0o700;
/// The file mode of a message with forced expiry.
const EXPIRED: u32 = 0o710;

/// The format of a queue ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// A short ID: microseconds and inode number.
    Short,
    /// A long ID: seconds, microseconds and inode number.
    Long,
}

/// A demo message to be written.
#[derive(Clone, Debug)]
pub struct DemoMessage {
    /// Its queue.
    pub queue: Queue,
    /// The format of its queue ID.
    pub kind: IdKind,
    /// The microseconds in its ID.
    pub microseconds: u32,
    /// The mode of its file.
    pub mode: u32,
    /// The contents of its file.
    pub file: QueueFile,
    /// The queues and contents of its log files.
    pub logs: Vec<(Queue, String)>,
}

impl DemoMessage {
    fn new(queue: Queue, minutes_ago: i64, sender: &str, recipients: &[&str]) -> Self {
        let arrival = now().saturating_sub(minutes_ago.saturating_mul(60));
        let first = recipients.first().copied().unwrap_or_default();
        let lines = [
            &format!("From: {sender}"),
            &format!("To: {first}"),
            &format!("Subject: A message of the demo, {minutes_ago} minutes old"),
            "",
            "Nobody will deliver this.",
        ];
        Self {
            queue,
            kind: IdKind::Short,
            microseconds: u32::try_from(minutes_ago.saturating_mul(7919) % 1_000_000).unwrap_or(0),
            mode: READY,
            file: QueueFile::new(arrival, sender, recipients, &lines),
            logs: Vec::new(),
        }
    }

    /// A deferred message; `reason` is logged for each of its recipients.
    fn deferred(minutes_ago: i64, sender: &str, recipients: &[&str], reason: &str) -> Self {
        let mut message = Self::new(Queue::Deferred, minutes_ago, sender, recipients);
        let log = recipients.iter().map(|r| entry(r, reason)).collect();
        message.logs.push((Queue::Defer, log));
        message
    }

    fn long(mut self) -> Self {
        self.kind = IdKind::Long;
        self
    }

    fn expired(mut self) -> Self {
        self.mode = EXPIRED;
        self
    }

    fn of_size(mut self, kilobytes: usize) -> Self {
        let line = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde".to_vec();
        let lines = kilobytes.saturating_mul(16);
        self.file.lines.extend(std::iter::repeat_n(line, lines));
        self
    }

    fn in_queue(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    fn with_bounce(mut self, recipient: &str, reason: &str) -> Self {
        self.logs.push((Queue::Bounce, entry(recipient, reason)));
        self
    }

    fn for_list(mut self) -> Self {
        self.file.recipients_in = RecipientsIn::Extracted;
        self
    }
}

/// An entry of a defer or bounce log, in which addresses are quoted.
fn entry(recipient: &str, reason: &str) -> String {
    let mut quoted = Vec::new();
    quote_address(recipient.as_bytes(), &mut quoted);
    let recipient = to_printable(&quoted);
    format!(
        "<{recipient}>: {reason}\n\
         recipient={recipient}\n\
         offset=0\n\
         status=4.4.1\n\
         action=delayed\n\
         reason={reason}\n\n"
    )
}

const REFUSED: &str = "connect to mx.slow.example[192.0.2.25]:25: Connection refused";
const TIMEOUT: &str = "connect to mx.gone.example[198.51.100.7]:25: Connection timed out";
const GREYLISTED: &str = "host mx.grey.example[203.0.113.9] said: 450 4.2.0 <ann@grey.example>: \
     Recipient address rejected: Greylisted, try again later (in reply to RCPT TO command)";
const NO_HOST: &str = "Host or domain name not found. Name service error for \
     name=typo.exmaple type=MX: Host not found, try again";
const SUSPENDED: &str = "delivery temporarily suspended: connect to \
     mx.slow.example[192.0.2.25]:25: Connection refused";
const UNKNOWN: &str = "host mx.fine.example[192.0.2.80] said: 550 5.1.1 No such user here";

/// All messages of the demo: maildrop, active, incoming, deferred, hold.
pub fn all() -> Vec<DemoMessage> {
    let bulk = "offers@bulk.example";
    vec![
        DemoMessage::new(
            Queue::Maildrop,
            1,
            "cron@host.example",
            &["root@host.example"],
        ),
        DemoMessage::new(
            Queue::Maildrop,
            2,
            "www-data@host.example",
            &["shop@fine.example"],
        ),
        DemoMessage::new(
            Queue::Incoming,
            1,
            "ann@host.example",
            &["bob@fine.example"],
        ),
        DemoMessage::new(Queue::Incoming, 1, "", &["ann@host.example"]).long(),
        DemoMessage::new(Queue::Active, 3, "bob@host.example", &["eve@fine.example"]).of_size(120),
        DemoMessage::new(
            Queue::Active,
            4,
            bulk,
            &["u1@fine.example", "u2@fine.example"],
        ),
        DemoMessage::deferred(15, "ann@host.example", &["carl@slow.example"], REFUSED),
        DemoMessage::deferred(35, "ann@host.example", &["ann@grey.example"], GREYLISTED),
        DemoMessage::deferred(90, "", &["offers@bulk.example"], TIMEOUT),
        DemoMessage::deferred(
            200,
            "müller@host.example",
            &["jürgen@slow.example"],
            REFUSED,
        ),
        DemoMessage::deferred(240, "John Q@host.example", &["a b@slow.example"], SUSPENDED),
        DemoMessage::deferred(300, bulk, &["x@typo.exmaple", "y@typo.exmaple"], NO_HOST).long(),
        DemoMessage::deferred(1500, bulk, &["v1@gone.example", "v2@gone.example"], TIMEOUT),
        DemoMessage::deferred(2900, bulk, &["w1@gone.example"], TIMEOUT).expired(),
        DemoMessage::deferred(4300, "news@host.example", &["m@slow.example"], REFUSED)
            .with_bounce("gone@fine.example", UNKNOWN),
        DemoMessage::deferred(
            5700,
            "news@host.example",
            &["n@slow.example", "o@gone.example"],
            SUSPENDED,
        )
        .of_size(2400)
        .for_list(),
        DemoMessage::new(Queue::Hold, 10, bulk, &["s1@fine.example"]),
        DemoMessage::new(
            Queue::Hold,
            11,
            bulk,
            &["s2@fine.example", "s3@fine.example"],
        )
        .long(),
        DemoMessage::new(
            Queue::Hold,
            12,
            "spoofed@bank.example",
            &["ann@host.example"],
        )
        .expired(),
        DemoMessage::deferred(1440, "bob@host.example", &["later@slow.example"], REFUSED)
            .in_queue(Queue::Hold),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_queue_has_some() {
        let messages = all();
        for queue in Queue::LISTED {
            assert!(messages.iter().any(|m| m.queue == queue), "{queue}");
        }
        assert_eq!(messages.len(), 20);
    }
}
