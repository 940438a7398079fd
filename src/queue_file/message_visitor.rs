//! What a listing shows of a message, as calls to a visitor.
//!
//! Owns the interface between the readers of messages and the formatters.
//! Everything passed to a `MessageVisitor` is quoted and printable.

use crate::release::{Feature, Release};
use crate::sys::signals::SignalFlag;
use crate::text::Charset;
use crate::text::SHORT_TEXT_MAX;

/// What the instance's configuration says about reports.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The Postfix whose output is reproduced.
    pub release: Release,
    /// What may be shown.
    pub charset: Charset,
    /// empty_address_recipient: shown for an empty address.
    pub empty_address: Vec<u8>,
    /// duplicate_filter_limit; `None` if there is no limit.
    pub duplicate_limit: Option<usize>,
    /// What ends the reading of a message early; `None` where a signal ends
    /// the process.
    pub stop: Option<SignalFlag>,
}

impl Rules {
    /// Whether the reading of a message has to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_some_and(SignalFlag::is_set)
    }

    /// Whether the release has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.release.has(feature)
    }
}

/// What a listing shows of a message before its recipients.
#[derive(Clone, Copy, Debug)]
pub struct MessageHead<'a> {
    /// The queue's name.
    pub queue: &'a [u8],
    /// The queue ID.
    pub id: &'a [u8],
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// Size in bytes.
    pub size: i64,
    /// Whether it is marked to expire; `None` in releases without that mark.
    pub forced_expire: Option<bool>,
    /// The sender.
    pub sender: &'a [u8],
    /// The sender as the envelope has it, neither quoted nor printable; `None`
    /// from a daemon, which does not report it.
    pub envelope_sender: Option<&'a [u8]>,
}

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogClass {
    /// The defer log.
    Defer,
    /// The bounce log.
    Bounce,
    /// A log class of a later Postfix.
    Other,
}

/// One recipient of a message.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The address.
    pub address: &'a [u8],
    /// The address before aliases and the like, empty if the log has none;
    /// `None` in releases that do not list it.
    pub original: Option<&'a [u8]>,
    /// Why it waits, and which log says so.
    pub reason: Option<(&'a [u8], LogClass)>,
    /// What the log says beside it.
    pub facts: LogFacts<'a>,
}

/// What a log says of a recipient beside the reason; empty is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFacts<'a> {
    /// The enhanced status code, such as `4.4.1`.
    pub status: &'a [u8],
    /// The mail system on the other side.
    pub remote_host: &'a [u8],
}

/// What is still worth reading of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadLevel {
    /// The queue file and the logs.
    Everything,
    /// The queue file.
    QueueFile,
    /// No more.
    Nothing,
}

/// Receives what a listing says of messages, in order.
pub trait MessageVisitor {
    /// A queue file is read: a message follows if it has a sender. Not said
    /// by a daemon.
    fn begin(&mut self) {}
    /// Whether attributes are of interest: most listings need not look.
    fn wants_attributes(&self) -> bool {
        false
    }
    /// An attribute `name=value` of the envelope, as it is in the file. Comes
    /// before or after the message's beginning. Not reported by a daemon.
    fn attribute(&mut self, _text: &[u8]) {}
    /// A recipient that has the message already. Not said by a daemon.
    fn done_recipient(&mut self) {}
    /// What is still worth reading; asked again and again.
    fn wanted(&self) -> ReadLevel {
        ReadLevel::Everything
    }
    /// Bytes that may be kept of a text that has more than
    /// [`SHORT_TEXT_MAX`]; asked for each before it is read.
    fn long_text_max(&self) -> usize {
        SHORT_TEXT_MAX
    }
    /// A message begins.
    fn message(&mut self, head: &MessageHead<'_>);
    /// A recipient of the message that began last.
    fn recipient(&mut self, recipient: &Recipient<'_>);
    /// The message is complete.
    fn end(&mut self);
    /// Something for the mail log.
    fn warning(&mut self, text: Vec<u8>);
}
