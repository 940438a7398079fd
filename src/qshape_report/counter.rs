//! The contribution of each message to the table: reads the files of a batch
//! and determines their names and buckets.

use std::collections::HashMap;
use std::io;

use super::ages::Ages;
use super::domain;
use super::filter::{Filter, Logs, ReportSelection};
use crate::queue_file::envelope;
use crate::queue_file::envelope::{Addresses, CountRules, EnvelopeKind, EnvelopeReader};
use crate::spool::message::Message;
use crate::spool::name_batch::{Chunk, NameBatch};
use crate::spool::tree::TraversalIssue;
use crate::spool::{Queue, ReasonReader};
use crate::sys::dir;
use crate::sys::dir::{Dir, stat_open};
use crate::text::{Charset, fold};
use crate::worker_pool::pool::{ConsumerGone, Results, Worker};

/// The name for recipients without a reason.
const NO_REASON: &[u8] = b"(none yet)";
/// The smallest number of bytes of each size class, and its name.
const SIZES: [(i64, &str); 6] = [
    (10 << 20, "10M or more"),
    (1 << 20, "1M to 10M"),
    (100 << 10, "100K to 1M"),
    (10 << 10, "10K to 100K"),
    (1 << 10, "1K to 10K"),
    (i64::MIN, "less than 1K"),
];
/// The number of bytes of names after which a result is sent.
const PIECE_SIZE: usize = 64 * 1024;
/// The number of bytes of a file's names that are kept until the file is known
/// to count. If there are more, the file is read a second time.
const HELD_MAX: usize = 128 * 1024;
/// The memory for a name in addition to its bytes.
const NAME_COST: usize = 64;

/// The names that the rows of the table stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Recipient domains.
    #[default]
    Domain,
    /// Sender domains.
    SenderDomain,
    /// Recipients.
    Recipient,
    /// Senders.
    Sender,
    /// Deferral reasons without particulars.
    Reason,
    /// The requested queues.
    Queue,
    /// Size classes.
    Size,
}

impl GroupBy {
    /// The name of the grouping.
    pub fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::SenderDomain => "sender_domain",
            Self::Recipient => "recipient",
            Self::Sender => "sender",
            Self::Reason => "reason",
            Self::Queue => "queue",
            Self::Size => "size",
        }
    }

    /// The noun for the counted items.
    pub fn counted(self) -> &'static str {
        match self {
            Self::Domain | Self::Recipient | Self::Reason => "recipients",
            Self::SenderDomain | Self::Sender | Self::Queue | Self::Size => "messages",
        }
    }
}

/// The request for a count.
#[derive(Clone, Copy, Debug)]
pub struct CountRequest<'a> {
    /// The grouping of the rows.
    pub by: GroupBy,
    /// The age buckets.
    pub ages: Ages,
    /// The time that ages are relative to, in seconds since the epoch.
    pub now: f64,
    /// The location of the deferral reasons, if they are counted.
    pub logs: Option<Logs<'a>>,
    /// The queues, as requested.
    pub queues: &'a [Vec<u8>],
    /// The messages to count; all if `None`.
    pub matching: Option<ReportSelection<'a>>,
}

/// The contribution of a message.
pub struct MessageCount {
    /// The age bucket.
    pub bucket: usize,
    /// The names that the message counts for, and the count of each.
    pub names: Vec<(Box<[u8]>, u64)>,
}

/// The contribution of a file, or a part of it.
pub enum FileStats {
    /// A complete message, or the last part of one.
    Message(MessageCount),
    /// A part of the names of a message that follows.
    Names(MessageCount),
}

/// A result of counting a batch.
pub enum CountPiece {
    /// The contributions of files, in order.
    Found(Vec<FileStats>),
    /// A directory or file that could not be read.
    Barred(TraversalIssue),
    /// The process has run out of a resource.
    Exhausted(io::Error),
}

/// Counts batch by batch. The label of a batch is the number of its queue.
pub struct ChunkCounter<'a> {
    request: &'a CountRequest<'a>,
    /// The selection; `None` to count all messages.
    filter: Option<Filter<'a>>,
    envelopes: EnvelopeReader,
    stats: MessageStats,
    /// The contributions that have not been sent yet, and the size of their
    /// names.
    found: Vec<FileStats>,
    size: usize,
}

impl<'a> ChunkCounter<'a> {
    /// A counter without results.
    pub fn new(request: &'a CountRequest<'a>) -> Self {
        Self {
            request,
            filter: request.matching.map(Filter::new),
            envelopes: EnvelopeReader::default(),
            stats: MessageStats::new(request.by),
            found: Vec::new(),
            size: 0,
        }
    }

    /// Counts a file.
    fn file(
        &mut self,
        chunk: &Chunk<usize, CountPiece>,
        dir: &Dir,
        name: &[u8],
    ) -> Result<(), ConsumerGone> {
        match self.open(dir, name, chunk.label) {
            Ok(None) => {}
            Ok(Some(message)) => self.read(chunk, &message, name)?,
            Err(cause) => return chunk.hand_out(CountPiece::Exhausted(cause)),
        }
        if self.size > PIECE_SIZE {
            self.hand_out(chunk)
        } else {
            Ok(())
        }
    }

