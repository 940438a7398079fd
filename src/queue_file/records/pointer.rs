//! Parses pointer records, and limits how often they may lead backward and how much
//! may be read again because of them.
//!
//! The limits keep the work on a file linear in its size.

use super::RecordError;
use crate::text::{digits, trim_space_start};

/// Number of jumps per file that may lead to the last target or before it.
const REVERSE_JUMPS_MAX: u32 = 10_000;
/// Average number of times that the bytes of a file with backward pointers may be
/// read. A message that a content filter has edited is read once.
const READ_FACTOR: u64 = 2;
/// Number of bytes that may be read of any file with backward pointers. In small
/// files, the limit on jumps, which is Postfix's, is reached first.
const READ_MIN: u64 = 512 * 1024;

/// The offset in a pointer record; `None` if it is not a number or too large for a
/// file offset. Empty and blank texts are 0.
pub(super) fn parse(text: &[u8]) -> Option<u64> {
    match trim_space_start(text) {
        [] => Some(0),
        text => digits::<i64>(text).map(i64::unsigned_abs),
    }
}

/// Counts the backward jumps and the bytes that are read.
#[derive(Debug, Default)]
pub(super) struct Jumps {
    last_target: u64,
    reverse: u32,
    /// Whether reading has continued at an offset before the current position.
    led_back: bool,
    read: u64,
}

impl Jumps {
    /// Records a jump.
    ///
    /// # Errors
    ///
    /// There were too many backward jumps.
    pub(super) fn jump(&mut self, target: u64) -> Result<(), RecordError> {
        if target <= self.last_target {
            self.reverse = self.reverse.saturating_add(1);
            if self.reverse > REVERSE_JUMPS_MAX {
                return Err(RecordError::ReverseJumps);
            }
        }
        self.last_target = target;
        Ok(())
    }

    /// Records that reading continues at `target` instead of `position`.
    pub(super) fn moved(&mut self, position: u64, target: u64) {
        self.led_back |= target < position;
    }

    /// Records that this many bytes of a file of `size` bytes were read.
    ///
    /// # Errors
    ///
    /// The file has backward pointers, and too much of it has been read again.
    pub(super) fn read(&mut self, bytes: u64, size: u64) -> Result<(), RecordError> {
        self.read = self.read.saturating_add(bytes);
        let most = size.saturating_mul(READ_FACTOR).saturating_add(READ_MIN);
        if self.led_back && self.read > most {
            Err(RecordError::ReverseJumps)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_text_is_blanks_and_digits() {
        for (text, offset) in [
            (&b"             42"[..], Some(42)),
            (b"\t\n\x0b\r 7", Some(7)),
            (b"", Some(0)),
            (b"12 ", None),
            (b"+1", None),
            (b"-1", None),
            (b"9223372036854775807", Some(i64::MAX as u64)),
            (b"9223372036854775808", None),
            (b"99999999999999999999", None),
        ] {
            assert_eq!(parse(text), offset, "{text:?}");
        }
    }
}
