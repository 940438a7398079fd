//! [`SortEntry`]: a formatted message that waits for its place in the order.

use std::cmp::Ordering;

use super::message_info::MessageInfo;
use super::sort_spec::{Direction, SortSpec};
use super::spill::SpilledText;
use super::totals::Totals;

/// What an entry costs besides its bytes.
const ENTRY_COST: usize = size_of::<SortEntry>() + 32;

/// A message that waits for its place, or a part of one that does not.
#[derive(Clone, Debug)]
pub struct SortEntry {
    /// What it is sorted by.
    pub rank: Vec<u8>,
    /// What it adds to the totals: nothing if it is only a part of a message.
    pub totals: Totals,
    /// What it looks like: first what the spill keeps.
    pub kept: Vec<SpilledText>,
    /// What follows that.
    pub text: Vec<u8>,
}

impl SortEntry {
    /// A message that looks like what is kept, and `text` after it.
    pub fn new(
        sort_spec: &SortSpec,
        known: &MessageInfo,
        totals: Totals,
        kept: Vec<SpilledText>,
        mut text: Vec<u8>,
    ) -> Self {
        let mut rank = Vec::new();
        for key in &sort_spec.keys {
            key.write_rank(known, &mut rank);
        }
        text.shrink_to_fit();
        Self {
            rank,
            totals,
            kept,
            text,
        }
    }

    /// A part of a message whose end follows in another entry.
    pub fn part(text: Vec<u8>) -> Self {
        Self {
            rank: Vec::new(),
            totals: Totals::default(),
            kept: Vec::new(),
            text,
        }
    }

    /// Which of two comes first.
    pub fn compare(&self, other: &Self, direction: Direction) -> Ordering {
        match direction {
            Direction::Ascending => self.rank.cmp(&other.rank),
            Direction::Descending => other.rank.cmp(&self.rank),
        }
    }

    /// About how many bytes of memory it takes.
    pub fn cost(&self) -> usize {
        let bytes = self.rank.len().saturating_add(self.text.len());
        let kept = self.kept.len().saturating_mul(size_of::<SpilledText>());
        bytes.saturating_add(kept).saturating_add(ENTRY_COST)
    }
}
