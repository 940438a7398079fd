//! The choice of a table's rows, and the format of their names.

use super::table::{DomainTable, TableRow};
use crate::text::{Charset, make_printable};

/// The number of rows that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Limit {
    /// All rows.
    #[default]
    None,
    /// This many rows, including the total; not necessarily an integer: `-n`.
    Rows(f64),
    /// The total and this many other rows.
    Names(u64),
}

/// The rows that are shown.
#[derive(Clone, Copy, Debug)]
pub struct RowSelection {
    /// The smallest number of direct children with which a domain that begins
    /// with a dot is shown; `None` if a leading dot has no meaning.
    pub least_children: Option<f64>,
    /// The number of rows.
    pub limit: Limit,
}

impl RowSelection {
    /// Returns the names and counts of the shown rows, in order.
    pub fn of<'t>(&self, table: &'t DomainTable) -> Vec<(&'t [u8], &'t TableRow)> {
        let mut rows = Vec::new();
        for (name, row) in table.sorted() {
            if self.is_full(table, &rows) {
                break;
            }
            if !self.leaves_out(name, row) {
                rows.push((name, row));
            }
        }
        rows
    }

    fn is_full(&self, table: &DomainTable, rows: &[(&[u8], &TableRow)]) -> bool {
        let shown = rows.len();
        match self.limit {
            Limit::None => false,
            Limit::Rows(limit) => limit > 0.0 && shown as f64 + 1.0 > limit,
            Limit::Names(limit) => {
                let has_total = rows.iter().any(|(_, row)| table.is_total(row));
                let names = shown.saturating_sub(usize::from(has_total));
                has_total && names as u64 >= limit
            }
        }
    }

    fn leaves_out(&self, name: &[u8], row: &TableRow) -> bool {
        let children = row.children.unwrap_or(0) as f64;
        let too_few = self.least_children.is_some_and(|least| children < least);
        too_few && name.starts_with(b".")
    }
}

/// The format of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFormat {
    /// Unchanged, for programs.
    AsTheyAre,
    /// Without characters that could control a terminal.
    Printable,
}

impl NameFormat {
    /// Shortens a name to at most `width` bytes: a longer one keeps its end,
    /// after a `+`. (Observed with Postfix 3.7.11: a fractional width can lose
    /// one more byte at the end, since it moves the beginning.)
    pub fn fit(self, name: &[u8], width: f64) -> Vec<u8> {
        let length = name.len() as f64;
        let mark: &[u8] = match name.first() {
            _ if length <= width => b"",
            Some(b'.') => b".+",
            _ => b"+",
        };
        let mut shown = name.to_vec();
        if !mark.is_empty() {
            let marked = mark.len() as f64;
            let (start, kept) = (
                (length - width + marked) as usize,
                (width - marked) as usize,
            );
            let tail = name.iter().skip(start).take(kept).copied();
            shown = mark.iter().copied().chain(tail).collect();
        }
        if self == Self::Printable {
            make_printable(&mut shown, Charset::Safe);
        }
        shown
    }
}
