//! Decodes base64 and quoted-printable, line by line. Invalid input is skipped or
//! kept, never an error.

/// A content transfer encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// 7bit, 8bit and binary.
    #[default]
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
}

impl Transfer {
    /// Parses the value of a Content-Transfer-Encoding header. Unknown encodings
    /// count as none.
    pub fn parse(value: &[u8]) -> Self {
        let end = value.iter().position(|b| matches!(b, b';' | b'(' | b' '));
        let name = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"base64") {
            Self::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Identity
        }
    }
}

/// The state of a base64 decoder between two lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Base64 {
    bits: u32,
    /// The number of valid bits.
    count: u32,
}

impl Base64 {
    /// Appends the bytes that a line encodes. Characters outside of the alphabet
    /// are skipped.
    pub fn decode(&mut self, line: &[u8], out: &mut Vec<u8>) {
        for &byte in line {
            let Some(value) = sextet(byte) else {
                if byte == b'=' {
                    *self = Self::default();
                }
                continue;
            };
            self.bits = (self.bits << 6 | u32::from(value)) & 0xff_ffff;
            self.count = self.count.saturating_add(6);
            if let Some(rest) = self.count.checked_sub(8) {
                self.count = rest;
                out.extend(u8::try_from(self.bits >> rest & 0xff));
            }
        }
    }
}

/// Whether a line consists of base64 only.
pub fn is_base64(line: &[u8]) -> bool {
    let fits = |&byte: &u8| byte == b'=' || byte.is_ascii_whitespace() || sextet(byte).is_some();
    line.iter().all(fits)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => byte.checked_sub(b'A'),
        b'a'..=b'z' => byte.checked_sub(b'a' - 26),
        b'0'..=b'9' => byte.checked_add(52 - b'0'),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Appends the bytes that a line of quoted-printable encodes, with a newline unless
/// the line ends in a soft line break.
pub fn quoted_printable(line: &[u8], out: &mut Vec<u8>) {
    let line = line.trim_ascii_end();
    match line.strip_suffix(b"=") {
        Some(line) => unquote(line, out),
        None => {
            unquote(line, out);
            out.push(b'\n');
        }
    }
}

/// Appends text in which `=C3` stands for a byte.
pub fn unquote(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let byte = match (first, tail) {
            (b'=', [high, low, ..]) => hex(*high, *low),
            _ => None,
        };
        out.push(byte.unwrap_or(first));
        rest = match byte {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(lines: &[&str]) -> Vec<u8> {
        let mut decoder = Base64::default();
        let mut out = Vec::new();
        for line in lines {
            decoder.decode(line.as_bytes(), &mut out);
        }
        out
    }

    #[test]
    fn base64_continues_from_line_to_line() {
        assert_eq!(base64(&["aGVsbG8="]), b"hello");
        assert_eq!(base64(&["aGV", "sbG", "8="]), b"hello");
        // Two encoded texts, one after the other.
        assert_eq!(base64(&["YQ==", "Yg=="]), b"ab");
        assert_eq!(base64(&["a G!V s bG8"]), b"hello");
        assert_eq!(base64(&["+/+/"]), [0xfb, 0xff, 0xbf]);
        assert!(is_base64(b"aGVs= ") && !is_base64(b"a,b"));
    }

    #[test]
    fn quoted_printable_keeps_what_it_cannot_decode() {
        let decoded = |line: &str| {
            let mut out = Vec::new();
            quoted_printable(line.as_bytes(), &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        assert_eq!(decoded("caf=C3=A9"), "caf\u{e9}\n");
        assert_eq!(decoded("soft=  "), "soft");
        assert_eq!(decoded("=3D=zz=4"), "==zz=4\n");
        assert_eq!(decoded("="), "");
    }

    #[test]
    fn encodings_are_named_in_any_case() {
        assert_eq!(Transfer::parse(b"BASE64 (x)"), Transfer::Base64);
        assert_eq!(
            Transfer::parse(b"Quoted-Printable"),
            Transfer::QuotedPrintable
        );
        assert_eq!(Transfer::parse(b"x-uuencode"), Transfer::Identity);
    }
}
