//! Sorts the list in small steps, between which keys are handled: a quicksort of
//! row numbers that can stop after any step.
//!
//! Rows may change between two steps; then the order is only nearly right, and
//! the next sort puts it right.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::order::{Keys, ListOrder};
use super::row::{Row, id_of, row_of};
use super::texts::{TextNumber, Texts};

/// The number of rows that a step sorts, or compares with a pivot.
const STEP: usize = 2048;

/// A part of the list that is being divided: rows that precede the pivot are moved
/// to its front.
#[derive(Debug)]
struct Division {
    range: Range<usize>,
    /// The pivot's row, which is at the end of the range.
    pivot: u32,
    /// The next place to compare.
    next: usize,
    /// The end of the rows that precede the pivot.
    before: usize,
}

/// A sort in progress.
#[derive(Debug)]
pub(super) struct Sorting {
    pub(super) order: ListOrder,
    numbers: Vec<u32>,
    /// The parts that are not sorted, the next one at the end.
    ranges: Vec<Range<usize>>,
    division: Option<Division>,
    /// The places of the texts in alphabetical order.
    senders: Vec<TextNumber>,
    reasons: Vec<TextNumber>,
    /// Chooses pivots, so that no queue can be made for which they are bad.
    hasher: RandomState,
}

impl Sorting {
    /// Begins to sort these row numbers.
    pub(super) fn begin(
        order: ListOrder,
        listed: &[u32],
        senders: &Texts,
        reasons: &Texts,
    ) -> Self {
        let all = 0..listed.len();
        Self {
            order,
            numbers: listed.to_vec(),
            ranges: vec![all],
            division: None,
            senders: senders.ranks(),
            reasons: reasons.ranks(),
            hasher: RandomState::new(),
        }
    }

    /// The row numbers in order; `None` while they are being sorted.
    pub(super) fn sorted(&self) -> Option<&[u32]> {
        let is_done = self.ranges.is_empty() && self.division.is_none();
        is_done.then_some(&self.numbers)
    }

    /// Continues by one step.
    pub(super) fn step(&mut self, rows: &[Row], ids: &[u8]) {
        if let Some(division) = self.division.take() {
            self.divide(division, rows, ids);
        } else if let Some(range) = self.ranges.pop() {
            if range.len() > STEP {
                self.division = Some(self.division_of(range, rows, ids));
            } else {
                self.sort(range, rows, ids);
            }
        }
    }

    fn sort(&mut self, range: Range<usize>, rows: &[Row], ids: &[u8]) {
        let mut numbers = std::mem::take(&mut self.numbers);
        if let Some(part) = numbers.get_mut(range) {
            part.sort_unstable_by(|a, b| self.compare(*a, *b, rows, ids));
        }
        self.numbers = numbers;
    }

    fn division_of(&mut self, range: Range<usize>, rows: &[Row], ids: &[u8]) -> Division {
        let place = |salt: usize| {
            let random = self.hasher.hash_one((salt, range.start, range.end));
            let random = usize::try_from(random >> 32).unwrap_or(0);
            let offset = random.checked_rem(range.len()).unwrap_or(0);
            range.start.saturating_add(offset)
        };
        let number = |place: usize| self.numbers.get(place).copied().unwrap_or(0);
        let mut places = [place(0), place(1), place(2)];
        places.sort_unstable_by(|a, b| self.compare(number(*a), number(*b), rows, ids));
        let [_, middle, _] = places;
        let pivot = number(middle);
        self.numbers.swap(middle, range.end.saturating_sub(1));
        Division {
            pivot,
            next: range.start,
            before: range.start,
            range,
        }
    }

    fn divide(&mut self, mut division: Division, rows: &[Row], ids: &[u8]) {
        let last = division.range.end.saturating_sub(1);
        let end = division.next.saturating_add(STEP).min(last);
        for place in division.next..end {
            let number = self.numbers.get(place).copied().unwrap_or(0);
            if self.compare(number, division.pivot, rows, ids) == Ordering::Less {
                self.numbers.swap(place, division.before);
                division.before = division.before.saturating_add(1);
            }
        }
        division.next = end;
        if end < last {
            self.division = Some(division);
            return;
        }
        self.numbers.swap(division.before, last);
        let after = division.before.saturating_add(1)..division.range.end;
        let before = division.range.start..division.before;
        let parts = [after, before].into_iter();
        self.ranges.extend(parts.filter(|part| part.len() > 1));
    }

    fn compare(&self, a: u32, b: u32, rows: &[Row], ids: &[u8]) -> Ordering {
        let rank = |ranks: &[TextNumber], number: TextNumber| {
            ranks.get(usize::from(number)).copied().unwrap_or(0)
        };
        let keys = |number: u32| {
            let row = row_of(rows, number)?;
            Some(Keys {
                row,
                id: id_of(ids, row),
                sender: rank(&self.senders, row.sender),
                reason: rank(&self.reasons, row.reason),
            })
        };
        match (keys(a), keys(b)) {
            (Some(a), Some(b)) => self.order.compare(&a, &b),
            _ => a.cmp(&b),
        }
    }
}
