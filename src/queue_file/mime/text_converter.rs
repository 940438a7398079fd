//! Converts the lines of a text part to UTF-8: first from its transfer encoding, then
//! from its charset, both of which can continue from line to line.

use bstr::ByteSlice;
use encoding_rs::Encoding;

use super::transfer::{Base64, Transfer, quoted_printable};

/// Largest number of bytes of a decoded line; longer ones are passed on in pieces.
pub(super) const LINE_MAX: usize = 128 << 10;

/// Converts the lines of a text part to UTF-8.
#[derive(Default)]
pub(super) struct TextConverter {
    base64: Base64,
    charset: Option<encoding_rs::Decoder>,
    bytes: Vec<u8>,
    /// The text of the line so far.
    line: Vec<u8>,
    /// The number of bytes of the line in which no newline was found.
    searched: usize,
}

impl std::fmt::Debug for TextConverter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextConverter")
            .field("line", &self.line.len())
            .finish_non_exhaustive()
    }
}

impl TextConverter {
    /// Begins a text.
    pub(super) fn begin(&mut self, encoding: Option<&'static Encoding>) {
        self.base64 = Base64::default();
        self.charset = encoding.map(Encoding::new_decoder_without_bom_handling);
        self.line.clear();
        self.searched = 0;
    }

    /// Whether no line has been begun.
    pub(super) fn is_at_line_start(&self) -> bool {
        self.line.is_empty()
    }

    /// Decodes a line, and passes on the lines that it completes.
    pub(super) fn line(&mut self, line: &[u8], transfer: Transfer, visit: &mut impl FnMut(&[u8])) {
        let mut bytes = std::mem::take(&mut self.bytes);
        match transfer {
            Transfer::Base64 => self.base64.decode(line, &mut bytes),
            Transfer::QuotedPrintable => quoted_printable(line, &mut bytes),
            Transfer::Identity => {
                bytes.extend_from_slice(line);
                bytes.push(b'\n');
            }
        }
        self.convert(&bytes, Last::No);
        bytes.clear();
        self.bytes = bytes;
        self.pass_on(visit);
    }

    /// Passes on the end of the text.
    pub(super) fn finish(&mut self, visit: &mut impl FnMut(&[u8])) {
        self.convert(b"", Last::Yes);
        self.charset = None;
        self.pass_on(visit);
        if !self.line.is_empty() {
            visit(&self.line);
            self.line.clear();
            self.searched = 0;
        }
    }

    /// Appends bytes to the line as UTF-8.
    fn convert(&mut self, bytes: &[u8], last: Last) {
        let Some(charset) = &mut self.charset else {
            return self.line.extend_from_slice(bytes);
        };
        let Some(most) = charset.max_utf8_buffer_length(bytes.len()) else {
            return;
        };
        let mut text = String::with_capacity(most);
        // The text has room for all of it, so one call converts everything.
        let _ = charset.decode_to_string(bytes, &mut text, last == Last::Yes);
        self.line.extend_from_slice(text.as_bytes());
    }

    /// Passes on the complete lines, and a line that is too long. Only text that was
    /// added since the last call is searched, so that the time is linear.
    fn pass_on(&mut self, visit: &mut impl FnMut(&[u8])) {
        let mut start = 0usize;
        while let Some(length) = self
            .line
            .get(self.searched..)
            .and_then(|l| l.find_byte(b'\n'))
        {
            let end = self.searched.saturating_add(length);
            let complete = self.line.get(start..end).unwrap_or_default();
            visit(complete.strip_suffix(b"\r").unwrap_or(complete));
            start = end.saturating_add(1);
            self.searched = start;
        }
        if start > 0 {
            self.line.drain(..start);
        }
        if self.line.len() > LINE_MAX {
            visit(&self.line);
            self.line.clear();
        }
        self.searched = self.line.len();
    }
}

/// Whether bytes are the last ones of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}
