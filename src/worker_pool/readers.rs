//! Readers: threads that look at the files of a walk, many at a time, and
//! whose results come in the order of the walk.
//!
//! One thread walks directories and cuts the names into chunks. Readers look
//! at the files of a chunk. The calling thread takes what the readers hand
//! out, chunk after chunk. What a file means and what is handed out is the
//! caller's business.
//!
//! Memory does not depend on the queue: chunks wait in a bounded queue, and a
//! reader that is ahead stops after two pieces. Nothing can lock up: chunks
//! are taken in order, so the one that is to be taken next always has a
//! reader or a place at the front of the queue.

use std::cell::RefCell;
use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::turns::{NoMoreTurns, Turn, Turns};
use crate::spool::OpenDir;
use crate::sys::process::AbortOnPanic;

/// Descriptors that a reader can need: its message, a log, and the
/// directories of the chunks that wait for it.
const FILES_PER_READER: u64 = 8;
/// Descriptors that a walk needs for each directory on its way down.
const FILES_PER_LEVEL: u64 = 2;
/// Stack of a thread: nothing here calls itself.
const STACK: usize = 512 * 1024;
/// Names in the first chunk: `mailq | head` answers after so many messages.
const CHUNK_MIN: usize = 8;
/// Names in a chunk at most.
const CHUNK_MAX: usize = 256;
/// Chunks that wait, for each reader.
const CHUNKS_WAITING: usize = 2;
/// Pieces of a chunk that wait to be taken.
const PIECES_WAITING: usize = 2;

/// How many readers, but no more than `most`, a process can have that may open
/// so many files more, beside those for a walk that is `depth` directories
/// deep.
pub fn readers_for(most: usize, open_files: u64, depth: u32) -> usize {
    let walk = u64::from(depth)
        .saturating_add(2)
        .saturating_mul(FILES_PER_LEVEL);
    let left = open_files.saturating_sub(walk);
    let affordable = usize::try_from(left / FILES_PER_READER).unwrap_or(usize::MAX);
    affordable.clamp(1, most.max(1))
}

/// Nobody takes what is handed out: there is no use in going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerGone;

impl<T> From<SendError<T>> for ConsumerGone {
    fn from(_: SendError<T>) -> Self {
        Self
    }
}

/// Names of one directory, to be looked at by one reader.
pub struct Chunk<'a, L, P> {
    /// What the walk says of all of them, such as their queue.
    pub label: L,
    /// The open directory the names are in; `None` for names that the reader
    /// has to look for.
    pub place: Option<Arc<OpenDir>>,
    names: &'a NameChunk<L>,
    /// Where the pieces go.
    out: &'a dyn Fn(P) -> Result<(), ConsumerGone>,
    /// When it is its turn; `None` where there is only one reader.
    turn: Option<&'a Turn>,
}

impl<L, P> Chunk<'_, L, P> {
    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let ranges = self.names.ranges.iter();
        ranges.filter_map(|range| self.names.bytes.get(range.clone()))
    }

    /// Hands out a piece of the result.
    pub fn hand_out(&self, piece: P) -> Result<(), ConsumerGone> {
        (self.out)(piece)
    }

    /// Waits until the pieces of this chunk are the ones that are taken: for
    /// what only one reader at a time may do.
    pub fn await_turn(&self) {
        if let Some(turn) = self.turn {
            turn.wait();
        }
    }
}

/// A chunk on its way to a reader.
#[derive(Debug)]
struct NameChunk<L> {
    label: L,
    place: Option<Arc<OpenDir>>,
    /// The names, one after the other.
    bytes: Vec<u8>,
    /// Where each of them is in `bytes`.
    ranges: Vec<Range<usize>>,
}

impl<L: Copy> NameChunk<L> {
    fn new(label: L, place: Option<&Arc<OpenDir>>) -> Self {
        Self {
            label,
            place: place.map(Arc::clone),
            bytes: Vec::new(),
            ranges: Vec::new(),
        }
    }

    fn add(&mut self, name: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        self.ranges.push(start..self.bytes.len());
    }

    /// Lets a reader look at them; its pieces go to `out`.
    fn look<P>(
        &self,
        reader: &mut impl ReadChunk<L, P>,
        out: &dyn Fn(P) -> Result<(), ConsumerGone>,
        turn: Option<&Turn>,
    ) -> Result<(), ConsumerGone> {
        reader.chunk(&Chunk {
            label: self.label,
            place: self.place.as_ref().map(Arc::clone),
            names: self,
            out,
            turn,
        })
    }
}

/// Looks at the files of one chunk after the other.
pub trait ReadChunk<L, P> {
    /// Looks at one chunk.
    fn chunk(&mut self, chunk: &Chunk<L, P>) -> Result<(), ConsumerGone>;
}

