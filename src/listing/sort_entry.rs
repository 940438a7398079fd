//! [`SortEntry`]: a formatted message that has to be sorted.

use std::cmp::Ordering;

use super::message_info::MessageInfo;
use super::sort_spec::{Direction, SortSpec};
use super::spill::SpilledText;
use super::totals::Totals;

/// Memory that an entry takes besides its bytes.
const ENTRY_COST: usize = size_of::<SortEntry>() + 32;

/// A formatted message or, in a listing without sort keys, a part of one.
#[derive(Clone, Debug)]
pub struct SortEntry {
    /// The sort keys as bytes that compare like the values.
    pub rank: Vec<u8>,
    /// The entry's contribution to the totals: nothing if it is only a part of a
    /// message.
    pub totals: Totals,
    /// The beginning of the formatted text, which is in the spill.
    pub kept: Vec<SpilledText>,
    /// The rest of the formatted text.
    pub text: Vec<u8>,
}

impl SortEntry {
    /// Creates the entry of a message that is formatted as the text in `kept`
    /// followed by `text`.
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

    /// Creates a part of a message whose end follows in another entry.
    pub fn part(text: Vec<u8>) -> Self {
        Self {
            rank: Vec::new(),
            totals: Totals::default(),
            kept: Vec::new(),
            text,
        }
    }

    /// The order of two entries.
    pub fn compare(&self, other: &Self, direction: Direction) -> Ordering {
        match direction {
            Direction::Ascending => self.rank.cmp(&other.rank),
            Direction::Descending => other.rank.cmp(&self.rank),
        }
    }

    /// Approximate memory used by the entry, in bytes.
    pub fn cost(&self) -> usize {
        let bytes = self.rank.len().saturating_add(self.text.len());
        let kept = self.kept.len().saturating_mul(size_of::<SpilledText>());
        bytes.saturating_add(kept).saturating_add(ENTRY_COST)
    }
}
