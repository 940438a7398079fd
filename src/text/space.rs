//! White space as in isspace(3) in the C locale. Unlike
//! [`u8::is_ascii_whitespace`], it includes the vertical tab.

/// Whether a byte is white space.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Returns `text` without white space at its beginning.
pub fn trim_space_start(text: &[u8]) -> &[u8] {
    let first = text.iter().position(|&byte| !is_space(byte));
    first.and_then(|at| text.get(at..)).unwrap_or_default()
}

/// Returns `text` without white space at its end.
pub fn trim_space_end(text: &[u8]) -> &[u8] {
    let last = text.iter().rposition(|&byte| !is_space(byte));
    last.and_then(|at| text.get(..=at)).unwrap_or_default()
}
