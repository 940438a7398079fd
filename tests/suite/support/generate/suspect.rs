//! Tells whether Postfix 3.7 would read a queue file wrongly, or more often
//! than ours does.
//!
//! A small reader of its own that looks for the cases which are
//! left out of a comparison with 3.7: two senders, a recipient
//! or original recipient before any sender, five length bytes.

/// What a comparison with Postfix 3.7 can do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparability {
    Comparable,
    ReadWrongly,
}

/// More records than any generated file has on a straight way.
const RECORDS_MAX: usize = 200_000;

/// Bytes that are read of any file that leads back.
const READ_MIN: usize = 512 * 1024;

/// Reads the file as a listing does.
pub fn comparability(file: &[u8]) -> Comparability {
    let mut at = 0;
    let mut senders = 0;
    let mut size = None;
    let (mut read, mut led_back) = (0, false);
    for _ in 0..RECORDS_MAX {
        let Some((kind, data, next)) = record(file, at) else {
            return five_length_bytes(file, at);
        };
        read += next - at;
        if led_back && read > 2 * file.len() + READ_MIN {
            return Comparability::ReadWrongly;
        }
        at = next;
        match kind {
            b'S' => senders += 1,
            b'R' | b'O' if senders == 0 => return Comparability::ReadWrongly,
            b'E' => break,
            b'p' => match pointer(data) {
                Some(0) => {}
                Some(target) => {
                    led_back |= target < at;
                    at = target;
                }
                None => break,
            },
            b'C' if size.is_none() => size = leading_number(data),
            b'M' => at = at.saturating_add(size.unwrap_or(0)),
            _ => {}
        }
        if senders > 1 {
            return Comparability::ReadWrongly;
        }
    }
    Comparability::Comparable
}

fn record(file: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let kind = *file.get(at)?;
    let mut length = 0;
    let mut at = at + 1;
    for shift in [0, 7, 14, 21] {
        let byte = *file.get(at)?;
        at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let end = at.checked_add(length)?;
            return Some((kind, file.get(at..end)?, end));
        }
    }
    None
}

fn five_length_bytes(file: &[u8], at: usize) -> Comparability {
    match file.get(at + 1..at + 5) {
        Some(length) if length.iter().all(|byte| byte & 0x80 != 0) => Comparability::ReadWrongly,
        _ => Comparability::Comparable,
    }
}

fn pointer(data: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(data).ok()?;
    // No digits at all are a zero.
    match text.trim_start() {
        "" => Some(0),
        digits => digits.parse().ok(),
    }
}

fn leading_number(data: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(data).ok()?;
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b' ') {
        return None;
    }
    text.split_whitespace().next()?.parse().ok()
}
