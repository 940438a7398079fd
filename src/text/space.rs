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

/// Returns `text` without white space at its ends.
pub fn trim_space(text: &[u8]) -> &[u8] {
    trim_space_end(trim_space_start(text))
}

/// Splits `name = value`. Returns the name, which ends at white space or an equals
/// sign and may be empty; and the value without white space at its ends, if there
/// is an equals sign after the name.
pub fn split_assignment(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = text.iter().position(|&byte| byte == b'=' || is_space(byte));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let value = trim_space_start(rest).strip_prefix(b"=");
    (name, value.map(trim_space))
}
