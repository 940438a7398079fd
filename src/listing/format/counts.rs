//! Formats counts as a table or as JSON lines.

use bstr::ByteSlice;
use serde::Serialize;

use super::super::count_by::{CountBy, CountKeys, OTHERS, SEPARATOR};
use super::super::counts::{Group, Groups};
use super::super::times::Clock;
use crate::spool::Queue;
use crate::text::{append, append_json_line, to_printable};

/// Widths of the table's columns.
const COUNT_WIDTH: usize = 10;
const BYTES_WIDTH: usize = 14;
const TIME_WIDTH: usize = 19;
/// Largest width of the first of two values.
const FIRST_WIDTH_MAX: usize = 40;

/// The number of values that [`all_rows`] returns at most, and their total length
/// in bytes.
pub const ALL_MAX: usize = 10_000;
const ALL_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A value and its group.
pub type CountRow = (Vec<u8>, Group);

/// The groups as rows, at most `top` of them: queues in the order of a listing,
/// hours and ranges of times in chronological order, all others by decreasing
/// count.
pub fn rows(groups: Groups, by: &CountKeys, top: Option<usize>) -> Vec<CountRow> {
    let mut rows: Vec<CountRow> = groups.into_iter().collect();
    match by.single() {
        Some(CountBy::Queue) => rows.sort_by_key(|(queue, _)| place(queue)),
        Some(CountBy::Hour) => rows.sort_by(|(a, _), (b, _)| a.cmp(b)),
        Some(CountBy::Due | CountBy::Expires) => {
            rows.sort_by_key(|(value, _)| by.range_order(value));
        }
        _ => rows.sort_by(|(a, more), (b, less)| (less.count, a).cmp(&(more.count, b))),
    }
    if let Some(top) = top {
        rows.truncate(top);
    }
    rows
}

/// All groups as rows, as [`rows`] orders them. After [`ALL_MAX`] values or
/// `ALL_BYTES_MAX` bytes of them, the rest is added up in one row.
pub fn all_rows(groups: Groups, by: &CountKeys) -> Vec<CountRow> {
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
pub fn table(rows: &[CountRow], by: &CountKeys, clock: Clock) -> Vec<u8> {
    let mut out = Vec::new();
    let what = if by.counts_recipients() {
        "Recipients"
    } else {
        "Messages"
    };
    let headings: Vec<String> = by.keys().map(heading).collect();
    let heading = headings.join("\0");
    let width = first_width(rows, heading.as_bytes());
    let value = String::from_utf8_lossy(&columns(heading.as_bytes(), width)).into_owned();
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
        out.extend_from_slice(&columns(value, width));
        out.push(b'\n');
    }
    out
}

/// The values of two keys; the second is empty if there is one key.
fn parts(value: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = value.splitn(2, |b| *b == SEPARATOR);
    let first = parts.next().unwrap_or_default();
    (first, parts.next().unwrap_or_default())
}

/// The width of the column of the first of two values.
fn first_width(rows: &[CountRow], heading: &[u8]) -> usize {
    let values = rows.iter().map(|(value, _)| value.as_slice());
    let width = |value: &[u8]| parts(value).0.to_str_lossy().chars().count();
    let widest = values.chain([heading]).map(width).max();
    widest.unwrap_or(0).min(FIRST_WIDTH_MAX)
}

/// The values of two keys in columns, or the value of one.
fn columns(value: &[u8], width: usize) -> Vec<u8> {
    match parts(value) {
        (first, []) => first.to_vec(),
        (first, second) => {
            let first = first.to_str_lossy();
            format!("{first:width$}  {}", second.to_str_lossy()).into_bytes()
        }
    }
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
    by: String,
    /// Bytes that are not UTF-8 are replaced by `?`.
    value: String,
    /// The value of the second key.
    #[serde(skip_serializing_if = "Option::is_none")]
    value2: Option<String>,
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
    fn new(by: &CountKeys, value: &[u8], count: u64, instance: Option<&'a str>) -> Self {
        let (messages, recipients) = if by.counts_recipients() {
            (None, Some(count))
        } else {
            (Some(count), None)
        };
        let (value, second) = parts(value);
        Self {
            by: by.name(),
            value: to_printable(value),
            value2: by.single().is_none().then(|| to_printable(second)),
            messages,
            recipients,
            details: None,
            instance,
        }
    }
}

