//! The numeric options of qshape: `-b`, `-m`, `-N`, `-n`, `-t` and `-w`.
//!
//! Owns which texts are numbers: those that are one to Perl, in which Postfix's
//! qshape is written. It warns of others and uses what they begin with; here
//! they are errors.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::errors::{UsageError, bad_letter};
use crate::text::numbers::number;

/// The values that were given; `None` for an option that was not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    /// `-w`: columns of the output.
    pub(super) width: Option<f64>,
    /// `-b`: how many age buckets.
    pub(super) buckets: Option<f64>,
    /// `-t`: minutes in the first bucket.
    pub(super) minutes: Option<f64>,
    /// `-m`: subdomains that a parent domain needs to be shown.
    pub(super) children: Option<f64>,
    /// `-N`: messages after which a terminal gets an intermediate result.
    pub(super) batch: Option<f64>,
    /// `-n`: rows that a terminal gets.
    pub(super) rows: Option<f64>,
}

/// A numeric option as it was written; without a value at the end of the
/// command line.
#[derive(Debug)]
pub(super) struct NumberOption {
    pub(super) letter: char,
    pub(super) value: Option<OsString>,
}

impl NumberOption {
    /// An option, if its letter is that of a numeric one.
    pub(super) fn new(letter: char, value: Option<OsString>) -> Option<Self> {
        "bmNntw".contains(letter).then_some(Self { letter, value })
    }
}

/// The values of the options, of which the last of each letter counts.
///
/// # Errors
///
/// A value is missing or no number.
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
