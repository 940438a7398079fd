//! The size record: where the content begins and how long it is. Observed with
//! Postfix 3.7.11.

use crate::text::leading_number;

/// Stands for a number that no size record has given.
const UNKNOWN: i64 = -1;

/// What size records have said so far. Half of a record that is wrong as a
/// whole counts too.
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

/// What is wrong with a size record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeFault {
    /// There was one already.
    Repeated,
    /// Not two positive numbers.
    Invalid,
}

impl Sizes {
    /// Notes the numbers of a size record.
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

    /// Where the content begins; negative if unknown.
    pub(super) fn content(self) -> i64 {
        self.offset
    }

    /// Where the extracted segment begins, if that is known; negative if no
    /// file can be that long.
    pub(super) fn extracted(self) -> Option<i64> {
        let known = self.size >= 0 && self.offset >= 0;
        known.then(|| self.size.checked_add(self.offset).unwrap_or(UNKNOWN))
    }
}
