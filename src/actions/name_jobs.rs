//! Groups the names in a queue into the jobs of an action, and keeps two jobs
//! from handling the same name at the same time.

use std::sync::Arc;

use super::error::WorkError;
use super::scheduler::ActionFeed;
use crate::spool::name_batch::{Batcher, NameBatch};
use crate::spool::{DirEntry, OpenDir, Queue};
use crate::worker_pool::job_queue::DirectoryKey;

/// Names from one directory of a queue.
pub type Job = NameBatch<Queue>;

/// Groups names into jobs and sends them to the workers.
pub struct NameJobs<'a, 'f, 'scope> {
    feed: &'a mut ActionFeed<'f, 'scope, Job>,
    batcher: Batcher<Queue>,
}

impl<'a, 'f, 'scope> NameJobs<'a, 'f, 'scope> {
    /// Creates a value that sends jobs of at most `job_max` names.
    pub fn new(feed: &'a mut ActionFeed<'f, 'scope, Job>, job_max: usize) -> Self {
        Self {
            feed,
            batcher: Batcher::new(job_max),
        }
    }

    /// Adds a name.
    ///
    /// # Errors
    ///
    /// Those of [`ActionFeed::send`].
    pub fn add(&mut self, queue: Queue, entry: &DirEntry<'_>) -> Result<(), WorkError> {
        let &DirEntry { place, name, kind } = entry;
        let batch = self.batcher.add(queue, Some(place), (name, kind));
        self.send(batch)
    }

    /// Waits for all jobs if `name` was added before, so that two actions on
    /// the same name run one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`ActionFeed::send`].
    pub fn keep_apart(&mut self, name: &[u8]) -> Result<(), WorkError> {
        if !self.feed.is_new_name(name) {
            self.settle()?;
            self.feed.is_new_name(name);
        }
        Ok(())
    }

    /// Sends the names that were added since the last job.
    ///
    /// # Errors
    ///
    /// Those of [`ActionFeed::send`].
    pub fn flush(&mut self) -> Result<(), WorkError> {
        let batch = self.batcher.take();
        self.send(batch)
    }

    /// Sends the names that were added since the last job, and waits until all
    /// jobs are done.
    ///
    /// # Errors
    ///
    /// Those of [`ActionFeed::send`].
    pub fn settle(&mut self) -> Result<(), WorkError> {
        self.flush()?;
        self.feed.drain()
    }

    fn send(&mut self, batch: Option<Job>) -> Result<(), WorkError> {
        let Some(job) = batch else {
            return Ok(());
        };
        let path = job.dir.as_ref().map(|dir: &Arc<OpenDir>| &dir.path);
        let directory = DirectoryKey::of((job.label, path));
        let messages = job.count();
        self.feed.send(job, messages, directory)
    }
}
