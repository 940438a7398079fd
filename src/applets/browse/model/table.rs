//! Finds the row of a queue ID: a hash table of row numbers, which takes six bytes
//! for each row when it is full.

use std::hash::{BuildHasher, RandomState};

/// The number in an empty place.
const EMPTY: u32 = u32::MAX;
/// The number of places of a table. It grows early and at once, because all rows
/// have to be hashed for that: a large table would take too long. The large one has
/// room for as many rows as an index has.
const FIRST_SIZE: usize = 3 << 12;
const LARGE_SIZE: usize = 3 << 19;

/// Row numbers by the hash of their queue IDs. The hash has a random key, so
/// that IDs in a spool cannot be chosen to collide.
#[derive(Debug)]
pub struct IdTable {
    places: Vec<u32>,
    used: usize,
    hasher: RandomState,
}

impl Default for IdTable {
    fn default() -> Self {
        Self {
            places: vec![EMPTY; FIRST_SIZE],
            used: 0,
            hasher: RandomState::new(),
        }
    }
}

impl IdTable {
    /// The row of an ID. `is_it` tells whether a row has that ID.
    pub fn find(&self, id: &[u8], is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.first_place(id);
        loop {
            match self.places.get(place) {
                Some(&EMPTY) | None => return None,
                Some(&row) if is_it(row) => return Some(row),
                Some(_) => place = self.after(place),
            }
        }
    }

    /// Adds a row whose ID is not in the table. `id_of` returns the ID of a row
    /// that was added before.
    pub fn add<'a>(&mut self, id: &[u8], row: u32, id_of: impl Fn(u32) -> &'a [u8]) {
        // At most two of three places are used, so that searches are short.
        if self.used.saturating_mul(3) >= self.places.len().saturating_mul(2) {
            let rows: Vec<u32> = self.rows().collect();
            let doubled = self.places.len().saturating_mul(2);
            self.places = vec![EMPTY; doubled.max(LARGE_SIZE)];
            for row in rows {
                self.put(id_of(row), row);
            }
        }
        self.put(id, row);
        self.used = self.used.saturating_add(1);
    }

    /// Removes a row. `id_of` returns the ID of a row of the table.
    pub fn remove<'a>(&mut self, row: u32, id_of: impl Fn(u32) -> &'a [u8]) {
        let mut gap = self.first_place(id_of(row));
        loop {
            match self.places.get(gap) {
                Some(&EMPTY) | None => return,
                Some(&found) if found == row => break,
                Some(_) => gap = self.after(gap),
            }
        }
        // A row that was put after this one because its place was in use moves
        // into the gap, and leaves one itself.
        let mut place = self.after(gap);
        while let Some(&moved) = self.places.get(place).filter(|row| **row != EMPTY) {
            let first = self.first_place(id_of(moved));
            if self.distance(first, place) >= self.distance(gap, place) {
                self.set(gap, moved);
                gap = place;
            }
            place = self.after(place);
        }
        self.set(gap, EMPTY);
        self.used = self.used.saturating_sub(1);
    }

    /// The number of steps from one place to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        let steps = to.checked_sub(from);
        steps.unwrap_or_else(|| self.places.len().saturating_add(to).saturating_sub(from))
    }

    fn set(&mut self, place: usize, row: u32) {
        if let Some(found) = self.places.get_mut(place) {
            *found = row;
        }
    }

    /// The places, used or not.
    #[cfg(test)]
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    fn rows(&self) -> impl Iterator<Item = u32> {
        self.places.iter().copied().filter(|row| *row != EMPTY)
    }

    fn put(&mut self, id: &[u8], row: u32) {
        let mut place = self.first_place(id);
        // There is always an empty place.
        while self.places.get(place).is_some_and(|row| *row != EMPTY) {
            place = self.after(place);
        }
        self.set(place, row);
    }

    fn first_place(&self, id: &[u8]) -> usize {
        let hash = usize::try_from(self.hasher.hash_one(id)).unwrap_or(0);
        hash.checked_rem(self.places.len()).unwrap_or(0)
    }

    fn after(&self, place: usize) -> usize {
        let next = place.saturating_add(1);
        if next < self.places.len() { next } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| format!("{n:X}").into_bytes()).collect()
    }

    #[test]
    fn rows_are_found_by_their_ids() {
        let ids = ids(20_000);
        let id_of = |row: u32| ids[row as usize].as_slice();
        let mut table = IdTable::default();
        for (row, id) in (0u32..).zip(&ids) {
            assert_eq!(table.find(id, |row| id_of(row) == id), None);
            table.add(id, row, id_of);
        }
        for (row, id) in (0u32..).zip(&ids) {
            assert_eq!(table.find(id, |row| id_of(row) == id), Some(row));
        }
        assert_eq!(table.places.len(), LARGE_SIZE);
    }

    #[test]
    fn the_others_are_found_after_rows_were_removed() {
        // So full that most rows are not at their first places.
        let ids = ids(8_190);
        let id_of = |row: u32| ids[row as usize].as_slice();
        let mut table = IdTable::default();
        for (row, id) in (0u32..).zip(&ids) {
            table.add(id, row, id_of);
        }
        assert_eq!(table.places.len(), FIRST_SIZE);
        let removed = |row: u32| !row.is_multiple_of(3);
        for row in (0..8_190).filter(|row| removed(*row)) {
            table.remove(row, id_of);
        }
        for (row, id) in (0u32..).zip(&ids) {
            let expected = (!removed(row)).then_some(row);
            assert_eq!(table.find(id, |row| id_of(row) == id), expected);
        }
        assert_eq!(table.used, 2_730);
        assert_eq!(table.rows().count(), 2_730);
    }
}
