//! Metrics of the queues in the text format of Prometheus, with names by the
//! rules of OpenMetrics: all are gauges, or histograms of the current state, with
//! their unit at the end of the name.
//!
//! Each family is written once, with the samples of all instances: `MetricsMerge`
//! joins the texts of several instances.

use std::collections::HashMap;
use std::io;
use std::io::Write;
use std::time::Duration;

use super::count_by::{CountBy, CountKeys};
use super::counts::{AGE_LIMITS, AgeCounts, CountPlan, Counts, Groups};
use super::format::counts::{CountRow, all_rows, rows};
use crate::spool::Queue;
use crate::text::{Charset, append, make_printable};

/// The beginning of every name.
const PREFIX: &str = "spoolbox_queue_";
/// The beginning of the first line of a family.
pub(super) const HELP: &[u8] = b"# HELP ";

/// The lists of most frequent values: grouping, metric name, help text, and label
/// name.
const TOPS: [(CountBy, &str, &str, &str); 3] = [
    (
        CountBy::FromDomain,
        "sender_domain_messages",
        "Messages of the commonest sender domains.",
        "domain",
    ),
    (
        CountBy::ToDomain,
        "recipient_domain_recipients",
        "Recipients in the commonest recipient domains.",
        "domain",
    ),
    (
        CountBy::Reason,
        "reason_recipients",
        "Recipients that wait for the commonest reasons.",
        "reason",
    ),
];

/// The number of values in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// At most this number of values; others are left out.
    First(usize),
    /// All values, up to a limit that the text of `all_rows` states; the rest is
    /// counted as one value, so that the sum over several hosts is right.
    All,
}

/// A scan of the queues of an instance.
#[derive(Debug)]
pub struct ScanFacts<'a> {
    /// The name of the instance.
    pub instance: &'a str,
    /// When the scan began, in seconds since the epoch. Ages are relative to it.
    pub began: i64,
    /// How long it took.
    pub duration: Duration,
    /// The number of files and directories that could not be read.
    pub errors: u64,
    /// The number of damaged messages that were set aside, if it is known.
    pub corrupt: Option<u64>,
}

/// The counts that the metrics at the time `now` require.
pub fn plan(now: i64) -> CountPlan {
    CountPlan {
        by: [CountBy::Queue]
            .into_iter()
            .chain(TOPS.map(|top| top.0))
            .map(CountKeys::from)
            .collect(),
        ages_at: Some(now),
        needs_sizes: true,
        forecast: None,
    }
}

/// Writes the metrics of counts that were made by [`plan`], with the values of
/// each list that `top` admits.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    counts: Counts,
    scan: &ScanFacts<'_>,
    top: Top,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut groups = counts.by.into_iter();
    let mut next = || groups.next().unwrap_or_default();
    let mut out = Metrics {
        out,
        instance: scan.instance.as_bytes(),
    };
    out.queues(&next(), scan.began)?;
    out.ages(&counts.ages)?;
    if let Some(corrupt) = scan.corrupt {
        let name = "corrupt_messages";
        out.family(name, "gauge", "Damaged messages that were set aside.")?;
        out.line(name, &[], corrupt)?;
    }
    for (by, name, help, label) in TOPS {
        let by = CountKeys::from(by);
        let rows = match top {
            Top::First(top) => rows(next(), &by, Some(top)),
            Top::All => all_rows(next(), &by),
        };
        out.top((name, help, label), &rows)?;
    }
    out.scan(scan)
}

/// Writes the metrics of an instance whose queues could not be read.
///
/// # Errors
///
/// Those of `out`.
pub fn write_failure(instance: &str, out: &mut impl Write) -> io::Result<()> {
    let mut out = Metrics {
        out,
        instance: instance.as_bytes(),
    };
    out.success(0)
}

/// Writes the metrics of an instance.
struct Metrics<'a, W> {
    out: &'a mut W,
    instance: &'a [u8],
}

