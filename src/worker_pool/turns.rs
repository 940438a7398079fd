//! Turns: a job that needs much memory waits until its results are the ones
//! that are consumed, so that no other job does the same at that time.
//!
//! This cannot deadlock: the jobs before it are complete by then, or complete
//! without waiting for it.

use std::sync::{Arc, Condvar, Mutex};

use super::job_queue::lock;

/// Which job's results are being consumed.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The number of the job. All jobs before it are complete.
    current: Mutex<u64>,
    changed: Condvar,
}

impl Turns {
    /// Sets the job whose results are consumed from now on.
    pub(super) fn set(&self, number: u64) {
        *lock(&self.current) = number;
        self.changed.notify_all();
    }
}

/// Ends all waits when dropped: no more results are consumed.
pub(super) struct NoMoreTurns<'a>(pub(super) &'a Turns);

impl Drop for NoMoreTurns<'_> {
    fn drop(&mut self) {
        self.0.set(u64::MAX);
    }
}

/// The turn of one job.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// The number of the job in job order.
    pub(super) number: u64,
    pub(super) turns: Arc<Turns>,
}

impl Turn {
    /// Waits until it is the job's turn.
    pub(super) fn wait(&self) {
        let is_later = |current: &mut u64| *current < self.number;
        drop(
            self.turns
                .changed
                .wait_while(lock(&self.turns.current), is_later),
        );
    }
}
