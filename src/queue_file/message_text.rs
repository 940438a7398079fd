//! Reads the message in a queue file: its headers one by one, and the lines of its
//! body.
//!
//! Parses header fields, but not MIME. To bound memory, each line or header is
//! truncated to its first 128 KiB.

use std::io;

use bstr::ByteSlice;

use super::records::header::line_could_be_header;
use super::records::{Buffers, Record, RecordReader, RecordType};
use crate::spool::message::Message;
use crate::sys::signals::SignalFlag;
use crate::sys::source::Source;

/// Largest number of bytes of a header or line; longer ones are truncated.
const LINE_MAX: usize = 128 * 1024;

/// A header or a body line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPiece<'a> {
    /// The name of a header, and its value without leading white space. Folded
    /// lines are joined with one blank.
    Header(&'a [u8], &'a [u8]),
    /// A line of the body.
    Line(&'a [u8]),
}

/// How to continue reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Continue.
    More,
    /// Continue up to the end of the headers.
    Headers,
    /// Stop.
    Stop,
}

/// Passes the message to `visit`, piece by piece, up to its end or to the first
/// record that is out of place or malformed.
///
/// # Errors
///
/// The file cannot be read, or `stop` indicates a signal (`Interrupted`).
pub fn read(
    message: &Message,
    buffers: &mut Buffers,
    stop: Option<SignalFlag>,
    visit: impl FnMut(TextPiece<'_>) -> Next,
) -> io::Result<()> {
    read_source(message.source(), buffers, stop, visit)
}

fn read_source(
    source: impl Source,
    buffers: &mut Buffers,
    stop: Option<SignalFlag>,
    visit: impl FnMut(TextPiece<'_>) -> Next,
) -> io::Result<()> {
    let mut reader = RecordReader::new(source, buffers).passing_over_zeros();
    let mut parser = MessageParser {
        visit,
        part: MessagePart::Headers,
        header: Vec::new(),
        line: Vec::new(),
    };
    let mut in_content = false;
    // A malformed record ends the message, without an error.
    while let Ok(Some(record)) = reader.next_cooked() {
        if stop.is_some_and(SignalFlag::is_set) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let next = match record.kind {
            RecordType::CONTENT => {
                in_content = true;
                Next::More
            }
            RecordType::TEXT | RecordType::UNTERMINATED_TEXT if in_content => {
                parser.record(&mut reader, &record)
            }
            _ if in_content => break,
            _ => Next::More,
        };
        if let Some(failure) = reader.take_failure() {
            return Err(failure);
        }
        if next == Next::Stop {
            return Ok(());
        }
    }
    parser.header_ends();
    reader.take_failure().map_or(Ok(()), Err)
}

/// The part of the message that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MessagePart {
    Headers,
    Body,
}

struct MessageParser<V> {
    visit: V,
    part: MessagePart,
    /// The unfolded header so far.
    header: Vec<u8>,
    /// The line so far.
    line: Vec<u8>,
}

impl<V: FnMut(TextPiece<'_>) -> Next> MessageParser<V> {
    fn record<S: Source>(&mut self, reader: &mut RecordReader<'_, S>, record: &Record) -> Next {
        let mut done = 0u64;
        while self.line.len() < LINE_MAX {
            let chunk = reader.chunk(record, done);
            if chunk.is_empty() {
                break;
            }
            done = done.saturating_add(chunk.len() as u64);
            self.line.extend_from_slice(chunk);
        }
        self.line.truncate(LINE_MAX);
        if record.kind == RecordType::UNTERMINATED_TEXT {
            return Next::More;
        }
        let mut line = std::mem::take(&mut self.line);
        let next = match self.part {
            MessagePart::Headers => self.header_line(&line),
            MessagePart::Body => (self.visit)(TextPiece::Line(&line)),
        };
        line.clear();
        self.line = line;
        next
    }

    fn header_line(&mut self, line: &[u8]) -> Next {
        if matches!(line, [b' ' | b'\t', ..]) && !self.header.is_empty() {
            self.header.push(b' ');
            self.header.extend_from_slice(line.trim_ascii_start());
            self.header.truncate(LINE_MAX);
            return Next::More;
        }
        let next = self.header_ends();
        if next == Next::Stop {
            return next;
        }
        if line_could_be_header(line) {
            self.header.extend_from_slice(line);
            return Next::More;
        }
        self.part = MessagePart::Body;
        match (next, line) {
            (Next::Headers, _) => Next::Stop,
            // The empty line that separates headers and body belongs to neither.
            (_, []) => Next::More,
            (_, line) => (self.visit)(TextPiece::Line(line)),
        }
    }

    /// Passes on the header that is complete, if there is one.
    fn header_ends(&mut self) -> Next {
        let Some((name, value)) = self.header.split_once_str(":") else {
            self.header.clear();
            return Next::More;
        };
        let (name, value) = (name.trim_ascii_end(), value.trim_ascii_start());
        let next = (self.visit)(TextPiece::Header(name, value));
        self.header.clear();
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue_file::records::writer::RecordWriter;

    fn pieces(records: &[(RecordType, &[u8])], stop: Next) -> Vec<String> {
        let mut file = RecordWriter::new();
        file.record(RecordType::SENDER, b"s")
            .record(RecordType::CONTENT, b"");
        for (kind, data) in records {
            file.record(*kind, data);
        }
        file.record(RecordType::EXTRACTED, b"")
            .record(RecordType::TEXT, b"not: this");
        let file = file.into_bytes();
        let mut seen = Vec::new();
        read_source(&file[..], &mut Buffers::default(), None, |piece| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            seen.push(match piece {
                TextPiece::Header(name, value) => format!("{}|{}", text(name), text(value)),
                TextPiece::Line(line) => text(line),
            });
            stop
        })
        .expect("bytes that can be read");
        seen
    }

    const TEXT: RecordType = RecordType::TEXT;
    const PART: RecordType = RecordType::UNTERMINATED_TEXT;

    #[test]
    fn folded_headers_and_partial_lines_are_joined() {
        let records: [(RecordType, &[u8]); 6] = [
            (TEXT, b"Subject:  a"),
            (TEXT, b"\tb"),
            (TEXT, b"X: y"),
            (TEXT, b""),
            (PART, b"long "),
            (TEXT, b"line"),
        ];
        let all = ["Subject|a b", "X|y", "long line"];
        assert_eq!(pieces(&records, Next::More), all);
        assert_eq!(pieces(&records, Next::Stop), all[..1]);
    }

    #[test]
    fn headers_alone_end_before_the_body() {
        let records: [(RecordType, &[u8]); 3] = [(TEXT, b"A: b"), (TEXT, b"text"), (TEXT, b"c: d")];
        assert_eq!(pieces(&records, Next::More), ["A|b", "text", "c: d"]);
        assert_eq!(pieces(&records, Next::Headers), ["A|b"]);
        assert_eq!(pieces(&records[..1], Next::More), ["A|b"]);
    }
}
