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

use std::ops::Range;
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

use super::ListingError;
use super::form::{Form, Style, Totals};
use super::output::Ending;
use super::sink::{PIECE_SIZE, Sink};
use crate::spool::message::{self, NoMessage};
use crate::spool::report::{Head, Location, Recipient, Report, Reporter, Rules, SeekError};
use crate::spool::{Found, Layout, Place, Queue, Walk, WalkError, id};
use crate::sys::dir::Dir;
use crate::sys::time::now;
use crate::text::shown;

/// Workers at most. Their number is for the disk rather than the processors:
/// with a cold cache 16 readers are many times as fast as one.
const WORKERS_MAX: usize = 16;
/// Names in the first chunk: `mailq | head` answers after so many messages.
const CHUNK_MIN: usize = 8;
/// Names in a chunk at most.
const CHUNK_MAX: usize = 256;
/// Chunks that wait for a worker.
const CHUNKS_WAITING: usize = 32;
/// Pieces of a chunk that wait to be written.
const PIECES_WAITING: usize = 2;

/// What is listed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The queue directory.
    pub spool: &'a Dir,
    /// Where IDs belong in it.
    pub layout: &'a Layout,
    /// What counts and what may be shown.
    pub rules: &'a Rules,
    /// What it looks like.
    pub style: Style,
}

/// Lists every message queue into `sink`.
pub fn run(listing: &Listing<'_>, sink: &mut impl Sink) -> Result<Ending, ListingError> {
    // Rendezvous in the order of the walk: one receiver of pieces per chunk.
    let (order, in_order) = sync_channel(CHUNKS_WAITING);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut crew = Crew::new(scope, *listing, order);
            if let Err(Stop::Failed(error)) = walk(listing, &mut crew) {
                crew.fail(error);
            }
        });
        // Returning drops the receivers, which ends every other thread.
        write_in_order(in_order, sink)
    })
}

/// Writes the pieces of one chunk after the other.
fn write_in_order(
    chunks: Receiver<Receiver<Piece>>,
    sink: &mut impl Sink,
) -> Result<Ending, ListingError> {
    for pieces in chunks {
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    if sink.piece(&text)? == Ending::ReaderGone {
                        return Ok(Ending::ReaderGone);
                    }
                }
                Piece::Totals(totals) => sink.totals(totals),
                Piece::Warning(text) => sink.warning(&text),
                Piece::Failed(error) => return Err(error),
            }
        }
    }
    Ok(Ending::Complete)
}

/// What a worker hands out.
enum Piece {
    Text(Vec<u8>),
    Totals(Totals),
    Warning(Vec<u8>),
    Failed(ListingError),
}

/// Names of one directory, to be looked at by one worker.
struct Chunk {
    queue: Queue,
    /// The open directory the names lie in; `None` for names that were met
    /// where they do not belong: their message is looked for at its place.
    place: Option<Arc<Place>>,
    /// The names, one behind the other.
    names: Vec<u8>,
    ranges: Vec<Range<usize>>,
    pieces: SyncSender<Piece>,
}

