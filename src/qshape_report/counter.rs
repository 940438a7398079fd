//! The contribution of each message to the table: reads the files of a batch
//! and determines their names and buckets.

use std::io;

use super::ages::Ages;
use super::filter::{Filter, Logs, ReportSelection};
use super::group::GroupBy;
use super::message_stats::{MessageStats, PIECE_SIZE, Retry, cost_of, reasons};
use crate::queue_file::candidate;
use crate::queue_file::envelope::{CountedFile, EnvelopeKind, EnvelopeReader};
use crate::spool::message::Message;
use crate::spool::name_batch::{Chunk, NameBatch};
use crate::spool::tree::TraversalIssue;
use crate::sys::dir::Dir;
use crate::worker_pool::pool::{ConsumerGone, Results, Worker};

/// The smallest number of bytes of each size class, and its name.
const SIZES: [(i64, &str); 6] = [
    (10 << 20, "10M or more"),
    (1 << 20, "1M to 10M"),
    (100 << 10, "100K to 1M"),
    (10 << 10, "10K to 100K"),
    (1 << 10, "1K to 10K"),
    (i64::MIN, "less than 1K"),
];

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
    Issue(TraversalIssue),
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
        let Some(message) = candidate::open(dir, name)? else {
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
        counts: &CountedFile,
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

    fn bucket(&self, counts: &CountedFile) -> usize {
        let CountRequest { ages, now, .. } = self.request;
        ages.bucket(now - counts.arrival)
    }

    /// Counts a message.
    fn count(
        &mut self,
        chunk: &Chunk<usize, CountPiece>,
        name: &[u8],
        counts: &CountedFile,
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
