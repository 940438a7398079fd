//! Numbers as the C library parses them: white space, a sign, digits, and any
//! text after them. See strtol(3) and strtoul(3). Also numbers that consist of
//! digits only.

use std::str::FromStr;

use super::space::trim_space_start;

/// Parses a number that consists of digits only, without a sign or white space;
/// `None` if the text is not such a number, or does not fit into the type.
pub fn digits<N: FromStr>(text: &[u8]) -> Option<N> {
    let is_number = text.iter().all(u8::is_ascii_digit);
    let text = is_number.then(|| std::str::from_utf8(text).ok())??;
    text.parse().ok()
}

/// Like [`digits`], but a number that does not fit becomes the largest one.
pub fn saturating_digits(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits(text).unwrap_or(u64::MAX))
}

/// Parses the decimal number at the beginning of a text. Returns it with the
/// rest of the text; `None` if there is no number. As in strtol(3), a number
/// that is out of range becomes the nearest limit.
pub fn leading_number(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, digits) = split_sign(text);
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(count).filter(|_| count > 0)?;
    let number = digits.iter().fold(0i64, |number, &digit| {
        let digit = i64::from(digit & 0x0f).saturating_mul(sign);
        number.saturating_mul(10).saturating_add(digit)
    });
    Some((number, rest))
}

/// Parses the number at the beginning of a text; 0 if there is none.
pub fn number_or_zero(text: &[u8]) -> i64 {
    leading_number(text).map_or(0, |(number, _)| number)
}

/// Parses a decimal number that extends to the end of the text; `None` if there
/// is none, or if it does not fit into the type.
pub fn whole_number<N: TryFrom<i64>>(text: &[u8]) -> Option<N> {
    let (number, rest) = leading_number(text)?;
    rest.is_empty().then(|| N::try_from(number).ok())?
}

/// Parses an unsigned number that extends to the end of the text and is stored
/// as a signed one. As in strtoul(3), a number that is out of range becomes the
/// largest one, which is -1, and a minus sign negates.
pub fn whole_unsigned(text: &[u8]) -> Option<i64> {
    let (sign, digits) = split_sign(text);
    let number = saturating_digits(digits)?.cast_signed();
    Some(number.wrapping_mul(sign))
}

/// Returns the sign, 1 or -1, and the text after it.
fn split_sign(text: &[u8]) -> (i64, &[u8]) {
    let text = trim_space_start(text);
    match text.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, text),
    }
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
            assert_eq!(leading_number(text).map(|(n, _)| n), number, "{text:?}");
            assert_eq!(number_or_zero(text), number.unwrap_or(0), "{text:?}");
        }
    }

    #[test]
    fn a_whole_number_fits_its_type_and_nothing_follows_it() {
        assert_eq!(whole_number(b" +7"), Some(7i32));
        assert_eq!(whole_number::<i32>(b"7 "), None);
        assert_eq!(whole_number::<i32>(b"2147483648"), None);
        assert_eq!(whole_number(b"-2147483648"), Some(i32::MIN));
        assert_eq!(whole_unsigned(b"18446744073709551616"), Some(-1));
        assert_eq!(whole_unsigned(b"-3"), Some(-3));
        assert_eq!(whole_unsigned(b"3x"), None);
    }

    #[test]
    fn digits_have_neither_sign_nor_space() {
        assert_eq!(digits(b"007"), Some(7u8));
        for text in [&b""[..], b"+7", b"-7", b" 7", b"7 ", b"7x", b"256"] {
            assert_eq!(digits::<u8>(text), None, "{text:?}");
        }
        assert_eq!(saturating_digits(b"18446744073709551616"), Some(u64::MAX));
        assert_eq!(saturating_digits(b""), None);
    }
}
