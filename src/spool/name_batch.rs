//! Groups the names found by a walk into jobs for a worker pool. All names of a
//! job are from one directory.
//!
//! Decides when a batch is complete. Independent of what is done with the
//! names.

use std::ops::Range;
use std::sync::Arc;

use super::descent::OpenDir;
use crate::sys::dir::FileKind;
use crate::worker_pool::job_queue::DirectoryKey;
use crate::worker_pool::pool::{ConsumerGone, Feed, Results};

/// The number of names in the first batch of a listing. It is small so that
/// `mailq | head` prints its first output early.
const FIRST_LISTED: usize = 8;
/// The largest number of names in a batch of a listing.
///
/// Measured, `-j` on 100,000 messages: with 256, the text of a batch exceeds the
/// size of a piece, and workers wait until theirs may be written: 0.72 s instead
/// of 0.63 s.
const LISTED_MAX: usize = 128;

/// Names from one directory.
#[derive(Debug)]
pub struct NameBatch<L> {
    /// A property that all names share, such as their queue.
    pub label: L,
    /// The open directory that contains the names; `None` for names whose
    /// directory has to be looked up.
    pub dir: Option<Arc<OpenDir>>,
    /// The names, concatenated.
    bytes: Vec<u8>,
    /// The range of each name in `bytes`, and the file type that readdir(3)
    /// reported for it.
    entries: Vec<(Range<usize>, Option<FileKind>)>,
}

impl<L> NameBatch<L> {
    /// Returns the names, in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.entries().map(|(name, _)| name)
    }

    /// Returns the names, in order, each with the file type that readdir(3)
    /// reported.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Option<FileKind>)> {
        let entries = self.entries.iter();
        entries.filter_map(|(range, kind)| Some((self.bytes.get(range.clone())?, *kind)))
    }

    /// Returns the number of names.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    fn add(&mut self, name: &[u8], kind: Option<FileKind>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        self.entries.push((start..self.bytes.len(), kind));
    }
}

/// Collects names until a batch is complete.
#[derive(Debug)]
pub struct Batcher<L> {
    batch: Option<NameBatch<L>>,
    /// The number of names in the next batch; doubles up to `size_max`.
    size: usize,
    size_max: usize,
}

impl<L: Copy + PartialEq> Batcher<L> {
    /// Creates a batcher for batches of `size` names, at least 1.
    pub fn new(size: usize) -> Self {
        Self {
            batch: None,
            size,
            size_max: size,
        }
    }

    /// Creates a batcher for batches that begin small and grow, so that the
    /// first results come early.
    fn growing() -> Self {
        Self {
            batch: None,
            size: FIRST_LISTED,
            size_max: LISTED_MAX,
        }
    }

    /// Adds a name. Returns a batch if one is now complete, either because it
    /// is full or because this name is in another directory.
    pub fn add(
        &mut self,
        label: L,
        dir: Option<&Arc<OpenDir>>,
        (name, kind): (&[u8], Option<FileKind>),
    ) -> Option<NameBatch<L>> {
        let is_same = |batch: &NameBatch<L>| {
            let dirs = (batch.dir.as_ref(), dir);
            batch.label == label
                && match dirs {
                    (None, None) => true,
                    (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                    _ => false,
                }
        };
        let ended = if self.batch.as_ref().is_some_and(is_same) {
            None
        } else {
            self.take()
        };
        let batch = self.batch.get_or_insert_with(|| NameBatch {
            label,
            dir: dir.map(Arc::clone),
            bytes: Vec::new(),
            entries: Vec::new(),
        });
        batch.add(name, kind);
        // A batch was completed by a name from another directory only if
        // batches have at least two names; this new batch has one, so it is not
        // full.
        if batch.count() >= self.size {
            self.take()
        } else {
            ended
        }
    }

    /// Returns the names that were added since the last batch.
    pub fn take(&mut self) -> Option<NameBatch<L>> {
        let batch = self.batch.take();
        if batch.is_some() {
            self.size = self.size.saturating_mul(2).min(self.size_max);
        }
        batch
    }
}

/// Sends the names of a listing to a worker pool, in the order of the walk.
pub struct NameFeed<'a, 'scope, L, R> {
    feed: &'a mut Feed<'scope, NameBatch<L>, R>,
    batcher: Batcher<L>,
    workers: usize,
}

impl<'a, 'scope, L: Copy + PartialEq, R> NameFeed<'a, 'scope, L, R> {
    /// Creates a feed for at most this many workers.
    pub fn new(feed: &'a mut Feed<'scope, NameBatch<L>, R>, workers: usize) -> Self {
        Self {
            feed,
            batcher: Batcher::growing(),
            workers,
        }
    }

    /// Adds a name.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn add(
        &mut self,
        label: L,
        dir: Option<&Arc<OpenDir>>,
        name: &[u8],
    ) -> Result<(), ConsumerGone> {
        let batch = self.batcher.add(label, dir, (name, None));
        self.send(batch)
    }

    /// Sends a result of the walk itself, after those of all names so far.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn send_result(&mut self, result: R) -> Result<(), ConsumerGone> {
        self.flush()?;
        self.feed.send_result(result)
    }

    /// Sends the names that were added so far.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn flush(&mut self) -> Result<(), ConsumerGone> {
        let batch = self.batcher.take();
        self.send(batch)
    }

    fn send(&mut self, batch: Option<NameBatch<L>>) -> Result<(), ConsumerGone> {
        match batch {
            Some(batch) => self
                .feed
                .send(batch, DirectoryKey::in_order(), self.workers),
            None => Ok(()),
        }
    }
}

/// A batch that a worker of a listing handles, and the destination of its
/// results.
pub struct Chunk<'a, L, R> {
    /// A property that all names share.
    pub label: L,
    /// The open directory that contains the names; `None` for names whose
    /// directory has to be looked up.
    pub place: Option<&'a OpenDir>,
    batch: &'a NameBatch<L>,
    results: &'a Results<'a, R>,
}

impl<'a, L: Copy, R> Chunk<'a, L, R> {
    /// Creates a chunk for a batch.
    pub fn new(batch: &'a NameBatch<L>, results: &'a Results<'a, R>) -> Self {
        Self {
            label: batch.label,
            place: batch.dir.as_deref(),
            batch,
            results,
        }
    }

    /// Returns the names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a, L, R> {
        self.batch.names()
    }

    /// Sends a result.
    ///
    /// # Errors
    ///
    /// The consumer takes no more results.
    pub fn hand_out(&self, result: R) -> Result<(), ConsumerGone> {
        self.results.send(result)
    }

    /// Waits until the results of this batch are the ones that are consumed.
    pub fn await_turn(&self) {
        self.results.await_turn();
    }
}
