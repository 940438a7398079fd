//! The tags: a bit of each row.

use super::index::Index;
use super::row::{Row, RowFlag};

/// A change to the tags of the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagChange {
    /// Tags all messages of the list.
    All,
    /// Removes all tags, also of messages that are not in the list.
    Nothing,
    /// Tags the untagged messages of the list, and untags the tagged ones.
    Inverted,
}

impl Index {
    /// The number of tagged messages.
    pub fn tagged(&self) -> usize {
        self.tagged
    }

    /// The tagged rows, in the list or not.
    pub fn tagged_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is(RowFlag::Tagged))
    }

    /// Tags or untags the message at this place.
    pub fn toggle(&mut self, place: usize) {
        let number = self.listed.get(place);
        let number = number.and_then(|number| usize::try_from(*number).ok());
        if let Some(row) = number.and_then(|number| self.rows.get_mut(number)) {
            if row.is(RowFlag::Tagged) {
                row.unset(RowFlag::Tagged);
                self.tagged = self.tagged.saturating_sub(1);
            } else if !row.is(RowFlag::Gone) {
                row.set(RowFlag::Tagged);
                self.tagged = self.tagged.saturating_add(1);
            }
        }
    }

    /// Changes the tags of the list, in one pass over the rows.
    pub fn change_tags(&mut self, change: TagChange) {
        self.tagged = 0;
        for row in &mut self.rows {
            let is_live = row.is_listed() && !row.is(RowFlag::Gone);
            let was_tagged = row.is(RowFlag::Tagged);
            let is_tagged = match change {
                TagChange::All => was_tagged || is_live,
                TagChange::Nothing => false,
                TagChange::Inverted => was_tagged != is_live,
            };
            if is_tagged {
                row.set(RowFlag::Tagged);
                self.tagged = self.tagged.saturating_add(1);
            } else {
                row.unset(RowFlag::Tagged);
            }
        }
    }
}
