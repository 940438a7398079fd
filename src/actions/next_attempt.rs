//! The time of the next delivery attempt, which is the modification time of the
//! file of a deferred message.
//!
//! Observed with Postfix 3.7.11: the queue manager leaves a deferred message
//! whose modification time is more than a second in the future until a later
//! scan of deferred. Scans take place every queue_run_delay.

use std::hash::{BuildHasher, RandomState};

use crate::spool::QueueId;
use crate::sys::dir_changes::FileTime;

/// The largest number of messages whose order is remembered, at 16 bytes each.
const ORDERED_MAX: usize = 1 << 20;

/// The time of the next delivery attempt that an action sets.
#[derive(Clone, Copy, Debug, Default)]
pub enum NextAttempt<'a> {
    /// It stays as it is.
    #[default]
    Unchanged,
    /// The same time for every message, in seconds since the epoch.
    At(i64),
    /// A time of its own for every message.
    Spread(&'a Spread),
}

impl NextAttempt<'_> {
    /// Returns the time for a message; `None` if it stays as it is.
    pub fn of(self, id: &QueueId) -> Option<FileTime> {
        match self {
            Self::Unchanged => None,
            Self::At(seconds) => Some((seconds, 0)),
            Self::Spread(spread) => Some(spread.of(id)),
        }
    }
}

/// Next attempts that are spread evenly over a period, in the order of arrival.
///
/// A message that was not counted before, or that exceeds the number of
/// messages that are remembered, gets a random time of the period.
#[derive(Debug)]
pub struct Spread {
    /// Seconds since the epoch.
    start: i64,
    /// The length of the period in nanoseconds.
    length: u64,
    /// The ranks of the messages, sorted by the hash of the ID.
    ranks: Vec<(u64, u32)>,
    hashes: RandomState,
}

impl Spread {
    /// Creates a spread over `seconds` seconds from `start` on.
    pub fn new(start: i64, seconds: i64, mut arrivals: Arrivals) -> Self {
        arrivals.known.sort_unstable();
        let ranked = (0u32..).zip(&arrivals.known);
        let mut ranks: Vec<(u64, u32)> = ranked.map(|(rank, (_, hash))| (*hash, rank)).collect();
        drop(std::mem::take(&mut arrivals.known));
        ranks.sort_unstable();
        Self {
            start,
            length: u64::try_from(seconds)
                .unwrap_or(0)
                .saturating_mul(NANOSECONDS),
            ranks,
            hashes: arrivals.hashes,
        }
    }

    fn of(&self, id: &QueueId) -> FileTime {
        let hash = self.hashes.hash_one(id);
        let found = self.ranks.binary_search_by_key(&hash, |(hash, _)| *hash);
        let (rank, count) = match found.ok().and_then(|at| self.ranks.get(at)) {
            Some((_, rank)) => (u64::from(*rank), self.ranks.len() as u64),
            None => (hash & u64::from(u32::MAX), 1 << 32),
        };
        let product = u128::from(self.length).saturating_mul(rank.into());
        let after = u64::try_from(product / u128::from(count.max(1))).unwrap_or(self.length);
        let seconds = i64::try_from(after / NANOSECONDS).unwrap_or(0);
        let part = i64::try_from(after % NANOSECONDS).unwrap_or(0);
        (self.start.saturating_add(seconds), part)
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

/// The messages to be released, with their times of arrival.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// The time of arrival and the hash of the queue ID.
    known: Vec<(i64, u64)>,
    hashes: RandomState,
}

impl Arrivals {
    /// Adds a message with its arrival time in seconds since the epoch and
    /// microseconds. (The microseconds in a queue ID are those of another time:
    /// Postfix makes the ID after it has taken the arrival time, and `-r` makes
    /// another one.)
    pub fn add(&mut self, id: &QueueId, (seconds, microseconds): (i64, u32)) {
        if self.known.len() < ORDERED_MAX {
            let arrival = seconds.saturating_mul(1_000_000);
            let arrival = arrival.saturating_add(microseconds.into());
            self.known.push((arrival, self.hashes.hash_one(id)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> QueueId {
        QueueId::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn attempts_are_spread_evenly_in_the_order_of_arrival() {
        let mut arrivals = Arrivals::default();
        arrivals.add(&id("00001ABC3"), (1000, 999_000));
        arrivals.add(&id("00009ABC2"), (1000, 17));
        arrivals.add(&id("F0000ABC1"), (999, 1_000));
        arrivals.add(&id("00000ABC4"), (2000, 0));
        let spread = Spread::new(5000, 10, arrivals);
        let times = ["F0000ABC1", "00009ABC2", "00001ABC3", "00000ABC4"].map(|text| {
            let attempt = NextAttempt::Spread(&spread);
            attempt.of(&id(text)).unwrap()
        });
        let half = 500_000_000;
        assert_eq!(times, [(5000, 0), (5002, half), (5005, 0), (5007, half)]);
        let (late, _) = spread.of(&id("ABCDEABC5"));
        assert!((5000..5010).contains(&late));
    }
}
