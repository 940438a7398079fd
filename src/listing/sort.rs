//! Sorts and limits a listing.
//!
//! All entries are held until the last message is known: in memory as long as they
//! are few, and otherwise in a temporary file. With a limit, no more than [`SLACK`]
//! entries beyond it are held.

use std::io;

use super::sort_entry::SortEntry;
use super::sort_runs::{Merge, Runs};
use super::sort_spec::SortSpec;
use super::spill::Spill;

/// Collects and sorts entries.
#[derive(Debug)]
pub struct Sorter<'a> {
    sort_spec: &'a SortSpec,
    /// The file for texts that are too long for the runs.
    spill: &'a Spill,
    entries: Vec<SortEntry>,
    /// Approximate memory used by the entries, in bytes.
    held: usize,
    held_max: usize,
    runs: Option<Runs>,
}

/// Largest number of bytes of an entry's text that are written to a run.
const RUN_TEXT_MAX: usize = 4 * 1024;
/// Number of entries beyond the limit that are collected before they are discarded.
const SLACK: usize = 4096;
/// Bytes of memory for entries; more are written to a file.
const HELD_MAX: usize = 16 * 1024 * 1024;

impl<'a> Sorter<'a> {
    /// Creates a sorter without entries.
    pub fn new(sort_spec: &'a SortSpec, spill: &'a Spill) -> Self {
        Self {
            sort_spec,
            spill,
            entries: Vec::new(),
            held: 0,
            held_max: HELD_MAX,
            runs: None,
        }
    }

    /// Adds entries, in the order of the walk.
    ///
    /// # Errors
    ///
    /// They do not fit the memory, and cannot be written to a temporary file.
    pub fn add(&mut self, entries: Vec<SortEntry>) -> io::Result<()> {
        self.held = self.held.saturating_add(cost(&entries));
        self.entries.extend(entries);
        let limit = self.sort_spec.limit.unwrap_or(usize::MAX);
        if self.entries.len() > limit.saturating_add(SLACK) {
            self.cut();
        }
        if self.held > self.held_max {
            self.write_run()
        } else {
            Ok(())
        }
    }

    /// Returns the entries in sorted order.
    ///
    /// # Errors
    ///
    /// They cannot be written to a temporary file, or read back.
    pub fn finish(mut self) -> io::Result<Sorted> {
        self.cut();
        let Some(mut runs) = self.runs else {
            return Ok(Sorted::Held(self.entries.into_iter()));
        };
        move_text(&mut self.entries, self.spill)?;
        runs.add(self.entries.into_iter())?;
        let limit = self.sort_spec.limit.unwrap_or(usize::MAX);
        let merge = runs.merge(self.sort_spec.direction)?;
        Ok(Sorted::Merged(merge.take(limit)))
    }

    fn write_run(&mut self) -> io::Result<()> {
        self.cut();
        move_text(&mut self.entries, self.spill)?;
        let runs = match self.runs.take() {
            Some(runs) => runs,
            None => Runs::new()?,
        };
        self.runs.insert(runs).add(self.entries.drain(..))?;
        self.held = 0;
        Ok(())
    }

    /// Sorts the entries, and discards those beyond the limit. Equal entries stay
    /// in the order of the walk.
    fn cut(&mut self) {
        let direction = self.sort_spec.direction;
        self.entries.sort_by(|a, b| a.compare(b, direction));
        if let Some(limit) = self.sort_spec.limit {
            self.entries.truncate(limit);
            self.held = cost(&self.entries);
        }
    }
}

/// Moves long texts to the spill.
fn move_text(entries: &mut [SortEntry], spill: &Spill) -> io::Result<()> {
    for entry in entries.iter_mut().filter(|e| e.text.len() > RUN_TEXT_MAX) {
        entry.kept.push(spill.keep(&entry.text)?);
        entry.text = Vec::new();
    }
    Ok(())
}

fn cost(entries: &[SortEntry]) -> usize {
    let costs = entries.iter().map(SortEntry::cost);
    costs.fold(0, usize::saturating_add)
}

/// The sorted entries.
#[derive(Debug)]
pub enum Sorted {
    /// The entries fit in memory.
    Held(std::vec::IntoIter<SortEntry>),
    /// The entries are merged from a file.
    Merged(std::iter::Take<Merge>),
}

