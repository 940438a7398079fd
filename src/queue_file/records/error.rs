//! Why a record cannot be read, with the text of Postfix's warning.
//! Observed with Postfix 3.7.11.

use std::io;

use thiserror::Error;

use super::RecordType;
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// A record that cannot be read. Its Display is the text after `FILE: ` in
/// Postfix's warning; `message` has the bytes of the file as they are.
#[derive(Debug, Error)]
pub enum RecordError {
    /// A fifth length byte would be needed.
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
    /// A pointer record that holds no offset.
    #[error("malformed pointer record value: {}", to_printable(.0))]
    PointerValue(Vec<u8>),
    /// Pointers that lead backward again and again.
    #[error("too many reverse jump records")]
    ReverseJumps,
    /// A pointer to a place that the file system cannot have.
    #[error("seek error after pointer record: {}", error_text(.0))]
    PointerSeek(io::Error),
    /// The end record wants the end of the file, which cannot be reached.
    #[error("seek error after reading END record: {}", error_text(.0))]
    EndSeek(io::Error),
}

impl RecordError {
    /// The text after `FILE: ` in Postfix's warning.
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::PointerValue(value) => [b"malformed pointer record value: ", &value[..]].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}
