//! Parses the size record: the offset of the content and its size. Observed with
//! Postfix 3.7.11.

use crate::text::leading_number;

/// Represents a number that no size record contained.
const UNKNOWN: i64 = -1;

/// The numbers in the size records so far. A valid number counts even if the record
/// as a whole is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    size: i64,
    offset: i64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            size: UNKNOWN,
            offset: UNKNOWN,
        }
    }
}

/// Why a size record is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeFault {
    /// The file has had a size record already.
    Repeated,
    /// The record does not begin with two positive numbers.
    Invalid,
}

impl Sizes {
    /// Stores the numbers of a size record.
    pub(super) fn note(&mut self, text: &[u8]) -> Result<(), SizeFault> {
        if self.size >= 0 || self.offset >= 0 {
            return Err(SizeFault::Repeated);
        }
        let size = leading_number(text);
        let offset = size.and_then(|(_, rest)| leading_number(rest));
        let number = |found: Option<(i64, &[u8])>| found.map(|(number, _)| number);
        self.size = number(size).unwrap_or(self.size);
        self.offset = number(offset).unwrap_or(self.offset);
        match (self.size, self.offset) {
            (1.., 1..) => Ok(()),
            _ => Err(SizeFault::Invalid),
        }
    }

    /// The offset of the content; negative if unknown.
    pub(super) fn content(self) -> i64 {
        self.offset
    }

    /// The offset of the extracted segment, if it is known; negative if no file can
    /// be that long.
    pub(super) fn extracted(self) -> Option<i64> {
        let known = self.size >= 0 && self.offset >= 0;
        known.then(|| self.size.checked_add(self.offset).unwrap_or(UNKNOWN))
    }
}