/// Lets `walk` feed names to at most `most` readers, and gives their pieces
/// to `take` until it breaks off. Where no thread is to be had, the calling
/// one walks, reads and takes.
pub fn run<L, P, R, B>(
    most: usize,
    new_reader: impl Fn() -> R + Sync,
    walk: impl FnOnce(&mut ChunkFeed<'_, L, P>) -> Result<(), ConsumerGone> + Send,
    mut take: impl FnMut(P) -> ControlFlow<B>,
) -> Option<B>
where
    L: Copy + PartialEq + Send,
    P: Send,
    R: ReadChunk<L, P>,
{
    // Taken by the thread that walks.
    let walk = Mutex::new(Some(walk));
    let walk_with = |feed: &mut ChunkFeed<'_, L, P>| {
        let walk = walk.lock().unwrap_or_else(PoisonError::into_inner).take();
        // That nobody wants the rest is known where it is not wanted.
        let _ = walk
            .map_or(Ok(()), |walk| walk(feed))
            .and_then(|()| feed.flush());
    };
    // Rendezvous in the order of the walk: one receiver of pieces per chunk.
    let (order, in_order) = sync_channel::<Receiver<P>>(most.saturating_mul(CHUNKS_WAITING));
    let turns = Arc::new(Turns::default());
    let ended = thread::scope(|scope| {
        let _no_more_turns = NoMoreTurns(&turns);
        let all_turns = Arc::clone(&turns);
        let (new_reader, walk_with) = (&new_reader, &walk_with);
        let walker = move || {
            let (work, waiting) = sync_channel(most.saturating_mul(CHUNKS_WAITING));
            let waiting = Arc::new(Mutex::new(waiting));
            let start_worker = move || {
                let waiting = Arc::clone(&waiting);
                let life = move || worker_loop(&mut new_reader(), &waiting);
                builder().spawn_scoped(scope, life).map(drop)
            };
            walk_with(&mut ChunkFeed::new(ReaderThreads::Readers(Readers {
                start_worker: Box::new(start_worker),
                alone: Box::new(move |job| {
                    // Nobody is left to hear of it if this fails.
                    let _ = job.look(&mut new_reader());
                }),
                most,
                count: 0,
                order,
                announced: 0,
                turns: all_turns,
                work,
                next: None,
            })));
        };
        builder().spawn_scoped(scope, walker).ok()?;
        // Returning drops the receivers, which ends every other thread.
        for (number, pieces) in (1..).zip(in_order) {
            turns.set(number);
            for piece in pieces {
                if let ControlFlow::Break(end) = take(piece) {
                    return Some(Some(end));
                }
            }
        }
        Some(None)
    });
    ended.unwrap_or_else(|| run_here(&mut new_reader(), walk_with, &mut take))
}

/// The same on the calling thread.
fn run_here<L, P, B>(
    reader: &mut impl ReadChunk<L, P>,
    walk: impl FnOnce(&mut ChunkFeed<'_, L, P>),
    take: &mut impl FnMut(P) -> ControlFlow<B>,
) -> Option<B>
where
    L: Copy + PartialEq,
{
    let taking = RefCell::new((take, None));
    let out = |piece| {
        let (take, end) = &mut *taking.borrow_mut();
        match take(piece) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(why) => {
                *end = Some(why);
                Err(ConsumerGone)
            }
        }
    };
    let mut look = |names: &NameChunk<L>| names.look(reader, &out, None);
    walk(&mut ChunkFeed::new(ReaderThreads::Caller {
        look: &mut look,
        out: &out,
    }));
    taking.into_inner().1
}

fn builder() -> thread::Builder {
    thread::Builder::new().stack_size(STACK)
}

/// A chunk, where its pieces go, and when it is its turn.
struct Job<L, P> {
    names: NameChunk<L>,
    pieces: SyncSender<P>,
    turn: Turn,
}

impl<L: Copy, P> Job<L, P> {
    fn look(&self, reader: &mut impl ReadChunk<L, P>) -> Result<(), ConsumerGone> {
        let out = |piece| Ok(self.pieces.send(piece)?);
        self.names.look(reader, &out, Some(&self.turn))
    }
}

/// One reader's life: chunks until there are no more, or nobody wants the
/// result.
fn worker_loop<L: Copy, P>(
    reader: &mut impl ReadChunk<L, P>,
    waiting: &Mutex<Receiver<Job<L, P>>>,
) {
    let _guard = AbortOnPanic;
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = next else { return };
        if job.look(reader).is_err() {
            return;
        }
    }
}

