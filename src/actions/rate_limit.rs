//! Limits actions on single messages: their number and their rate.
//!
//! Only messages on which an action was performed count.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::WorkError;
use crate::sys::signals::Interrupts;

/// A limit on the number of messages, on their rate, or on neither.
#[derive(Debug, Default)]
pub struct RateLimit {
    limit: Option<u64>,
    /// The minimum time between two messages.
    interval: Option<Duration>,
    state: Mutex<RateState>,
}

#[derive(Debug, Default)]
struct RateState {
    acted: u64,
    last: Option<Instant>,
}

impl RateLimit {
    /// Creates a limit of `limit` messages, one every `interval`. `None` means
    /// unlimited.
    pub fn new(limit: Option<u64>, interval: Option<Duration>) -> Self {
        Self {
            limit,
            interval,
            state: Mutex::default(),
        }
    }

    /// Returns whether there is a limit. If so, messages are handled one at a
    /// time.
    pub fn is_set(&self) -> bool {
        self.limit.is_some() || self.interval.is_some()
    }

    /// Waits until the next message may be handled.
    ///
    /// # Errors
    ///
    /// [`WorkError::Enough`] if the limit has been reached,
    /// [`WorkError::Interrupted`] if a signal was caught.
    pub fn wait(&self, interrupts: &Interrupts) -> Result<(), WorkError> {
        if !self.is_set() {
            return Ok(());
        }
        let RateState { acted, last } = *self.state();
        if self.limit.is_some_and(|limit| acted >= limit) {
            return Err(WorkError::Enough);
        }
        if let (Some(interval), Some(last)) = (self.interval, last) {
            let left = interval.saturating_sub(last.elapsed());
            // If waiting fails, the message is handled at once.
            let _ = interrupts.wait_during(left);
        }
        match interrupts.caught() {
            Some(_) => Err(WorkError::Interrupted),
            None => Ok(()),
        }
    }

    /// Records that an action was performed on a message. If that was the last
    /// one allowed, wakes up all threads that wait for more input.
    pub fn acted(&self, interrupts: &Interrupts) {
        if !self.is_set() {
            return;
        }
        let mut state = self.state();
        state.acted = state.acted.saturating_add(1);
        // The next interval begins when this message was due, so that the
        // duration of the action does not add to it. After a delay of more than
        // 100 ms it begins now, so that the delay is not made up for in a
        // burst.
        let due = state.last.zip(self.interval);
        let due = due.and_then(|(last, interval)| last.checked_add(interval));
        let now = Instant::now();
        let is_late = |due: &Instant| now.duration_since(*due) > Duration::from_millis(100);
        state.last = Some(due.filter(|due| !is_late(due)).unwrap_or(now));
        if self.limit == Some(state.acted) {
            interrupts.end_waits();
        }
    }

    /// Returns the number of messages that may still be handled; `None` if it
    /// is unlimited.
    pub fn left(&self) -> Option<u64> {
        let acted = self.state().acted;
        self.limit.map(|limit| limit.saturating_sub(acted))
    }

    /// Returns whether the limit on the number of messages has been reached.
    pub fn is_enough(&self) -> bool {
        self.limit.is_some_and(|limit| self.state().acted >= limit)
    }

    fn state(&self) -> MutexGuard<'_, RateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
