//! Decodes encoded words in a header: `=?iso-8859-1?Q?caf=E9?=` (RFC 2047).

use std::borrow::Cow;

use bstr::ByteSlice;
use encoding_rs::{Encoding, UTF_8};

use super::transfer::{Base64, unquote};

/// Largest length of the name of a charset, with a language tag.
const CHARSET_MAX: usize = 64;

/// An encoded word.
struct EncodedWord<'a> {
    encoding: &'static Encoding,
    method: Method,
    text: &'a [u8],
}

/// How an encoded word is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Base64,
    Quoted,
}

/// The value of a header with its encoded words converted to UTF-8, and everything
/// else as it is. White space between encoded words is removed. A word that is
/// malformed or in an unknown charset is kept.
pub fn decode(value: &[u8]) -> Cow<'_, [u8]> {
    if value.find("=?").is_none() {
        return Cow::Borrowed(value);
    }
    let mut decoder = Decoder::default();
    let mut rest = value;
    while let Some(at) = rest.find("=?") {
        let (before, start) = rest.split_at(at);
        match parse(start) {
            Some((word, after)) => {
                decoder.text_before_word(before);
                decoder.word(&word);
                rest = after;
            }
            None => {
                let (kept, after) = rest.split_at(at.saturating_add(2));
                decoder.text(kept);
                rest = after;
            }
        }
    }
    decoder.text(rest);
    decoder.finish().map_or(Cow::Borrowed(value), Cow::Owned)
}

/// Parses an encoded word at the start of a text, and returns the text after it.
/// The word contains no question marks except those of its syntax, so that the time
/// for all attempts together is linear.
fn parse(text: &[u8]) -> Option<(EncodedWord<'_>, &[u8])> {
    let rest = text.strip_prefix(b"=?")?;
    let head = rest.get(..CHARSET_MAX.min(rest.len()))?;
    let end = head.iter().position(|b| matches!(b, b'?' | b' ' | b'='))?;
    let (charset, rest) = rest.split_at(end);
    let method = match rest {
        [b'?', b'B' | b'b', b'?', ..] => Method::Base64,
        [b'?', b'Q' | b'q', b'?', ..] => Method::Quoted,
        _ => return None,
    };
    let rest = rest.get(3..)?;
    let (text, rest) = rest.split_at(rest.iter().position(|&b| b == b'?')?);
    let after = rest.strip_prefix(b"?=")?;
    // RFC 2231: the language follows an asterisk.
    let charset = charset.split(|&b| b == b'*').next().unwrap_or_default();
    let word = EncodedWord {
        encoding: Encoding::for_label_no_replacement(charset)?,
        method,
        text,
    };
    Some((word, after))
}

/// The decoded text so far.
#[derive(Default)]
struct Decoder {
    out: Vec<u8>,
    /// The bytes of adjacent words in the same charset, which can share a
    /// character.
    bytes: Vec<u8>,
    encoding: Option<&'static Encoding>,
    has_words: bool,
}

impl Decoder {
    /// Appends text that is no word.
    fn text(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.convert();
            self.out.extend_from_slice(text);
        }
    }

    /// Appends the text between two words, unless it is white space only.
    fn text_before_word(&mut self, text: &[u8]) {
        if self.encoding.is_none() || !text.trim_ascii().is_empty() {
            self.text(text);
        }
    }

    fn word(&mut self, word: &EncodedWord<'_>) {
        if self
            .encoding
            .is_some_and(|encoding| encoding != word.encoding)
        {
            self.convert();
        }
        self.encoding = Some(word.encoding);
        self.has_words = true;
        match word.method {
            Method::Base64 => Base64::default().decode(word.text, &mut self.bytes),
            Method::Quoted => {
                let spaced = word.text.replace(b"_", b" ");
                unquote(&spaced, &mut self.bytes);
            }
        }
    }

    /// Converts the collected bytes of words.
    fn convert(&mut self) {
        let Some(encoding) = self.encoding.take() else {
            return;
        };
        let bytes = std::mem::take(&mut self.bytes);
        if encoding == UTF_8 {
            self.out.extend_from_slice(&bytes);
        } else {
            let (text, _) = encoding.decode_without_bom_handling(&bytes);
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    /// The whole text; `None` if there were no words.
    fn finish(mut self) -> Option<Vec<u8>> {
        self.convert();
        self.has_words.then_some(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(value: &str) -> String {
        String::from_utf8(decode(value.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn words_are_decoded_and_the_rest_is_kept() {
        for (value, expected) in [
            ("plain", "plain"),
            (
                "=?utf-8?q?Ihre_Rechnung_f=C3=BCr?= Mai",
                "Ihre Rechnung f\u{fc}r Mai",
            ),
            ("=?UTF-8*de?B?w7w=?=", "\u{fc}"),
            (
                "Re: =?iso-8859-1?Q?caf=E9?= (=?latin1?q?=E9?=)",
                "Re: caf\u{e9} (\u{e9})",
            ),
            // Two words without the blank between them, and a shared character.
            ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
            ("=?utf-8?B?w7?= =?utf-8?q?=BC?=", "\u{fc}"),
            ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "\u{fc}"),
            ("=?utf-8?q?a?= =?latin1?q?=E9?=", "a\u{e9}"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u{65e5}\u{672c}"),
            ("=?gb2312?B?1tDOxA==?=", "\u{4e2d}\u{6587}"),
            ("=?koi8-r?Q?=D0=D2=C9?=", "\u{43f}\u{440}\u{438}"),
        ] {
            assert_eq!(decoded(value), expected, "{value}");
        }
    }

    #[test]
    fn malformed_words_are_kept() {
        for value in [
            "=?",
            "=??q?x?=",
            "=?no-such-charset?q?x?=",
            "=?utf-8?x?x?=",
            "=?utf-8?q?x",
            "=?utf-8?q?x?",
            "=?utf-8?q?a?b?=",
            "=?utf-8 ?q?x?=",
            "a=?b=?c",
        ] {
            assert_eq!(decoded(value), value);
        }
        // A valid word in malformed ones.
        assert_eq!(decoded("=?=?utf-8?q?x?= =?"), "=?x =?");
    }

    #[test]
    fn long_malformed_headers_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["=?", "=?utf-8?q?", "=?utf-8?q?x", "?=", "=?utf-8?b?w7w=?= "] {
            decode(piece.repeat((128 << 10) / piece.len()).as_bytes());
        }
        assert!(started.elapsed().as_secs() < 10);
    }
}
