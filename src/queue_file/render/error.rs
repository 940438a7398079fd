//! Errors that end the rendering of a file. Display is the text of Postfix's fatal
//! message.

use std::io;

use thiserror::Error;

use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// An error that ends the whole run, not only the rendering of one file.
#[derive(Debug, Error)]
pub enum ContentsError {
    /// A record cannot be read. The warning has already been written.
    #[error("record read error")]
    Record,
    /// A pointer record cannot be followed. The warning has already been written.
    #[error("bad pointer record, or input is not seekable")]
    Pointer,
    /// A size record is invalid; contains its text. An error only before Postfix
    /// 3.7.
    #[error("invalid size record: {}", to_printable(.0))]
    InvalidSize(Vec<u8>),
    /// The offset in the size record cannot be reached.
    #[error("seek error: {}", error_text(.0))]
    Seek(io::Error),
    /// The output cannot be written.
    #[error("output write error: {}", error_text(.0))]
    Output(#[from] io::Error),
}

impl ContentsError {
    /// Whether the error is in the file rather than in writing the output.
    pub fn is_of_file(&self) -> bool {
        !matches!(self, Self::Output(_))
    }
}
