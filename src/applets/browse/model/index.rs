//! The index: one compact row for each message, updated by one pass over the
//! queue after the other, so that tags stay with their messages.
//!
//! For 1,000,000 messages it takes about 50 MB, and 4 MB more while the list is
//! sorted; more messages than [`ROWS_MAX`], or longer IDs than [`ID_BYTES_MAX`]
//! together, are left out and the user is informed.
//!
//! Long operations are done in steps by [`Index::work`], between which the list can
//! be used: sorting, and removing the rows of messages that are gone. All others
//! take one pass over the rows, a few milliseconds for all.

use super::row::{ListedMessage, Row, RowFlag, id_of, row_of};
use super::sorting::Sorting;
use super::table::IdTable;
use super::texts::Texts;

/// The largest number of messages in the index.
pub const ROWS_MAX: usize = 1 << 20;
/// The largest number of bytes of all IDs.
const ID_BYTES_MAX: usize = 20 << 20;
/// The memory for senders and for reasons.
const TEXT_ROOM: usize = 1 << 20;

/// The purpose of a pass over the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// Another filter: messages that it does not find do not match.
    Filter,
    /// The same filter: messages that it does not find have left the queue, or no
    /// longer match.
    Refresh,
}

/// All messages that match the filter, and the tagged ones.
#[derive(Debug)]
pub struct Index {
    pub(super) rows: Vec<Row>,
    pub(super) ids: Vec<u8>,
    pub(super) senders: Texts,
    pub(super) reasons: Texts,
    pub(super) table: IdTable,
    /// The rows in the list, in order: all that are not hidden.
    pub(super) listed: Vec<u32>,
    pub(super) tagged: usize,
    /// The number of messages that were left out of the last pass.
    left_out: u64,
    /// The first free row.
    pub(super) free: Option<u32>,
    /// The row from which rows still have to be freed; `None` if there are none.
    pub(super) unfreed: Option<usize>,
    pub(super) sorting: Option<Sorting>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            ids: Vec::new(),
            senders: Texts::new(TEXT_ROOM),
            reasons: Texts::new(TEXT_ROOM),
            table: IdTable::default(),
            listed: Vec::new(),
            tagged: 0,
            left_out: 0,
            free: None,
            unfreed: None,
            sorting: None,
        }
    }
}

impl Index {
    /// The number of messages in the list.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// The number of messages that do not fit into the index.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The row at this place of the list.
    pub fn at(&self, place: usize) -> Option<&Row> {
        let number = *self.listed.get(place)?;
        self.row(number)
    }

    /// The queue ID of a row.
    pub fn id(&self, row: &Row) -> &[u8] {
        id_of(&self.ids, row)
    }

    /// The sender of a row; empty if it is not kept.
    pub fn sender(&self, row: &Row) -> &str {
        self.senders.text(row.sender)
    }

    /// The reason of a row; empty if it is not kept.
    pub fn reason(&self, row: &Row) -> &str {
        self.reasons.text(row.reason)
    }

