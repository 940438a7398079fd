//! The numeric options of qshape: `-b`, `-m`, `-N`, `-n`, `-t` and `-w`.
//!
//! A text is a number if it is one in Perl, in which Postfix's qshape is
//! written. For any other text, Postfix's qshape warns and uses the numeric
//! prefix; here it is an error.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::errors::{UsageError, bad_letter};
use crate::text::numbers::number;

/// The values of the numeric options; `None` for an option that is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    /// `-w`: the width of the output in columns.
    pub(super) width: Option<f64>,
    /// `-b`: the number of age buckets.
    pub(super) buckets: Option<f64>,
    /// `-t`: the minutes in the first bucket.
    pub(super) minutes: Option<f64>,
    /// `-m`: the number of subdomains that a parent domain needs to be shown.
    pub(super) children: Option<f64>,
    /// `-N`: the number of messages between intermediate results on a terminal.
    pub(super) batch: Option<f64>,
    /// `-n`: the number of rows on a terminal.
    pub(super) rows: Option<f64>,
}

/// A numeric option as written; the value is `None` at the end of the command
/// line.
#[derive(Debug)]
pub(super) struct NumberOption {
    pub(super) letter: char,
    pub(super) value: Option<OsString>,
}

impl NumberOption {
    /// Returns the option if its letter is that of a numeric one.
    pub(super) fn new(letter: char, value: Option<OsString>) -> Option<Self> {
        "bmNntw".contains(letter).then_some(Self { letter, value })
    }
}

/// Parses the values; the last one of each letter counts.
///
/// # Errors
///
/// A value is missing or not a number.
pub(super) fn parse_numbers(options: &[NumberOption]) -> Result<Numbers, UsageError> {
    let mut numbers = Numbers::default();
    for NumberOption { letter, value } in options {
        let text = value.as_deref().unwrap_or(OsStr::new(""));
        let parsed = number(text.as_bytes());
        if !parsed.is_whole {
            return Err(bad_letter(*letter, text));
        }
        let field = match letter {
            'b' => &mut numbers.buckets,
            'm' => &mut numbers.children,
            'N' => &mut numbers.batch,
            'n' => &mut numbers.rows,
            't' => &mut numbers.minutes,
            _ => &mut numbers.width,
        };
        *field = Some(parsed.value);
    }
    Ok(numbers)
}
