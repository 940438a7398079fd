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

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::Place;
use crate::sys::process::NobodyWaits;

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
pub struct NotWanted;

impl<T> From<SendError<T>> for NotWanted {
    fn from(_: SendError<T>) -> Self {
        Self
    }
}

/// Names of one directory, to be looked at by one reader.
#[derive(Debug)]
pub struct Chunk<L, P> {
    /// What the walk says of all of them, such as their queue.
    pub label: L,
    /// The open directory the names lie in; `None` for names that the reader
    /// has to look for.
    pub place: Option<Arc<Place>>,
    /// The names, one behind the other.
    names: Vec<u8>,
    /// Where each of them stands in `names`.
    ranges: Vec<Range<usize>>,
    /// Where the pieces go.
    pieces: SyncSender<P>,
}

impl<L, P> Chunk<L, P> {
    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges
            .iter()
            .filter_map(|range| self.names.get(range.clone()))
    }

    /// Hands out a piece of the result.
    pub fn hand_out(&self, piece: P) -> Result<(), NotWanted> {
        Ok(self.pieces.send(piece)?)
    }
}

/// Looks at the files of one chunk after the other.
pub trait Look<L, P> {
    /// Looks at one chunk.
    fn chunk(&mut self, chunk: &Chunk<L, P>) -> Result<(), NotWanted>;
}

/// Lets `walk` feed names to at most `most` readers, and gives their pieces
/// to `take` until it breaks off. An error is that no thread can be had.
pub fn run<L, P, R, B>(
    most: usize,
    new_reader: impl Fn() -> R + Sync,
    walk: impl FnOnce(&mut Crew<'_, L, P>) -> Result<(), NotWanted> + Send,
    mut take: impl FnMut(P) -> ControlFlow<B>,
) -> io::Result<Option<B>>
where
    L: Copy + PartialEq + Send,
    P: Send,
    R: Look<L, P>,
{
    // Rendezvous in the order of the walk: one receiver of pieces per chunk.
    let (order, in_order) = sync_channel::<Receiver<P>>(most.saturating_mul(CHUNKS_WAITING));
    thread::scope(|scope| {
        let new_reader = &new_reader;
        let walker = move || {
            let (work, waiting) = sync_channel(most.saturating_mul(CHUNKS_WAITING));
            let waiting = Arc::new(Mutex::new(waiting));
            let hire = move || {
                let waiting = Arc::clone(&waiting);
                let life = move || labour(&mut new_reader(), &waiting);
                builder().spawn_scoped(scope, life).map(drop)
            };
            let mut crew = Crew {
                hire: Box::new(hire),
                alone: Box::new(move |chunk| {
                    // Nobody left to hear of it if this fails.
                    let _ = new_reader().chunk(chunk);
                }),
                most,
                readers: 0,
                order,
                work,
                chunk: None,
                chunk_size: CHUNK_MIN,
            };
            let _ = walk(&mut crew).and_then(|()| crew.flush());
        };
        builder().spawn_scoped(scope, walker)?;
        // Returning drops the receivers, which ends every other thread.
        for pieces in in_order {
            for piece in pieces {
                if let ControlFlow::Break(end) = take(piece) {
                    return Ok(Some(end));
                }
            }
        }
        Ok(None)
    })
}

fn builder() -> thread::Builder {
    thread::Builder::new().stack_size(STACK)
}

/// One reader's life: chunks until there are no more, or nobody wants the
/// result.
fn labour<L, P>(reader: &mut impl Look<L, P>, waiting: &Mutex<Receiver<Chunk<L, P>>>) {
    let _guard = NobodyWaits;
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(chunk) = next else { return };
        if reader.chunk(&chunk).is_err() {
            return;
        }
    }
}

/// Reads a chunk without a thread of its own.
type Alone<'scope, L, P> = Box<dyn Fn(&Chunk<L, P>) + 'scope>;

/// The readers, and the chunk that is being filled for them.
pub struct Crew<'scope, L, P> {
    hire: Box<dyn Fn() -> io::Result<()> + 'scope>,
    alone: Alone<'scope, L, P>,
    most: usize,
    readers: usize,
    order: SyncSender<Receiver<P>>,
    work: SyncSender<Chunk<L, P>>,
    chunk: Option<Chunk<L, P>>,
    chunk_size: usize,
}

impl<L: Copy + PartialEq, P> Crew<'_, L, P> {
    /// Adds a name to the chunk, which goes to a reader when it is full.
    pub fn add(
        &mut self,
        label: L,
        place: Option<&Arc<Place>>,
        name: &[u8],
    ) -> Result<(), NotWanted> {
        let same = |chunk: &Chunk<L, P>| {
            let places = (chunk.place.as_ref(), place);
            chunk.label == label && matches!(places, (None, None))
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
                    label,
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

    /// Hands out a piece of the walk's own, behind all that was added.
    pub fn say(&mut self, piece: P) -> Result<(), NotWanted> {
        self.flush()?;
        Ok(self.announce()?.send(piece)?)
    }

    /// Gives the chunk to the readers; one more of them while there are few.
    pub fn flush(&mut self) -> Result<(), NotWanted> {
        let Some(chunk) = self.chunk.take() else {
            return Ok(());
        };
        self.chunk_size = self.chunk_size.saturating_mul(2).min(CHUNK_MAX);
        if self.readers < self.most && (self.hire)().is_ok() {
            self.readers = self.readers.saturating_add(1);
        }
        if self.readers > 0 {
            self.work.send(chunk)?;
        } else {
            // Not one thread is to be had: the walk waits meanwhile.
            (self.alone)(&chunk);
        }
        Ok(())
    }

    /// Reserves the next place in the order of results.
    fn announce(&mut self) -> Result<SyncSender<P>, NotWanted> {
        let (pieces, receiver) = sync_channel(PIECES_WAITING);
        self.order.send(receiver)?;
        Ok(pieces)
    }
}
