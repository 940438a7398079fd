//! The long operations on the index, which are done in steps so that the list can be
//! used in between: sorting it, and freeing the rows of messages that are gone.

use std::time::Instant;

use super::index::Index;
use super::order::ListOrder;
use super::row::{id_of, row_of};
use super::sorting::Sorting;

/// The number of rows that are examined between two looks at the clock.
const STEP: usize = 4096;

/// The result of one call of [`Index::work`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkDone {
    /// The list has its new order.
    Sorted,
    /// The list is as it was.
    Unchanged,
}

impl Index {
    /// Begins to sort the list, which keeps its order until the sort is complete. A
    /// sort in progress is abandoned.
    pub fn sort(&mut self, order: ListOrder) {
        self.sorting = None;
        let sorting = Sorting::begin(order, &self.listed, &self.senders, &self.reasons);
        self.sorting = Some(sorting);
    }

    /// Whether the list is being sorted.
    pub fn is_sorting(&self) -> bool {
        self.sorting.is_some()
    }

    /// Whether a long operation is in progress.
    pub fn has_work(&self) -> bool {
        self.sorting.is_some() || self.unfreed.is_some()
    }

    /// Continues the long operations until a time, by at least one step.
    pub fn work(&mut self, until: Instant) -> WorkDone {
        while let Some(start) = self.unfreed {
            self.free_rows(start);
            if Instant::now() >= until {
                return WorkDone::Unchanged;
            }
        }
        while let Some(sorting) = &mut self.sorting {
            sorting.step(&self.rows, &self.ids);
            if let Some(sorted) = sorting.sorted() {
                // Rows that were added since then come last until the next sort.
                if let Some(listed) = self.listed.get_mut(..sorted.len()) {
                    listed.copy_from_slice(sorted);
                }
                self.sorting = None;
                return WorkDone::Sorted;
            }
            if Instant::now() >= until {
                break;
            }
        }
        WorkDone::Unchanged
    }

    /// Frees some rows of messages that are gone.
    fn free_rows(&mut self, start: usize) {
        let end = start.saturating_add(STEP).min(self.rows.len());
        for place in start..end {
            let (rows, ids) = (&self.rows, &self.ids);
            let number = u32::try_from(place).ok();
            let Some(number) = number.filter(|n| row_of(rows, *n).is_some_and(|r| r.is_left()))
            else {
                continue;
            };
            self.table.remove(number, |number| {
                row_of(rows, number).map_or(&[][..], |row| id_of(ids, row))
            });
            if let Some(row) = self.rows.get_mut(place) {
                row.free(self.free);
            }
            self.free = Some(number);
        }
        self.unfreed = (end < self.rows.len()).then_some(end);
    }
}
