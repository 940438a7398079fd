//! Lists a whole spool: walks the message queues, has worker threads format the
//! messages, and writes the results in the order of the walk.
//!
//! This module decides which file names are passed to the workers. `worker_pool`
//! runs the threads and keeps their results in order.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::ListingError;
use super::piece::Ending;
use super::sink::Sink;
use super::worker::{Listing, ListingWorker, OutputPiece};
use crate::selection::Selection;
use crate::spool::name_batch::NameFeed;
use crate::spool::{DirEntry, OpenDir, Queue, Walk, WalkError, id};
use crate::text::to_printable;
use crate::worker_pool::limits::PoolLimits;
use crate::worker_pool::pool;
use crate::worker_pool::pool::{Consumer, ConsumerGone, Feed};

/// Lists every message queue into `sink`.
///
/// # Errors
///
/// A queue cannot be read, descriptors or memory have run out, or what `sink`
/// fails with.
pub fn run(listing: &Listing<'_>, sink: &mut impl Sink) -> Result<Ending, ListingError> {
    let mut writer = Writer {
        sink,
        ending: Ok(Ending::Complete),
    };
    let new_worker = || ListingWorker::new(*listing);
    // An error means that the consumer has stopped, for a reason that is in
    // `writer.ending`.
    if let Some(few) = FewNames::of(listing) {
        let produce = |feed: &mut Feed<'_, _, _>| {
            let _ = few.send(&mut NameFeed::new(feed, 1));
        };
        pool::run_on_caller(&mut new_worker(), produce, &mut writer);
    } else {
        let limits = PoolLimits::for_readers(listing.workers);
        let produce = |feed: &mut Feed<'_, _, _>| {
            let _ = walk(listing, &mut NameFeed::new(feed, listing.workers));
        };
        pool::run(limits, new_worker, produce, &mut writer);
    }
    writer.ending
}

/// Writes the pieces in order.
struct Writer<'a, S> {
    sink: &'a mut S,
    ending: Result<Ending, ListingError>,
}

