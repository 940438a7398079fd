//! The table as one JSON object on one line.

use std::io;
use std::io::Write;

use serde::Serialize;

use super::ages::Ages;
use super::group::GroupBy;
use super::rows::RowSelection;
use super::table::{DomainTable, TableRow};
use crate::text::{to_printable, write_json};

/// The JSON object.
#[derive(Serialize)]
struct Report<'a> {
    by: &'static str,
    counts: &'static str,
    /// The limit of each bucket in seconds; null for one without a limit.
    bucket_limits: Vec<Option<BucketLimit>>,
    total: u64,
    buckets: Vec<u64>,
    rows: Vec<ReportRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

/// The counts of a name.
#[derive(Serialize)]
struct ReportRow {
    /// Bytes that are not UTF-8 are replaced with `?`.
    name: String,
    total: u64,
    buckets: Vec<u64>,
}

/// A limit, as an integer if possible, like arrival times.
#[derive(Serialize)]
#[serde(untagged)]
enum BucketLimit {
    Whole(u64),
    Fraction(f64),
}

impl BucketLimit {
    fn new(seconds: f64) -> Option<Self> {
        if seconds.fract() == 0.0 && seconds < 2f64.powi(64) {
            Some(Self::Whole(seconds as u64))
        } else {
            seconds.is_finite().then_some(Self::Fraction(seconds))
        }
    }
}

/// Writes the table and a newline, with the name of the instance if it is given.
///
/// # Errors
///
/// Errors in writing to `out`.
pub fn json(
    table: &DomainTable,
    ages: &Ages,
    choice: &RowSelection,
    (by, instance): (GroupBy, Option<&str>),
    out: &mut impl Write,
) -> io::Result<()> {
    let buckets = |row: &TableRow| -> Vec<u64> {
        let columns = 1..=ages.columns();
        columns.map(|bucket| row.count(bucket)).collect()
    };
    let rows = choice.of(table).into_iter();
    let names = rows.filter(|(_, row)| !table.is_total(row));
    let limits = ages.limits_in_seconds();
    let report = Report {
        by: by.name(),
        counts: by.counted(),
        bucket_limits: limits
            .map(|limit| limit.and_then(BucketLimit::new))
            .collect(),
        total: table.total.total,
        buckets: buckets(&table.total),
        rows: names
            .map(|(name, row)| ReportRow {
                name: to_printable(name),
                total: row.total,
                buckets: buckets(row),
            })
            .collect(),
        instance,
    };
    write_json(&report, out)?;
    writeln!(out)
}
