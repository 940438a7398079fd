//! Listings in another order than that of the walk, and of so many messages
//! only.
//!
//! Whatever is sorted waits until the last message is known: in memory as long
//! as it is little, else in a file; with a limit no more than a few times so
//! many messages.

use std::cmp::Ordering;
use std::io;

use super::format::template::RequiredParts;
use super::formatter::Totals;
use super::message_info::MessageInfo;
use super::sort_runs::{Merge, Runs};
use super::spill::{Spill, SpilledText};
use crate::spool::Queue;

/// What a listing can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The queue ID.
    Id,
    /// Time since arrival.
    Age,
    /// Bytes.
    Size,
    /// The sender.
    Sender,
    /// Number of recipients.
    Recipients,
    /// The queue, in the order of a listing.
    Queue,
}

impl SortKey {
    /// From a name on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "age" => Self::Age,
            "size" => Self::Size,
            "sender" => Self::Sender,
            "recipients" => Self::Recipients,
            "queue" => Self::Queue,
            _ => return None,
        })
    }

    /// Writes what a message is sorted by: bytes in the order of what they
    /// stand for, whatever is written behind them.
    fn write_rank(self, known: &MessageInfo, rank: &mut Vec<u8>) {
        match self {
            Self::Id => write_text(&known.id, rank),
            Self::Sender => {
                let sender = &known.sender;
                write_text(sender.get(..TEXT_MAX).unwrap_or(sender), rank);
            }
            Self::Age => write_number(known.arrival.saturating_neg(), rank),
            Self::Size => write_number(known.size, rank),
            Self::Recipients => {
                write_number(i64::try_from(known.recipients).unwrap_or(i64::MAX), rank);
            }
            Self::Queue => {
                let is_it = |queue: &Queue| queue.name().as_bytes() == known.queue;
                let place = Queue::LISTED.iter().position(is_it);
                let place = place.and_then(|place| i64::try_from(place).ok());
                write_number(place.unwrap_or(i64::MAX), rank);
            }
        }
    }
}

/// The smallest number is the one with the first bytes.
fn write_number(number: i64, rank: &mut Vec<u8>) {
    let from_zero = number.cast_unsigned() ^ i64::MIN.cast_unsigned();
    rank.extend_from_slice(&from_zero.to_be_bytes());
}

/// Two zeros end a text, so that a text comes before those it begins; a zero
/// in it has a larger byte behind it.
fn write_text(text: &[u8], rank: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            0 => rank.extend_from_slice(&[0, 1]),
            _ => rank.push(byte),
        }
    }
    rank.extend_from_slice(&[0, 0]);
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The smallest.
    #[default]
    Ascending,
    /// The largest.
    Descending,
}

impl Direction {
    /// Which of two comes first.
    pub fn compare(self, a: &SortEntry, b: &SortEntry) -> Ordering {
        match self {
            Self::Ascending => a.rank.cmp(&b.rank),
            Self::Descending => b.rank.cmp(&a.rank),
        }
    }
}

/// Which messages are listed in which order.
#[derive(Clone, Debug, Default)]
pub struct SortSpec {
    /// What they are sorted by; nothing is the order of the walk.
    pub keys: Vec<SortKey>,
    /// Which end comes first.
    pub direction: Direction,
    /// How many are listed at most.
    pub limit: Option<usize>,
}

impl SortSpec {
    /// Whether messages have to be kept apart.
    pub fn is_needed(&self) -> bool {
        !self.keys.is_empty() || self.limit.is_some()
    }

    /// What has to be read of a message for it.
    pub fn depth(&self) -> RequiredParts {
        match self.keys.contains(&SortKey::Recipients) {
            true => RequiredParts::Everything,
            false => RequiredParts::Head,
        }
    }
}

/// A message that waits for its place, or a part of one that does not.
#[derive(Clone, Debug)]
pub struct SortEntry {
    /// What it is sorted by.
    pub rank: Vec<u8>,
    /// What it adds to the totals: nothing if it is only a part of a message.
    pub totals: Totals,
    /// What it looks like: first what the spill keeps.
    pub kept: Vec<SpilledText>,
    /// What follows that.
    pub text: Vec<u8>,
}

