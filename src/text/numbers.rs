//! Numbers as Perl parses and prints them. Postfix's qshape is a Perl program:
//! its options and the numbers in queue files are texts that Perl converts.
//!
//! Converts in both directions. Observed with Perl 5.36.

use super::trim_space_start;

/// The number of significant digits of a number that is not an integer.
const DIGITS: usize = 15;

/// A text converted to a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// The value of the numeric prefix, or 0 without one.
    pub value: f64,
    /// Whether the whole text is a number.
    pub is_whole: bool,
}

/// Converts a text to a number.
pub fn number(text: &[u8]) -> Number {
    let text = trim_space_start(text);
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let (sign, digits) = text.split_at(sign);
    let (magnitude, used) = magnitude(digits);
    let rest = digits.get(used..).unwrap_or_default();
    let value = match sign {
        b"-" => -magnitude,
        _ => magnitude,
    };
    let is_blank = trim_space_start(rest).is_empty();
    Number {
        value,
        is_whole: used > 0 && is_blank,
    }
}

/// Parses the unsigned number at the beginning of a text. Returns it and its
/// length.
fn magnitude(text: &[u8]) -> (f64, usize) {
    for (word, value) in [
        (&b"infinity"[..], f64::INFINITY),
        (b"inf", f64::INFINITY),
        (b"nanq", f64::NAN),
        (b"nan", f64::NAN),
    ] {
        let start = text.get(..word.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(word)) {
            return (value, word.len());
        }
    }
    let used = decimal(text);
    let digits = text.get(..used).unwrap_or_default();
    let value = std::str::from_utf8(digits)
        .ok()
        .and_then(|d| d.parse().ok());
    (value.unwrap_or(0.0), used)
}

/// Returns the length of the decimal number at the beginning of a text: `12`,
/// `1.5`, `.5` or `5.`, with or without an exponent.
fn decimal(text: &[u8]) -> usize {
    let count = |from: usize| {
        let digits = text.get(from..).unwrap_or_default();
        digits.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let whole = count(0);
    let mut used = whole;
    if text.get(used) == Some(&b'.') {
        let fraction = count(used.saturating_add(1));
        if whole.saturating_add(fraction) == 0 {
            return 0;
        }
        used = used.saturating_add(fraction).saturating_add(1);
    }
    if used == 0 || !matches!(text.get(used), Some(b'e' | b'E')) {
        return used;
    }
    let sign = text.get(used.saturating_add(1));
    let sign = usize::from(matches!(sign, Some(b'+' | b'-')));
    let start = used.saturating_add(1).saturating_add(sign);
    match count(start) {
        0 => used,
        exponent => start.saturating_add(exponent),
    }
}

/// Formats a number as Perl does: an integer in full, anything else with at
/// most fifteen digits.
pub fn format(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Inf" } else { "-Inf" }.into();
    }
    if value.is_nan() {
        return "NaN".into();
    }
    let is_integer = value.fract() == 0.0;
    if is_integer && (i64::MIN as f64..=u64::MAX as f64).contains(&value) && value < 2f64.powi(64) {
        return format!("{value:.0}");
    }
    shortest(value)
}

/// Formats like `%.15g` of printf(3).
fn shortest(value: f64) -> String {
    let scientific = format!("{value:.*e}", DIGITS.saturating_sub(1));
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let limit = i32::try_from(DIGITS).unwrap_or(i32::MAX);
    if (-4..limit).contains(&exponent) {
        let decimals = limit.saturating_sub(1).saturating_sub(exponent);
        let decimals = usize::try_from(decimals).unwrap_or(0);
        return without_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let exponent = exponent.unsigned_abs();
    format!("{}e{sign}{exponent:02}", without_zeros(mantissa))
}

/// Removes the trailing zeros of a fraction.
fn without_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Observed with Perl 5.36.
    #[test]
    fn texts_are_numbers_as_in_perl() {
        for (text, value, is_whole) in [
            ("5", 5.0, true),
            (" \n5", 5.0, true),
            ("5 \t", 5.0, true),
            ("5.", 5.0, true),
            (".5", 0.5, true),
            ("+.3e1", 3.0, true),
            ("-1", -1.0, true),
            ("1e400", f64::INFINITY, true),
            ("Inf", f64::INFINITY, true),
            ("", 0.0, false),
            (".", 0.0, false),
            ("-", 0.0, false),
            ("--5", 0.0, false),
            ("1e", 1.0, false),
            ("1e+", 1.0, false),
            ("1_0", 1.0, false),
            ("0x10", 0.0, false),
            ("3x", 3.0, false),
            ("1 x", 1.0, false),
            ("Infin", f64::INFINITY, false),
            ("1\0", 1.0, false),
        ] {
            let expected = Number { value, is_whole };
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
        assert!(number(b"nan").value.is_nan() && number(b"nan").is_whole);
        assert!(!number(b"NaNx").is_whole);
    }

    #[test]
    fn numbers_are_printed_as_perl_prints_them() {
        for (value, text) in [
            (5.0, "5"),
            (0.1 * 3.0, "0.3"),
            (947.2, "947.2"),
            (1e15, "1000000000000000"),
            (5.0 * 2f64.powi(61), "11529215046068469760"),
            (5.0 * 2f64.powi(62), "2.30584300921369e+19"),
            (5.0 * 2f64.powi(90), "6.1897001964269e+27"),
            (1e20, "1e+20"),
            (1.6e21, "1.6e+21"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "Inf"),
        ] {
            assert_eq!(format(value), text);
        }
    }
}
