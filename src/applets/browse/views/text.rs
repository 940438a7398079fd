//! Texts for the screen: without control characters, and cut or filled to a
//! number of columns.

use unicode_width::UnicodeWidthChar;

use super::super::theme::Characters;
use crate::text::columns::{columns_of, cut_to_columns};
use crate::text::is_obeyed;

/// The number of characters that are looked at: the widest terminal is
/// narrower, and texts from messages can be of any length.
const CHARACTERS_MAX: usize = 4096;

/// A text as the terminal may get it: control characters, and characters that
/// change the direction or the width of others, become question marks or
/// nothing.
pub fn clean(text: &str, characters: Characters) -> String {
    let shown = |c: char| match (c, characters) {
        ('\t', _) => Some(' '),
        (' '..='~', _) => Some(c),
        (_, Characters::Ascii) => Some('?'),
        // Joiners and variation selectors make the width of a text uncertain.
        ('\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}', _) => None,
        ('\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}', _) => None,
        (_, Characters::Unicode) if is_obeyed(c) => Some('?'),
        (_, Characters::Unicode) => c.width().map_or(Some('?'), |_| Some(c)),
    };
    text.chars()
        .take(CHARACTERS_MAX)
        .filter_map(shown)
        .collect()
}

/// A clean text in exactly this number of columns. A text that is too long ends
/// with a mark.
pub fn fit(text: &str, columns: usize, characters: Characters) -> String {
    let text = clean(text, characters);
    let whole = columns_of(&text);
    if whole <= columns {
        return text + &" ".repeat(columns.saturating_sub(whole));
    }
    let mark = match characters {
        Characters::Unicode => '\u{2026}',
        Characters::Ascii => '~',
    };
    let mut cut = cut_to_columns(&text, columns.saturating_sub(1)).to_owned();
    if columns > 0 {
        cut.push(mark);
    }
    let rest = columns.saturating_sub(columns_of(&cut));
    cut + &" ".repeat(rest)
}

/// Splits a clean text into lines of at most this number of columns.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0usize;
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used.saturating_add(width) > columns.max(1) {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        line.push(c);
        used = used.saturating_add(width);
    }
    lines.push(line);
    lines
}

/// A number in at most four characters and a unit: `999`, `1.2k`, `12M`.
pub fn short_number(number: u64) -> String {
    scaled(number, 1000, &["", "k", "M", "G", "T", "P", "E"])
}

/// A number of bytes: `999B`, `1.2K`, `12M`.
pub fn short_bytes(bytes: u64) -> String {
    scaled(bytes, 1024, &["B", "K", "M", "G", "T", "P", "E"])
}

fn scaled(number: u64, step: u64, units: &[&str]) -> String {
    let mut whole = number;
    let mut tenths = 0;
    for unit in units {
        if whole < 1000 {
            return match (whole == number, whole) {
                (false, 0..10) => format!("{whole}.{tenths}{unit}"),
                _ => format!("{whole}{unit}"),
            };
        }
        tenths = (whole % step).saturating_mul(10) / step;
        whole /= step;
    }
    "many".to_owned()
}

/// An age in its largest unit: `45s`, `12m`, `5h`, `3d`.
pub fn short_age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fill_their_columns_exactly() {
        for (text, columns, expected) in [
            ("abc", 5, "abc  "),
            ("abcdef", 5, "abcd\u{2026}"),
            ("日本語です", 5, "日本\u{2026}"),
            ("日本語です", 4, "日\u{2026} "),
            ("e\u{301}tude", 5, "e\u{301}tude"),
            ("x", 0, ""),
        ] {
            let fitted = fit(text, columns, Characters::Unicode);
            assert_eq!(fitted, expected, "{text}");
            assert_eq!(columns_of(&fitted), columns);
        }
        assert_eq!(fit("Grüße von mir", 8, Characters::Ascii), "Gr??e v~");
    }

    #[test]
    fn nothing_that_controls_a_terminal_is_left() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{7f}\r\n\u{202e}\u{200d}z\u{0}";
        assert_eq!(clean(hostile, Characters::Unicode), "a?[2J?31m????z?");
        assert!(clean(&"x".repeat(1_000_000), Characters::Ascii).len() <= CHARACTERS_MAX);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(short_number(999), "999");
        assert_eq!(short_number(1_250), "1.2k");
        assert_eq!(short_number(1_000_000), "1.0M");
        assert_eq!(short_bytes(1_536), "1.5K");
        assert_eq!(short_bytes(u64::MAX), "15E");
        assert_eq!(short_age(59), "59s");
        assert_eq!(short_age(90_000), "1d");
        assert_eq!(wrap("abcde", 2), ["ab", "cd", "e"]);
    }
}
