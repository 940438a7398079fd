//! Decodes the text parts of a message body, line by line.
//!
//! Everything else is passed on as it is: boundaries, the headers of parts, parts
//! that are no text, and text after the largest number of decoded bytes.

use bstr::ByteSlice;

use super::content::Content;
use super::text_converter::TextConverter;
use super::transfer::{Transfer, is_base64};

/// Largest depth of nested multipart parts; deeper ones are passed on as they are.
const DEPTH_MAX: usize = 16;
/// Largest number of bytes that are decoded of one message.
const DECODED_MAX: usize = 32 << 20;
/// Largest number of bytes of a part's header that are kept.
const HEADER_MAX: usize = 8 << 10;

/// Decodes one message body. The headers of the message have to be passed to it
/// first.
#[derive(Debug)]
pub struct BodyDecoder {
    /// The boundaries of the multipart parts that are open, the outermost first.
    boundaries: Vec<Vec<u8>>,
    place: Place,
    content: Content,
    transfer: Transfer,
    /// The unfolded header of a part so far.
    header: Vec<u8>,
    text: TextConverter,
    /// The number of bytes that may still be decoded.
    left: usize,
}

/// The place in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the body of the message, or of a part.
    Body,
    /// In the headers of a part.
    PartHeaders,
}

impl Default for BodyDecoder {
    fn default() -> Self {
        Self {
            boundaries: Vec::new(),
            place: Place::PartHeaders,
            content: Content::DEFAULT,
            transfer: Transfer::Identity,
            header: Vec::new(),
            text: TextConverter::default(),
            left: DECODED_MAX,
        }
    }
}

