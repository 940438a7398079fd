//! Which rows of a table are shown, and how their names look.

use super::table::{Row, TOTAL, Table};
use crate::text::{Charset, make_printable};

/// How many rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Limit {
    /// All of them.
    #[default]
    None,
    /// So many, that of all names included: `-n`, which is a fraction if it
    /// likes.
    Rows(f64),
    /// That of all names and so many others.
    Names(u64),
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// How many names right below it a domain with a leading dot needs;
    /// `None` where a leading dot means nothing.
    pub least_children: Option<f64>,
    /// How many rows.
    pub limit: Limit,
}

/// The rows that are shown, in order.
pub struct Visible<'t> {
    /// Names and counts.
    pub rows: Vec<(&'t [u8], &'t Row)>,
    /// How many names with a leading dot were left out although nothing was
    /// ever counted below them.
    pub childless: u64,
}

impl Selection {
    /// Selects rows.
    pub fn of<'t>(&self, table: &'t Table) -> Visible<'t> {
        let mut visible = Visible {
            rows: Vec::new(),
            childless: 0,
        };
        for (name, row) in table.sorted() {
            if self.is_full(&visible.rows) {
                break;
            }
            if self.leaves_out(name, row) {
                let is_childless = u64::from(row.children.is_none());
                visible.childless = visible.childless.saturating_add(is_childless);
            } else {
                visible.rows.push((name, row));
            }
        }
        visible
    }

    fn is_full(&self, rows: &[(&[u8], &Row)]) -> bool {
        let shown = rows.len();
        match self.limit {
            Limit::None => false,
            Limit::Rows(limit) => limit > 0.0 && shown as f64 + 1.0 > limit,
            Limit::Names(limit) => {
                let has_total = rows.iter().any(|(name, _)| *name == TOTAL);
                let names = shown.saturating_sub(usize::from(has_total));
                has_total && names as u64 >= limit
            }
        }
    }

    fn leaves_out(&self, name: &[u8], row: &Row) -> bool {
        let children = row.children.unwrap_or(0) as f64;
        let too_few = self.least_children.is_some_and(|least| children < least);
        too_few && name.starts_with(b".")
    }
}

/// How names look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As they are: what follows is a program.
    AsTheyAre,
    /// Without anything that could command a terminal.
    Printable,
}

impl Names {
    /// A name in at most `width` bytes; of a longer one the last of them
    /// behind a `+`.
    pub fn fit(self, name: &[u8], width: usize) -> Vec<u8> {
        let mark: &[u8] = match name.first() {
            _ if name.len() <= width => b"",
            Some(b'.') => b".+",
            _ => b"+",
        };
        let kept = match mark.len() {
            0 => name.len(),
            mark => width.saturating_sub(mark),
        };
        let tail = name.get(name.len().saturating_sub(kept)..);
        let mut shown = [mark, tail.unwrap_or_default()].concat();
        if self == Self::Printable {
            make_printable(&mut shown, Charset::StrictUtf8);
        }
        shown
    }
}