impl<W: Write> Metrics<'_, W> {
    fn queues(&mut self, queues: &Groups, now: i64) -> io::Result<()> {
        let group = |queue: Queue| queues.get(queue.name().as_bytes());
        self.per_queue("messages", "Messages in the queue.", |queue| {
            group(queue).map_or(0, |group| group.count)
        })?;
        self.per_queue("bytes", "Bytes of the messages in the queue.", |queue| {
            group(queue).map_or(0, |group| group.bytes)
        })?;
        let help = "Age of the oldest message in the queue.";
        self.per_queue("oldest_age_seconds", help, |queue| {
            let age = group(queue).map_or(0, |group| now.saturating_sub(group.oldest));
            age.max(0).unsigned_abs()
        })
    }

    fn per_queue(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(Queue) -> u64,
    ) -> io::Result<()> {
        self.family(name, "gauge", help)?;
        for queue in Queue::LISTED {
            self.line(name, &[("queue", queue.name().as_bytes())], value(queue))?;
        }
        Ok(())
    }

    /// Writes a histogram of the message ages for each queue.
    fn ages(&mut self, ages: &HashMap<Vec<u8>, AgeCounts>) -> io::Result<()> {
        self.family(
            "age_seconds",
            "histogram",
            "Ages of the messages in the queue.",
        )?;
        for queue in Queue::LISTED {
            let queue = queue.name().as_bytes();
            let ages = ages.get(queue).copied().unwrap_or_default();
            let mut sum = 0u64;
            for (place, count) in ages.counts.iter().enumerate() {
                sum = sum.saturating_add(*count);
                let limit = AGE_LIMITS.get(place);
                let limit = limit.map_or("+Inf".to_owned(), i64::to_string);
                let labels = [("queue", queue), ("le", limit.as_bytes())];
                self.line("age_seconds_bucket", &labels, sum)?;
            }
            self.line("age_seconds_sum", &[("queue", queue)], ages.sum)?;
            self.line("age_seconds_count", &[("queue", queue)], sum)?;
        }
        Ok(())
    }

    fn top(
        &mut self,
        (name, help, label): (&str, &str, &str),
        rows: &[CountRow],
    ) -> io::Result<()> {
        self.family(name, "gauge", help)?;
        for (value, group) in rows {
            self.line(name, &[(label, value)], group.count)?;
        }
        Ok(())
    }

    fn scan(&mut self, scan: &ScanFacts<'_>) -> io::Result<()> {
        let name = "scan_timestamp_seconds";
        self.family(name, "gauge", "When the queues were read.")?;
        self.line(name, &[], scan.began.max(0).unsigned_abs())?;
        let name = "scan_duration_seconds";
        self.family(name, "gauge", "How long it took to read the queues.")?;
        self.line(name, &[], scan.duration.as_secs_f64())?;
        let name = "scan_errors";
        let help = "Files and directories that could not be read.";
        self.family(name, "gauge", help)?;
        self.line(name, &[], scan.errors)?;
        self.success(1)
    }

    fn success(&mut self, value: u8) -> io::Result<()> {
        let name = "scan_success";
        self.family(name, "gauge", "Whether the queues could be read: 1 or 0.")?;
        self.line(name, &[], value)
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) -> io::Result<()> {
        self.out.write_all(HELP)?;
        writeln!(self.out, "{PREFIX}{name} {help}")?;
        writeln!(self.out, "# TYPE {PREFIX}{name} {kind}")
    }

    fn line(
        &mut self,
        name: &str,
        labels: &[(&str, &[u8])],
        value: impl std::fmt::Display,
    ) -> io::Result<()> {
        let mut line = Vec::new();
        append(&mut line, format_args!("{PREFIX}{name}{{instance_name=\""));
        label_value(self.instance, &mut line);
        line.push(b'"');
        for (label, text) in labels {
            append(&mut line, format_args!(",{label}=\""));
            label_value(text, &mut line);
            line.push(b'"');
        }
        append(&mut line, format_args!("}} {value}\n"));
        self.out.write_all(&line)
    }
}

/// Appends a label value as UTF-8, with double quotes and backslashes escaped.
fn label_value(text: &[u8], to: &mut Vec<u8>) {
    let mut text = text.to_vec();
    make_printable(&mut text, Charset::Safe);
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            to.push(b'\\');
        }
        to.push(byte);
    }
}
