//! Gathers names of one directory into jobs for the crew.
//!
//! Owns when a job is full and where it is. What is kept of a name, and what
//! becomes of it, is the caller's business.

use std::sync::Arc;

use super::job_queue::DirectoryKey;
use super::pool::Feed;
use crate::actions::WorkError;
use crate::spool::{OpenDir, Queue};

/// Names in one directory.
#[derive(Debug)]
pub struct DirectoryJob<N> {
    /// The queue.
    pub queue: Queue,
    /// The directory.
    pub place: Arc<OpenDir>,
    /// The names.
    pub names: N,
}

/// What is kept of names.
pub trait NameBatch: Default {
    /// Of how many.
    fn count(&self) -> usize;
}

impl<T> NameBatch for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }
}

/// Fills jobs and feeds them to the crew.
pub struct Batcher<'a, 'scope, N> {
    feed: &'a mut Feed<'scope, DirectoryJob<N>>,
    job: Option<DirectoryJob<N>>,
    job_max: usize,
}

impl<'a, 'scope, N: NameBatch> Batcher<'a, 'scope, N> {
    /// One that has nothing, and puts so many names into a job.
    pub fn new(feed: &'a mut Feed<'scope, DirectoryJob<N>>, job_max: usize) -> Self {
        Self {
            feed,
            job: None,
            job_max,
        }
    }

    /// Lets `put` add a name that was met in a directory of a queue.
    pub fn add(
        &mut self,
        queue: Queue,
        place: &Arc<OpenDir>,
        put: impl FnOnce(&mut N),
    ) -> Result<(), WorkError> {
        let same = |job: &DirectoryJob<N>| job.queue == queue && Arc::ptr_eq(&job.place, place);
        if !self.job.as_ref().is_some_and(same) {
            self.flush()?;
        }
        let job = self.job.get_or_insert_with(|| DirectoryJob {
            queue,
            place: Arc::clone(place),
            names: N::default(),
        });
        put(&mut job.names);
        match job.names.count() >= self.job_max {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Waits for all else if a name was met before: two pieces of work on the
    /// same name have to wait for each other.
    pub fn keep_apart(&mut self, name: &[u8]) -> Result<(), WorkError> {
        if !self.feed.first_of_its_name(name) {
            self.settle()?;
            self.feed.first_of_its_name(name);
        }
        Ok(())
    }

    /// Feeds what was gathered.
    pub fn flush(&mut self) -> Result<(), WorkError> {
        match self.job.take() {
            Some(job) => {
                let pieces = job.names.count();
                let directory_key = DirectoryKey::of((job.queue, &job.place.path));
                self.feed.send(job, pieces, directory_key)
            }
            None => Ok(()),
        }
    }

    /// Waits until all that was gathered is done.
    pub fn settle(&mut self) -> Result<(), WorkError> {
        self.flush()?;
        self.feed.drain()
    }
}
