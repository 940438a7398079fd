//! Numbers as the C library reads them: blanks, a sign, digits; what follows
//! is ignored.

use crate::text::trim_space_start;

/// The number at the front of `text`, at the limits of its type if it does
/// not fit, and what follows it; `None` if there is none.
pub(super) fn leading(text: &[u8]) -> Option<(i64, &[u8])> {
    let text = trim_space_start(text);
    let (sign, digits) = match text.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, text),
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(count).filter(|_| count > 0)?;
    let number = digits.iter().fold(0i64, |number, &digit| {
        let digit = i64::from(digit & 0x0f).saturating_mul(sign);
        number.saturating_mul(10).saturating_add(digit)
    });
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_strtol() {
        for (text, number) in [
            (&b" \t12 x"[..], Some(12)),
            (b"-5", Some(-5)),
            (b"+7", Some(7)),
            (b"- 5", None),
            (b"x", None),
            (b"", None),
            (b"99999999999999999999", Some(i64::MAX)),
            (b"-99999999999999999999", Some(i64::MIN)),
        ] {
            assert_eq!(leading(text).map(|(n, _)| n), number, "{text:?}");
        }
    }
}
