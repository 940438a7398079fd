//! The table as one JSON object on one line, with Postfix's separators.

use std::io;
use std::io::Write;

use super::ages::Ages;
use super::counter::GroupBy;
use super::rows::RowSelection;
use super::table::{DomainTable, TableRow};
use crate::text::{to_printable, without_controls};

/// Writes the table. Names are text: bytes that are no UTF-8 become `?`.
pub fn json(
    table: &DomainTable,
    ages: &Ages,
    choice: &RowSelection,
    by: GroupBy,
    out: &mut impl Write,
) -> io::Result<()> {
    let limits = ages.limits_in_seconds().map(|limit| match limit {
        // An integer where it is one, as arrival times are.
        Some(limit) if limit.fract() == 0.0 && limit < 2f64.powi(53) => format!("{limit:.0}"),
        Some(limit) if limit.is_finite() => limit.to_string(),
        _ => "null".to_owned(),
    });
    write!(out, "{{\"by\": \"{}\"", by.name())?;
    write!(out, ", \"counts\": \"{}\"", by.counted())?;
    write!(out, ", \"bucket_limits\": [{}]", list(limits))?;
    write!(out, ", \"total\": {}", table.total.total)?;
    write!(out, ", \"buckets\": [{}]", buckets(&table.total, ages))?;
    write!(out, ", \"rows\": [")?;
    let mut separator = "";
    for (name, row) in choice.of(table) {
        if table.is_total(row) {
            continue;
        }
        let name = string(name)?;
        let (total, buckets) = (row.total, buckets(row, ages));
        write!(out, "{separator}{{\"name\": {name}")?;
        write!(out, ", \"total\": {total}, \"buckets\": [{buckets}]}}")?;
        separator = ", ";
    }
    writeln!(out, "]}}")
}

fn string(text: &[u8]) -> serde_json::Result<String> {
    Ok(without_controls(serde_json::to_string(&to_printable(
        text,
    ))?))
}

fn buckets(row: &TableRow, ages: &Ages) -> String {
    list((1..=ages.columns()).map(|bucket| row.count(bucket).to_string()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
