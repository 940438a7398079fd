//! Checks the syntax of host names, with the texts of Postfix's warnings. Uses no
//! name service.

use super::error::printable;
use crate::text::Charset;

/// Largest length of a host name.
const LENGTH_MAX: usize = 255;
/// Largest length of a label of a host name.
const LABEL_MAX: usize = 63;
/// Largest number of bytes that a warning shows of a host name that is too long.
const SHOWN_MAX: usize = 100;

/// Why a text is not a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostNameError {
    /// The name is empty.
    Empty,
    /// The name contains this byte.
    Byte(u8),
    /// A dot is at the beginning or end, or next to another dot.
    Delimiter,
    /// A hyphen is at the beginning or end of a label.
    Hyphen,
    /// A label is too long.
    Label,
    /// The name consists of digits and dots.
    Numeric,
    /// The name is too long.
    Length,
}

/// Checks a host name: labels of letters, digits, underscores and inner hyphens,
/// separated by single dots, and not all numeric.
///
/// # Errors
///
/// The first fault.
pub fn check(name: &[u8]) -> Result<(), HostNameError> {
    if name.is_empty() {
        return Err(HostNameError::Empty);
    }
    let mut label_length = 0usize;
    let mut before = b'.';
    let mut bytes = name.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let after = bytes.peek().copied().unwrap_or(b'.');
        match byte {
            b'.' if before == b'.' || bytes.peek().is_none() => {
                return Err(HostNameError::Delimiter);
            }
            b'.' => label_length = 0,
            b'-' if before == b'.' || after == b'.' => return Err(HostNameError::Hyphen),
            b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                label_length = label_length.saturating_add(1);
                if label_length > LABEL_MAX {
                    return Err(HostNameError::Label);
                }
            }
            _ => return Err(HostNameError::Byte(byte)),
        }
        before = byte;
    }
    if name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.')) {
        return Err(HostNameError::Numeric);
    }
    if name.len() > LENGTH_MAX {
        return Err(HostNameError::Length);
    }
    Ok(())
}

impl HostNameError {
    /// The text that follows `PROG: warning: `.
    pub fn warning(self, name: &[u8], charset: Charset) -> String {
        let shown = printable(name, charset);
        match self {
            Self::Empty => "valid_hostname: empty hostname".to_owned(),
            Self::Byte(byte) => {
                format!("valid_hostname: invalid character {byte}(decimal): {shown}")
            }
            Self::Delimiter => format!("valid_hostname: misplaced delimiter: {shown}"),
            Self::Hyphen => format!("valid_hostname: misplaced hyphen: {shown}"),
            Self::Label => format!("valid_hostname: hostname label too long: {shown}"),
            Self::Numeric => format!("valid_hostname: numeric hostname: {shown}"),
            Self::Length => {
                let start = name.get(..SHOWN_MAX).unwrap_or(name);
                let dots = if start.len() < name.len() { "..." } else { "" };
                let start = printable(start, charset);
                format!(
                    "valid_hostname: bad length {} for {start}{dots}",
                    name.len()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leftmost_error_is_reported() {
        for (name, fault) in [
            ("", HostNameError::Empty),
            ("foo..bar", HostNameError::Delimiter),
            (".foo", HostNameError::Delimiter),
            ("foo.bar.", HostNameError::Delimiter),
            ("-a..b", HostNameError::Hyphen),
            ("a..-b", HostNameError::Delimiter),
            ("a.b-", HostNameError::Hyphen),
            ("a-.b*", HostNameError::Hyphen),
            ("a.*.-", HostNameError::Byte(b'*')),
            ("1..2", HostNameError::Delimiter),
            ("1.2.3.4", HostNameError::Numeric),
        ] {
            assert_eq!(check(name.as_bytes()), Err(fault), "{name}");
        }
        assert_eq!(check(&[b'x'; 64]), Err(HostNameError::Label));
        assert_eq!(
            check(&b"abc.".repeat(80)[..319]),
            Err(HostNameError::Length)
        );
    }

    #[test]
    fn names_in_use_are_accepted() {
        for name in ["foo", "_", "foo_bar", "1-2", "1.0x", "a.1", "FOO.Bar"] {
            assert_eq!(check(name.as_bytes()), Ok(()), "{name}");
        }
    }
}
