//! Attribute lists as Postfix's daemons send them: `name NUL value NUL` up to
//! an empty name.
//!
//! Parses the lists. The client of each service defines the order of the
//! attributes.

use std::io;
use std::io::BufRead;

use bstr::ByteSlice;

use super::attribute_error::{AttributeError, AttributeFault, AttributePart, ReadFailure};
use crate::text::{to_printable, whole_unsigned};

/// The number of bytes of a value that are kept. Another process in the
/// daemon's place could send without end, and several values are in memory at a
/// time, each of them more than once.
const VALUE_MAX: usize = 1024 * 1024;
/// The number of bytes of a name that are kept. The names of all protocols used
/// here are shorter.
const NAME_MAX: usize = 1024;
/// The maximum number of bytes that are read to find the end of a name or
/// value.
const TEXT_MAX: u64 = 64 * 1024 * 1024;
/// The name of the end of a list in messages.
pub const END_OF_LIST: &str = "(list terminator)";

/// Reads attributes one at a time.
#[derive(Debug)]
pub struct AttributeReader<R> {
    input: R,
    /// The path of the daemon's socket, for messages.
    peer: String,
}

impl<R: BufRead> AttributeReader<R> {
    /// A reader of the data that the daemon at the socket `peer` sends.
    pub fn new(input: R, peer: &str) -> Self {
        Self {
            input,
            peer: peer.to_owned(),
        }
    }

    /// Reads the rest of the list in which a daemon names its protocol. `name`
    /// is the first name, which has been read; it is empty at the end of the
    /// list.
    ///
    /// Observed with Postfix 3.7.11: a greeting that begins with another
    /// attribute only causes a warning, and reading continues after the wrong
    /// name. The fault is returned as the value in this case.
    ///
    /// # Errors
    ///
    /// The daemon sends nothing or closes the connection, or the data is not such a list.
    pub fn greeting(
        &mut self,
        name: &[u8],
        protocol: &'static str,
    ) -> Result<Option<AttributeError>, AttributeError> {
        match name {
            b"protocol" => {}
            b"" => return Ok(Some(self.missing("protocol"))),
            name => return Ok(Some(self.unexpected(name, "protocol"))),
        }
        let mut text = Vec::new();
        self.value(&mut text)?;
        if text != protocol.as_bytes() {
            return Err(self.fault(AttributeFault::Protocol {
                found: to_printable(&text),
                expected: protocol,
            }));
        }
        self.end_of_list()
    }

    /// Reads the end of a list. If another attribute follows, the fault is
    /// returned as the value, since Postfix warns of it and continues.
    ///
    /// # Errors
    ///
    /// The daemon sends nothing, or closes the connection.
    pub fn end_of_list(&mut self) -> Result<Option<AttributeError>, AttributeError> {
        let mut name = Vec::new();
        Ok(if self.name(&mut name)? {
            Some(self.unexpected(&name, END_OF_LIST))
        } else {
            None
        })
    }

    /// Reads the name of an attribute that may be the first one into `name`.
    /// Returns false at the end of the list, whose NUL is consumed.
    ///
    /// # Errors
    ///
    /// The daemon sends nothing, or closes the connection within the name.
    pub fn first_name(&mut self, name: &mut Vec<u8>) -> Result<bool, AttributeError> {
        self.text(name, AttributePart::Name, AttributeFault::Gone)?;
        Ok(!name.is_empty())
    }

    /// Reads a name where the daemon has to send an attribute or the end of the
    /// list. Returns false at the end.
    ///
    /// # Errors
    ///
    /// The daemon sends nothing, or closes the connection.
    pub fn name(&mut self, name: &mut Vec<u8>) -> Result<bool, AttributeError> {
        self.text(name, AttributePart::Name, |failure| {
            AttributeFault::Cut(failure, AttributePart::Name)
        })?;
        Ok(!name.is_empty())
    }

    /// Reads the value of the name just read into `value`.
    ///
    /// # Errors
    ///
    /// The daemon sends nothing, or closes the connection.
    pub fn value(&mut self, value: &mut Vec<u8>) -> Result<(), AttributeError> {
        self.text(value, AttributePart::Value, |failure| {
            AttributeFault::Cut(failure, AttributePart::Value)
        })
    }

    /// Parses the number in a value. As in Postfix, a number that is too large
    /// becomes the largest unsigned number, converted to a signed one.
    ///
    /// # Errors
    ///
    /// The value is not a number.
    pub fn number(&self, text: &[u8]) -> Result<i64, AttributeError> {
        whole_unsigned(text).ok_or_else(|| self.fault(AttributeFault::Number(to_printable(text))))
    }

    /// Whether bytes can be read without waiting for the daemon.
    pub fn has_more(&self) -> bool
    where
        R: Buffered,
    {
        self.input.has_buffered()
    }

    /// Fails unless the name that was read is `expected`.
    ///
    /// # Errors
    ///
    /// The name is different, or the list has ended.
    pub fn expect(&self, name: &[u8], expected: &'static str) -> Result<(), AttributeError> {
        if name == expected.as_bytes() {
            Ok(())
        } else {
            Err(self.unexpected(name, expected))
        }
    }