impl Chunk {
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges
            .iter()
            .filter_map(|range| self.names.get(range.clone()))
    }
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
    for queue in Queue::LISTED {
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
            let Some(Found { place, name }) = next else {
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
            if id::is_valid(name) {
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
        let (work, waiting) = sync_channel(CHUNKS_WAITING);
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
        self.work.send(chunk)?;
        self.chunk_size = self.chunk_size.saturating_mul(2).min(CHUNK_MAX);
        if self.workers < WORKERS_MAX {
            self.workers = self.workers.saturating_add(1);
            let (listing, waiting) = (self.listing, Arc::clone(&self.waiting));
            self.scope.spawn(move || Worker::new(listing).run(&waiting));
        }
        Ok(())
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

/// Looks at the messages of one chunk after the other.
struct Worker<'a> {
    listing: Listing<'a>,
    reporter: Reporter,
    form: Form,
}

impl<'a> Worker<'a> {
    fn new(listing: Listing<'a>) -> Self {
        Self {
            listing,
            reporter: Reporter::default(),
            form: Form::new(listing.style),
        }
    }

    fn run(mut self, waiting: &Mutex<Receiver<Chunk>>) {
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(chunk) = next else { return };
            if self.chunk(&chunk).is_err() {
                return;
            }
        }
    }

    fn chunk(&mut self, chunk: &Chunk) -> Result<(), SendError<Piece>> {
        for name in chunk.names() {
            if let Err(error) = self.message(chunk, name)? {
                return chunk.pieces.send(Piece::Failed(error.into()));
            }
        }
        self.hand_out(chunk)?;
        chunk.pieces.send(Piece::Totals(self.form.take_totals()))
    }

    /// Lists one name, if it is a message.
    fn message(
        &mut self,
        chunk: &Chunk,
        name: &[u8],
    ) -> Result<Result<(), SeekError>, SendError<Piece>> {
        let path = self.listing.layout.path(chunk.queue, name);
        let path = path.to_string_lossy().into_owned();
        let (dir, file) = match &chunk.place {
            Some(place) => (&place.dir, name),
            None => (self.listing.spool, path.as_bytes()),
        };
        let found = match message::open(dir, file, chunk.queue, &path) {
            Ok(found) => found,
            Err(NoMessage::NotThere) => return Ok(Ok(())),
            Err(other) => return self.warn(chunk, other.to_string().into_bytes()).map(Ok),
        };
        if let Some(warning) = found.link_warning(&path, now()) {
            self.warn(chunk, warning.into_bytes())?;
        }
        let at = Location {
            spool: self.listing.spool,
            layout: self.listing.layout,
            queue: chunk.queue,
            id: name,
            path: &path,
        };
        let whole = self.form.out().len();
        let mut pieces = Pieces {
            form: &mut self.form,
            to: &chunk.pieces,
            sent: Sent::Nothing,
        };
        let done = self
            .reporter
            .report(found, &at, self.listing.rules, &mut pieces);
        match pieces.sent {
            Sent::Closed(error) => return Err(error),
            Sent::Nothing if done.is_err() => {
                self.form.out().truncate(whole);
                self.hand_out(chunk)?;
            }
            _ => {}
        }
        Ok(done)
    }

    fn warn(&mut self, chunk: &Chunk, text: Vec<u8>) -> Result<(), SendError<Piece>> {
        chunk.pieces.send(Piece::Warning(text))
    }

    fn hand_out(&mut self, chunk: &Chunk) -> Result<(), SendError<Piece>> {
        let text = std::mem::take(self.form.out());
        match text.is_empty() {
            true => Ok(()),
            false => chunk.pieces.send(Piece::Text(text)),
        }
    }
}

/// Hands out pieces of a message while it is reported, so that a message with
/// a million recipients needs no more memory than others.
struct Pieces<'a> {
    form: &'a mut Form,
    to: &'a SyncSender<Piece>,
    sent: Sent,
}

/// What became of the pieces of a message.
enum Sent {
    Nothing,
    Some,
    Closed(SendError<Piece>),
}

impl Pieces<'_> {
    /// Once nobody listens, pieces are dropped.
    fn send(&mut self, piece: Piece) {
        if let Sent::Closed(_) = self.sent {
            return;
        }
        let is_text = matches!(piece, Piece::Text(_));
        match self.to.send(piece) {
            Ok(()) if is_text => self.sent = Sent::Some,
            Ok(()) => {}
            Err(error) => self.sent = Sent::Closed(error),
        }
    }
}

impl Report for Pieces<'_> {
    fn message(&mut self, head: &Head<'_>) {
        self.form.message(head);
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        self.form.recipient(recipient);
        if self.form.out().len() > PIECE_SIZE {
            let text = std::mem::take(self.form.out());
            self.send(Piece::Text(text));
        }
    }

    fn end(&mut self) {
        self.form.end();
    }

    fn warning(&mut self, text: Vec<u8>) {
        self.send(Piece::Warning(text));
    }
}
