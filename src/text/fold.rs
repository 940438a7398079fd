//! Replaces the particulars in deferral reasons, so that the same cause gives
//! the same text: ten thousand destinations that time out have ten thousand
//! different texts.
//!
//! Particulars are numbers, queue IDs, addresses, hosts, IP addresses and URLs.
//! Independent of the source and meaning of reasons.

use bstr::ByteSlice;

/// The replacement for particulars.
pub const FOLDED: &str = "\u{2026}";
/// The maximum number of bytes of a folded reason, without `MORE`. Hosts can
/// answer with texts of any length, and folded reasons are kept in memory.
const LENGTH_MAX: usize = 512;
/// The replacement for words beyond the maximum length.
const MORE: &[u8] = b" ...";
/// The length from which a word without vowels is a long queue ID.
const LONG_ID_MIN: usize = 14;

/// The text before a reason that says only that delivery was not attempted again,
/// since an attempt for another message had failed. Observed with Postfix 3.7.11.
const SUSPENDED: &[u8] = b"delivery temporarily suspended:";

/// The reason without [`SUSPENDED`].
fn cause(reason: &[u8]) -> &[u8] {
    let mut cause = reason.trim_ascii_start();
    while let Some(rest) = cause.strip_prefix(SUSPENDED) {
        cause = rest.trim_ascii_start();
    }
    match cause {
        [] => reason,
        cause => cause,
    }
}

/// Appends `reason` to `to`, with each sequence of particulars replaced by `…`.
pub fn fold(reason: &[u8], to: &mut Vec<u8>) {
    let start = to.len();
    let mut last_was_folded = false;
    for word in cause(reason).split(|b| b.is_ascii_whitespace()) {
        if word.is_empty() {
            continue;
        }
        let before = to.len();
        let is_particular = is_particular(core(word).1);
        if is_particular && last_was_folded && core(word).0.is_empty() {
            to.extend_from_slice(core(word).2);
        } else {
            if to.len() > start {
                to.push(b' ');
            }
            fold_word(word, to);
        }
        if to.len().saturating_sub(start) > LENGTH_MAX {
            shorten(to, start, before);
            return;
        }
        last_was_folded = is_particular && core(word).2.is_empty();
    }
}

/// Removes the word that exceeded the maximum length, or the end of a single
/// word that is too long. Characters are not split.
fn shorten(to: &mut Vec<u8>, start: usize, before: usize) {
    if before > start {
        to.truncate(before);
        to.extend_from_slice(MORE);
        return;
    }
    let most = start.saturating_add(LENGTH_MAX);
    let is_inside = |at: &usize| to.get(*at).is_some_and(|b| matches!(b, 0x80..=0xbf));
    let end = (start..=most).rev().take(4).find(|at| !is_inside(at));
    to.truncate(end.unwrap_or(most));
}

/// Appends a word, folded if it is a particular.
fn fold_word(word: &[u8], to: &mut Vec<u8>) {
    let (before, core, after) = core(word);
    to.extend_from_slice(before);
    let name = core.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    match (name, core.get(name)) {
        // In `name=example.com`, the name is part of the cause.
        (at @ 1.., Some(b'=')) => {
            let (name, value) = core.split_at(at.saturating_add(1));
            to.extend_from_slice(name);
            fold_core(value, to);
        }
        _ => fold_core(core, to),
    }
    to.extend_from_slice(after);
}

fn fold_core(core: &[u8], to: &mut Vec<u8>) {
    if is_particular(core) {
        to.extend_from_slice(FOLDED.as_bytes())
    } else {
        to.extend_from_slice(core)
    }
}

/// Splits a word into leading punctuation, core and trailing punctuation.
fn core(word: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let opens = |b: &&u8| matches!(**b, b'(' | b'[' | b'<' | b'{' | b'"' | b'\'' | b'#');
    let closes = |b: &&u8| {
        let stops = matches!(**b, b'.' | b',' | b':' | b';' | b'!' | b'?');
        stops || matches!(**b, b')' | b']' | b'>' | b'}' | b'"' | b'\'')
    };
    let before = word.iter().take_while(opens).count();
    let (before, rest) = word.split_at(before);
    let after = rest.iter().rev().take_while(closes).count();
    let mut end = rest.len().saturating_sub(after);
    let opened = rest.get(..end).is_some_and(|core| core.contains(&b'['));
    if opened && rest.get(end) == Some(&b']') {
        end = end.saturating_add(1);
    }
    let (core, after) = rest.split_at(end);
    (before, core, after)
}

