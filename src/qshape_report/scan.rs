//! Counts all messages in the requested queues: scans the queues, has workers
//! read the files, and adds up the results in the order of the scan.

use std::io;
use std::ops::ControlFlow;

use super::counter::{ChunkCounter, CountPiece, CountRequest, FileStats, MessageCount};
use super::table::DomainTable;
use crate::queue_file::candidate;
use crate::spool::name_batch::NameFeed;
use crate::spool::tree::{TraversalIssue, Tree, Visited};
use crate::sys::dir::Dir;
use crate::worker_pool::limits::PoolLimits;
use crate::worker_pool::pool;
use crate::worker_pool::pool::{Consumer, ConsumerGone};

/// The maximum number of reading threads. Each message needs only one file:
/// with a cold cache, 64 threads are a tenth faster than 32; with a warm one
/// there is no difference (measured).
pub const READERS_MAX: usize = 64;

/// The parameters of a scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanRequest<'a> {
    /// The base directory of relative queue paths.
    pub base: &'a Dir,
    /// The maximum number of reading threads.
    pub readers: usize,
}

/// Receives the events of a scan.
pub trait ScanObserver<E> {
    /// A directory or file could not be read.
    fn traversal_issue(&mut self, issue: &TraversalIssue);
    /// Another message was counted; `messages` is the number so far.
    fn counted(&mut self, table: &DomainTable, messages: u64) -> Result<(), E>;
    /// The process has run out of a resource.
    fn exhausted(&mut self, cause: &io::Error) -> E;
}

/// Counts all messages into `table`.
///
/// # Errors
///
/// The first error of `observer`, which ends the count.
pub fn scan_queues<E>(
    request: &CountRequest<'_>,
    scan: &ScanRequest<'_>,
    table: &mut DomainTable,
    observer: &mut impl ScanObserver<E>,
) -> Result<(), E> {
    let mut adder = Adder {
        table,
        messages: 0,
        observer,
        ended: Ok(()),
    };
    pool::run(
        PoolLimits::for_readers(scan.readers),
        || ChunkCounter::new(request),
        |feed| {
            let mut feed = NameFeed::new(feed, scan.readers);
            // The scan fails only if the adder stops, which keeps the reason
            // itself.
            let _ = walk(request, scan.base, &mut feed);
        },
        &mut adder,
    );
    adder.ended
}

/// Adds the results to the table, in order.
struct Adder<'a, O, E> {
    table: &'a mut DomainTable,
    messages: u64,
    observer: &'a mut O,
    ended: Result<(), E>,
}

impl<E, O: ScanObserver<E>> Consumer<CountPiece> for Adder<'_, O, E> {
    fn take(&mut self, piece: CountPiece) -> ControlFlow<()> {
        self.ended = take(piece, self.table, &mut self.messages, self.observer);
        if self.ended.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// Scans the queues and passes the names that can be messages, and can match
/// the selection, to the workers.
fn walk(
    request: &CountRequest<'_>,
    base: &Dir,
    feed: &mut NameFeed<'_, '_, usize, CountPiece>,
) -> Result<(), ConsumerGone> {
    let matching = request.matching;
    for (number, queue) in request.queues.iter().enumerate() {
        if matching.is_some_and(|matching| !matching.admits_queue(number)) {
            continue;
        }
        let is_candidate = |name: &[u8]| {
            candidate::is_candidate(name)
                && matching.is_none_or(|matching| matching.admits_name(number, name))
        };
        let mut tree = Tree::new(base, queue);
        while let Some(visited) = tree.next_met() {
            match visited {
                Visited::File(found) if is_candidate(found.name) => {
                    feed.add(number, Some(found.place), found.name)?;
                }
                Visited::File(_) => {}
                Visited::Obstacle(issue) => feed.send_result(CountPiece::Issue(issue))?,
            }
        }
    }
    feed.flush()
}

/// Adds a worker's result.
fn take<E>(
    piece: CountPiece,
    table: &mut DomainTable,
    messages: &mut u64,
    observer: &mut impl ScanObserver<E>,
) -> Result<(), E> {
    match piece {
        CountPiece::Issue(issue) => observer.traversal_issue(&issue),
        CountPiece::Exhausted(cause) => return Err(observer.exhausted(&cause)),
        CountPiece::Found(all) => {
            for found in all {
                take_found(found, table, messages, observer)?;
            }
        }
    }
    Ok(())
}

fn add(counted: &MessageCount, table: &mut DomainTable) {
    for (name, count) in &counted.names {
        table.add(name, counted.bucket, *count);
    }
}

fn take_found<E>(
    found: FileStats,
    table: &mut DomainTable,
    messages: &mut u64,
    observer: &mut impl ScanObserver<E>,
) -> Result<(), E> {
    match found {
        FileStats::Names(counted) => add(&counted, table),
        FileStats::Message(message) => {
            add(&message, table);
            *messages = messages.saturating_add(1);
            observer.counted(table, *messages)?;
        }
    }
    Ok(())
}
