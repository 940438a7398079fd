//! The queue of jobs that wait for a worker, grouped by directory.
//!
//! The kernel lets only one process at a time change a directory, and waiting
//! for another worker costs more than the work itself. Therefore a worker takes
//! the oldest job of the directory with the fewest workers. Measured, -d ALL on
//! 60,000 messages in 16 directories, cold cache: 3.6 s this way, 4.2 s in job
//! order.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A directory, or another resource that workers have to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryKey(u64);

impl DirectoryKey {
    /// Returns the key of a name. Two names that share a hash are treated as
    /// one directory, which only costs time.
    pub fn of(name: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Returns the key for jobs that are taken in the order in which they were
    /// added.
    pub fn in_order() -> Self {
        Self(0)
    }
}

/// The waiting jobs. Their number is bounded by the pool that adds them.
#[derive(Debug)]
pub struct JobQueue<J> {
    state: Mutex<QueueState<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct QueueState<J> {
    /// The directories with waiting jobs or active workers, in the order in
    /// which they got their first job.
    directories: VecDeque<DirectoryJobs<J>>,
    is_closed: bool,
}

#[derive(Debug)]
struct DirectoryJobs<J> {
    key: DirectoryKey,
    workers: usize,
    jobs: VecDeque<J>,
}

impl<J> Default for JobQueue<J> {
    fn default() -> Self {
        Self {
            state: Mutex::new(QueueState {
                directories: VecDeque::new(),
                is_closed: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<J> JobQueue<J> {
    /// Adds a job.
    pub fn add(&self, key: DirectoryKey, job: J) {
        let mut state = lock(&self.state);
        match state.find(key) {
            Some(directory) => directory.jobs.push_back(job),
            None => state.directories.push_back(DirectoryJobs {
                key,
                workers: 0,
                jobs: VecDeque::from([job]),
            }),
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for the next job and takes it. Returns `None` once the queue is
    /// closed and empty. Call [`JobQueue::leave`] when the job is done.
    pub fn take(&self) -> Option<(DirectoryKey, J)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(taken) = state.take() {
                return Some(taken);
            }
            if state.is_closed {
                return None;
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reports that a job taken from this directory is done.
    pub fn leave(&self, key: DirectoryKey) {
        let mut state = lock(&self.state);
        if let Some(directory) = state.find(key) {
            directory.workers = directory.workers.saturating_sub(1);
        }
        let is_needed =
            |directory: &DirectoryJobs<J>| directory.workers > 0 || !directory.jobs.is_empty();
        state.directories.retain(is_needed);
    }

    /// Closes the queue: no more jobs will be added.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_all();
    }
}

impl<J> QueueState<J> {
    fn find(&mut self, key: DirectoryKey) -> Option<&mut DirectoryJobs<J>> {
        let mut directories = self.directories.iter_mut();
        directories.find(|directory| directory.key == key)
    }

    fn take(&mut self) -> Option<(DirectoryKey, J)> {
        let directories = self.directories.iter_mut();
        let waiting = directories.filter(|directory| !directory.jobs.is_empty());
        let directory = waiting.min_by_key(|directory| directory.workers)?;
        directory.workers = directory.workers.saturating_add(1);
        Some((directory.key, directory.jobs.pop_front()?))
    }
}

/// Locks a mutex, even if a thread panicked while holding it: a panic aborts
/// the process, so no other thread sees a state that is half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_spread_over_directories_and_jobs_stay_in_order() {
        let job_queue = JobQueue::default();
        let (a, b) = (DirectoryKey::of("a"), DirectoryKey::of("b"));
        for job in 0..3 {
            job_queue.add(a, job);
        }
        job_queue.add(b, 10);
        job_queue.add(b, 11);
        assert_eq!(job_queue.take(), Some((a, 0)));
        assert_eq!(job_queue.take(), Some((b, 10)));
        job_queue.leave(b);
        assert_eq!(job_queue.take(), Some((b, 11)));
        assert_eq!(job_queue.take(), Some((a, 1)));
        assert_eq!(job_queue.take(), Some((a, 2)));
    }

    #[test]
    fn jobs_added_before_closing_are_still_taken() {
        let job_queue = JobQueue::default();
        job_queue.add(DirectoryKey::of(1), "job");
        job_queue.close();
        assert_eq!(job_queue.take(), Some((DirectoryKey::of(1), "job")));
        assert_eq!(job_queue.take(), None);
    }

    #[test]
    fn a_directory_without_jobs_and_workers_is_removed() {
        let job_queue = JobQueue::default();
        for number in 0..100 {
            job_queue.add(DirectoryKey::of(number), number);
            let (directory_key, _) = job_queue.take().expect("a job");
            job_queue.leave(directory_key);
        }
        assert!(lock(&job_queue.state).directories.is_empty());
    }
}