    /// The rows of the list, in no order, which takes less time.
    pub fn listed_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_listed())
    }

    /// The place of a queue ID in the list.
    pub fn place_of(&self, id: &[u8]) -> Option<usize> {
        let number = self.number_of(id)?;
        self.listed.iter().position(|listed| *listed == number)
    }

    fn row(&self, number: u32) -> Option<&Row> {
        row_of(&self.rows, number)
    }

    fn number_of(&self, id: &[u8]) -> Option<u32> {
        let is_it = |number: u32| self.row(number).is_some_and(|row| self.id(row) == id);
        self.table.find(id, is_it)
    }

    /// Begins a pass.
    pub fn begin(&mut self, kind: PassKind) {
        self.left_out = 0;
        let sorting = self.sorting.take();
        let mut is_any_gone = false;
        for row in &mut self.rows {
            row.unset(RowFlag::Seen);
            is_any_gone |= row.is(RowFlag::Gone) && row.id_len > 0;
            if kind == PassKind::Filter || row.is(RowFlag::Gone) {
                row.set(RowFlag::Hidden);
            }
        }
        if kind == PassKind::Filter {
            self.listed.clear();
        } else if is_any_gone {
            let rows = &self.rows;
            self.listed
                .retain(|number| row_of(rows, *number).is_some_and(|row| row.is_listed()));
        }
        if is_any_gone {
            self.unfreed = Some(0);
        }
        if let Some(sorting) = sorting {
            self.sort(sorting.order);
        }
    }

    /// Adds or updates a message that the pass has found.
    pub fn add(&mut self, message: &ListedMessage) {
        let sender = self.senders.number(&message.sender);
        let reason = self.reasons.number(&message.reason);
        let mut new = Row::of(message, sender, reason);
        new.set(RowFlag::Seen);
        match self.number_of(&message.id) {
            Some(number) => self.update(number, new),
            None => self.push(message, new),
        }
    }

    fn update(&mut self, number: u32, mut new: Row) {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(row) = self.rows.get_mut(place) else {
            return;
        };
        let is_same = row.inode == new.inode || row.inode == 0 || new.inode == 0;
        if row.is(RowFlag::Tagged) && is_same {
            new.set(RowFlag::Tagged);
        } else if row.is(RowFlag::Tagged) {
            // The name belongs to another message now.
            self.tagged = self.tagged.saturating_sub(1);
        }
        new.id_at = row.id_at;
        let was_hidden = row.is(RowFlag::Hidden);
        *row = new;
        if was_hidden {
            self.listed.push(number);
        }
    }

    fn push(&mut self, message: &ListedMessage, mut new: Row) {
        let Some((number, id_at)) = self.place_for(&message.id) else {
            self.left_out = self.left_out.saturating_add(1);
            return;
        };
        let start = usize::try_from(id_at).unwrap_or(usize::MAX);
        let end = start.saturating_add(message.id.len());
        match self.ids.get_mut(start..end) {
            Some(free) => free.copy_from_slice(&message.id),
            None => self.ids.extend_from_slice(&message.id),
        }
        new.id_at = id_at;
        let (rows, ids) = (&self.rows, &self.ids);
        self.table.add(&message.id, number, |number| {
            row_of(rows, number).map_or(&[][..], |row| id_of(ids, row))
        });
        let place = usize::try_from(number).ok();
        match place.and_then(|place| self.rows.get_mut(place)) {
            Some(free) => *free = new,
            None => self.rows.push(new),
        }
        self.listed.push(number);
    }

    /// The row for a new message, a free one if there is one, and the offset for
    /// its ID; `None` if there is no room.
    fn place_for(&mut self, id: &[u8]) -> Option<(u32, u32)> {
        if id.is_empty() || id.len() > usize::from(u8::MAX) {
            return None;
        }
        let has_room = id.len() <= ID_BYTES_MAX.saturating_sub(self.ids.len());
        let end = u32::try_from(self.ids.len()).ok().filter(|_| has_room);
        if let Some(number) = self.free {
            let free = *self.row(number)?;
            let id_at = if id.len() <= free.free_id_len() {
                free.id_at
            } else {
                end?
            };
            self.free = free.next_free();
            return Some((number, id_at));
        }
        let number = u32::try_from(self.rows.len()).ok();
        let number = number.filter(|_| self.rows.len() < ROWS_MAX);
        Some((number?, end?))
    }

    /// Ends a complete pass: marks messages that it has not found as gone, or removes
    /// them if they do not match another filter.
    pub fn end(&mut self, kind: PassKind) {
        for row in self.rows.iter_mut().filter(|row| !row.is(RowFlag::Seen)) {
            match kind {
                PassKind::Refresh if row.is_listed() => {
                    if row.is(RowFlag::Tagged) {
                        self.tagged = self.tagged.saturating_sub(1);
                    }
                    row.unset(RowFlag::Tagged);
                    row.set(RowFlag::Gone);
                }
                PassKind::Refresh => {}
                PassKind::Filter if !row.is(RowFlag::Tagged) => {
                    row.set(RowFlag::Gone);
                    self.unfreed = Some(0);
                }
                PassKind::Filter => {}
            }
        }
    }
}
