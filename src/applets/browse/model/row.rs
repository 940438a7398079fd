//! A message as it arrives from a listing, and as it is kept in the index.

use super::texts::TextNumber;
use crate::spool::Queue;

/// A message as it arrives from a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedMessage {
    /// The queue ID.
    pub id: Vec<u8>,
    /// The place of the queue in [`Queue::LISTED`].
    pub queue: u8,
    /// Whether the message was forced to expire.
    pub is_expired: bool,
    /// The arrival time in seconds since the epoch.
    pub arrival: i64,
    /// The size in bytes.
    pub size: u64,
    /// The inode number; 0 if it is not known.
    pub inode: u64,
    /// The number of pending recipients.
    pub recipients: u64,
    /// The sender.
    pub sender: String,
    /// The reasons of the delay.
    pub reason: String,
}

/// A message in the index: 24 bytes. Numbers that are too large are kept as the
/// largest ones.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The offset of the queue ID in the index.
    pub id_at: u32,
    /// The arrival time in seconds since the epoch.
    pub arrival: u32,
    /// The size in bytes.
    pub size: u32,
    /// A part of the inode number, which tells whether the name still belongs
    /// to the same message.
    pub inode: u32,
    /// The number of pending recipients.
    pub recipients: u16,
    /// The sender.
    pub sender: TextNumber,
    /// The reason.
    pub reason: TextNumber,
    /// The length of the queue ID.
    pub id_len: u8,
    /// The queue and the state of the row.
    flags: u8,
}

/// A property of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RowFlag {
    /// The message was forced to expire.
    Expired = 8,
    /// The user tagged it.
    Tagged = 16,
    /// The current pass has found it.
    Seen = 32,
    /// It does not match the filter; kept because it is tagged.
    Hidden = 64,
    /// The last pass has not found it.
    Gone = 128,
}

const QUEUE_BITS: u8 = 7;
/// The number of no row.
const NO_ROW: u32 = u32::MAX;

impl Row {
    /// The row of a message.
    pub fn of(message: &ListedMessage, sender: TextNumber, reason: TextNumber) -> Self {
        let mut row = Self {
            id_at: 0,
            arrival: u32::try_from(message.arrival.max(0)).unwrap_or(u32::MAX),
            size: u32::try_from(message.size).unwrap_or(u32::MAX),
            inode: short_inode(message.inode),
            recipients: u16::try_from(message.recipients).unwrap_or(u16::MAX),
            sender,
            reason,
            id_len: u8::try_from(message.id.len()).unwrap_or(u8::MAX),
            flags: message.queue & QUEUE_BITS,
        };
        if message.is_expired {
            row.set(RowFlag::Expired);
        }
        row
    }

    /// Whether the row has a property.
    pub fn is(self, flag: RowFlag) -> bool {
        self.flags & flag as u8 != 0
    }

    /// Gives the row a property.
    pub fn set(&mut self, flag: RowFlag) {
        self.flags |= flag as u8;
    }

    /// Takes a property from the row.
    pub fn unset(&mut self, flag: RowFlag) {
        self.flags &= !(flag as u8);
    }

    /// Whether the row is in the list.
    pub fn is_listed(self) -> bool {
        !self.is(RowFlag::Hidden)
    }

    /// Makes the row a free one, which belongs to no message. `next` is the next
    /// free row.
    pub(super) fn free(&mut self, next: Option<u32>) {
        self.size = u32::from(self.id_len);
        self.arrival = next.unwrap_or(NO_ROW);
        self.id_len = 0;
        self.flags = RowFlag::Hidden as u8 | RowFlag::Gone as u8;
    }

    /// The free row after this one.
    pub(super) fn next_free(self) -> Option<u32> {
        (self.arrival != NO_ROW).then_some(self.arrival)
    }

    /// The number of bytes that the queue ID of a free row had.
    pub(super) fn free_id_len(self) -> usize {
        usize::try_from(self.size).unwrap_or(0)
    }

    /// Whether the row belongs to a message that is neither there nor in the
    /// list.
    pub(super) fn is_left(self) -> bool {
        self.is(RowFlag::Gone) && self.is(RowFlag::Hidden) && self.id_len > 0
    }

    /// The queue; `None` if a daemon named one that does not exist.
    pub fn queue(self) -> Option<Queue> {
        let place = usize::from(self.flags & QUEUE_BITS);
        Queue::LISTED.get(place).copied()
    }

    /// The place of the queue in a listing.
    pub fn queue_place(self) -> u8 {
        self.flags & QUEUE_BITS
    }
}

/// The row with this number.
pub(super) fn row_of(rows: &[Row], number: u32) -> Option<&Row> {
    rows.get(usize::try_from(number).ok()?)
}

/// The queue ID of a row.
pub(super) fn id_of<'a>(ids: &'a [u8], row: &Row) -> &'a [u8] {
    let start = usize::try_from(row.id_at).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::from(row.id_len));
    ids.get(start..end).unwrap_or_default()
}

/// The part of an inode number that is kept.
pub fn short_inode(inode: u64) -> u32 {
    let folded = (inode ^ (inode >> 32)) & u64::from(u32::MAX);
    u32::try_from(folded).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_small_and_keeps_its_properties_apart() {
        assert!(size_of::<Row>() <= 24);
        let message = ListedMessage {
            queue: 3,
            is_expired: true,
            size: u64::MAX,
            ..ListedMessage::default()
        };
        let mut row = Row::of(&message, 0, 0);
        row.set(RowFlag::Gone);
        assert_eq!(row.queue(), Some(Queue::Deferred));
        assert!(row.is(RowFlag::Expired) && row.is(RowFlag::Gone) && !row.is(RowFlag::Tagged));
        row.unset(RowFlag::Gone);
        assert!(!row.is(RowFlag::Gone) && row.size == u32::MAX);
    }
}