impl<S: Sink> Consumer<OutputPiece> for Writer<'_, S> {
    fn take(&mut self, piece: OutputPiece) -> ControlFlow<()> {
        self.ending = write(piece, self.sink);
        if matches!(self.ending, Ok(Ending::Complete)) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// Writes a piece. The listing ends unless the result is [`Ending::Complete`].
fn write(piece: OutputPiece, sink: &mut impl Sink) -> Result<Ending, ListingError> {
    match piece {
        OutputPiece::Text(text) => sink.piece(&text),
        OutputPiece::PartialResult(partial) => sink.partial(partial),
        OutputPiece::Totals(totals) => {
            sink.totals(totals);
            Ok(Ending::Complete)
        }
        OutputPiece::Warning(text) => {
            sink.warning(&text);
            Ok(Ending::Complete)
        }
        OutputPiece::Failed(error) => Err(error),
    }
}

/// Passes batches of file names to the workers of a listing.
type ListingFeed<'a, 'scope> = NameFeed<'a, 'scope, Queue, OutputPiece>;

/// Receives the names that may be messages, in order.
trait NameSink {
    /// Receives a name in a queue. Without a directory, the name was found in the
    /// wrong one.
    fn name(
        &mut self,
        queue: Queue,
        place: Option<&Arc<OpenDir>>,
        name: &[u8],
    ) -> Result<(), ConsumerGone>;

    /// Called for each other name.
    fn other_name(&mut self) -> Result<(), ConsumerGone> {
        Ok(())
    }

    /// Receives a problem of the walk, which comes after all names so far.
    fn problem(&mut self, problem: OutputPiece) -> Result<(), ConsumerGone>;

    /// Called at the end of each queue.
    fn end_queue(&mut self) -> Result<(), ConsumerGone> {
        Ok(())
    }
}

impl NameSink for ListingFeed<'_, '_> {
    fn name(
        &mut self,
        queue: Queue,
        place: Option<&Arc<OpenDir>>,
        name: &[u8],
    ) -> Result<(), ConsumerGone> {
        self.add(queue, place, name)
    }

    fn problem(&mut self, problem: OutputPiece) -> Result<(), ConsumerGone> {
        self.send_result(problem)
    }

    fn end_queue(&mut self) -> Result<(), ConsumerGone> {
        self.flush()
    }
}

/// The names in queues that have only a few. They are handled without threads,
/// which take longer to start than that.
#[derive(Default)]
struct FewNames {
    found: Vec<(Queue, Option<Arc<OpenDir>>, Vec<u8>)>,
    /// The number of names of any kind.
    count: usize,
}

impl FewNames {
    /// The largest number of names.
    const MAX: usize = 8;

    /// Returns the names to be listed; `None` if there are more than a few, or if
    /// there is a problem.
    fn of(listing: &Listing<'_>) -> Option<Self> {
        let mut few = Self::default();
        walk(listing, &mut few).ok().map(|()| few)
    }

    /// Passes the names to the worker.
    fn send(&self, feed: &mut ListingFeed<'_, '_>) -> Result<(), ConsumerGone> {
        for (queue, place, name) in &self.found {
            feed.add(*queue, place.as_ref(), name)?;
        }
        feed.flush()
    }
}

impl NameSink for FewNames {
    fn name(
        &mut self,
        queue: Queue,
        place: Option<&Arc<OpenDir>>,
        name: &[u8],
    ) -> Result<(), ConsumerGone> {
        self.found.push((queue, place.cloned(), name.to_vec()));
        self.other_name()
    }

    fn other_name(&mut self) -> Result<(), ConsumerGone> {
        self.count = self.count.saturating_add(1);
        if self.count > Self::MAX {
            return Err(ConsumerGone);
        }
        Ok(())
    }

    fn problem(&mut self, _: OutputPiece) -> Result<(), ConsumerGone> {
        Err(ConsumerGone)
    }
}

/// Walks every queue and passes the names that may be messages to `sink`.
fn walk(listing: &Listing<'_>, sink: &mut impl NameSink) -> Result<(), ConsumerGone> {
    if let Some(names) = listing.names {
        for (queue, id) in names {
            sink.name(*queue, None, id.as_bytes())?;
        }
        return sink.end_queue();
    }
    let admits = |queue: &Queue| listing.selection.is_none_or(|s| s.admits_queue(*queue));
    for queue in listing.queues.iter().copied().filter(admits) {
        if let Err(error) = walk_queue(queue, listing, sink)? {
            return sink.problem(OutputPiece::Failed(error.into()));
        }
        sink.end_queue()?;
    }
    Ok(())
}

/// Walks one queue. The inner error is that the directory cannot be read to its
/// end.
fn walk_queue(
    queue: Queue,
    listing: &Listing<'_>,
    sink: &mut impl NameSink,
) -> Result<Result<(), WalkError>, ConsumerGone> {
    let mut walk = match Walk::new(listing.spool, queue) {
        Ok(walk) => walk,
        Err(error) => return Ok(Err(error)),
    };
    let mut last_name = Vec::new();
    loop {
        let DirEntry { place, name, .. } = match walk.next_name() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        if name == last_name {
            // Observed with Postfix 3.7.11: Postfix takes this for a directory
            // that never ends, and leaves out the rest of the queue.
            let text = format!("readdir loop on queue {queue} id {}", to_printable(name));
            sink.problem(OutputPiece::Warning(text.into_bytes()))?;
            return Ok(Ok(()));
        }
        last_name.clear();
        last_name.extend_from_slice(name);
        let queue_name = queue.name().as_bytes();
        let admits = |selection: &Selection| selection.admits_name(queue_name, name);
        if id::is_valid(name) && listing.selection.is_none_or(admits) {
            // Observed with Postfix 3.7.11: for a name in the wrong hashed
            // directory, Postfix opens the file in the right one, and so lists
            // that message once more.
            let is_home = listing.layout.is_home(queue, &place.path, name);
            sink.name(queue, is_home.then_some(place), name)?;
        } else {
            sink.other_name()?;
        }
    }
}
