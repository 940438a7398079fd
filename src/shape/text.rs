//! The table as text: right-aligned columns, as wide as the headings and the
//! counts of all names need; names get the rest of the line.

use std::io::{self, Write};

use super::ages::Ages;
use super::rows::{Names, Selection};
use super::table::{Row, Table};

/// Columns that a number has at least.
const NUMBER_MIN: usize = 2;
/// Columns that names have at least, however wide that makes the line.
const NAME_MIN: usize = 18;

/// What the table is written on.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// How wide.
    pub width: usize,
    /// How names look on it.
    pub names: Names,
}

/// What the original would have had to complain of while it printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Rows left out for lack of a number of children.
    pub childless: u64,
    /// Rows with counts that have no column.
    pub redundant: u64,
}

/// Writes the table.
pub fn sheet(
    table: &Table,
    ages: &Ages,
    selection: &Selection,
    sheet: &Sheet,
    out: &mut impl Write,
) -> io::Result<Faults> {
    let headings = ages.headings();
    let widths = widths(&headings, &table.total);
    let numbers = widths.iter().map(|width| width.saturating_add(1)).sum();
    let name_width = sheet.width.saturating_sub(numbers).max(NAME_MIN);
    write!(out, "{:name_width$}", "")?;
    let headings = ["T"].into_iter().chain(headings.iter().map(String::as_str));
    for (heading, width) in headings.zip(&widths) {
        write!(out, " {heading:>width$}")?;
    }
    writeln!(out)?;
    let visible = selection.of(table);
    let mut faults = Faults {
        childless: visible.childless,
        redundant: 0,
    };
    for (name, row) in visible.rows {
        let name = sheet.names.fit(name, name_width);
        let blanks = name_width.saturating_sub(name.len());
        write!(out, "{:blanks$}", "")?;
        out.write_all(&name)?;
        for (column, width) in widths.iter().enumerate() {
            write!(out, " {:>width$}", number(row, column))?;
        }
        writeln!(out)?;
        let is_redundant = u64::from(row.exceeds(ages.columns()));
        faults.redundant = faults.redundant.saturating_add(is_redundant);
    }
    Ok(faults)
}

/// The widths of the numbers: of all ages, then of each bucket.
fn widths(headings: &[String], total: &Row) -> Vec<usize> {
    let heading = |column: usize| match column.checked_sub(1) {
        None => 1,
        Some(bucket) => headings.get(bucket).map_or(0, String::len),
    };
    (0..=headings.len())
        .map(|column| {
            let digits = number(total, column).to_string().len();
            digits.max(heading(column)).max(NUMBER_MIN)
        })
        .collect()
}

/// The number in a column: of all ages, then of each bucket.
fn number(row: &Row, column: usize) -> u64 {
    match column {
        0 => row.total,
        bucket => row.count(bucket),
    }
}
