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

/// A sender with messages in several queues.
const BULK: &str = "offers@bulk.example";

/// All messages of the demo: maildrop, incoming, active, deferred, hold.
pub fn all() -> Vec<DemoMessage> {
    [on_their_way(), deferred(), deferred_for_days(), on_hold()].concat()
}

/// Messages that no delivery was attempted for.
fn on_their_way() -> Vec<DemoMessage> {
    let message = DemoMessage::new;
    let (fine, two) = (["eve@fine.example"], ["u1@fine.example", "u2@fine.example"]);
    vec![
        message(
            Queue::Maildrop,
            1,
            "cron@host.example",
            &["root@host.example"],
        ),
        message(
            Queue::Maildrop,
            2,
            "www-data@host.example",
            &["shop@fine.example"],
        ),
        message(
            Queue::Incoming,
            1,
            "ann@host.example",
            &["bob@fine.example"],
        ),
        message(Queue::Incoming, 1, "", &["ann@host.example"]).long(),
        message(Queue::Active, 3, "bob@host.example", &fine).of_size(120),
        message(Queue::Active, 4, BULK, &two),
    ]
}

/// Messages deferred for hours.
fn deferred() -> Vec<DemoMessage> {
    let message = DemoMessage::deferred;
    let typos = ["x@typo.exmaple", "y@typo.exmaple"];
    vec![
        message(15, "ann@host.example", &["carl@slow.example"], REFUSED),
        message(35, "ann@host.example", &["ann@grey.example"], GREYLISTED),
        message(90, "", &["offers@bulk.example"], TIMEOUT),
        message(
            200,
            "müller@host.example",
            &["jürgen@slow.example"],
            REFUSED,
        ),
        message(240, "John Q@host.example", &["a b@slow.example"], SUSPENDED),
        message(300, BULK, &typos, NO_HOST).long(),
    ]
}

/// Messages deferred for a day and more.
fn deferred_for_days() -> Vec<DemoMessage> {
    let message = DemoMessage::deferred;
    let gone = ["v1@gone.example", "v2@gone.example"];
    let both = ["n@slow.example", "o@gone.example"];
    let list = message(5700, "news@host.example", &both, SUSPENDED);
    let bounced = message(4300, "news@host.example", &["m@slow.example"], REFUSED);
    vec![
        message(1500, BULK, &gone, TIMEOUT),
        message(2900, BULK, &["w1@gone.example"], TIMEOUT).expired(),
        bounced.with_bounce("gone@fine.example", UNKNOWN),
        list.of_size(2400).for_list(),
    ]
}

/// Messages on hold.
fn on_hold() -> Vec<DemoMessage> {
    let message = |minutes_ago, sender, recipients: &[&str]| {
        DemoMessage::new(Queue::Hold, minutes_ago, sender, recipients)
    };
    let later = DemoMessage::deferred(1440, "bob@host.example", &["later@slow.example"], REFUSED);
    vec![
        message(10, BULK, &["s1@fine.example"]),
        message(11, BULK, &["s2@fine.example", "s3@fine.example"]).long(),
        message(12, "spoofed@bank.example", &["ann@host.example"]).expired(),
        later.in_queue(Queue::Hold),
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