/// Formats one JSON object for each row.
pub fn json(rows: &[CountRow], by: &CountKeys, instance: Option<&str>) -> Vec<u8> {
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
    let by = CountKeys::from(CountBy::Queue);
    for (queue, count) in names {
        let row = JsonRow::new(&by, queue.name().as_bytes(), *count, instance);
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

/// The heading of a value column.
fn heading(by: &CountBy) -> String {
    let text = match by {
        CountBy::Queue => "Queue",
        CountBy::From => "Sender",
        CountBy::FromDomain => "Sender domain",
        CountBy::To => "Recipient",
        CountBy::ToDomain => "Recipient domain",
        CountBy::Reason => "Reason",
        CountBy::Dsn => "Status code",
        CountBy::RemoteHost => "Remote host",
        CountBy::Client => "Client",
        CountBy::SaslUser => "Login",
        CountBy::Hour => "Hour of arrival",
        CountBy::Due => "Next attempt",
        CountBy::Expires => "Return",
        CountBy::Subject => "Subject",
        CountBy::Header(name) => return format!("Header {name}"),
    };
    text.to_owned()
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
        rows(groups(values), &by.into(), top)
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
        let rows = all_rows(groups(&values), &CountBy::FromDomain.into());
        assert_eq!(rows.len(), ALL_MAX);
        assert_eq!(rows[0].0, OTHERS);
        assert_eq!(rows[0].1.count, 7 + 2 * 6);
        assert_eq!(rows.iter().map(|(_, group)| group.count).sum::<u64>(), sum);
        assert_eq!(
            all_rows(groups(&[("a", 1)]), &CountBy::From.into()).len(),
            1
        );
        let long = "x".repeat(ALL_BYTES_MAX / 2);
        let (a, b, c) = (format!("a{long}"), format!("b{long}"), format!("c{long}"));
        let rows = all_rows(groups(&[(&a, 1), (&b, 1), (&c, 1)]), &CountBy::From.into());
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1].0.as_slice(), rows[1].1.count), (OTHERS, 2));
    }

    #[test]
    fn the_value_is_the_last_column_and_json_is_valid() {
        let by = CountKeys::from(CountBy::To);
        let rows = rows(groups(&[("a \"b\"@x", 2)]), &by, None);
        let clock = Clock {
            style: TimeStyle::Epoch,
            now: 5,
        };
        let table = String::from_utf8(table(&rows, &by, clock)).unwrap();
        let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["2", "10", "1", "2", "a", "\"b\"@x"]);
        let json: serde_json::Value = serde_json::from_slice(&json(&rows, &by, None)).unwrap();
        assert_eq!(json["value"], "a \"b\"@x");
        assert_eq!(
            (&json["recipients"], &json["newest"]),
            (&2.into(), &2.into())
        );
    }

    #[test]
    fn two_values_are_two_columns_and_two_members() {
        let by = CountKeys::parse("to-domain,reason").unwrap();
        let rows = rows(groups(&[("b.example\0full", 2), ("c\0x y", 3)]), &by, None);
        let clock = Clock {
            style: TimeStyle::Epoch,
            now: 5,
        };
        let table = String::from_utf8(table(&rows, &by, clock)).unwrap();
        let ends = ["Recipient domain  Reason", "c                 x y"];
        for (line, end) in table.lines().zip(ends) {
            assert!(line.ends_with(end), "{line}");
        }
        let json = String::from_utf8(json(&rows, &by, None)).unwrap();
        let start =
            r#"{"by": "to-domain,reason", "value": "c", "value2": "x y", "recipients": 3, "#;
        assert!(json.starts_with(start), "{json}");
    }
}
