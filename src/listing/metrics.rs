//! Metrics of the queues in the text format of Prometheus.

use std::collections::HashMap;

use super::counts::{AGE_LIMITS, AgeCounts, CountBy, CountPlan, Counts, Groups};
use super::format::counts::{CountRow, rows};
use crate::spool::Queue;
use crate::text::{Charset, append, make_printable};

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

/// The counts that the metrics at the time `now` require.
pub fn plan(now: i64) -> CountPlan {
    CountPlan {
        by: [CountBy::Queue]
            .into_iter()
            .chain(TOPS.map(|top| top.0))
            .collect(),
        ages_at: Some(now),
        needs_sizes: true,
    }
}

/// Formats the metrics of counts that were made by [`plan`], with at most `top`
/// values in each list of most frequent values.
pub fn write(counts: Counts, now: i64, top: usize) -> Vec<u8> {
    let mut out = Metrics(Vec::new());
    let mut groups = counts.by.into_iter();
    let mut next = || groups.next().unwrap_or_default();
    out.queues(&next(), now);
    out.ages(&counts.ages);
    for (by, name, help, label) in TOPS {
        out.top(name, help, label, &rows(next(), by, Some(top)));
    }
    let name = "scan_timestamp_seconds";
    out.family(name, "gauge", "When the queues were read.");
    out.line(name, &[], now.max(0).unsigned_abs());
    out.0
}

/// The text of the metrics so far.
struct Metrics(Vec<u8>);

impl Metrics {
    fn queues(&mut self, queues: &Groups, now: i64) {
        let group = |queue: Queue| queues.get(queue.name().as_bytes());
        self.per_queue("messages", "Messages in the queue.", |queue| {
            group(queue).map_or(0, |group| group.count)
        });
        self.per_queue("bytes", "Bytes of the messages in the queue.", |queue| {
            group(queue).map_or(0, |group| group.bytes)
        });
        let help = "Age of the oldest message in the queue.";
        self.per_queue("oldest_age_seconds", help, |queue| {
            let age = group(queue).map_or(0, |group| now.saturating_sub(group.oldest));
            age.max(0).unsigned_abs()
        });
    }

    fn per_queue(&mut self, name: &str, help: &str, value: impl Fn(Queue) -> u64) {
        self.family(name, "gauge", help);
        for queue in Queue::LISTED {
            self.line(name, &[("queue", queue.name().as_bytes())], value(queue));
        }
    }

    /// Writes a histogram of the message ages for each queue.
    fn ages(&mut self, ages: &HashMap<Vec<u8>, AgeCounts>) {
        self.family(
            "age_seconds",
            "histogram",
            "Ages of the messages in the queue.",
        );
        for queue in Queue::LISTED {
            let queue = queue.name().as_bytes();
            let ages = ages.get(queue).copied().unwrap_or_default();
            let mut sum = 0u64;
            for (place, count) in ages.counts.iter().enumerate() {
                sum = sum.saturating_add(*count);
                let limit = AGE_LIMITS.get(place);
                let limit = limit.map_or("+Inf".to_owned(), i64::to_string);
                let labels = [("queue", queue), ("le", limit.as_bytes())];
                self.line("age_seconds_bucket", &labels, sum);
            }
            self.line("age_seconds_sum", &[("queue", queue)], ages.sum);
            self.line("age_seconds_count", &[("queue", queue)], sum);
        }
    }

    fn top(&mut self, name: &str, help: &str, label: &str, rows: &[CountRow]) {
        self.family(name, "gauge", help);
        for (value, group) in rows {
            self.line(name, &[(label, value)], group.count);
        }
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let lines =
            format!("# HELP spoolbox_queue_{name} {help}\n# TYPE spoolbox_queue_{name} {kind}\n");
        self.0.extend_from_slice(lines.as_bytes());
    }

    fn line(&mut self, name: &str, labels: &[(&str, &[u8])], value: u64) {
        append(&mut self.0, format_args!("spoolbox_queue_{name}"));
        for (number, (label, text)) in labels.iter().enumerate() {
            self.0.push(if number == 0 { b'{' } else { b',' });
            append(&mut self.0, format_args!("{label}=\""));
            self.label_value(text);
            self.0.push(b'"');
        }
        if !labels.is_empty() {
            self.0.push(b'}');
        }
        append(&mut self.0, format_args!(" {value}\n"));
    }

    /// Writes a label value as UTF-8, with double quotes and backslashes escaped.
    fn label_value(&mut self, text: &[u8]) {
        let mut text = text.to_vec();
        make_printable(&mut text, Charset::Safe);
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(byte);
        }
    }
}
