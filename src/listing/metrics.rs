//! Metrics of the queues in Prometheus' text format.

use std::io::Write;

use super::count_form::{Row, rows};
use super::counts::{AGE_LIMITS, CountBy, CountPlan, Counts};
use crate::spool::Queue;
use crate::text::{Charset, make_printable};

/// What the metrics count messages by, in this order in the plan.
const BY: [CountBy; 4] = [
    CountBy::Queue,
    CountBy::FromDomain,
    CountBy::ToDomain,
    CountBy::Reason,
];

/// What has to be counted for metrics at the time `now`.
pub fn plan(now: i64) -> CountPlan {
    CountPlan {
        by: BY.to_vec(),
        ages_at: Some(now),
        needs_sizes: true,
    }
}

/// The metrics of what was counted by that plan, with at most `top` values
/// of each top list.
pub fn write(counts: Counts, now: i64, top: usize) -> Vec<u8> {
    let mut out = Metrics(Vec::new());
    let mut by = counts.by.into_iter();
    let mut next = |by_what, top| rows(by.next().unwrap_or_default(), by_what, top);
    let queues = next(CountBy::Queue, None);
    let group = |queue: Queue| {
        let found = queues
            .iter()
            .find(|(name, _)| name == queue.name().as_bytes());
        found.map(|(_, group)| *group)
    };
    out.per_queue("messages", "Messages in the queue.", |queue| {
        group(queue).map_or(0, |group| group.count)
    });
    out.per_queue("bytes", "Bytes of the messages in the queue.", |queue| {
        group(queue).map_or(0, |group| group.bytes)
    });
    out.per_queue(
        "oldest_age_seconds",
        "Age of the oldest message in the queue.",
        |queue| {
            let age = group(queue).map_or(0, |group| now.saturating_sub(group.oldest).max(0));
            age.unsigned_abs()
        },
    );
    out.ages(&counts.ages);
    out.top(
        "sender_domain_messages",
        "Messages of the commonest sender domains.",
        "domain",
        &next(CountBy::FromDomain, Some(top)),
    );
    out.top(
        "recipient_domain_recipients",
        "Recipients in the commonest recipient domains.",
        "domain",
        &next(CountBy::ToDomain, Some(top)),
    );
    out.top(
        "reason_recipients",
        "Recipients that wait for the commonest reasons.",
        "reason",
        &next(CountBy::Reason, Some(top)),
    );
    out.family(
        "scan_timestamp_seconds",
        "gauge",
        "When the queues were read.",
    );
    out.line("scan_timestamp_seconds", &[], now.max(0).unsigned_abs());
    out.0
}

/// Metrics so far.
struct Metrics(Vec<u8>);

impl Metrics {
    fn per_queue(&mut self, name: &str, help: &str, value: impl Fn(Queue) -> u64) {
        self.family(name, "gauge", help);
        for queue in Queue::LISTED {
            self.line(name, &[("queue", queue.name().as_bytes())], value(queue));
        }
    }

    /// A histogram of the ages in each queue.
    fn ages(&mut self, ages: &std::collections::HashMap<Vec<u8>, super::counts::Ages>) {
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

    fn top(&mut self, name: &str, help: &str, label: &str, rows: &[Row]) {
        self.family(name, "gauge", help);
        for (value, group) in rows {
            self.line(name, &[(label, value)], group.count);
        }
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a Vec cannot fail.
        let _ = write!(
            self.0,
            "# HELP spoolbox_queue_{name} {help}\n# TYPE spoolbox_queue_{name} {kind}\n"
        );
    }

    fn line(&mut self, name: &str, labels: &[(&str, &[u8])], value: u64) {
        // Writing to a Vec cannot fail.
        let _ = write!(self.0, "spoolbox_queue_{name}");
        for (number, (label, text)) in labels.iter().enumerate() {
            self.0.push(if number == 0 { b'{' } else { b',' });
            let _ = write!(self.0, "{label}=\"");
            self.label_value(text);
            self.0.push(b'"');
        }
        if !labels.is_empty() {
            self.0.push(b'}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A label's value: UTF-8, with what would end it escaped.
    fn label_value(&mut self, text: &[u8]) {
        let mut text = text.to_vec();
        make_printable(&mut text, Charset::StrictUtf8);
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(byte);
        }
    }
}