impl BodyDecoder {
    /// Receives a header of the message, unfolded.
    pub fn header(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"content-type") {
            self.content = Content::parse(value);
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            self.transfer = Transfer::parse(value.trim_ascii());
        }
    }

    /// Receives a line of the body, and passes on the lines that it completes.
    pub fn line(&mut self, line: &[u8], mut visit: impl FnMut(&[u8])) {
        if self.boundaries.is_empty() && self.place == Place::PartHeaders {
            // The first line after the headers of the message.
            self.begin_body();
        }
        if line.starts_with(b"--") && self.boundary(line, &mut visit) {
            visit(line);
            return;
        }
        match self.place {
            Place::PartHeaders => {
                visit(line);
                self.part_header(line);
            }
            Place::Body => self.body_line(line, &mut visit),
        }
    }

    /// Passes on the end of a text that has no newline at its end.
    pub fn finish(&mut self, mut visit: impl FnMut(&[u8])) {
        self.text.finish(&mut visit);
    }

    /// Whether a line is a boundary. If it is, a part ends.
    fn boundary(&mut self, line: &[u8], visit: &mut impl FnMut(&[u8])) -> bool {
        let line = line.get(2..).unwrap_or_default().trim_ascii_end();
        let mut levels = self.boundaries.iter().enumerate().rev();
        let found = levels.find_map(|(level, boundary)| match line.strip_prefix(&**boundary) {
            Some(b"") => Some((level, Place::PartHeaders)),
            Some(b"--") => Some((level, Place::Body)),
            _ => None,
        });
        let Some((level, place)) = found else {
            return false;
        };
        self.text.finish(visit);
        self.place = place;
        match place {
            Place::PartHeaders => {
                self.boundaries.truncate(level.saturating_add(1));
                self.content = Content::DEFAULT;
                self.transfer = Transfer::Identity;
            }
            // Text after the last part belongs to no part.
            Place::Body => {
                self.boundaries.truncate(level);
                self.content = Content::Other;
            }
        }
        true
    }

    /// Receives a line of the headers of a part.
    fn part_header(&mut self, line: &[u8]) {
        if matches!(line, [b' ' | b'\t', ..]) {
            self.header.push(b' ');
            self.header.extend_from_slice(line.trim_ascii());
            self.header.truncate(HEADER_MAX);
            return;
        }
        let header = std::mem::take(&mut self.header);
        if let Some((name, value)) = header.split_once_str(":") {
            self.header(name.trim_ascii_end(), value.trim_ascii());
        }
        if line.is_empty() {
            self.begin_body();
        } else {
            self.header = line
                .get(..HEADER_MAX.min(line.len()))
                .unwrap_or_default()
                .to_vec();
        }
    }

    /// Decides what the body is that begins.
    fn begin_body(&mut self) {
        self.place = Place::Body;
        match &mut self.content {
            Content::Multipart(boundary) if self.boundaries.len() < DEPTH_MAX => {
                self.boundaries.push(std::mem::take(boundary));
                self.content = Content::Other;
            }
            Content::Message if self.transfer == Transfer::Identity => {
                // In a part only: the message in it begins with its headers.
                if !self.boundaries.is_empty() {
                    self.place = Place::PartHeaders;
                }
                self.content = Content::DEFAULT;
            }
            Content::Text(encoding) => self.text.begin(*encoding),
            Content::Multipart(_) | Content::Message | Content::Other => {}
        }
    }

    fn body_line(&mut self, line: &[u8], visit: &mut impl FnMut(&[u8])) {
        let Content::Text(encoding) = self.content else {
            return visit(line);
        };
        let is_plain = match (self.transfer, encoding) {
            (Transfer::Identity, None) => true,
            (Transfer::Identity, Some(encoding)) => {
                encoding.is_ascii_compatible() && line.is_ascii() && self.text.is_at_line_start()
            }
            _ => false,
        };
        if is_plain {
            return visit(line);
        }
        let Some(left) = self.left.checked_sub(line.len()) else {
            self.text.finish(visit);
            self.content = Content::Other;
            return visit(line);
        };
        self.left = left;
        if self.transfer == Transfer::Base64 && !is_base64(line) {
            visit(line);
        }
        self.text.line(line, self.transfer, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::super::text_converter::LINE_MAX;
    use super::*;

    /// The lines of a message, which begins with its headers.
    fn decoded(message: &str) -> Vec<String> {
        let (headers, body) = message.split_once("\n\n").unwrap();
        let mut decoder = BodyDecoder::default();
        for header in headers.lines() {
            let (name, value) = header.split_once(':').unwrap();
            decoder.header(name.as_bytes(), value.trim().as_bytes());
        }
        let mut lines = Vec::new();
        let mut keep = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
        for line in body.lines() {
            decoder.line(line.as_bytes(), &mut keep);
        }
        decoder.finish(&mut keep);
        lines
    }

    #[test]
    fn a_plain_message_is_passed_on() {
        assert_eq!(
            decoded("Subject: x\n\na\n\n--b\nc: d"),
            ["a", "", "--b", "c: d"]
        );
    }

    #[test]
    fn text_is_decoded_whatever_its_encoding() {
        let base64 = "Content-Type: text/plain; charset=utf-8\n\
                      Content-Transfer-Encoding: base64\n\naGV\nsbG8K\nd29ybGQ=";
        assert_eq!(decoded(base64), ["hello", "world"]);
        let quoted = "Content-Type: text/html; charset=latin1\n\
                      Content-Transfer-Encoding: quoted-printable\n\n\
                      caf=E9 in a l=\nong line\nend";
        assert_eq!(decoded(quoted), ["caf\u{e9} in a long line", "end"]);
        let japanese = "Content-Type: text/plain; charset=iso-2022-jp\n\n\u{1b}$BF|K\\\u{1b}(B!";
        assert_eq!(decoded(japanese), ["\u{65e5}\u{672c}!"]);
        let utf16 = "Content-Type: text/plain; charset=utf-16le\n\
                     Content-Transfer-Encoding: base64\n\nYQAKAGIA";
        assert_eq!(decoded(utf16), ["a", "b"]);
        // Malformed base64 is also compared as it is.
        let malformed = "Content-Transfer-Encoding: base64\n\naGVs, not base64";
        assert_eq!(decoded(malformed)[0], "aGVs, not base64");
    }

    #[test]
    fn parts_are_decoded_each_on_its_own() {
        let message = "Content-Type: multipart/mixed; boundary=outer\n\n\
                       preamble\n--outer\nContent-Type: multipart/alternative;\n\
                       \tboundary=\"in ner\"\n\n--in ner\n\
                       Content-Transfer-Encoding: base64\n\naGk=\n--in ner--\nafter\n\
                       --outer\nContent-Type: application/pdf\n\
                       Content-Transfer-Encoding: base64\n\naGk=\n\
                       --outer\nContent-Type: message/rfc822\n\n\
                       Subject: inner\nContent-Transfer-Encoding: quoted-printable\n\na=3Db\n\
                       --outer--\nepilogue a=3Db";
        let lines = decoded(message);
        let count = |line: &str| lines.iter().filter(|l| *l == line).count();
        assert_eq!(
            (count("hi"), count("aGk="), count("a=b")),
            (1, 1, 1),
            "{lines:?}"
        );
        assert_eq!(
            (count("preamble"), count("after"), count("epilogue a=3Db")),
            (1, 1, 1)
        );
        assert_eq!((count("Subject: inner"), count("--outer")), (1, 3));
    }

    #[test]
    fn nesting_and_decoding_are_bounded() {
        let mut message = "Content-Type: multipart/mixed; boundary=b0\n\n".to_owned();
        for depth in 0..40 {
            let next = depth + 1;
            message.push_str(&format!(
                "--b{depth}\nContent-Type: multipart/mixed; boundary=b{next}\n\n"
            ));
        }
        message.push_str("aGk=");
        assert_eq!(decoded(&message).last().unwrap(), "aGk=");
        let mut decoder = BodyDecoder::default();
        decoder.header(b"Content-Transfer-Encoding", b"base64");
        let line = "aGk=".repeat(25_000);
        let (mut raw, mut most) = (0, 0);
        for _ in 0..400 {
            decoder.line(line.as_bytes(), |text| {
                raw += usize::from(text == line.as_bytes());
                most = most.max(text.len());
            });
        }
        assert!(raw > 60 && most <= 2 * LINE_MAX, "{raw} {most}");
    }

    #[test]
    fn any_bytes_are_decoded_without_a_panic() {
        let pieces: [&[u8]; 12] = [
            b"--b",
            b"--b--",
            b"",
            b"Content-Type: text/plain; charset=iso-2022-jp",
            b"Content-Type: multipart/x; boundary=b",
            b"\x1b$B\xff",
            b"=C3=",
            b"aGk=",
            b"\tx",
            b"Content-Transfer-Encoding: base64",
            b"Content-Transfer-Encoding: quoted-printable",
            b"Content-Type: text/x; charset=big5",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let mut decoder = BodyDecoder::default();
            decoder.header(b"content-type", b"multipart/mixed; boundary=b");
            for _ in 0..random.usize(1..60) {
                let piece = random.choice(pieces).unwrap_or_default();
                let mut line = piece.to_vec();
                if random.u8(..) < 40 {
                    line.extend((0..random.usize(..40)).map(|_| random.u8(..)));
                }
                decoder.line(&line, |_| {});
            }
            decoder.finish(|_| {});
        }
    }
}