    /// Returns the error that a list ended before the attribute `name`.
    pub fn missing(&self, name: &'static str) -> AttributeError {
        self.fault(AttributeFault::Missing(name))
    }

    fn unexpected(&self, name: &[u8], expected: &'static str) -> AttributeError {
        self.fault(AttributeFault::Unexpected {
            found: to_printable(name),
            expected,
        })
    }

    fn fault(&self, fault: AttributeFault) -> AttributeError {
        AttributeError {
            peer: self.peer.clone(),
            fault,
        }
    }

    /// Reads up to the next NUL, and keeps the beginning of a long text.
    /// `if_nothing` returns the fault if nothing is received.
    fn text(
        &mut self,
        text: &mut Vec<u8>,
        part: AttributePart,
        if_nothing: impl Fn(ReadFailure) -> AttributeFault,
    ) -> Result<(), AttributeError> {
        text.clear();
        let kept_max = kept_max(part);
        let mut passed = 0u64;
        let mut is_begun = false;
        loop {
            let failure = match self.input.fill_buf() {
                Ok([]) => Some(ReadFailure::Closed),
                Ok(_) if passed > TEXT_MAX => Some(ReadFailure::Closed),
                Ok(available) => {
                    let (piece, used, is_end) = up_to_nul(available);
                    let left = kept_max.saturating_sub(text.len());
                    text.extend_from_slice(piece.get(..left).unwrap_or(piece));
                    passed = passed.saturating_add(used as u64);
                    self.input.consume(used);
                    if is_end {
                        return Ok(());
                    }
                    is_begun = true;
                    None
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => None,
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        Some(ReadFailure::TimedOut)
                    }
                    _ => Some(ReadFailure::Failed(error)),
                },
            };
            if let Some(failure) = failure {
                return Err(self.fault(if is_begun {
                    AttributeFault::Truncated(failure, part)
                } else {
                    if_nothing(failure)
                }));
            }
        }
    }
}

/// The number of bytes of a part that are kept.
fn kept_max(part: AttributePart) -> usize {
    match part {
        AttributePart::Name => NAME_MAX,
        AttributePart::Value => VALUE_MAX,
    }
}

/// Returns the bytes before the first NUL, the number of bytes to consume, and
/// whether there was a NUL.
fn up_to_nul(bytes: &[u8]) -> (&[u8], usize, bool) {
    match bytes.find_byte(0) {
        Some(at) => (bytes.get(..at).unwrap_or(bytes), at.saturating_add(1), true),
        None => (bytes, bytes.len(), false),
    }
}

/// Encodes a list to be sent.
pub fn list(attributes: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in attributes {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes.push(0);
    bytes
}

/// A reader that knows whether a read would have to wait.
pub trait Buffered {
    /// Whether the next byte is already buffered.
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
        let bytes = list(&[("a", b"one"), ("b", b"")]);
        let mut reader = AttributeReader::new(&bytes[..], "S");
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
        assert!(reader.first_name(&mut name).unwrap_err().is_gone());
    }

    // Observed with Postfix 3.7.11 and a showq service that the test provided.
    #[test]
    fn a_truncated_list_reports_the_position() {
        let warning = |bytes: &[u8]| {
            let mut reader = AttributeReader::new(bytes, "public/showq");
            let mut text = Vec::new();
            let read = reader
                .first_name(&mut text)
                .and_then(|_| reader.value(&mut text))
                .and_then(|()| reader.name(&mut text));
            read.unwrap_err().warning()
        };
        assert_eq!(warning(b""), None);
        for (bytes, start, part) in [
            (&b"a"[..], "unexpected end-of-input from", "name"),
            (b"a\0", "premature end-of-input on", "value"),
            (b"a\0on", "unexpected end-of-input from", "value"),
            (b"a\0one\0", "premature end-of-input on", "name"),
        ] {
            let expected =
                format!("{start} public/showq socket while reading input attribute {part}");
            assert_eq!(warning(bytes), Some(expected));
        }
    }

    #[test]
    fn only_the_beginning_of_a_long_text_is_kept() {
        let long = vec![b'x'; VALUE_MAX + NAME_MAX];
        let bytes = [&long[..], b"\0", &long, b"\0\0"].concat();
        let mut reader = AttributeReader::new(&bytes[..], "S");
        let mut text = Vec::new();
        assert!(reader.name(&mut text).unwrap());
        assert_eq!(text.len(), NAME_MAX);
        reader.value(&mut text).unwrap();
        assert_eq!(text.len(), VALUE_MAX);
        assert!(!reader.name(&mut text).unwrap());
    }

    // Without the limit, a value that never ends would be read forever.
    #[test]
    fn a_value_without_end_is_an_error() {
        use std::io::{BufReader, Read};
        let endless = BufReader::with_capacity(1024 * 1024, std::io::repeat(b'x').take(u64::MAX));
        let mut reader = AttributeReader::new(endless, "S");
        let mut text = Vec::new();
        assert!(reader.value(&mut text).is_err());
        assert_eq!(text.len(), VALUE_MAX);
    }

    // Observed with Postfix 3.7.11 and a showq service that the test provided.
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
            assert_eq!(whole_unsigned(text), expected, "{text:?}");
        }
    }
}
