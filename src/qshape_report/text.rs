//! The table as text: right-aligned columns, as wide as the headings and the
//! total row require. Names get the rest of the line.

use std::io;
use std::io::Write;

use super::ages::Ages;
use super::rows::{NameFormat, RowSelection};
use super::table::{DomainTable, TableRow};
use crate::text::blanks;

/// The minimum width of a number.
const NUMBER_MIN: usize = 2;
/// The minimum width of names, regardless of the width of the line.
const NAME_MIN: f64 = 18.0;

/// The layout of the table.
#[derive(Clone, Copy, Debug)]
pub struct TableLayout {
    /// The width in columns; a fraction of a column is not used.
    pub width: f64,
    /// The format of names.
    pub names: NameFormat,
}

/// Writes the table.
///
/// # Errors
///
/// Errors in writing to `out`.
pub fn table_layout(
    table: &DomainTable,
    ages: &Ages,
    choice: &RowSelection,
    table_layout: &TableLayout,
    out: &mut impl Write,
) -> io::Result<()> {
    let headings = ages.headings();
    let widths = widths(&headings, &table.total);
    let numbers: usize = widths.iter().map(|width| width.saturating_add(1)).sum();
    let name_width = (table_layout.width - numbers as f64).max(NAME_MIN);
    let columns = name_width as usize;
    blanks(columns, out)?;
    let headings = ["T"].into_iter().chain(headings.iter().map(String::as_str));
    for (heading, width) in headings.zip(&widths) {
        write!(out, " {heading:>width$}")?;
    }
    writeln!(out)?;
    for (name, row) in choice.of(table) {
        let name = table_layout.names.fit(name, name_width);
        blanks(columns.saturating_sub(name.len()), out)?;
        out.write_all(&name)?;
        for (column, width) in widths.iter().enumerate() {
            write!(out, " {:>width$}", number(row, column))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Returns the widths of the numbers: the sum of all ages, then each bucket.
fn widths(headings: &[String], total: &TableRow) -> Vec<usize> {
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

/// Returns the number in a column: the sum of all ages, then each bucket.
fn number(row: &TableRow, column: usize) -> u64 {
    match column {
        0 => row.total,
        bucket => row.count(bucket),
    }
}
