//! Checks the syntax of mail destinations: a host name, or an address in brackets.
//! Uses no name service.

use bstr::ByteSlice;

use super::host_name;
use crate::text::digits;

/// Prefix of an IPv6 address in brackets, in upper or lower case.
const IPV6_TAG: &[u8] = b"ipv6:";
/// Largest number of colons in an IPv6 address.
const COLONS_MAX: usize = 7;
/// Number of colons before a dotted end, which represents two fields.
const COLONS_BEFORE_DOTTED: std::ops::RangeInclusive<usize> = 2..=6;
/// Largest number of digits in a field of an IPv6 address.
const FIELD_DIGITS_MAX: usize = 4;

/// Whether `site` is a host name, `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
pub fn is_valid(site: &[u8]) -> bool {
    match site.strip_prefix(b"[") {
        None => host_name::check(site).is_ok(),
        Some(rest) => rest.strip_suffix(b"]").is_some_and(is_literal),
    }
}

fn is_literal(text: &[u8]) -> bool {
    match text.split_at_checked(IPV6_TAG.len()) {
        Some((tag, address)) if tag.eq_ignore_ascii_case(IPV6_TAG) => is_ipv6(address),
        _ => is_ipv4(text),
    }
}

/// Whether a text consists of four numbers up to 255. Leading zeros are allowed;
/// the first number is zero only in 0.0.0.0.
fn is_ipv4(text: &[u8]) -> bool {
    let numbers: Option<Vec<u8>> = text.split(|&byte| byte == b'.').map(digits).collect();
    match numbers.as_deref() {
        Some([0, rest @ ..]) => rest == [0, 0, 0],
        Some(numbers) => numbers.len() == 4,
        None => false,
    }
}

/// Whether a text consists of fields of up to four hexadecimal digits, eight or,
/// around one `::`, fewer. The last two may be written as an IPv4 address.
///
/// Observed with Postfix 3.7.11: colons are counted rather than fields, so
/// `1:2:3:4:5:6:7::` is too long, and a dotted end requires only two colons
/// before it.
fn is_ipv6(text: &[u8]) -> bool {
    let (fields, dotted) = match text.rfind_byte(b':') {
        Some(colon) if text.contains(&b'.') => {
            let (fields, end) = text.split_at(colon.saturating_add(1));
            (fields, end)
        }
        _ => (text, &[][..]),
    };
    let colons = fields.iter().filter(|&&byte| byte == b':').count();
    let gaps = fields.windows(2).filter(|pair| pair == b"::").count();
    let long_enough = match (dotted, gaps) {
        ([], 0) => colons == COLONS_MAX,
        ([], _) => colons <= COLONS_MAX,
        (_, _) => COLONS_BEFORE_DOTTED.contains(&colons),
    };
    long_enough
        && gaps <= 1
        && (dotted.is_empty() || is_ipv4(dotted))
        && ends_are_fields(fields, dotted)
        && fields.split(|&byte| byte == b':').all(is_field)
}

/// Whether neither end is a single colon.
fn ends_are_fields(fields: &[u8], dotted: &[u8]) -> bool {
    let starts = !fields.starts_with(b":") || fields.starts_with(b"::");
    let ends = !dotted.is_empty() || !fields.ends_with(b":") || fields.ends_with(b"::");
    starts && ends
}

/// Whether a text is a field. An empty field is part of the `::`.
fn is_field(field: &[u8]) -> bool {
    field.len() <= FIELD_DIGITS_MAX && field.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each was accepted or refused by `postqueue -s` of Postfix 3.7.11.
    #[test]
    fn literals_are_accepted_and_refused_as_by_postqueue() {
        for site in [
            "[1.2.3.4]",
            "[01.2.3.4]",
            "[0.0.0.0]",
            "[000.000.000.000]",
            "[1.2.3.0000000000004]",
            "[IPv6:::]",
            "[ipv6:::1]",
            "[IPv6:1:2:3:4:5:6:7:8]",
            "[IPv6:1::3:4:5:6:7:8]",
            "[IPv6:::1:2:3:4:5:6]",
            "[IPv6:1:2:3:4:5:6::]",
            "[IPv6:::FFFF:1.2.3.4]",
            "[IPv6:1:2:1.2.3.4]",
            "[IPv6:1:2:3:4:5:6:1.2.3.4]",
            "[IPv6:1:2:3:4:5::1.2.3.4]",
            "[IPv6:::0.0.0.0]",
        ] {
            assert!(is_valid(site.as_bytes()), "{site}");
        }
        for site in [
            "[]",
            "[",
            "[1.2.3.4",
            "1.2.3.4]",
            "[1.2.3.4]]",
            "[1.2.3]",
            "[1.2.3.]",
            "[1.2.3.4.5]",
            "[1.2.3.256]",
            "[1.2.3.000256]",
            "[1.2.3.+4]",
            "[ 1.2.3.4]",
            "[0.1.2.3]",
            "[example.com]",
            "[::1]",
            "[ipv6:1.2.3.4]",
            "[IPv6:]",
            "[IPv6:1:2]",
            "[IPv6:1:2:3:4:5:6:7:8:9]",
            "[IPv6:1:2:3:4:5:6:7::]",
            "[IPv6:::2:3:4:5:6:7:8]",
            "[IPv6:1:::2]",
            "[IPv6:1::2::3]",
            "[IPv6::1]",
            "[IPv6:1:2:3:4:5:6:7:]",
            "[IPv6:1:]",
            "[IPv6:00001::]",
            "[IPv6:g::]",
            "[IPv6:1:1.2.3.4]",
            "[IPv6:1:2:3:4:5:6:7:1.2.3.4]",
            "[IPv6:1:2:3:4:5:6::1.2.3.4]",
            "[IPv6:::1.2.3.4:1]",
            "[IPv6:1.2.3.4::]",
            "[IPv6:::0.1.2.3]",
            "[IPv6:::1%lo]",
        ] {
            assert!(!is_valid(site.as_bytes()), "{site}");
        }
    }
}
