//! Formats counts as a table or as JSON lines.

use serde::Serialize;

use super::super::counts::{CountBy, Group, Groups, OTHERS};
use super::super::times::Clock;
use crate::spool::Queue;
use crate::text::{append, append_json_line, to_printable};

/// Widths of the table's columns.
const COUNT_WIDTH: usize = 10;
const BYTES_WIDTH: usize = 14;
const TIME_WIDTH: usize = 19;

/// The number of values that [`all_rows`] returns at most, and their total length
/// in bytes.
pub const ALL_MAX: usize = 10_000;
const ALL_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A value and its group.
pub type CountRow = (Vec<u8>, Group);

/// The groups as rows, at most `top` of them: queues in the order of a listing,
/// hours in chronological order, all others by decreasing count.
pub fn rows(groups: Groups, by: CountBy, top: Option<usize>) -> Vec<CountRow> {
    let mut rows: Vec<CountRow> = groups.into_iter().collect();
    match by {
        CountBy::Queue => rows.sort_by_key(|(queue, _)| place(queue)),
        CountBy::Hour => rows.sort_by(|(a, _), (b, _)| a.cmp(b)),
        _ => rows.sort_by(|(a, more), (b, less)| (less.count, a).cmp(&(more.count, b))),
    }
    if let Some(top) = top {
        rows.truncate(top);
    }
    rows
}

/// All groups as rows, as [`rows`] orders them. After [`ALL_MAX`] values or
/// [`ALL_BYTES_MAX`] bytes of them, the rest is added up in one row.
pub fn all_rows(groups: Groups, by: CountBy) -> Vec<CountRow> {
    let mut rows = rows(groups, by, None);
    let mut bytes = 0usize;
    let mut fits = |(value, _): &CountRow| {
        bytes = bytes.saturating_add(value.len());
        bytes <= ALL_BYTES_MAX
    };
    let kept = rows
        .iter()
        .take(ALL_MAX)
        .take_while(|row| fits(row))
        .count();
    let rest = rows.split_off(kept);
    let mut others: Option<Group> = None;
    for (_, group) in rest {
        match &mut others {
            Some(known) => known.add(group),
            None => others = Some(group),
        }
    }
    let Some(others) = others else {
        return rows;
    };
    match rows.iter_mut().find(|(value, _)| value == OTHERS) {
        Some((_, known)) => known.add(others),
        None => rows.push((OTHERS.to_vec(), others)),
    }
    rows
}

/// The position of a queue in a listing.
fn place(queue: &[u8]) -> usize {
    let is_it = |known: &Queue| known.name().as_bytes() == queue;
    Queue::LISTED.iter().position(is_it).unwrap_or(usize::MAX)
}

/// Formats a heading and one line for each row. The value comes last in the line
/// because it may contain blanks.
pub fn table(rows: &[CountRow], by: CountBy, clock: Clock) -> Vec<u8> {
    let mut out = Vec::new();
    let (what, value) = words(by);
    let heading = format!(
        "{what:>COUNT_WIDTH$} {:>BYTES_WIDTH$}  {:TIME_WIDTH$}  {:TIME_WIDTH$}  {value}\n",
        "Bytes", "Oldest", "Newest"
    );
    out.extend_from_slice(heading.as_bytes());
    for (value, group) in rows {
        let (count, bytes) = (group.count, group.bytes);
        append(
            &mut out,
            format_args!("{count:>COUNT_WIDTH$} {bytes:>BYTES_WIDTH$}"),
        );
        for time in [group.oldest, group.newest] {
            let mut text = Vec::new();
            clock.write(time, &mut text);
            text.resize(text.len().max(TIME_WIDTH), b' ');
            out.extend_from_slice(b"  ");
            out.extend_from_slice(&text);
        }
        out.extend_from_slice(b"  ");
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    out
}

/// Formats a table of queues of which only the number of messages is known.
pub fn queue_table(names: &[(Queue, u64)]) -> Vec<u8> {
    let mut out = format!("{:>COUNT_WIDTH$}  Queue\n", "Messages").into_bytes();
    for (queue, count) in names {
        append(&mut out, format_args!("{count:>COUNT_WIDTH$}  {queue}\n"));
    }
    out
}

/// A row as a JSON object.
#[derive(Serialize)]
struct JsonRow<'a> {
    by: &'static str,
    /// Bytes that are not UTF-8 are replaced by `?`.
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipients: Option<u64>,
    #[serde(flatten)]
    details: Option<JsonDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

/// Members that are known only if the messages were read.
#[derive(Serialize)]
struct JsonDetails {
    bytes: u64,
    /// Arrival times in seconds since the epoch.
    oldest: i64,
    newest: i64,
}

impl<'a> JsonRow<'a> {
    fn new(by: CountBy, value: &[u8], count: u64, instance: Option<&'a str>) -> Self {
        let (messages, recipients) = if by.counts_recipients() {
            (None, Some(count))
        } else {
            (Some(count), None)
        };
        Self {
            by: by.name(),
            value: to_printable(value),
            messages,
            recipients,
            details: None,
            instance,
        }
    }
}

/// Formats one JSON object for each row.
pub fn json(rows: &[CountRow], by: CountBy, instance: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    for (value, group) in rows {
        let row = JsonRow {
            details: Some(JsonDetails {
                bytes: group.bytes,
                oldest: group.oldest,
                newest: group.newest,
            }),
            ..JsonRow::new(by, value, group.count, instance)
        };
        append_json_line(&row, &mut out);
    }
    out
}

/// Formats one JSON object for each queue of which only the number of messages is
/// known.
pub fn queue_json(names: &[(Queue, u64)], instance: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    for (queue, count) in names {
        let row = JsonRow::new(CountBy::Queue, queue.name().as_bytes(), *count, instance);
        append_json_line(&row, &mut out);
    }
    out
}

/// Formats the number of all messages as a JSON object.
pub fn total_json(messages: u64, instance: Option<&str>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Total<'a> {
        messages: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<&'a str>,
    }
    let mut out = Vec::new();
    append_json_line(&Total { messages, instance }, &mut out);
    out
}

