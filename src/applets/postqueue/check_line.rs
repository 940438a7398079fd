//! The parts of the line that `postqueue --check` prints: text, thresholds and
//! performance data, as monitoring plugins write them.
//!
//! Names in the line come from messages and from main.cf: nothing in them can end
//! the line or begin the performance data.

use crate::listing::write_duration;
use crate::selection::Selection;
use crate::spool::Queue;
use crate::text::{Charset, make_printable};

/// The largest length of a name in the line.
const NAME_MAX: usize = 200;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// The text for people.
    pub(super) text: String,
    /// The performance data.
    pub(super) data: Vec<String>,
}

/// The largest values that are no reason for a warning and not critical.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Threshold {
    pub(super) warn: Option<u64>,
    pub(super) crit: Option<u64>,
}

impl Threshold {
    /// The thresholds in parentheses, after a blank; empty if there are none.
    pub(super) fn words(self, shown: impl Fn(&u64) -> String) -> String {
        let part = |name: &str, limit: &Option<u64>| {
            let limit = limit.as_ref().map(&shown);
            limit.map(|limit| format!("{name} {limit}"))
        };
        let parts = [part("warn", &self.warn), part("crit", &self.crit)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", parts.join(", "))
        }
    }
}

/// A value with its thresholds: `messages=5;10;20;0`, with the name of an instance
/// if it is one of several.
pub(super) fn performance_datum(
    instance: Option<&str>,
    name: &str,
    value: u64,
    threshold: Threshold,
) -> String {
    let limit = |limit: Option<u64>| limit.map_or_else(String::new, |limit| limit.to_string());
    let label = match instance {
        None => name.to_owned(),
        // A label may contain neither quotes nor an equals sign.
        Some(instance) => {
            let instance = printable(instance.as_bytes()).replace(['\'', '='], "_");
            format!("'{instance} {name}'")
        }
    };
    let (warn, crit) = (limit(threshold.warn), limit(threshold.crit));
    format!("{label}={value};{warn};{crit};0")
}

/// The queues that a selection admits, as ` in hold`; empty if it admits all.
pub(super) fn queues_of(selection: Option<&Selection>) -> String {
    let admits = |queue: &Queue| selection.is_none_or(|s| s.admits_queue(*queue));
    let queues: Vec<&str> = Queue::LISTED
        .iter()
        .filter(|q| admits(q))
        .map(|q| q.name())
        .collect();
    if queues.len() == Queue::LISTED.len() {
        String::new()
    } else if queues.is_empty() {
        " in no queue".to_owned()
    } else {
        format!(" in {}", queues.join(", "))
    }
}

/// A text for the line: without control characters, line ends and the bar that
/// begins performance data.
pub(super) fn printable(text: &[u8]) -> String {
    let mut text = text.to_vec();
    make_printable(&mut text, Charset::Safe);
    let text = String::from_utf8_lossy(&text).replace(['|', '\n', '\t'], "?");
    let mut shown: String = text.chars().take(NAME_MAX).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// A duration such as 3d4h.
pub(super) fn words(seconds: u64) -> String {
    let mut text = Vec::new();
    write_duration(i64::try_from(seconds).unwrap_or(i64::MAX), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_neither_end_the_line_nor_begin_the_data() {
        assert_eq!(printable(b"a|b\nc\td\x1b"), "a?b?c?d?");
        assert_eq!(printable(&[b'x'; 300]).len(), NAME_MAX + 3);
        let threshold = Threshold {
            warn: Some(1),
            crit: None,
        };
        let datum = performance_datum(Some("it's=\"x\""), "messages", 5, threshold);
        assert_eq!(datum, "'it_s_\"x\" messages'=5;1;;0");
        assert_eq!(performance_datum(None, "m", 5, threshold), "m=5;1;;0");
    }

    #[test]
    fn thresholds_are_named() {
        let words = |warn, crit| Threshold { warn, crit }.words(u64::to_string);
        assert_eq!(words(Some(1), Some(2)), " (warn 1, crit 2)");
        assert_eq!(words(None, Some(2)), " (crit 2)");
        assert_eq!(words(None, None), "");
    }
}