/// The readers, and the chunk that is being filled for them.
pub struct ChunkFeed<'scope, L, P> {
    hands: ReaderThreads<'scope, L, P>,
    chunk: Option<NameChunk<L>>,
    chunk_size: usize,
}

/// Who reads.
enum ReaderThreads<'scope, L, P> {
    /// Threads.
    Readers(Readers<'scope, L, P>),
    /// The calling thread, because there is no other.
    Caller {
        look: &'scope mut dyn FnMut(&NameChunk<L>) -> Result<(), ConsumerGone>,
        out: &'scope dyn Fn(P) -> Result<(), ConsumerGone>,
    },
}

/// Reads a chunk without a thread of its own.
type SingleWorker<'scope, L, P> = Box<dyn Fn(Job<L, P>) + 'scope>;

/// Threads that read, some of them not yet started.
struct Readers<'scope, L, P> {
    start_worker: Box<dyn Fn() -> io::Result<()> + 'scope>,
    alone: SingleWorker<'scope, L, P>,
    most: usize,
    count: usize,
    order: SyncSender<Receiver<P>>,
    /// How many places in the order are reserved.
    announced: u64,
    turns: Arc<Turns>,
    work: SyncSender<Job<L, P>>,
    /// Where the pieces of the chunk go that is being filled, and its turn.
    next: Option<(SyncSender<P>, Turn)>,
}

impl<'scope, L: Copy + PartialEq, P> ChunkFeed<'scope, L, P> {
    fn new(hands: ReaderThreads<'scope, L, P>) -> Self {
        Self {
            hands,
            chunk: None,
            chunk_size: CHUNK_MIN,
        }
    }

    /// Adds a name to the chunk, which goes to a reader when it is full.
    pub fn add(
        &mut self,
        label: L,
        place: Option<&Arc<OpenDir>>,
        name: &[u8],
    ) -> Result<(), ConsumerGone> {
        let same = |chunk: &NameChunk<L>| {
            let places = (chunk.place.as_ref(), place);
            chunk.label == label
                && match places {
                    (None, None) => true,
                    (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                    _ => false,
                }
        };
        if !self.chunk.as_ref().is_some_and(same) {
            self.flush()?;
        }
        let chunk = match &mut self.chunk {
            Some(chunk) => chunk,
            None => {
                self.hands.announce()?;
                self.chunk.insert(NameChunk::new(label, place))
            }
        };
        chunk.add(name);
        if chunk.ranges.len() >= self.chunk_size {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands out a piece of the walk's own, after all that was added.
    pub fn say(&mut self, piece: P) -> Result<(), ConsumerGone> {
        self.flush()?;
        match &mut self.hands {
            ReaderThreads::Caller { out, .. } => out(piece),
            ReaderThreads::Readers(readers) => Ok(readers.announce()?.0.send(piece)?),
        }
    }

    /// Gives the chunk to the readers; one more of them while there are few.
    pub fn flush(&mut self) -> Result<(), ConsumerGone> {
        let Some(chunk) = self.chunk.take() else {
            return Ok(());
        };
        self.chunk_size = self.chunk_size.saturating_mul(2).min(CHUNK_MAX);
        match &mut self.hands {
            ReaderThreads::Caller { look, .. } => look(&chunk),
            ReaderThreads::Readers(readers) => readers.give(chunk),
        }
    }
}

impl<L, P> ReaderThreads<'_, L, P> {
    /// Reserves a place in the order of results for the chunk that is begun.
    fn announce(&mut self) -> Result<(), ConsumerGone> {
        if let Self::Readers(readers) = self {
            readers.next = Some(readers.announce()?);
        }
        Ok(())
    }
}

impl<L, P> Readers<'_, L, P> {
    /// Reserves the next place in the order of results.
    fn announce(&mut self) -> Result<(SyncSender<P>, Turn), ConsumerGone> {
        let (pieces, receiver) = sync_channel(PIECES_WAITING);
        self.order.send(receiver)?;
        self.announced = self.announced.saturating_add(1);
        let turn = Turn {
            number: self.announced,
            turns: Arc::clone(&self.turns),
        };
        Ok((pieces, turn))
    }

    fn give(&mut self, names: NameChunk<L>) -> Result<(), ConsumerGone> {
        let Some((pieces, turn)) = self.next.take() else {
            return Ok(());
        };
        let job = Job {
            names,
            pieces,
            turn,
        };
        if self.count < self.most && (self.start_worker)().is_ok() {
            self.count = self.count.saturating_add(1);
        }
        if self.count > 0 {
            self.work.send(job)?;
        } else {
            // Not one more thread is to be had: the walk waits meanwhile.
            (self.alone)(job);
        }
        Ok(())
    }
}
