//! The columns that text takes on a terminal: wide characters take two, and
//! combining ones none.

use unicode_width::UnicodeWidthChar;

/// The number of columns of a text without control characters.
#[cfg(feature = "browse")]
pub fn columns_of(text: &str) -> usize {
    let columns = text.chars().map(|c| c.width().unwrap_or(0));
    columns.fold(0, usize::saturating_add)
}

/// The beginning of a text without control characters, at most this number of
/// columns.
pub fn cut_to_columns(text: &str, columns_max: usize) -> &str {
    let mut used = 0usize;
    for (at, c) in text.char_indices() {
        used = used.saturating_add(c.width().unwrap_or(0));
        if used > columns_max {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_are_counted() {
        assert_eq!(columns_of("日本e\u{301}"), 5);
        assert_eq!(cut_to_columns("日本語", 5), "日本");
        assert_eq!(cut_to_columns("e\u{301}x", 1), "e\u{301}");
        assert_eq!(cut_to_columns("abc", 9), "abc");
    }
}
