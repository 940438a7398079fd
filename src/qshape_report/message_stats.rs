//! The names that one message counts for.
//!
//! Owns the limit on the names in memory: a message with many names hands them
//! out part by part.

use std::collections::HashMap;

use super::domain;
use super::filter::Logs;
use super::group::GroupBy;
use crate::queue_file::envelope::Addresses;
use crate::spool::{LogBuffers, Queue, ReasonReader};
use crate::sys::dir;
use crate::sys::dir::stat_open;
use crate::text::{Charset, fold};
use crate::worker_pool::pool::ConsumerGone;

/// The name for recipients without a reason.
const NO_REASON: &[u8] = b"(none yet)";
/// The number of bytes of names after which a result is sent.
pub(super) const PIECE_SIZE: usize = 64 * 1024;
/// The number of bytes of a file's names that are kept until the file is known
/// to count. If there are more, the file is read a second time.
const HELD_MAX: usize = 128 * 1024;
/// The memory for a name in addition to its bytes.
const NAME_COST: usize = 64;

/// The requested data of a message's file.
pub(super) struct MessageStats {
    by: GroupBy,
    sender: Vec<u8>,
    recipients: u64,
    name: Vec<u8>,
    names: HashMap<Box<[u8]>, u64>,
    /// The memory for the names.
    cost: usize,
    /// Whether there were too many names to keep.
    pub(super) is_over: bool,
}

/// The memory for a name, in bytes.
pub(super) fn cost_of(name: &[u8]) -> usize {
    name.len().saturating_add(NAME_COST)
}

impl MessageStats {
    /// Creates empty data.
    pub(super) fn new(by: GroupBy) -> Self {
        Self {
            by,
            sender: Vec::new(),
            recipients: 0,
            name: Vec::new(),
            names: HashMap::new(),
            cost: 0,
            is_over: false,
        }
    }

    /// Removes the data of the previous message.
    pub(super) fn clear(&mut self) {
        self.sender.clear();
        self.recipients = 0;
        self.names.clear();
        self.cost = 0;
        self.is_over = false;
    }

    /// Adds one to the count of a name.
    pub(super) fn count_name(&mut self, name: &[u8]) {
        match self.names.get_mut(name) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                self.cost = self.cost.saturating_add(cost_of(name));
                self.names.insert(name.into(), 1);
            }
        }
    }

    /// Adds one to the count of the name in `self.name`.
    fn count_current_name(&mut self) {
        let name = std::mem::take(&mut self.name);
        self.count_name(&name);
        self.name = name;
    }

    /// Returns the names of the message and their counts.
    pub(super) fn take(&mut self) -> Vec<(Box<[u8]>, u64)> {
        match self.by {
            GroupBy::Sender => domain::address_of(&self.sender, &mut self.name),
            GroupBy::SenderDomain => domain::domain_of(&self.sender, &mut self.name),
            _ => return self.take_names(),
        }
        vec![(self.name.as_slice().into(), 1)]
    }

    fn take_names(&mut self) -> Vec<(Box<[u8]>, u64)> {
        self.cost = 0;
        self.names.drain().collect()
    }
}

impl Addresses for MessageStats {
    fn sender(&mut self, address: &[u8]) {
        if matches!(self.by, GroupBy::Sender | GroupBy::SenderDomain) {
            self.sender.clear();
            self.sender.extend_from_slice(address);
        }
    }

    fn recipient(&mut self, address: &[u8]) {
        self.recipients = self.recipients.saturating_add(1);
        match self.by {
            GroupBy::Domain => domain::domain_of(address, &mut self.name),
            GroupBy::Recipient => domain::address_of(address, &mut self.name),
            _ => return,
        }
        if !self.is_over {
            self.count_current_name();
        }
        if self.cost > HELD_MAX {
            self.take_names();
            self.is_over = true;
        }
    }
}

/// The second reading of a file that is known to count.
pub(super) struct Retry<'a, F> {
    pub(super) stats: &'a mut MessageStats,
    /// Receives the names, part by part.
    pub(super) hand_out: F,
    /// Whether the names are still received.
    pub(super) ended: Result<(), ConsumerGone>,
}

impl<F: FnMut(Vec<(Box<[u8]>, u64)>) -> Result<(), ConsumerGone>> Addresses for Retry<'_, F> {
    fn sender(&mut self, address: &[u8]) {
        self.stats.sender(address);
    }

    fn recipient(&mut self, address: &[u8]) {
        self.stats.recipient(address);
        if self.stats.cost > PIECE_SIZE && self.ended.is_ok() {
            self.ended = (self.hand_out)(self.stats.take_names());
        }
    }
}

/// Counts the reasons in a message's defer log, one for each recipient.
/// Recipients without an entry count as without a reason.
///
/// # Errors
///
/// Those of `hand_out`, which receives the names part by part.
pub(super) fn reasons(
    logs: &Logs<'_>,
    id: &[u8],
    stats: &mut MessageStats,
    mut hand_out: impl FnMut(Vec<(Box<[u8]>, u64)>) -> Result<(), ConsumerGone>,
) -> Result<(), ConsumerGone> {
    let mut left = stats.recipients;
    let opened = logs
        .spool
        .open_file_below(&logs.layout.path(Queue::Defer, id));
    let opened = opened.and_then(|file| Ok((stat_open(&file)?, file)));
    if let Ok((stat, file)) = opened
        && dir::FileKind::of(&stat) == dir::FileKind::File
    {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let mut buffers = LogBuffers::default();
        let mut log = ReasonReader::open(file, size, Charset::Safe, &mut buffers);
        while left > 0
            && let Ok(Some(entry)) = log.next(|_| ())
        {
            stats.name.clear();
            fold::fold(&entry.reason, &mut stats.name);
            stats.count_current_name();
            left = left.saturating_sub(1);
            if stats.cost > PIECE_SIZE {
                hand_out(stats.take_names())?;
            }
        }
    }
    for _ in 0..left {
        stats.count_name(NO_REASON);
    }
    Ok(())
}
