//! Finds the row of a queue ID: a hash table of row numbers, which needs eight
//! bytes for each row at most.

use std::hash::{BuildHasher, RandomState};

/// The number in an empty place.
const EMPTY: u32 = u32::MAX;
/// The number of places of an empty table.
const FIRST_SIZE: usize = 1024;

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
        if self.used.saturating_mul(2) >= self.places.len() {
            let rows: Vec<u32> = self.rows().collect();
            self.places = vec![EMPTY; self.places.len().saturating_mul(2)];
            for row in rows {
                self.put(id_of(row), row);
            }
        }
        self.put(id, row);
        self.used = self.used.saturating_add(1);
    }

    /// Removes all rows; the memory is kept.
    pub fn clear(&mut self) {
        self.places.fill(EMPTY);
        self.used = 0;
    }

    fn rows(&self) -> impl Iterator<Item = u32> {
        self.places.iter().copied().filter(|row| *row != EMPTY)
    }

    fn put(&mut self, id: &[u8], row: u32) {
        let mut place = self.first_place(id);
        // At most half of the places are used.
        while self.places.get(place).is_some_and(|row| *row != EMPTY) {
            place = self.after(place);
        }
        if let Some(place) = self.places.get_mut(place) {
            *place = row;
        }
    }

    fn first_place(&self, id: &[u8]) -> usize {
        let hash = usize::try_from(self.hasher.hash_one(id)).unwrap_or(0);
        hash & self.places.len().saturating_sub(1)
    }

    fn after(&self, place: usize) -> usize {
        place.saturating_add(1) & self.places.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_ids() {
        let ids: Vec<Vec<u8>> = (0..5000).map(|n| format!("{n:X}").into_bytes()).collect();
        let id_of = |row: u32| ids[row as usize].as_slice();
        let mut table = IdTable::default();
        for (row, id) in (0u32..).zip(&ids) {
            assert_eq!(table.find(id, |row| id_of(row) == id), None);
            table.add(id, row, id_of);
        }
        for (row, id) in (0u32..).zip(&ids) {
            assert_eq!(table.find(id, |row| id_of(row) == id), Some(row));
        }
        table.clear();
        assert_eq!(table.find(b"1", |_| true), None);
    }
}
