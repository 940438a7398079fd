//! Appends JSON members and strings with the separators and escapes of `postqueue
//! -j`.
//!
//! Observed with Postfix 3.7.11. serde_json escapes other characters, and refuses
//! bytes that are not UTF-8.

use std::fmt::Display;

use crate::text::append;

/// Appends a string member; another member must precede it.
pub(super) fn member(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b", \"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\": ");
    string(value, out);
}

/// Appends a number or boolean member; another member must precede it.
pub(super) fn literal(name: &str, value: impl Display, out: &mut Vec<u8>) {
    append(out, format_args!(", \"{name}\": {value}"));
}

/// Appends a JSON string with Postfix's escapes.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest
        .iter()
        .position(|b| matches!(b, 0..b' ' | b'"' | b'\\' | 0x7f))
    {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = escaped.split_first() else {
            break;
        };
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            other => append(out, format_args!("\\u{other:04X}")),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_postfix_does() {
        let mut out = Vec::new();
        string(b"a\"b\\c\x08\x0c\n\r\t\x01\x7f\x1f/\xc3\xa9", &mut out);
        assert_eq!(
            out,
            b"\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u007F\\u001F/\xc3\xa9\""
        );
    }
}
