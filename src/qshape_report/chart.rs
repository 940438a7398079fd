//! The table as a bar chart: a horizontal bar for each name, divided into age
//! buckets.

use std::io;
use std::io::Write;

use super::ages::Ages;
use super::rows::{NameFormat, RowSelection};
use super::table::{DomainTable, TOTAL, TableRow};
use crate::text::blanks;

/// The minimum number of columns for bars, regardless of the width.
const BAR_MIN: usize = 10;
/// Names take at most the width divided by this number.
const NAME_PART: usize = 3;
/// From young to old, on a terminal: green, yellow and red of the 256 colors.
const COLOURS: [u8; 10] = [46, 82, 118, 154, 190, 226, 220, 214, 208, 196];
/// From young to old, without colors.
const MARKS: [char; 10] = ['.', ':', '-', '=', '+', 'o', '*', 'x', '%', '#'];

/// How bars are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// With terminal colors.
    Colour,
    /// With ASCII characters.
    Plain,
}

/// The layout of the chart.
#[derive(Clone, Copy, Debug)]
pub struct ChartLayout {
    /// The width in columns.
    pub width: usize,
    /// The format of names.
    pub names: NameFormat,
    /// How bars are drawn.
    pub color: Color,
}

/// Draws the chart: a legend, then a bar for each name.
///
/// # Errors
///
/// Errors in writing to `out`.
pub fn chart(
    table: &DomainTable,
    ages: &Ages,
    choice: &RowSelection,
    chart_layout: &ChartLayout,
    out: &mut impl Write,
) -> io::Result<()> {
    let rows = choice.of(table);
    let is_name = |row: &(&[u8], &TableRow)| !table.is_total(row.1);
    let rows: Vec<_> = rows.into_iter().filter(is_name).collect();
    let largest = rows.iter().map(|(_, row)| row.total).max().unwrap_or(0);
    let digits = table.total.total.to_string().len();
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let name_width = widest.min(chart_layout.width / NAME_PART).max(TOTAL.len());
    let around = name_width.saturating_add(digits).saturating_add(2);
    let bar_width = chart_layout.width.saturating_sub(around).max(BAR_MIN);
    chart_layout.legend(ages, out)?;
    blanks(name_width.saturating_sub(TOTAL.len()), out)?;
    writeln!(out, "TOTAL {}", table.total.total)?;
    for (name, row) in rows {
        let name = chart_layout.names.fit(name, name_width as f64);
        blanks(name_width.saturating_sub(name.len()), out)?;
        out.write_all(&name)?;
        write!(out, " {:>digits$} ", row.total)?;
        chart_layout.bar(row, ages, scale(bar_width, largest), out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Returns the number of columns for a count of one.
fn scale(width: usize, largest: u64) -> f64 {
    match largest {
        0 => 0.0,
        largest => width as f64 / largest as f64,
    }
}

impl ChartLayout {
    /// Writes the legend: the age bucket of each part, in minutes.
    fn legend(&self, ages: &Ages, out: &mut impl Write) -> io::Result<()> {
        write!(out, "minutes:")?;
        for (at, heading) in ages.headings().iter().enumerate() {
            write!(out, " ")?;
            self.part(at, 1, ages, out)?;
            match heading.strip_suffix('+') {
                Some(limit) => write!(out, " {limit}+")?,
                None => write!(out, " <{heading}")?,
            }
        }
        writeln!(out)
    }

    fn bar(&self, row: &TableRow, ages: &Ages, scale: f64, out: &mut impl Write) -> io::Result<()> {
        // The running sum is rounded instead of each part, so that the length
        // of a bar matches its total.
        let (mut sum, mut drawn) = (0u64, 0usize);
        for at in 0..ages.columns() {
            sum = sum.saturating_add(row.count(at.saturating_add(1)));
            let end = (sum as f64 * scale).round() as usize;
            self.part(at, end.saturating_sub(drawn), ages, out)?;
            drawn = end.max(drawn);
        }
        if drawn == 0 && sum > 0 {
            write!(out, "|")?;
        }
        Ok(())
    }

    fn part(&self, at: usize, length: usize, ages: &Ages, out: &mut impl Write) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        match self.color {
            Color::Colour => {
                let colour = shade(&COLOURS, at, ages);
                let bar = "\u{2588}".repeat(length);
                write!(out, "\x1b[38;5;{colour}m{bar}\x1b[0m")
            }
            Color::Plain => {
                let mark = shade(&MARKS, at, ages).to_string();
                write!(out, "{}", mark.repeat(length))
            }
        }
    }
}

/// Returns the shade of a bucket. The first and last buckets get the first and
/// last shades of the scale.
fn shade<T: Copy + Default>(scale: &[T], at: usize, ages: &Ages) -> T {
    let last = scale.len().saturating_sub(1);
    let steps = ages.columns().saturating_sub(1).max(1);
    let index = at.saturating_mul(last).checked_div(steps).unwrap_or(0);
    scale.get(index.min(last)).copied().unwrap_or_default()
}
