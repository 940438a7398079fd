//! Pointer records: where they lead, and how often they may lead back.

use super::RecordError;
use crate::text::trim_space_start;

/// Jumps that lead to the last target or before it, per file.
const REVERSE_JUMPS_MAX: u32 = 10_000;

/// The offset in a pointer record; `None` if there is none that a file
/// offset can hold. Empty text is 0, as blank text is.
pub(super) fn parse(text: &[u8]) -> Option<u64> {
    let offset = trim_space_start(text)
        .iter()
        .try_fold(0u64, |number, &byte| {
            let digit = byte.is_ascii_digit().then_some(byte & 0x0f)?;
            number.checked_mul(10)?.checked_add(digit.into())
        })?;
    i64::try_from(offset).is_ok().then_some(offset)
}

/// Counts the jumps that do not go forward.
#[derive(Debug, Default)]
pub(super) struct Jumps {
    last_target: u64,
    reverse: u32,
}

impl Jumps {
    /// Notes a jump; an error if the file has led back too often.
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