    /// Opens a file, unless it cannot be a message that matches.
    fn open(&mut self, dir: &Dir, name: &[u8], queue: usize) -> io::Result<Option<Message>> {
        let Some(message) = envelope::open(dir, name)? else {
            return Ok(None);
        };
        let matches = match &mut self.filter {
            Some(filter) => filter.lets_through(&message, name, queue)?,
            None => true,
        };
        Ok(matches.then_some(message))
    }

    /// Reads an open file.
    fn read(
        &mut self,
        chunk: &Chunk<usize, CountPiece>,
        message: &Message,
        name: &[u8],
    ) -> Result<(), ConsumerGone> {
        self.stats.clear();
        let counts = self.envelopes.read(message, &mut self.stats);
        let Some(counts) = counts else {
            return Ok(());
        };
        if self.stats.is_over {
            self.read_again(chunk, message, &counts)?;
        }
        self.count(chunk, name, &counts)
    }

    /// Reads a file with very many names again, now that it is known to count,
    /// and sends the names in parts.
    fn read_again(
        &mut self,
        chunk: &Chunk<usize, CountPiece>,
        message: &Message,
        counts: &CountRules,
    ) -> Result<(), ConsumerGone> {
        self.hand_out(chunk)?;
        let bucket = self.bucket(counts);
        self.stats.clear();
        let mut again = Retry {
            stats: &mut self.stats,
            hand_out: |names| {
                let names = vec![FileStats::Names(MessageCount { bucket, names })];
                chunk.hand_out(CountPiece::Found(names))
            },
            ended: Ok(()),
        };
        self.envelopes.read(message, &mut again);
        again.ended
    }

    fn bucket(&self, counts: &CountRules) -> usize {
        let CountRequest { ages, now, .. } = self.request;
        ages.bucket(now - counts.arrival)
    }

    /// Counts a message.
    fn count(
        &mut self,
        chunk: &Chunk<usize, CountPiece>,
        name: &[u8],
        counts: &CountRules,
    ) -> Result<(), ConsumerGone> {
        let bucket = self.bucket(counts);
        match self.request.by {
            // Only the groupings of Postfix's qshape count files that are not
            // messages.
            GroupBy::Domain | GroupBy::SenderDomain => {}
            _ if counts.kind == EnvelopeKind::File => return Ok(()),
            GroupBy::Queue => {
                let queue = self.request.queues.get(chunk.label);
                self.stats.count_name(queue.map_or(&[], Vec::as_slice));
            }
            GroupBy::Size => {
                let class = SIZES.iter().find(|(least, _)| counts.size >= *least);
                self.stats
                    .count_name(class.map_or("", |(_, class)| class).as_bytes());
            }
            GroupBy::Reason => {
                if let Some(logs) = self.request.logs {
                    reasons(&logs, name, &mut self.stats, |names| {
                        let names = vec![FileStats::Names(MessageCount { bucket, names })];
                        chunk.hand_out(CountPiece::Found(names))
                    })?;
                }
            }
            GroupBy::Recipient | GroupBy::Sender => {}
        }
        let names = self.stats.take();
        let costs = names.iter().map(|(name, _)| cost_of(name));
        self.size = costs.fold(self.size, usize::saturating_add);
        self.found
            .push(FileStats::Message(MessageCount { bucket, names }));
        Ok(())
    }

    fn hand_out(&mut self, chunk: &Chunk<usize, CountPiece>) -> Result<(), ConsumerGone> {
        self.size = 0;
        chunk.hand_out(CountPiece::Found(std::mem::take(&mut self.found)))
    }
}

impl Worker<NameBatch<usize>, CountPiece> for ChunkCounter<'_> {
    fn work(
        &mut self,
        batch: NameBatch<usize>,
        results: &Results<'_, CountPiece>,
    ) -> Result<(), ConsumerGone> {
        let chunk = &Chunk::new(&batch, results);
        let Some(place) = chunk.place else {
            return Ok(());
        };
        for name in chunk.names() {
            self.file(chunk, &place.dir, name)?;
        }
        self.hand_out(chunk)
    }
}

/// The requested data of a message's file.
struct MessageStats {
    by: GroupBy,
    sender: Vec<u8>,
    recipients: u64,
    name: Vec<u8>,
    names: HashMap<Box<[u8]>, u64>,
    /// The memory for the names.
    cost: usize,
    /// Whether there were too many names to keep.
    is_over: bool,
}

fn cost_of(name: &[u8]) -> usize {
    name.len().saturating_add(NAME_COST)
}

impl MessageStats {
    fn new(by: GroupBy) -> Self {
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

    fn clear(&mut self) {
        self.sender.clear();
        self.recipients = 0;
        self.names.clear();
        self.cost = 0;
        self.is_over = false;
    }

    /// Adds one to the count of a name.
    fn count_name(&mut self, name: &[u8]) {
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

    fn take(&mut self) -> Vec<(Box<[u8]>, u64)> {
        match self.by {
            GroupBy::Sender => domain::address_of(&self.sender, &mut self.name),
            GroupBy::SenderDomain => domain::domain_of(&self.sender, &mut self.name),
            _ => return self.take_names(),
        }
        vec![(self.name.as_slice().into(), 1)]
    }
}

impl MessageStats {
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
struct Retry<'a, F> {
    stats: &'a mut MessageStats,
    hand_out: F,
    ended: Result<(), ConsumerGone>,
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
fn reasons(
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
        let mut log = ReasonReader::open(file, size, Charset::Safe);
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
