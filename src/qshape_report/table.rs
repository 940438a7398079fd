//! The table of counts by name and age. Memory grows with the number of names
//! and of buckets in use, not with the number of messages, and is bounded.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::domain;
use super::domain::DomainName;

/// The name of the total row.
pub const TOTAL: &[u8] = b"TOTAL";

/// Label of the overflow group, which has all names without a row of their own.
pub const OTHERS: &[u8] = b"(others)";
/// The memory for rows in bytes. Names beyond that count for the overflow
/// group.
const COST_MAX: usize = 24 * 1024 * 1024;
/// The memory for a row in addition to its name (measured).
const ROW_COST: usize = 200;

/// The counts of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRow {
    /// The sum of all buckets.
    pub total: u64,
    /// The buckets in use and their counts, in order.
    buckets: Vec<(usize, u64)>,
    /// The number of names that were first counted directly below this one, if
    /// it is a parent.
    pub children: Option<u64>,
}

impl TableRow {
    /// The count of a bucket.
    pub fn count(&self, bucket: usize) -> u64 {
        match self.find(bucket) {
            Ok(at) => self.buckets.get(at).map_or(0, |(_, count)| *count),
            Err(_) => 0,
        }
    }

    fn find(&self, bucket: usize) -> Result<usize, usize> {
        self.buckets.binary_search_by_key(&bucket, |(b, _)| *b)
    }

    fn add(&mut self, bucket: usize, count: u64) {
        self.total = self.total.saturating_add(count);
        if bucket == 0 {
            // Postfix's qshape adds an age without a bucket to the total.
            self.total = self.total.saturating_add(count);
            return;
        }
        match self.find(bucket) {
            Ok(at) => {
                if let Some((_, counted)) = self.buckets.get_mut(at) {
                    *counted = counted.saturating_add(count);
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
    }
}

/// Whether parent domains are counted too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parents {
    /// They are not counted.
    #[default]
    Omitted,
    /// They are counted.
    Counted,
}

/// The table.
#[derive(Clone, Debug, Default)]
pub struct DomainTable {
    rows: HashMap<Box<[u8]>, TableRow>,
    /// The total row.
    pub total: TableRow,
    parents: Parents,
    /// The memory for the rows.
    cost: usize,
}

impl DomainTable {
    /// A table without rows.
    pub fn new(parents: Parents) -> Self {
        Self {
            parents,
            ..Self::default()
        }
    }

    /// Adds to the count of a key's name.
    pub fn add(&mut self, key: &[u8], bucket: usize, count: u64) {
        self.total.add(bucket, count);
        let mut is_new = self.add_row(key, bucket, count);
        if self.parents == Parents::Omitted {
            return;
        }
        for name in domain::parents(DomainName::of(key).text) {
            let was_new = is_new;
            is_new = self.add_row(name, bucket, count);
            if was_new && let Some(row) = self.rows.get_mut(name) {
                row.children = Some(row.children.unwrap_or(0).saturating_add(1));
            }
        }
    }

    /// Adds to a row. Returns whether it is new.
    fn add_row(&mut self, name: &[u8], bucket: usize, count: u64) -> bool {
        match self.rows.get_mut(name) {
            Some(row) => {
                row.add(bucket, count);
                false
            }
            None => {
                let more = name.len().saturating_add(ROW_COST);
                self.cost = self.cost.saturating_add(more);
                if self.cost > COST_MAX {
                    self.cost = COST_MAX;
                    let others = self.rows.entry(OTHERS.into());
                    others.or_default().add(bucket, count);
                    return false;
                }
                let mut row = TableRow::default();
                row.add(bucket, count);
                self.rows.insert(name.into(), row);
                true
            }
        }
    }

    /// Returns all rows including the total, by descending count, then by
    /// length of the name, then by name.
    pub fn sorted(&self) -> Vec<(&[u8], &TableRow)> {
        let rows = self
            .rows
            .iter()
            .map(|(key, row)| (DomainName::of(key), row));
        let total = (DomainName::of(TOTAL), &self.total);
        let mut sorted: Vec<_> = rows.chain([total]).collect();
        sorted.sort_unstable_by(|a, b| self.order(a, b));
        sorted
            .into_iter()
            .map(|(name, row)| (name.text, row))
            .collect()
    }

    /// Whether a row is the total.
    pub fn is_total(&self, row: &TableRow) -> bool {
        std::ptr::eq(row, &self.total)
    }

    fn order(&self, a: &(DomainName<'_>, &TableRow), b: &(DomainName<'_>, &TableRow)) -> Ordering {
        let by_count = b.1.total.cmp(&a.1.total);
        let by_length = || a.0.length.cmp(&b.0.length);
        let total_first = || self.is_total(b.1).cmp(&self.is_total(a.1));
        by_count
            .then_with(by_length)
            .then_with(total_first)
            .then_with(|| a.0.text.cmp(b.0.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(table: &DomainTable) -> Vec<String> {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        table.sorted().iter().map(|(name, _)| text(name)).collect()
    }

    #[test]
    fn the_total_is_a_row_among_rows() {
        let mut table = DomainTable::new(Parents::Omitted);
        table.add(b"c.d", 1, 3);
        assert_eq!(names(&table), ["c.d", "TOTAL"]);
        table.add(b"longer.example", 2, 3);
        assert_eq!(names(&table), ["TOTAL", "c.d", "longer.example"]);
        table.add(b"a.b", 1, 3);
        assert_eq!(names(&table), ["TOTAL", "a.b", "c.d", "longer.example"]);
        assert_eq!((table.total.total, table.total.count(1)), (9, 6));
    }

    #[test]
    fn names_beyond_the_limit_count_as_one_and_in_the_total() {
        let mut table = DomainTable::new(Parents::Omitted);
        let count = 2 * COST_MAX / ROW_COST;
        for number in 0..count {
            table.add(format!("{number}.example").as_bytes(), 1, 1);
        }
        table.add(b"0.example", 1, 1);
        assert!(table.rows.len() < COST_MAX / ROW_COST);
        let others = table.rows.get(OTHERS).unwrap().total;
        assert_eq!(others as usize + table.rows.len() - 1, count);
        assert_eq!(table.total.total as usize, count + 1);
        assert_eq!(table.rows.get(&b"0.example"[..]).unwrap().total, 2);
    }

    #[test]
    fn parents_count_their_children_once() {
        let mut table = DomainTable::new(Parents::Counted);
        for name in [&b"a.b.c.d"[..], b"a.b.c.d", b"x.b.c.d", b"b.c.d"] {
            table.add(name, 1, 1);
        }
        let row = |name: &[u8]| table.rows.get(name).unwrap();
        assert_eq!(
            (row(b".b.c.d").total, row(b".b.c.d").children),
            (3, Some(2))
        );
        assert_eq!((row(b".c.d").total, row(b".c.d").children), (4, Some(2)));
        assert_eq!(row(b"b.c.d").children, None);
        assert_eq!(table.total.total, 4);
    }
}
