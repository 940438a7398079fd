//! The fields of a trash journal line: separators, escapes, and parsing into
//! the types of the records.

use bstr::ByteSlice;
use chrono::DateTime;

use crate::spool::Queue;
use crate::sys::dir_changes::FileTime;
use crate::text::{digits, whole_number};

/// The permission bits that a message may have.
pub(super) const PERMISSIONS: u32 = 0o777;

/// The unread rest of a line.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// Returns the next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        // Not a search for text: its preparation would take longer than a word does.
        let end = self.0.find_byte(b' ').unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b" ").unwrap_or_default();
        (!word.is_empty()).then_some(word)
    }

    /// Returns the comment at the end of the line: `Some(None)` if the line has
    /// none, `None` if it ends in something else.
    pub(super) fn comment(&mut self) -> Option<Option<Vec<u8>>> {
        let rest = std::mem::take(&mut self.0);
        if rest.is_empty() {
            return Some(None);
        }
        Some(Some(unescape(rest.strip_prefix(b"comment=")?)))
    }

    /// Returns the value of the next word, which must have the form
    /// `name=value`.
    pub(super) fn value(&mut self, name: &str) -> Option<&'a [u8]> {
        let word = self.next()?.strip_prefix(name.as_bytes())?;
        word.strip_prefix(b"=")
    }
}

/// Parses the permission bits of a message, in octal.
pub(super) fn mode(text: &[u8]) -> Option<u32> {
    let mode = u32::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()?;
    (mode & !PERMISSIONS == 0).then_some(mode)
}

/// Parses a list of log queues, separated by commas, or `none`.
pub(super) fn logs(text: &[u8]) -> Option<Vec<Queue>> {
    if text == b"none" {
        return Some(Vec::new());
    }
    let log = |name| Queue::parse(name).filter(|queue| Queue::LOGS.contains(queue));
    text.split(|&b| b == b',').map(log).collect()
}

/// Parses seconds and nanoseconds, separated by a period.
pub(super) fn file_time(text: &[u8]) -> Option<FileTime> {
    let (seconds, after) = text.split_at(text.find_byte(b'.')?);
    let nanoseconds = digits(after.strip_prefix(b".")?).filter(|number| *number < 1_000_000_000)?;
    Some((whole_number(seconds)?, nanoseconds))
}

/// Parses a time such as `2026-11-23T13:00:15Z` into seconds since the epoch.
pub(super) fn parse_time(text: &[u8]) -> Option<i64> {
    let is_utc = text.len() == "2026-11-23T13:00:15Z".len() && text.ends_with(b"Z");
    let text = std::str::from_utf8(text).ok().filter(|_| is_utc)?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp())
}

/// Appends a text with control characters and backslashes written as `\xNN`, so
/// that a comment cannot break the line format.
pub(super) fn escape(text: &[u8], to: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            0..0x20 | 0x7f | b'\\' => to.extend(format!("\\x{byte:02x}").into_bytes()),
            _ => to.push(byte),
        }
    }
}

/// Reverses [`escape`].
pub(super) fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while let Some((&byte, rest)) = text.split_first() {
        let escaped = rest.strip_prefix(b"x").and_then(|rest| {
            let (digits, after) = rest.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        (text, _) = match (byte, escaped) {
            (b'\\', Some((byte, after))) => (after, plain.push(byte)),
            _ => (rest, plain.push(byte)),
        };
    }
    plain
}

/// Parses a checksum of 16 hexadecimal digits in lower case.
pub(super) fn parse_sum(text: &[u8]) -> Option<u64> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_sum = text.len() == 16 && text.iter().all(is_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_sum)?;
    u64::from_str_radix(text, 16).ok()
}

/// Returns the checksum of a line, FNV-1a: it detects damage, not forgery.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_single_blanks() {
        let mut words = Fields(b"one two=2  four");
        assert_eq!(words.next(), Some(&b"one"[..]));
        assert_eq!(words.value("two"), Some(&b"2"[..]));
        assert_eq!(words.next(), None, "an empty word ends the line");
        assert_eq!(words.next(), Some(&b"four"[..]));
        assert_eq!(words.next(), None);
    }

    #[test]
    fn a_checksum_has_sixteen_digits_in_lower_case() {
        assert_eq!(parse_sum(b"00000000000000ff"), Some(255));
        let others: [&[u8]; 5] = [
            b"00000000000000FF",
            b"+0000000000000ff",
            b"ff",
            b"000000000000000ff",
            b"000000000000000g",
        ];
        for text in others {
            assert_eq!(parse_sum(text), None);
        }
    }
}
