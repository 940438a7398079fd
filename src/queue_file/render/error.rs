//! Why the showing of a file ended before its time. Display is the text of
//! Postfix's fatal message.

use std::io;

use thiserror::Error;

use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// What ends the whole run, not only this file.
#[derive(Debug, Error)]
pub enum ContentsError {
    /// A record that cannot be read; the warning is out already.
    #[error("record read error")]
    Record,
    /// A pointer record that cannot be followed; the warning is out already.
    #[error("bad pointer record, or input is not seekable")]
    Pointer,
    /// A size record that cannot be used, its text: before Postfix 3.7.
    #[error("invalid size record: {}", to_printable(.0))]
    InvalidSize(Vec<u8>),
    /// The place that the size record names cannot be reached.
    #[error("seek error: {}", error_text(.0))]
    Seek(io::Error),
    /// The output cannot be written.
    #[error("output write error: {}", error_text(.0))]
    Output(#[from] io::Error),
}

impl ContentsError {
    /// Whether it is about the file, and not about what is printed.
    pub fn is_of_file(&self) -> bool {
        !matches!(self, Self::Output(_))
    }
}
