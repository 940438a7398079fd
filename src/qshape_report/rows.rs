//! Which rows of a table are shown, and how their names look.

use super::table::{DomainTable, TableRow};
use crate::text::{Charset, make_printable};

/// How many rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Limit {
    /// All of them.
    #[default]
    None,
    /// This many, that of all names included: `-n`, which is a fraction if it
    /// likes.
    Rows(f64),
    /// That of all names and this many others.
    Names(u64),
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug)]
pub struct RowSelection {
    /// How many names right below it a domain with a leading dot needs;
    /// `None` where a leading dot means nothing.
    pub least_children: Option<f64>,
    /// How many rows.
    pub limit: Limit,
}

impl RowSelection {
    /// The names and counts of the rows that are shown, in order.
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

/// How names look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFormat {
    /// As they are: what follows is a program.
    AsTheyAre,
    /// Without anything that could command a terminal.
    Printable,
}

impl NameFormat {
    /// A name in at most `width` bytes; of a longer one the last of them
    /// after a `+`. (Observed: a fraction of a byte takes one more from the
    /// end, as it moves the beginning.)
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