/// The headings of the count column and of the value column.
fn words(by: CountBy) -> (&'static str, &'static str) {
    match by {
        CountBy::Queue => ("Messages", "Queue"),
        CountBy::From => ("Messages", "Sender"),
        CountBy::FromDomain => ("Messages", "Sender domain"),
        CountBy::To => ("Recipients", "Recipient"),
        CountBy::ToDomain => ("Recipients", "Recipient domain"),
        CountBy::Reason => ("Recipients", "Reason"),
        CountBy::Client => ("Messages", "Client"),
        CountBy::SaslUser => ("Messages", "Login"),
        CountBy::Hour => ("Messages", "Hour of arrival"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::times::TimeStyle;

    fn groups(values: &[(&str, u64)]) -> Groups {
        let group = |count: &u64| Group {
            count: *count,
            bytes: 10,
            oldest: 1,
            newest: 2,
        };
        let pair = |(value, count): &(&str, u64)| (value.as_bytes().to_vec(), group(count));
        values.iter().map(pair).collect()
    }

    fn order(by: CountBy, top: Option<usize>, values: &[(&str, u64)]) -> Vec<String> {
        let text = |(value, _): CountRow| String::from_utf8(value).unwrap();
        rows(groups(values), by, top)
            .into_iter()
            .map(text)
            .collect()
    }

    #[test]
    fn rows_are_sorted_by_count_and_queues_in_listing_order() {
        let senders = [("b", 2), ("a", 2), ("c", 3)];
        assert_eq!(order(CountBy::From, None, &senders), ["c", "a", "b"]);
        assert_eq!(order(CountBy::From, Some(1), &senders), ["c"]);
        let queues = [("hold", 9), ("maildrop", 1), ("active", 5)];
        assert_eq!(
            order(CountBy::Queue, None, &queues),
            ["maildrop", "active", "hold"]
        );
    }

    #[test]
    fn values_beyond_the_limit_are_added_up() {
        let names: Vec<String> = (0..ALL_MAX + 5).map(|n| format!("d{n}.example")).collect();
        let mut values: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 2)).collect();
        values.push(("(others)", 7));
        let sum: u64 = values.iter().map(|(_, count)| count).sum();
        let rows = all_rows(groups(&values), CountBy::FromDomain);
        assert_eq!(rows.len(), ALL_MAX);
        assert_eq!(rows[0].0, OTHERS);
        assert_eq!(rows[0].1.count, 7 + 2 * 6);
        assert_eq!(rows.iter().map(|(_, group)| group.count).sum::<u64>(), sum);
        assert_eq!(all_rows(groups(&[("a", 1)]), CountBy::From).len(), 1);
        let long = "x".repeat(ALL_BYTES_MAX / 2);
        let (a, b, c) = (format!("a{long}"), format!("b{long}"), format!("c{long}"));
        let rows = all_rows(groups(&[(&a, 1), (&b, 1), (&c, 1)]), CountBy::From);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1].0.as_slice(), rows[1].1.count), (OTHERS, 2));
    }

    #[test]
    fn the_value_is_the_last_column_and_json_is_valid() {
        let rows = rows(groups(&[("a \"b\"@x", 2)]), CountBy::To, None);
        let clock = Clock {
            style: TimeStyle::Epoch,
            now: 5,
        };
        let table = String::from_utf8(table(&rows, CountBy::To, clock)).unwrap();
        let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["2", "10", "1", "2", "a", "\"b\"@x"]);
        let json: serde_json::Value =
            serde_json::from_slice(&json(&rows, CountBy::To, None)).unwrap();
        assert_eq!(json["value"], "a \"b\"@x");
        assert_eq!(
            (&json["recipients"], &json["newest"]),
            (&2.into(), &2.into())
        );
    }
}
