//! The ordered parallel pipeline that reads a spool.
//!
//! One thread walks the queues and cuts the names into chunks. Workers open,
//! parse and format the messages of a chunk. The calling thread writes what
//! the workers hand out, chunk after chunk, in the order of the walk.
//!
//! Memory does not depend on the queue: chunks wait in a bounded queue, and a
//! worker that is ahead stops after two pieces. Nothing can lock up: chunks
//! are taken in order, so the one that is to be written next always has a
//! worker or a place at the front of the queue.

use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};

use super::ListingError;
use super::output::Ending;
use super::sink::Sink;
use super::worker::{Chunk, Listing, Piece, Worker};
use crate::selection::Selection;
use crate::spool::{Found, Place, Queue, Walk, WalkError, id};
use crate::text::shown;

/// Workers at most. Their number is for the disk rather than the processors:
/// with a cold cache 32 readers are five times as fast as one, and a tenth
/// faster than 16; with a warm one it makes no difference (measured).
const WORKERS_MAX: usize = 32;
/// Descriptors that a worker can need: its message, a log, and the directories
/// of the chunks that wait for it.
const FILES_PER_WORKER: u64 = 8;
/// Descriptors that a walk needs for each directory on its way down.
const FILES_PER_LEVEL: u64 = 2;
/// Stack of a thread: nothing here calls itself.
const STACK: usize = 512 * 1024;
/// Names in the first chunk: `mailq | head` answers after so many messages.
const CHUNK_MIN: usize = 8;
/// Names in a chunk at most.
const CHUNK_MAX: usize = 256;
/// Chunks that wait, for each worker.
const CHUNKS_WAITING: usize = 2;
/// Pieces of a chunk that wait to be written.
const PIECES_WAITING: usize = 2;

/// How many workers a process can have that may open so many files more,
/// beside those for a walk that is `depth` directories deep.
pub fn workers_for(open_files: u64, depth: u32) -> usize {
    let walk = u64::from(depth)
        .saturating_add(2)
        .saturating_mul(FILES_PER_LEVEL);
    let left = open_files.saturating_sub(walk);
    let affordable = usize::try_from(left / FILES_PER_WORKER).unwrap_or(usize::MAX);
    affordable.clamp(1, WORKERS_MAX)
}

/// Lists every message queue into `sink`.
pub fn run(listing: &Listing<'_>, sink: &mut impl Sink) -> Result<Ending, ListingError> {
    // Rendezvous in the order of the walk: one receiver of pieces per chunk.
    let (order, in_order) = sync_channel(listing.workers.saturating_mul(CHUNKS_WAITING));
    thread::scope(|scope| {
        let walker = move || {
            let mut crew = Crew::new(scope, *listing, order);
            if let Err(Stop::Failed(error)) = walk(listing, &mut crew) {
                crew.fail(error);
            }
        };
        builder()
            .spawn_scoped(scope, walker)
            .map_err(ListingError::Thread)?;
        // Returning drops the receivers, which ends every other thread.
        write_in_order(in_order, sink)
    })
}

fn builder() -> thread::Builder {
    thread::Builder::new().stack_size(STACK)
}

/// Writes the pieces of one chunk after the other.
fn write_in_order(
    chunks: Receiver<Receiver<Piece>>,
    sink: &mut impl Sink,
) -> Result<Ending, ListingError> {
    for pieces in chunks {
        for piece in pieces {
            let mut ending = Ending::Complete;
            match piece {
                Piece::Text(text) => {
                    ending = sink.piece(&text)?;
                }
                Piece::Totals(totals) => sink.totals(totals),
                Piece::Gathered(gathered) => {
                    ending = sink.gathered(gathered)?;
                }
                Piece::Warning(text) => sink.warning(&text),
                Piece::Failed(error) => return Err(error),
            }
            if ending != Ending::Complete {
                return Ok(ending);
            }
        }
    }
    Ok(Ending::Complete)
}

/// Why the walk ends early.
enum Stop {
    /// Nobody wants more.
    NotNeeded,
    /// A directory cannot be opened.
    Failed(WalkError),
}

impl From<WalkError> for Stop {
    fn from(error: WalkError) -> Self {
        Self::Failed(error)
    }
}

impl<T> From<SendError<T>> for Stop {
    fn from(_: SendError<T>) -> Self {
        Self::NotNeeded
    }
}

