//! Limits work on single messages: their number, and how many in a second.
//!
//! Counts messages that were acted on. Independent of the action.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::WorkError;
use crate::sys::signals::Interrupts;

/// Limits work, if a limit or an interval is set.
#[derive(Debug, Default)]
pub struct RateLimit {
    limit: Option<u64>,
    /// The time from one message to the next.
    interval: Option<Duration>,
    state: Mutex<RateState>,
}

#[derive(Debug, Default)]
struct RateState {
    acted: u64,
    last: Option<Instant>,
}

impl RateLimit {
    /// Lets `limit` messages through, one each `interval`.
    pub fn new(limit: Option<u64>, interval: Option<Duration>) -> Self {
        Self {
            limit,
            interval,
            state: Mutex::default(),
        }
    }

    /// Whether anything is limited: messages are handled one by one then.
    pub fn is_set(&self) -> bool {
        self.limit.is_some() || self.interval.is_some()
    }

    /// Waits until the next message may be acted on.
    ///
    /// # Errors
    ///
    /// The limit is reached, or a signal came.
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
            // A wait that cannot be is one that is over.
            let _ = interrupts.wait_during(left);
        }
        match interrupts.caught() {
            Some(_) => Err(WorkError::Interrupted),
            None => Ok(()),
        }
    }

    /// A message was acted on. Ends the waits for more of them if it was the
    /// last.
    pub fn acted(&self, interrupts: &Interrupts) {
        if !self.is_set() {
            return;
        }
        let mut state = self.state();
        state.acted = state.acted.saturating_add(1);
        // From when it was due, so that the time of the act does not add up;
        // but what was missed is not made up for in a burst.
        let due = state.last.zip(self.interval);
        let due = due.and_then(|(last, interval)| last.checked_add(interval));
        let now = Instant::now();
        let is_late = |due: &Instant| now.duration_since(*due) > Duration::from_millis(100);
        state.last = Some(due.filter(|due| !is_late(due)).unwrap_or(now));
        if self.limit == Some(state.acted) {
            interrupts.end_waits();
        }
    }

    /// How many more may be acted on, if there is a limit.
    pub fn left(&self) -> Option<u64> {
        let acted = self.state().acted;
        self.limit.map(|limit| limit.saturating_sub(acted))
    }

    /// Whether as many messages as were requested were acted on.
    pub fn is_enough(&self) -> bool {
        self.limit.is_some_and(|limit| self.state().acted >= limit)
    }

    fn state(&self) -> MutexGuard<'_, RateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
