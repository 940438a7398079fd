//! Lists a whole spool: walks the message queues, has worker threads format the
//! messages, and writes the results in the order of the walk.
//!
//! This module decides which file names are passed to the workers. `worker_pool`
//! runs the threads and keeps their results in order.

use std::ops::ControlFlow;

use super::ListingError;
use super::piece::Ending;
use super::sink::Sink;
use super::worker::{Listing, ListingWorker, OutputPiece};
use crate::selection::Selection;
use crate::spool::name_batch::NameFeed;
use crate::spool::{DirEntry, Queue, Walk, WalkError, id};
use crate::text::to_printable;
use crate::worker_pool::limits::PoolLimits;
use crate::worker_pool::pool;
use crate::worker_pool::pool::{Consumer, ConsumerGone};

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
    pool::run(
        PoolLimits::for_readers(listing.workers),
        || ListingWorker::new(*listing),
        |feed| {
            let mut feed = NameFeed::new(feed, listing.workers);
            // An error means that the consumer has stopped, for a reason that is in
            // `writer.ending`.
            let _ = walk(listing, &mut feed);
        },
        &mut writer,
    );
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

/// Walks every queue and passes the names that may be messages to the workers.
fn walk(listing: &Listing<'_>, feed: &mut ListingFeed<'_, '_>) -> Result<(), ConsumerGone> {
    if let Some(names) = listing.names {
        for (queue, id) in names {
            feed.add(*queue, None, id.as_bytes())?;
        }
        return feed.flush();
    }
    let admits = |queue: &Queue| listing.selection.is_none_or(|s| s.admits_queue(*queue));
    for queue in listing.queues.iter().copied().filter(admits) {
        if let Err(error) = walk_queue(queue, listing, feed)? {
            return feed.send_result(OutputPiece::Failed(error.into()));
        }
        feed.flush()?;
    }
    Ok(())
}

/// Walks one queue. The inner error is that the directory cannot be read to its
/// end.
fn walk_queue(
    queue: Queue,
    listing: &Listing<'_>,
    feed: &mut ListingFeed<'_, '_>,
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
            feed.send_result(OutputPiece::Warning(text.into_bytes()))?;
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
            feed.add(queue, is_home.then_some(place), name)?;
        }
    }
}