/// Walks every queue and gives the names that may be messages to the crew.
fn walk(listing: &Listing<'_>, crew: &mut Crew<'_, '_>) -> Result<(), Stop> {
    let admits = |queue: &Queue| listing.selection.is_none_or(|s| s.admits_queue(*queue));
    for queue in listing.queues.iter().copied().filter(admits) {
        let mut walk = Walk::new(listing.spool, queue)?;
        let mut last_name = Vec::new();
        loop {
            let next = match walk.next_name() {
                Ok(next) => next,
                Err(error) => {
                    crew.flush()?;
                    return Err(error.into());
                }
            };
            let Some(Found { place, name, .. }) = next else {
                break;
            };
            if name == last_name {
                // Observed: Postfix takes this for a directory that never
                // ends, and leaves the rest of the queue out.
                crew.warn(format!("readdir loop on queue {queue} id {}", shown(name)))?;
                break;
            }
            last_name.clear();
            last_name.extend_from_slice(name);
            let queue_name = queue.name().as_bytes();
            let admits = |selection: &Selection| selection.admits_name(queue_name, name);
            if id::is_valid(name) && listing.selection.is_none_or(admits) {
                // Observed: a name in the wrong directory makes Postfix look
                // at the right one, and list what is there once more.
                let is_home = listing.layout.is_home(queue, &place.path, name);
                crew.add(queue, is_home.then_some(place), name)?;
            }
        }
        crew.flush()?;
    }
    Ok(())
}

/// The workers, and the chunk that is being filled for them.
struct Crew<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    listing: Listing<'env>,
    workers: usize,
    order: SyncSender<Receiver<Piece>>,
    work: SyncSender<Chunk>,
    waiting: Arc<Mutex<Receiver<Chunk>>>,
    chunk: Option<Chunk>,
    chunk_size: usize,
}

impl<'scope, 'env: 'scope> Crew<'scope, 'env> {
    fn new(
        scope: &'scope Scope<'scope, 'env>,
        listing: Listing<'env>,
        order: SyncSender<Receiver<Piece>>,
    ) -> Self {
        let (work, waiting) = sync_channel(listing.workers.saturating_mul(CHUNKS_WAITING));
        Self {
            scope,
            listing,
            workers: 0,
            order,
            work,
            waiting: Arc::new(Mutex::new(waiting)),
            chunk: None,
            chunk_size: CHUNK_MIN,
        }
    }

    /// Adds a name to the chunk, which goes to a worker when it is full.
    fn add(&mut self, queue: Queue, place: Option<&Arc<Place>>, name: &[u8]) -> Result<(), Stop> {
        let same = |chunk: &Chunk| {
            let places = (chunk.place.as_ref(), place);
            chunk.queue == queue && matches!(places, (None, None))
                || matches!(places, (Some(a), Some(b)) if Arc::ptr_eq(a, b))
        };
        if !self.chunk.as_ref().is_some_and(same) {
            self.flush()?;
        }
        let chunk = match &mut self.chunk {
            Some(chunk) => chunk,
            None => {
                let pieces = self.announce()?;
                self.chunk.insert(Chunk {
                    queue,
                    place: place.map(Arc::clone),
                    names: Vec::new(),
                    ranges: Vec::new(),
                    pieces,
                })
            }
        };
        let start = chunk.names.len();
        chunk.names.extend_from_slice(name);
        chunk.ranges.push(start..chunk.names.len());
        if chunk.ranges.len() >= self.chunk_size {
            self.flush()?;
        }
        Ok(())
    }

    /// Gives the chunk to the workers; one more of them while there are few.
    fn flush(&mut self) -> Result<(), Stop> {
        let Some(chunk) = self.chunk.take() else {
            return Ok(());
        };
        self.chunk_size = self.chunk_size.saturating_mul(2).min(CHUNK_MAX);
        if self.workers < self.listing.workers && self.hire().is_ok() {
            self.workers = self.workers.saturating_add(1);
        }
        if self.workers > 0 {
            self.work.send(chunk)?;
        } else {
            // Not one thread is to be had: the walk waits meanwhile.
            let _ = Worker::new(self.listing).chunk(&chunk);
        }
        Ok(())
    }

    /// Starts one more worker.
    fn hire(&self) -> std::io::Result<()> {
        let (listing, waiting) = (self.listing, Arc::clone(&self.waiting));
        let work = move || Worker::new(listing).run(&waiting);
        builder().spawn_scoped(self.scope, work).map(drop)
    }

    /// Reserves the next place in the order of output.
    fn announce(&mut self) -> Result<SyncSender<Piece>, Stop> {
        let (pieces, receiver) = sync_channel(PIECES_WAITING);
        self.order.send(receiver)?;
        Ok(pieces)
    }

    fn warn(&mut self, text: String) -> Result<(), Stop> {
        self.flush()?;
        self.announce()?.send(Piece::Warning(text.into_bytes()))?;
        Ok(())
    }

    fn fail(&mut self, error: WalkError) {
        if let Ok(pieces) = self.announce() {
            // Nobody left to hear of it if this fails.
            let _ = pieces.send(Piece::Failed(error.into()));
        }
    }
}
