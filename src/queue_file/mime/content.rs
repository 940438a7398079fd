//! Parses the Content-Type header of a message or of one of its parts.

use encoding_rs::{Encoding, UTF_8};

/// Largest length of a boundary in bytes; RFC 2046 allows 70.
const BOUNDARY_MAX: usize = 200;

/// The kind of content of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Text in a charset; `None` if it is none that has to be converted.
    Text(Option<&'static Encoding>),
    /// Other parts, which this boundary separates.
    Multipart(Vec<u8>),
    /// A message.
    Message,
    /// Anything else.
    #[default]
    Other,
}

impl Content {
    /// The content of a part without a Content-Type header.
    pub const DEFAULT: Self = Self::Text(None);

    /// Parses the value of a Content-Type header.
    pub fn parse(value: &[u8]) -> Self {
        let mut parameters = ContentParameters(value);
        let kind = parameters.token();
        let starts = |start: &[u8]| {
            let head = kind.get(..start.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(start))
        };
        if starts(b"multipart/") {
            let boundary = parameters.value_of(b"boundary");
            match boundary.filter(|b| (1..=BOUNDARY_MAX).contains(&b.len())) {
                Some(boundary) => Self::Multipart(boundary),
                None => Self::Other,
            }
        } else if starts(b"text/") {
            let charset = parameters.value_of(b"charset");
            Self::Text(charset.and_then(|label| charset_of(&label)))
        } else if kind.eq_ignore_ascii_case(b"message/rfc822") {
            Self::Message
        } else {
            Self::Other
        }
    }
}

/// The charset with this name; `None` if it is unknown or needs no conversion.
pub fn charset_of(label: &[u8]) -> Option<&'static Encoding> {
    // The label is an alias of windows-1252 for browsers; here, other bytes than
    // those of ASCII are kept.
    if label.eq_ignore_ascii_case(b"us-ascii") || label.eq_ignore_ascii_case(b"ascii") {
        return None;
    }
    Encoding::for_label_no_replacement(label).filter(|encoding| *encoding != UTF_8)
}

/// The parameters of a header value that have not been parsed yet.
struct ContentParameters<'a>(&'a [u8]);

impl<'a> ContentParameters<'a> {
    /// Takes the text up to a semicolon or equals sign, without blanks.
    fn token(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|b| matches!(b, b';' | b'='));
        let (token, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        token.trim_ascii()
    }

    /// Takes parameters up to the one with this name, and returns its value.
    fn value_of(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        loop {
            let rest = self.0.get(1..)?;
            let is_value = self.0.first() == Some(&b'=');
            self.0 = rest;
            if is_value {
                // A value whose name was not the requested one.
                self.value();
                continue;
            }
            let found = self.token();
            if found.eq_ignore_ascii_case(name) && self.0.first() == Some(&b'=') {
                self.0 = self.0.get(1..)?;
                return Some(self.value());
            }
        }
    }

    /// Takes a value, which can be quoted.
    fn value(&mut self) -> Vec<u8> {
        let text = self.0.trim_ascii_start();
        let Some(quoted) = text.strip_prefix(b"\"") else {
            let end = text
                .iter()
                .position(|b| matches!(b, b';' | b' ' | b'\t' | b'('));
            let (value, rest) = text.split_at(end.unwrap_or(text.len()));
            self.0 = rest;
            self.skip();
            return value.to_vec();
        };
        let mut value = Vec::new();
        let mut bytes = quoted.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'"' => break,
                b'\\' => value.extend(bytes.next()),
                other => value.push(other),
            }
        }
        self.0 = bytes.as_slice();
        self.skip();
        value
    }

    /// Skips the rest of a parameter.
    fn skip(&mut self) {
        let end = self.0.iter().position(|&b| b == b';');
        self.0 = self
            .0
            .get(end.unwrap_or(self.0.len())..)
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_parameters_are_parsed() {
        let latin = Encoding::for_label(b"iso-8859-1");
        for (value, expected) in [
            ("text/plain; charset=ISO-8859-1", Content::Text(latin)),
            (
                "TEXT/html;format=flowed; Charset=\"latin1\"",
                Content::Text(latin),
            ),
            ("text/plain; charset=\"utf-8\"", Content::Text(None)),
            ("text/plain; charset=us-ascii", Content::Text(None)),
            ("text/plain; charset=no-such", Content::Text(None)),
            ("text/plain; charset=latin1 (x); y=z", Content::Text(latin)),
            ("text", Content::Other),
            (
                "multipart/mixed; x=\"a;boundary=no\"; boundary=\"a b\\\"\"",
                Content::Multipart(b"a b\"".to_vec()),
            ),
            (
                "multipart/mixed; boundary=b",
                Content::Multipart(b"b".to_vec()),
            ),
            ("multipart/mixed", Content::Other),
            ("multipart/mixed; boundary=\"\"", Content::Other),
            ("multipart/mixed; boundary", Content::Other),
            ("message/rfc822", Content::Message),
            ("image/png; name=x", Content::Other),
            ("", Content::Other),
            ("=;=;=\"", Content::Other),
        ] {
            assert_eq!(Content::parse(value.as_bytes()), expected, "{value}");
        }
        let long = format!("multipart/mixed; boundary={}", "x".repeat(201));
        assert_eq!(Content::parse(long.as_bytes()), Content::Other);
    }
}
