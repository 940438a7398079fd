//! The program names in qshape's error messages, its exit statuses, and the
//! errors of a command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::selection::SelectionError;
use crate::text::{Charset, make_printable};

/// The program's name.
pub(super) const PROGRAM: &str = "qshape";
/// The program that reads main.cf for Postfix's qshape and reports its errors.
pub(super) const POSTCONF: &str = "postconf";
/// The exit status of an invalid command line: that of Perl's die.
pub(super) const STATUS: u8 = 255;
/// The exit status when main.cf cannot be read or the output cannot be written.
pub(super) const STATUS_FAILED: u8 = 1;

/// An error in a command line: the message after `PROG: `.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(pub(super) Vec<u8>);

impl From<SelectionError> for UsageError {
    fn from(error: SelectionError) -> Self {
        misuse(&error.to_string())
    }
}

/// The error for an invalid value of one of our options.
pub(super) fn bad(option: &str, value: &OsStr) -> UsageError {
    let before = [b"bad value for --", option.as_bytes(), b": "].concat();
    of_ours([before, value.as_bytes().to_vec()].concat())
}

/// Refuses the value of a numeric option.
pub(super) fn bad_letter(letter: char, value: &OsStr) -> UsageError {
    let before = format!("bad value for -{letter}: ").into_bytes();
    of_ours([before, value.as_bytes().to_vec()].concat())
}

/// An error in a command line with a message of our own.
pub(super) fn misuse(text: &str) -> UsageError {
    of_ours(text.as_bytes().to_vec())
}

/// Makes a message of our own printable.
pub(super) fn of_ours(mut text: Vec<u8>) -> UsageError {
    make_printable(&mut text, Charset::Safe);
    UsageError(text)
}
