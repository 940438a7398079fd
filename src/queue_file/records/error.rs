//! Errors in reading a record, with the text of Postfix's warning. Observed with
//! Postfix 3.7.11.

use std::io;

use thiserror::Error;

use super::RecordType;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// A record that cannot be read. Display is the text after `FILE: ` in Postfix's
/// warning; [`RecordError::message`] contains the bytes of the file unchanged.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The length has more than four bytes.
    #[error("too many length bits, record type {}", .0.0)]
    LengthBits(RecordType),
    /// The file ends inside the length.
    #[error("unexpected EOF reading length, record type {}", .0.0)]
    EofInLength(RecordType),
    /// The file ends inside the data.
    #[error("unexpected EOF in data, record type {} length {length}", .kind.0)]
    EofInData {
        /// The record's type.
        kind: RecordType,
        /// The length it claims.
        length: u64,
    },
    /// A pointer record does not contain an offset.
    #[error("malformed pointer record value: {}", to_printable(.0))]
    PointerValue(Vec<u8>),
    /// Pointer records lead backward too often.
    #[error("too many reverse jump records")]
    ReverseJumps,
    /// A pointer record leads to an offset that the file system does not support.
    #[error("seek error after pointer record: {}", error_text(.0))]
    PointerSeek(io::Error),
    /// After the end record, the end of the file cannot be reached.
    #[error("seek error after reading END record: {}", error_text(.0))]
    EndSeek(io::Error),
}

impl RecordError {
    /// The text after `FILE: ` in Postfix's warning, with the bytes of the file
    /// unchanged.
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::PointerValue(value) => [b"malformed pointer record value: ", &value[..]].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}