impl Iterator for Sorted {
    type Item = io::Result<SortEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Held(entries) => entries.next().map(Ok),
            Self::Merged(entries) => entries.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message_info::MessageInfo;
    use super::super::sort_spec::{Direction, SortKey};
    use super::super::totals::Totals;
    use super::*;

    fn entry(sort_spec: &SortSpec, (id, arrival, size): (&str, i64, i64)) -> SortEntry {
        let known = MessageInfo {
            id: id.as_bytes().to_vec(),
            sender: id.as_bytes().to_vec(),
            arrival,
            size,
            ..MessageInfo::default()
        };
        let text = id.as_bytes().to_vec();
        SortEntry::new(sort_spec, &known, Totals::default(), Vec::new(), text)
    }

    fn texts(sorter: Sorter<'_>) -> Vec<String> {
        let text = |entry: io::Result<SortEntry>| String::from_utf8(entry.unwrap().text).unwrap();
        sorter.finish().unwrap().map(text).collect()
    }

    fn sorted(sort_spec: &SortSpec, messages: &[(&str, i64, i64)]) -> Vec<String> {
        let spill = Spill::default();
        let mut sorter = Sorter::new(sort_spec, &spill);
        for &message in messages {
            sorter.add(vec![entry(sort_spec, message)]).unwrap();
        }
        texts(sorter)
    }

    const MESSAGES: [(&str, i64, i64); 4] =
        [("B", 30, 1), ("A", 10, 2), ("D", 20, 1), ("C", 40, 2)];

    #[test]
    fn keys_apply_in_order_and_equal_entries_keep_theirs() {
        let by = |keys: &[SortKey], direction| SortSpec {
            keys: keys.to_vec(),
            direction,
            limit: None,
        };
        let size = by(&[SortKey::Size], Direction::Ascending);
        assert_eq!(sorted(&size, &MESSAGES), ["B", "D", "A", "C"]);
        let age = by(&[SortKey::Age], Direction::Ascending);
        assert_eq!(sorted(&age, &MESSAGES), ["C", "B", "D", "A"]);
        let both = by(&[SortKey::Size, SortKey::Id], Direction::Descending);
        assert_eq!(sorted(&both, &MESSAGES), ["C", "A", "D", "B"]);
    }

    #[test]
    fn a_limit_bounds_the_number_of_entries() {
        let sort_spec = SortSpec {
            keys: vec![SortKey::Size],
            direction: Direction::Descending,
            limit: Some(2),
        };
        let spill = Spill::default();
        let mut sorter = Sorter::new(&sort_spec, &spill);
        for size in 0..20_000 {
            let message = entry(&sort_spec, (&size.to_string(), 0, size));
            sorter.add(vec![message]).unwrap();
            assert!(sorter.entries.len() <= 2 + SLACK);
        }
        assert_eq!(texts(sorter), ["19999", "19998"]);
    }

    #[test]
    fn sorting_through_a_file_gives_the_same_order() {
        let names: Vec<String> = (0..3000)
            .map(|n: i64| (n * 7919 % 3000).to_string())
            .collect();
        for (keys, direction, limit) in [
            (vec![SortKey::Size], Direction::Ascending, None),
            (vec![SortKey::Size], Direction::Descending, Some(100)),
            (
                vec![SortKey::Sender, SortKey::Age],
                Direction::Descending,
                None,
            ),
            (
                vec![SortKey::Age, SortKey::Id],
                Direction::Ascending,
                Some(2999),
            ),
        ] {
            let sort_spec = SortSpec {
                keys,
                direction,
                limit,
            };
            let spill = Spill::default();
            let sorter = || Sorter::new(&sort_spec, &spill);
            let (mut held, mut filed) = (sorter(), sorter());
            filed.held_max = 20_000;
            for (number, name) in (0..).zip(&names) {
                // Many messages have the same size and age.
                let message = (name.as_str(), number % 7, number % 11);
                held.add(vec![entry(&sort_spec, message)]).unwrap();
                filed.add(vec![entry(&sort_spec, message)]).unwrap();
                assert!(filed.held <= 20_000);
            }
            assert!(limit == Some(100) || filed.runs.is_some());
            assert_eq!(texts(held), texts(filed));
        }
    }
}
