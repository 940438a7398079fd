//! The index: one compact row for each message, updated by one pass over the
//! queue after the other, so that tags stay with their messages.
//!
//! For 1,000,000 messages it takes about 55 MB; more messages than
//! [`ROWS_MAX`], or longer IDs than [`ID_BYTES_MAX`] together, are left out and
//! the user is informed.

use super::order::ListOrder;
use super::row::{ListedMessage, Row, RowFlag};
use super::table::IdTable;
use super::texts::Texts;

/// The largest number of messages in the index.
pub const ROWS_MAX: usize = 1 << 20;
/// The largest number of bytes of all IDs.
const ID_BYTES_MAX: usize = 20 << 20;
/// The memory for senders and for reasons.
const TEXT_ROOM: usize = 1 << 20;

/// What a pass over the queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// Another filter: what it does not find does not match.
    Filter,
    /// The same filter: what it does not find has left the queue, or matches no
    /// longer.
    Refresh,
}

/// All messages that match the filter, and the tagged ones.
#[derive(Debug)]
pub struct Index {
    rows: Vec<Row>,
    ids: Vec<u8>,
    senders: Texts,
    reasons: Texts,
    table: IdTable,
    /// The rows in the list, in order.
    listed: Vec<u32>,
    tagged: usize,
    /// The number of messages that were left out of the last pass.
    left_out: u64,
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
        }
    }
}

impl Index {
    /// The number of messages in the list.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// The number of tagged messages.
    pub fn tagged(&self) -> usize {
        self.tagged
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
        let start = usize::try_from(row.id_at).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(row.id_len));
        self.ids.get(start..end).unwrap_or_default()
    }

    /// The sender of a row; empty if it is not kept.
    pub fn sender(&self, row: &Row) -> &str {
        self.senders.text(row.sender)
    }

    /// The reason of a row; empty if it is not kept.
    pub fn reason(&self, row: &Row) -> &str {
        self.reasons.text(row.reason)
    }

    /// The rows of the list, in order.
    pub fn listed(&self) -> impl Iterator<Item = &Row> {
        self.listed.iter().filter_map(|number| self.row(*number))
    }

    /// The tagged rows, in the list or not.
    pub fn tagged_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is(RowFlag::Tagged))
    }

    /// The place of a queue ID in the list.
    pub fn place_of(&self, id: &[u8]) -> Option<usize> {
        let number = self.number_of(id)?;
        self.listed.iter().position(|listed| *listed == number)
    }

    fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(usize::try_from(number).ok()?)
    }

    fn number_of(&self, id: &[u8]) -> Option<u32> {
        let is_it = |number: u32| self.row(number).is_some_and(|row| self.id(row) == id);
        self.table.find(id, is_it)
    }

    /// Begins a pass.
    pub fn begin(&mut self, kind: PassKind) {
        self.left_out = 0;
        self.compact();
        for row in &mut self.rows {
            row.unset(RowFlag::Seen);
            if kind == PassKind::Filter {
                row.set(RowFlag::Hidden);
            }
        }
        if kind == PassKind::Filter {
            self.listed.clear();
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
        let room = ID_BYTES_MAX.saturating_sub(self.ids.len());
        let numbers = (
            u32::try_from(self.rows.len()),
            u32::try_from(self.ids.len()),
        );
        let (Ok(number), Ok(id_at)) = numbers else {
            return;
        };
        let fits = self.rows.len() < ROWS_MAX && message.id.len() <= room;
        if !fits || message.id.len() > usize::from(u8::MAX) {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        new.id_at = id_at;
        self.ids.extend_from_slice(&message.id);
        let (rows, ids) = (&self.rows, &self.ids);
        self.table.add(&message.id, number, |number| {
            let row = usize::try_from(number).ok().and_then(|n| rows.get(n));
            row.map_or(&[][..], |row| id_of(ids, row))
        });
        self.rows.push(new);
        self.listed.push(number);
    }

    /// Ends a complete pass: marks what it has not found as gone, or removes it
    /// if it does not match another filter.
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
                PassKind::Filter if !row.is(RowFlag::Tagged) => row.set(RowFlag::Gone),
                PassKind::Filter => {}
            }
        }
    }

    /// Removes the rows that are gone.
    fn compact(&mut self) {
        if !self.rows.iter().any(|row| row.is(RowFlag::Gone)) {
            return;
        }
        let (rows, ids) = (
            std::mem::take(&mut self.rows),
            std::mem::take(&mut self.ids),
        );
        let mut numbers = vec![u32::MAX; rows.len()];
        self.table.clear();
        let mut kept = 0usize;
        let mut rows = rows;
        let mut ids = ids;
        let mut end = 0usize;
        for old in 0..rows.len() {
            let Some(mut row) = rows.get(old).copied().filter(|row| !row.is(RowFlag::Gone)) else {
                continue;
            };
            let start = usize::try_from(row.id_at).unwrap_or(0);
            let length = usize::from(row.id_len);
            // IDs are in the order of the rows, so that nothing is overwritten.
            ids.copy_within(start..start.saturating_add(length), end);
            row.id_at = u32::try_from(end).unwrap_or(u32::MAX);
            end = end.saturating_add(length);
            if let (Some(place), Some(number)) = (rows.get_mut(kept), numbers.get_mut(old)) {
                *place = row;
                *number = u32::try_from(kept).unwrap_or(u32::MAX);
            }
            kept = kept.saturating_add(1);
        }
        rows.truncate(kept);
        ids.truncate(end);
        for (number, row) in (0u32..).zip(&rows) {
            let id_at = |number: u32| {
                let row = usize::try_from(number).ok().and_then(|n| rows.get(n));
                row.map_or(&[][..], |row| id_of(&ids, row))
            };
            self.table.add(id_of(&ids, row), number, id_at);
        }
        self.listed.retain_mut(|number| {
            let place = usize::try_from(*number).ok();
            let new = place.and_then(|place| numbers.get(place)).copied();
            *number = new.unwrap_or(u32::MAX);
            *number != u32::MAX
        });
        self.rows = rows;
        self.ids = ids;
    }

    /// Sorts the list.
    pub fn sort(&mut self, order: ListOrder) {
        let (senders, reasons) = (self.senders.ranks(), self.reasons.ranks());
        let rank = |ranks: &[u16], number: u16| ranks.get(usize::from(number)).copied();
        let (rows, ids) = (&self.rows, &self.ids);
        let row = |number: &u32| usize::try_from(*number).ok().and_then(|n| rows.get(n));
        order.sort(&mut self.listed, |number| {
            row(number).map(|row| super::order::Keys {
                row,
                id: id_of(ids, row),
                sender: rank(&senders, row.sender).unwrap_or(0),
                reason: rank(&reasons, row.reason).unwrap_or(0),
            })
        });
    }

    /// Tags or untags the message at this place.
    pub fn toggle(&mut self, place: usize) {
        let number = self
            .listed
            .get(place)
            .and_then(|n| usize::try_from(*n).ok());
        if let Some(row) = number.and_then(|n| self.rows.get_mut(n)) {
            if row.is(RowFlag::Tagged) {
                row.unset(RowFlag::Tagged);
                self.tagged = self.tagged.saturating_sub(1);
            } else if !row.is(RowFlag::Gone) {
                row.set(RowFlag::Tagged);
                self.tagged = self.tagged.saturating_add(1);
            }
        }
    }

    /// Tags all messages of the list.
    pub fn tag_all(&mut self) {
        let untagged = |row: &Row| row.is_listed() && !row.is(RowFlag::Gone);
        for row in self.rows.iter_mut().filter(|row| untagged(row)) {
            row.set(RowFlag::Tagged);
        }
        self.tagged = self.tagged_rows().count();
    }

    /// Removes all tags.
    pub fn untag_all(&mut self) {
        self.rows
            .iter_mut()
            .for_each(|row| row.unset(RowFlag::Tagged));
        self.tagged = 0;
    }

    /// Tags the untagged messages of the list, and untags the tagged ones.
    pub fn invert_tags(&mut self) {
        let live = |row: &Row| row.is_listed() && !row.is(RowFlag::Gone);
        for row in self.rows.iter_mut().filter(|row| live(row)) {
            if row.is(RowFlag::Tagged) {
                row.unset(RowFlag::Tagged);
            } else {
                row.set(RowFlag::Tagged);
            }
        }
        self.tagged = self.tagged_rows().count();
    }
}

