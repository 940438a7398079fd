//! The order of the list.

use std::cmp::{Ordering, Reverse};

use super::row::Row;
use crate::listing::Direction;

/// A column by which the list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortColumn {
    /// The oldest first.
    Age,
    /// The largest first.
    Size,
    /// By sender.
    Sender,
    /// By reason.
    Reason,
    /// The most recipients first.
    Recipients,
    /// In the order of a listing.
    Queue,
    /// By queue ID.
    Id,
}

impl SortColumn {
    /// All of them, in the order in which a key goes through them.
    pub(super) const ALL: [SortColumn; 7] = [
        SortColumn::Age,
        SortColumn::Size,
        SortColumn::Sender,
        SortColumn::Reason,
        SortColumn::Recipients,
        SortColumn::Queue,
        SortColumn::Id,
    ];

    /// The word for it on the screen.
    pub fn name(self) -> &'static str {
        match self {
            SortColumn::Age => "age",
            SortColumn::Size => "size",
            SortColumn::Sender => "sender",
            SortColumn::Reason => "reason",
            SortColumn::Recipients => "recipients",
            SortColumn::Queue => "queue",
            SortColumn::Id => "ID",
        }
    }

    /// The one after it.
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|column| *column == self);
        let next = place.map_or(0, |place| place.saturating_add(1));
        Self::ALL.get(next).copied().unwrap_or(SortColumn::Age)
    }
}

/// A column and a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOrder {
    /// The column.
    pub column: SortColumn,
    /// Ascending is the usual direction of the column.
    pub direction: Direction,
}

/// The properties of a row that are compared.
pub(super) struct Keys<'a> {
    pub(super) row: &'a Row,
    pub(super) id: &'a [u8],
    /// The places of the texts in alphabetical order.
    pub(super) sender: u16,
    pub(super) reason: u16,
}

impl ListOrder {
    /// The usual order by a column.
    pub fn by(column: SortColumn) -> Self {
        Self {
            column,
            direction: Direction::Ascending,
        }
    }

    /// The opposite direction.
    pub fn reversed(self) -> Self {
        let direction = match self.direction {
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        };
        Self { direction, ..self }
    }

    /// Compares two rows. Equal ones are in the order of age and queue ID, so
    /// that they keep their places when the list is refreshed.
    pub(super) fn compare(self, a: &Keys<'_>, b: &Keys<'_>) -> Ordering {
        let (x, y) = (a.row, b.row);
        let first = match self.column {
            SortColumn::Age => x.arrival.cmp(&y.arrival),
            SortColumn::Size => Reverse(x.size).cmp(&Reverse(y.size)),
            SortColumn::Sender => a.sender.cmp(&b.sender),
            // Messages without a reason come last.
            SortColumn::Reason => (a.reason == 0, a.reason).cmp(&(b.reason == 0, b.reason)),
            SortColumn::Recipients => Reverse(x.recipients).cmp(&Reverse(y.recipients)),
            SortColumn::Queue => x.queue_place().cmp(&y.queue_place()),
            SortColumn::Id => a.id.cmp(b.id),
        };
        let first = match self.direction {
            Direction::Ascending => first,
            Direction::Descending => first.reverse(),
        };
        first
            .then_with(|| x.arrival.cmp(&y.arrival))
            .then_with(|| a.id.cmp(b.id))
    }
}