impl SortEntry {
    /// A message that looks like what is kept, and `text` after it.
    pub fn new(
        sort_spec: &SortSpec,
        known: &MessageInfo,
        totals: Totals,
        kept: Vec<SpilledText>,
        mut text: Vec<u8>,
    ) -> Self {
        let mut rank = Vec::new();
        for key in &sort_spec.keys {
            key.write_rank(known, &mut rank);
        }
        text.shrink_to_fit();
        Self {
            rank,
            totals,
            kept,
            text,
        }
    }

    /// A part of a message whose end follows in another entry.
    pub fn part(text: Vec<u8>) -> Self {
        Self {
            rank: Vec::new(),
            totals: Totals::default(),
            kept: Vec::new(),
            text,
        }
    }

    /// About how much memory it takes.
    pub fn cost(&self) -> usize {
        let bytes = self.rank.len().saturating_add(self.text.len());
        let kept = self.kept.len().saturating_mul(size_of::<SpilledText>());
        bytes.saturating_add(kept).saturating_add(ENTRY_COST)
    }
}

/// Entries in order.
#[derive(Debug)]
pub struct Sorter<'a> {
    sort_spec: &'a SortSpec,
    /// Where text goes that is too much for the runs.
    spill: &'a Spill,
    entries: Vec<SortEntry>,
    /// What they cost.
    held: usize,
    held_max: usize,
    runs: Option<Runs>,
}

/// Bytes of a text that it is sorted by.
const TEXT_MAX: usize = 1000;
/// Bytes of an entry's text that are written to a run with it.
const RUN_TEXT_MAX: usize = 4 * 1024;
/// Entries beyond the limit that are held before they are thrown away.
const SLACK: usize = 4096;
/// Bytes of memory for entries; more go to a file.
const HELD_MAX: usize = 16 * 1024 * 1024;
/// What an entry costs beside its bytes.
const ENTRY_COST: usize = size_of::<SortEntry>() + 32;

impl<'a> Sorter<'a> {
    /// A sorter of nothing.
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

    /// Adds entries, which come in the order of the walk.
    pub fn add(&mut self, entries: Vec<SortEntry>) -> io::Result<()> {
        self.held = self.held.saturating_add(cost(&entries));
        self.entries.extend(entries);
        let limit = self.sort_spec.limit.unwrap_or(usize::MAX);
        if self.entries.len() > limit.saturating_add(SLACK) {
            self.cut();
        }
        match self.held > self.held_max {
            true => self.write_run(),
            false => Ok(()),
        }
    }

    /// The entries in order.
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

    /// Sorts, and forgets what is beyond the limit. Equals stay in the order
    /// of the walk.
    fn cut(&mut self) {
        let direction = self.sort_spec.direction;
        self.entries.sort_by(|a, b| direction.compare(a, b));
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

/// What a sorter ends with.
#[derive(Debug)]
pub enum Sorted {
    /// All of it fits the memory.
    Held(std::vec::IntoIter<SortEntry>),
    /// It comes from a file.
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
    fn keys_count_one_after_the_other_and_equals_keep_their_order() {
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
    fn a_limit_bounds_what_is_held() {
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
    fn what_goes_through_a_file_has_the_same_order() {
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
                // Many are equal in size and age.
                let message = (name.as_str(), number % 7, number % 11);
                held.add(vec![entry(&sort_spec, message)]).unwrap();
                filed.add(vec![entry(&sort_spec, message)]).unwrap();
                assert!(filed.held <= 20_000);
            }
            assert!(limit == Some(100) || filed.runs.is_some());
            assert_eq!(texts(held), texts(filed));
        }
    }

    #[test]
    fn texts_and_numbers_keep_their_order_as_bytes() {
        let rank = |text: &[u8], number| {
            let mut rank = Vec::new();
            write_text(text, &mut rank);
            write_number(number, &mut rank);
            rank
        };
        let texts: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"\0\x01", b"a", b"a\0", b"ab"];
        let numbers = [i64::MIN, -1, 0, 1, i64::MAX];
        let all = texts
            .iter()
            .flat_map(|text| numbers.map(|number| rank(text, number)));
        assert!(all.is_sorted());
    }
}
