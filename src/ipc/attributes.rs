//! Attribute lists as Postfix's daemons send them: `name NUL value NUL` until
//! an empty name (spec page 05, "The showq protocol").
//!
//! Owns the form and what can be wrong with it. Which attributes come when is
//! the business of each service's client.

use std::io::{self, BufRead};

use thiserror::Error;

use crate::text::{shown, trim_space_start};

/// Bytes of a name or value at most. No daemon sends more; a stranger who took
/// its place could send without end.
const TEXT_MAX: usize = 64 * 1024 * 1024;
/// What stands for the end of a list where a name was expected.
pub const END_OF_LIST: &str = "(list terminator)";

/// An attribute list that cannot be read on. Display is Postfix's warning, in
/// which `{0}` stands where the socket's name goes: see [`AttributeError::warning`].
#[derive(Debug, Error)]
pub enum AttributeError {
    /// Another attribute than the protocol has there.
    #[error("unexpected attribute {found} from {{}} socket (expecting: {expected})")]
    Unexpected {
        /// The name that came.
        found: String,
        /// The name that should have come.
        expected: &'static str,
    },
    /// A list ended before it should.
    #[error("missing attribute {0} in input from {{}} socket")]
    Missing(&'static str),
    /// The daemon speaks something else.
    #[error("unexpected protocol {found} from {{}} socket (expected: {expected})")]
    Protocol {
        /// What it says it speaks.
        found: String,
        /// What it should.
        expected: &'static str,
    },
    /// A number that is none.
    #[error("malformed numerical data from {{}} socket while reading input attribute value: {0}")]
    Number(String),
    /// The daemon has gone, or was silent for too long, within an attribute.
    #[error("unexpected end-of-input from {{}} socket while reading input attribute {0}")]
    EndOfInput(Part),
    /// The daemon has gone, or was silent for too long, between attributes.
    #[error("no more input")]
    Gone,
}

/// A part of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its name.
    Name,
    /// Its value.
    Value,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Name => "name",
            Part::Value => "value",
        })
    }
}

impl AttributeError {
    /// What Postfix warns of; nothing where it does not. `socket` is the
    /// socket's path.
    pub fn warning(&self, socket: &str) -> Option<String> {
        match self {
            Self::Gone => None,
            other => Some(other.to_string().replacen("{}", socket, 1)),
        }
    }
}

/// Reads attributes one after the other.
#[derive(Debug)]
pub struct AttributeReader<R> {
    input: R,
}

impl<R: BufRead> AttributeReader<R> {
    /// A reader of what a daemon sends.
    pub fn new(input: R) -> Self {
        Self { input }
    }

    /// Puts the next attribute's name into `name`. False at the end of the
    /// list, of which the NUL is consumed.
    pub fn name(&mut self, name: &mut Vec<u8>) -> Result<bool, AttributeError> {
        self.text(name, Part::Name)?;
        Ok(!name.is_empty())
    }

    /// Puts the value that belongs to the name just read into `value`.
    pub fn value(&mut self, value: &mut Vec<u8>) -> Result<(), AttributeError> {
        self.text(value, Part::Value)
    }

    /// Whether bytes are at hand without waiting for the daemon.
    pub fn has_more(&self) -> bool
    where
        R: Buffered,
    {
        self.input.has_buffered()
    }

    fn text(&mut self, text: &mut Vec<u8>, part: Part) -> Result<(), AttributeError> {
        text.clear();
        let mut is_begun = false;
        loop {
            // An error of the connection is its end.
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => &[],
            };
            if available.is_empty() || text.len() > TEXT_MAX {
                return Err(match (is_begun, part) {
                    (false, Part::Name) => AttributeError::Gone,
                    _ => AttributeError::EndOfInput(part),
                });
            }
            is_begun = true;
            let end = available.iter().position(|&b| b == 0);
            let piece = end.map_or(available, |at| available.get(..at).unwrap_or_default());
            text.extend_from_slice(piece);
            let used = end.map_or(available.len(), |at| at.saturating_add(1));
            self.input.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

/// The number in a value. What does not fit is the largest unsigned number,
/// taken for a signed one, as in Postfix.
pub fn number(text: &[u8]) -> Result<i64, AttributeError> {
    let malformed = || AttributeError::Number(shown(text));
    let trimmed = trim_space_start(text);
    let (negative, digits) = match trimmed.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, trimmed),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed());
    }
    let digits = std::str::from_utf8(digits).map_err(|_| malformed())?;
    let number = digits.parse::<u64>().map_or(-1, u64::cast_signed);
    Ok(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// A reader that knows whether it would have to wait.
pub trait Buffered {
    /// Whether the next byte is here already.
    fn has_buffered(&self) -> bool;
}

impl<R: io::Read> Buffered for io::BufReader<R> {
    fn has_buffered(&self) -> bool {
        !self.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_at_the_empty_name() {
        let mut reader = AttributeReader::new(&b"a\0one\0b\0\0\0"[..]);
        let (mut name, mut value) = (Vec::new(), Vec::new());
        let mut seen = Vec::new();
        while reader.name(&mut name).unwrap() {
            reader.value(&mut value).unwrap();
            seen.push((name.clone(), value.clone()));
        }
        assert_eq!(
            seen,
            [
                (b"a".to_vec(), b"one".to_vec()),
                (b"b".to_vec(), Vec::new())
            ]
        );
        assert!(matches!(reader.name(&mut name), Err(AttributeError::Gone)));
    }

    #[test]
    fn a_list_that_breaks_off_says_where() {
        let mut reader = AttributeReader::new(&b"a\0on"[..]);
        let mut text = Vec::new();
        reader.name(&mut text).unwrap();
        let error = reader.value(&mut text).unwrap_err();
        assert_eq!(
            error.warning("public/showq").unwrap(),
            "unexpected end-of-input from public/showq socket while reading input attribute value"
        );
    }

    // As Postfix 3.7.11 took them from a showq of the test's own.
    #[test]
    fn numbers_are_read_as_postfix_reads_them() {
        for (text, expected) in [
            (&b"7"[..], Some(7)),
            (b"+5", Some(5)),
            (b" 8", Some(8)),
            (b"-7", Some(-7)),
            (b"99999999999999999999", Some(-1)),
            (b"x", None),
            (b"", None),
            (b"5x", None),
        ] {
            assert_eq!(number(text).ok(), expected, "{text:?}");
        }
    }
}
