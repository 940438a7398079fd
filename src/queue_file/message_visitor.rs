//! The interface between the readers of messages and the formatters of listings: a
//! visitor that receives the parts of each message.
//!
//! The text passed to a [`MessageVisitor`] is quoted and printable, except for
//! attributes and the envelope sender.

use crate::release::{Feature, Release};
use crate::sys::signals::SignalFlag;
use crate::text::Charset;
use crate::text::SHORT_TEXT_MAX;

/// Configuration and release settings that affect how messages are read and shown.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The Postfix release whose output is reproduced.
    pub release: Release,
    /// The characters that are shown as they are.
    pub charset: Charset,
    /// empty_address_recipient: shown in place of an empty address.
    pub empty_address: Vec<u8>,
    /// duplicate_filter_limit; `None` if there is no limit.
    pub duplicate_limit: Option<usize>,
    /// A signal flag that stops the reading of a message; `None` if a signal ends
    /// the process.
    pub stop: Option<SignalFlag>,
}

impl Rules {
    /// Whether reading has to stop because of a signal.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_some_and(SignalFlag::is_set)
    }

    /// Whether the release has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.release.has(feature)
    }
}

/// The part of a message that a listing shows before its recipients.
#[derive(Clone, Copy, Debug)]
pub struct MessageHead<'a> {
    /// The name of the queue.
    pub queue: &'a [u8],
    /// The queue ID.
    pub id: &'a [u8],
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// The microseconds of the arrival time; 0 if the message was listed by a
    /// daemon, which does not send them.
    pub arrival_microseconds: u32,
    /// Size in bytes.
    pub size: i64,
    /// Whether the message was forced to expire; `None` in releases without that
    /// feature.
    pub forced_expire: Option<bool>,
    /// The time of the next delivery attempt in seconds since the epoch: the
    /// modification time of a deferred message's file. `None` for messages that are
    /// not deferred or were listed by a daemon.
    pub next_attempt: Option<i64>,
    /// The sender, quoted and printable.
    pub sender: &'a [u8],
    /// The sender as in the envelope, neither quoted nor printable; `None` if the
    /// message was listed by a daemon, which does not send it.
    pub envelope_sender: Option<&'a [u8]>,
}

/// The log that a delay or bounce reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogClass {
    /// The defer log.
    Defer,
    /// The bounce log.
    Bounce,
    /// A log class that only later Postfix releases have.
    Other,
}

/// A recipient of a message.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The address, quoted and printable.
    pub address: &'a [u8],
    /// The address before alias expansion and the like, empty if the log does not
    /// have it; `None` in releases that do not list it.
    pub original: Option<&'a [u8]>,
    /// The reason why the recipient has not been delivered to, and the log that has
    /// it.
    pub reason: Option<(&'a [u8], LogClass)>,
    /// Other information in the log.
    pub facts: LogFacts<'a>,
}

/// Information about a recipient in a log other than the reason. Empty fields are
/// unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFacts<'a> {
    /// The enhanced status code, such as `4.4.1`.
    pub status: &'a [u8],
    /// The host name of the remote mail system.
    pub remote_host: &'a [u8],
}

/// How much more of a message has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadLevel {
    /// The queue file and the logs.
    Everything,
    /// The queue file only.
    QueueFile,
    /// Nothing.
    Nothing,
}

/// Receives the contents of messages, in order.
pub trait MessageVisitor {
    /// Called before a queue file is read; a message follows if it has a sender.
    /// Not called for messages from a daemon.
    fn begin(&mut self) {}
    /// Whether [`MessageVisitor::attribute`] is to be called.
    fn wants_attributes(&self) -> bool {
        false
    }
    /// Receives an envelope attribute `name=value` as it is in the file, before or
    /// after the call of [`MessageVisitor::message`]. Not called for messages from
    /// a daemon.
    fn attribute(&mut self, _text: &[u8]) {}
    /// Called for each recipient that is done. Not called for messages from a
    /// daemon.
    fn done_recipient(&mut self) {}
    /// How much more has to be read. Called repeatedly, as the result may change
    /// with each part.
    fn wanted(&self) -> ReadLevel {
        ReadLevel::Everything
    }
    /// Largest number of bytes to keep of a text with more than [`SHORT_TEXT_MAX`]
    /// bytes. Called before each such text is read.
    fn long_text_max(&self) -> usize {
        SHORT_TEXT_MAX
    }
    /// Starts a message.
    fn message(&mut self, head: &MessageHead<'_>);
    /// Receives a recipient of the current message.
    fn recipient(&mut self, recipient: &Recipient<'_>);
    /// Completes the current message.
    fn end(&mut self);
    /// Receives a warning for the mail log.
    fn warning(&mut self, text: Vec<u8>);
}