fn id_of<'a>(ids: &'a [u8], row: &Row) -> &'a [u8] {
    let start = usize::try_from(row.id_at).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::from(row.id_len));
    ids.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::SortColumn;
    use super::*;

    fn message(id: &str, arrival: i64, inode: u64) -> ListedMessage {
        ListedMessage {
            id: id.into(),
            arrival,
            inode,
            queue: 3,
            sender: format!("{id}@example.com"),
            ..ListedMessage::default()
        }
    }

    fn pass(index: &mut Index, kind: PassKind, messages: &[ListedMessage]) {
        index.begin(kind);
        messages.iter().for_each(|message| index.add(message));
        index.end(kind);
    }

    fn ids(index: &Index) -> Vec<String> {
        let text = |row: &Row| String::from_utf8_lossy(index.id(row)).into_owned();
        index.listed().map(text).collect()
    }

    fn tagged(index: &Index) -> Vec<String> {
        let text = |row: &Row| String::from_utf8_lossy(index.id(row)).into_owned();
        index.tagged_rows().map(text).collect()
    }

    #[test]
    fn tags_follow_the_message_and_not_its_name() {
        let mut index = Index::default();
        let (a, b, c) = (message("A", 1, 7), message("B", 2, 8), message("C", 3, 9));
        pass(
            &mut index,
            PassKind::Filter,
            &[a.clone(), b.clone(), c.clone()],
        );
        index.tag_all();
        let reused = message("B", 5, 10);
        pass(&mut index, PassKind::Refresh, &[c, reused]);
        assert_eq!(tagged(&index), ["C"]);
        assert_eq!(index.tagged(), 1);
        // A is shown as gone, and removed by the next pass.
        assert_eq!(ids(&index), ["A", "B", "C"]);
        assert!(index.at(0).unwrap().is(RowFlag::Gone));
        pass(&mut index, PassKind::Refresh, &[a, b]);
        assert_eq!(index.len(), 3);
        assert_eq!(tagged(&index), [""; 0]);
    }

    #[test]
    fn tagged_messages_survive_another_filter() {
        let mut index = Index::default();
        let (a, b) = (message("A", 1, 7), message("B", 2, 8));
        pass(&mut index, PassKind::Filter, &[a.clone(), b.clone()]);
        index.toggle(0);
        pass(&mut index, PassKind::Filter, std::slice::from_ref(&b));
        assert_eq!(
            (ids(&index), tagged(&index)),
            (vec!["B".into()], vec!["A".into()])
        );
        pass(&mut index, PassKind::Filter, &[b, a]);
        index.sort(ListOrder::by(SortColumn::Age));
        assert_eq!(ids(&index), ["A", "B"]);
        assert_eq!(index.tagged(), 1);
        index.invert_tags();
        assert_eq!(tagged(&index), ["B"]);
    }
}