/// Whether a word differs between messages with the same cause.
fn is_particular(core: &[u8]) -> bool {
    let is_url = core.contains_str("://");
    let has_digit = core.iter().any(u8::is_ascii_digit);
    is_url || has_digit || core.contains(&b'@') || is_host(core) || is_long_id(core)
}

/// Whether a word is a host or domain name: labels separated by dots, the last
/// of them letters only.
fn is_host(core: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        let fits = |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || b >= 0x80;
        !label.is_empty() && label.iter().all(fits)
    };
    let labels = core.iter().filter(|&&b| b == b'.').count();
    let last = core.rsplit(|&b| b == b'.').next().unwrap_or_default();
    labels > 0 && core.split(|&b| b == b'.').all(is_label) && last.len() >= 2
}

/// Whether a word can only be a long queue ID. It has no digits, which were
/// checked before.
fn is_long_id(core: &[u8]) -> bool {
    let fits = |&b: &u8| b.is_ascii_alphabetic() && !b"aeiouAEIOU".contains(&b);
    core.len() >= LONG_ID_MIN && core.contains(&b'z') && core.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(reason: &str) -> String {
        let mut to = Vec::new();
        fold(reason.as_bytes(), &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn particulars_are_folded_and_causes_stay() {
        for (reason, expected) in [
            (
                "connect to mx1.a.example[192.0.2.1]:25: Connection timed out",
                "connect to \u{2026}: Connection timed out",
            ),
            (
                "connect to mail.b.example[2001:db8::1]:25: Connection timed out",
                "connect to \u{2026}: Connection timed out",
            ),
            (
                "host mx.c.example[192.0.2.9] said: 450 4.2.0 <joe@c.example>: Recipient address \
                 rejected: Greylisted for 300 seconds (in reply to RCPT TO command)",
                "host \u{2026} said: \u{2026} <\u{2026}>: Recipient address rejected: Greylisted \
                 for \u{2026} seconds (in reply to RCPT TO command)",
            ),
            (
                "Host or domain name not found. Name service error for name=d.example type=MX: \
                 Host not found, try again",
                "Host or domain name not found. Name service error for name=\u{2026} type=MX: \
                 Host not found, try again",
            ),
            (
                "delivery of 3A78999CD00 and 4jY6vs5H8jz1WXLV temporarily suspended",
                "delivery of \u{2026} and \u{2026} temporarily suspended",
            ),
            (
                "see https://help.example/answer?a=b for more",
                "see \u{2026} for more",
            ),
            (
                "delivery temporarily suspended: connect to mx.e.example[192.0.2.1]:25: \
                 Connection refused",
                "connect to \u{2026}: Connection refused",
            ),
            (
                "delivery temporarily suspended:",
                "delivery temporarily suspended:",
            ),
            ("mail transport unavailable", "mail transport unavailable"),
            ("lost connection   with x", "lost connection with x"),
            ("", ""),
        ] {
            assert_eq!(folded(reason), expected);
        }
    }

    #[test]
    fn ten_thousand_variants_are_one_reason() {
        let variants: std::collections::HashSet<String> = (0..10_000)
            .map(|n| {
                let ip = format!("192.0.{}.{}", n / 250, n % 250);
                folded(&format!(
                    "connect to mx{n}.d{n}.example[{ip}]:25: Connection timed out"
                ))
            })
            .collect();
        assert_eq!(variants.len(), 1);
    }

    #[test]
    fn a_folded_reason_is_bounded() {
        assert!(folded(&"word ".repeat(100_000)).len() <= LENGTH_MAX + 4);
        assert!(folded(&"x".repeat(100_000)).len() <= LENGTH_MAX);
        // Folding can make a text longer, and characters can have several
        // bytes: all combinations near the limit are tried.
        for length in LENGTH_MAX - 12..LENGTH_MAX + 4 {
            let long = "x".repeat(length);
            for end in [
                "",
                " 1",
                " 1 x",
                " \u{fc}",
                "\u{fc}\u{20ac}",
                " y=1 \u{20ac}",
            ] {
                let text = folded(&format!("{long}{end}"));
                assert!(text.len() <= LENGTH_MAX + MORE.len(), "{text}");
            }
        }
    }
}
