//! JSON in our own formats: an object per line, with the separators that
//! Postfix uses.
//!
//! Characters that could control a terminal are always written as escapes.

use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::printable::is_obeyed;

/// Writes a value.
///
/// # Errors
///
/// Errors in writing to `out`.
pub fn write_json(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, SpacedFormatter);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Appends an object and a newline.
pub fn append_json_line(value: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, nor can text as the name of a member.
    let _ = write_json(value, out);
    out.push(b'\n');
}

/// Appends the members of an object, without its braces, after other members.
pub fn append_json_members(object: &impl Serialize, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    let _ = write_json(object, &mut text);
    let members = text.strip_prefix(b"{").and_then(|t| t.strip_suffix(b"}"));
    if let Some(members @ [_, ..]) = members {
        out.extend_from_slice(b", ");
        out.extend_from_slice(members);
    }
}

/// Writes `", "` between members and elements, and `": "` after names.
struct SpacedFormatter;

impl SpacedFormatter {
    fn separate<W: Write + ?Sized>(writer: &mut W, first: bool) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }
}

impl Formatter for SpacedFormatter {
    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        Self::separate(writer, first)
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        Self::separate(writer, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((plain, c)) = rest.find(is_obeyed).and_then(|at| {
            let (plain, after) = rest.split_at_checked(at)?;
            Some((plain, after.chars().next()?))
        }) {
            write!(writer, "{plain}\\u{:04x}", u32::from(c))?;
            rest = rest
                .get(plain.len().saturating_add(c.len_utf8())..)
                .unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn separators_and_escapes_are_ours() {
        let value = json!({"a": [1, 2.5, null], "b": "q\"\\\n\u{7f}x\u{9b}é\u{202e}"});
        let mut out = Vec::new();
        append_json_line(&value, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"a\": [1, 2.5, null], \"b\": \"q\\\"\\\\\\n\\u007fx\\u009bé\\u202e\"}\n"
        );
        let mut out = b"{\"x\": 1".to_vec();
        append_json_members(&json!({"y": 2}), &mut out);
        append_json_members(&json!({}), &mut out);
        assert_eq!(out, b"{\"x\": 1, \"y\": 2");
    }
}
