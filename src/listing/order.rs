//! Listings in another order than that of the walk, and of so many messages
//! only.
//!
//! Whatever is sorted is held in memory until the last message is known; with
//! a limit no more than a few times so many messages.

use super::form::Totals;
use super::known::Known;
use super::template::Depth;
use crate::spool::Queue;

/// What a listing can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The queue ID.
    Id,
    /// Time since arrival.
    Age,
    /// Bytes.
    Size,
    /// The sender.
    Sender,
    /// Number of recipients.
    Recipients,
    /// The queue, in the order of a listing.
    Queue,
}

impl Key {
    /// From a name on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "age" => Self::Age,
            "size" => Self::Size,
            "sender" => Self::Sender,
            "recipients" => Self::Recipients,
            "queue" => Self::Queue,
            _ => return None,
        })
    }

    fn rank(self, known: &Known) -> Rank {
        match self {
            Self::Id => Rank::Text(known.id.clone()),
            Self::Sender => Rank::Text(known.sender.clone()),
            Self::Age => Rank::Number(known.arrival.saturating_neg()),
            Self::Size => Rank::Number(known.size),
            Self::Recipients => Rank::Number(i64::try_from(known.recipients).unwrap_or(i64::MAX)),
            Self::Queue => {
                let is_it = |queue: &Queue| queue.name().as_bytes() == known.queue;
                let place = Queue::LISTED.iter().position(is_it);
                Rank::Number(
                    place
                        .and_then(|p| i64::try_from(p).ok())
                        .unwrap_or(i64::MAX),
                )
            }
        }
    }
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The smallest.
    #[default]
    Ascending,
    /// The largest.
    Descending,
}

/// Which messages are listed in which order.
#[derive(Clone, Debug, Default)]
pub struct Arrangement {
    /// What they are sorted by; nothing is the order of the walk.
    pub keys: Vec<Key>,
    /// Which end comes first.
    pub direction: Direction,
    /// How many are listed at most.
    pub limit: Option<usize>,
}

impl Arrangement {
    /// Whether messages have to be kept apart.
    pub fn is_needed(&self) -> bool {
        !self.keys.is_empty() || self.limit.is_some()
    }

    /// What has to be read of a message for it.
    pub fn depth(&self) -> Depth {
        match self.keys.contains(&Key::Recipients) {
            true => Depth::Everything,
            false => Depth::Head,
        }
    }
}

/// A message that waits for its place.
#[derive(Clone, Debug)]
pub struct Entry {
    ranks: Vec<Rank>,
    /// What it adds to the totals.
    pub totals: Totals,
    /// What it looks like.
    pub text: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(i64),
    Text(Vec<u8>),
}

impl Entry {
    /// A message that looks like `text`.
    pub fn new(arrangement: &Arrangement, known: &Known, totals: Totals, text: Vec<u8>) -> Self {
        Self {
            ranks: arrangement.keys.iter().map(|key| key.rank(known)).collect(),
            totals,
            text,
        }
    }
}

/// Entries in order.
#[derive(Debug)]
pub struct Sorter<'a> {
    arrangement: &'a Arrangement,
    entries: Vec<Entry>,
}

/// Entries beyond the limit that are held before they are thrown away.
const SLACK: usize = 4096;

impl<'a> Sorter<'a> {
    /// A sorter of nothing.
    pub fn new(arrangement: &'a Arrangement) -> Self {
        Self {
            arrangement,
            entries: Vec::new(),
        }
    }

    /// Adds entries, which come in the order of the walk.
    pub fn add(&mut self, entries: Vec<Entry>) {
        self.entries.extend(entries);
        let limit = self.arrangement.limit.unwrap_or(usize::MAX);
        if self.entries.len() > limit.saturating_add(SLACK) {
            self.cut();
        }
    }

    /// The entries in order.
    pub fn finish(mut self) -> Vec<Entry> {
        self.cut();
        self.entries
    }

    /// Sorts, and forgets what is beyond the limit. Equals stay in the order
    /// of the walk.
    fn cut(&mut self) {
        match self.arrangement.direction {
            Direction::Ascending => self.entries.sort_by(|a, b| a.ranks.cmp(&b.ranks)),
            Direction::Descending => self.entries.sort_by(|a, b| b.ranks.cmp(&a.ranks)),
        }
        if let Some(limit) = self.arrangement.limit {
            self.entries.truncate(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(arrangement: &Arrangement, messages: &[(&str, i64, i64)]) -> Vec<String> {
        let mut sorter = Sorter::new(arrangement);
        for (id, arrival, size) in messages {
            let known = Known {
                id: id.as_bytes().to_vec(),
                arrival: *arrival,
                size: *size,
                ..Known::default()
            };
            let text = id.as_bytes().to_vec();
            sorter.add(vec![Entry::new(
                arrangement,
                &known,
                Totals::default(),
                text,
            )]);
        }
        let text = |entry: Entry| String::from_utf8(entry.text).unwrap();
        sorter.finish().into_iter().map(text).collect()
    }

    const MESSAGES: [(&str, i64, i64); 4] =
        [("B", 30, 1), ("A", 10, 2), ("D", 20, 1), ("C", 40, 2)];

    #[test]
    fn keys_count_one_after_the_other_and_equals_keep_their_order() {
        let by = |keys: &[Key], direction| Arrangement {
            keys: keys.to_vec(),
            direction,
            limit: None,
        };
        let size = by(&[Key::Size], Direction::Ascending);
        assert_eq!(sorted(&size, &MESSAGES), ["B", "D", "A", "C"]);
        let age = by(&[Key::Age], Direction::Ascending);
        assert_eq!(sorted(&age, &MESSAGES), ["C", "B", "D", "A"]);
        let both = by(&[Key::Size, Key::Id], Direction::Descending);
        assert_eq!(sorted(&both, &MESSAGES), ["C", "A", "D", "B"]);
    }

    #[test]
    fn a_limit_bounds_what_is_held() {
        let arrangement = Arrangement {
            keys: vec![Key::Size],
            direction: Direction::Descending,
            limit: Some(2),
        };
        let mut sorter = Sorter::new(&arrangement);
        for size in 0..20_000 {
            let known = Known {
                size,
                ..Known::default()
            };
            let totals = Totals::default();
            sorter.add(vec![Entry::new(&arrangement, &known, totals, Vec::new())]);
            assert!(sorter.entries.len() <= 2 + SLACK);
        }
        let sizes: Vec<_> = sorter.finish().into_iter().map(|e| e.ranks).collect();
        assert_eq!(sizes, [[Rank::Number(19_999)], [Rank::Number(19_998)]]);
    }
}
