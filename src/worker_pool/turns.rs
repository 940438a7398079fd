//! Turns: what needs much memory waits until its chunk is the one whose pieces
//! are taken, so that it is the only one.
//!
//! Nothing can lock up: the chunks before it are complete by then or become so
//! without it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Which chunk's pieces are being taken.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Its number; those before it are complete.
    current: Mutex<u64>,
    changed: Condvar,
}

impl Turns {
    /// From now on the pieces of this chunk are taken.
    pub(super) fn set(&self, number: u64) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = number;
        self.changed.notify_all();
    }
}

/// Ends all waiting when nothing is taken any more.
pub(super) struct NoMoreTurns<'a>(pub(super) &'a Turns);

impl Drop for NoMoreTurns<'_> {
    fn drop(&mut self) {
        self.0.set(u64::MAX);
    }
}

/// The turn of one chunk.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Its place in the order.
    pub(super) number: u64,
    pub(super) turns: Arc<Turns>,
}

impl Turn {
    /// Waits for it.
    pub(super) fn wait(&self) {
        let current = &self.turns.current;
        let current = current.lock().unwrap_or_else(PoisonError::into_inner);
        let is_later = |current: &mut u64| *current < self.number;
        drop(self.turns.changed.wait_while(current, is_later));
    }
}
