//! Recognizes the lines of a message header.
//!
//! Works on single lines; the caller decides where the header begins and ends.

use super::{Record, RecordReader};
use crate::sys::source::Source;

/// Whether a line could be part of a message header: either a name of printable
/// ASCII characters, optional blanks and a colon, or a continuation line, which
/// begins with a blank.
///
/// Reads no more of the line than necessary, however long it is.
pub fn could_be_header<S: Source>(reader: &mut RecordReader<'_, S>, record: &Record) -> bool {
    let mut at = 0u64;
    let mut part = HeaderPart::Start;
    loop {
        let chunk = reader.chunk(record, at);
        match part.read(chunk) {
            Ok(_) if chunk.is_empty() => return false,
            Ok(next) => part = next,
            Err(HeaderMatch::Header) => return true,
            Err(HeaderMatch::Other) => return false,
        }
        at = at.saturating_add(chunk.len() as u64);
    }
}

/// The same for a line in memory.
pub fn line_could_be_header(line: &[u8]) -> bool {
    matches!(HeaderPart::Start.read(line), Err(HeaderMatch::Header))
}

/// The part of a header line that was read last.
#[derive(Clone, Copy)]
enum HeaderPart {
    Start,
    Name,
    Blanks,
}

/// The result for a line.
enum HeaderMatch {
    Header,
    Other,
}

impl HeaderPart {
    /// Reads a piece of the line. Returns the result as an error as soon as it is
    /// known.
    fn read(self, piece: &[u8]) -> Result<Self, HeaderMatch> {
        piece
            .iter()
            .try_fold(self, |part, byte| match (part, byte) {
                (HeaderPart::Start, b' ' | b'\t') => Err(HeaderMatch::Header),
                (HeaderPart::Name | HeaderPart::Blanks, b':') => Err(HeaderMatch::Header),
                (HeaderPart::Name | HeaderPart::Blanks, b' ' | b'\t') => Ok(HeaderPart::Blanks),
                (HeaderPart::Start | HeaderPart::Name, b'!'..=b'9' | b';'..=b'~') => {
                    Ok(HeaderPart::Name)
                }
                _ => Err(HeaderMatch::Other),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue_file::records::writer::RecordWriter;
    use crate::queue_file::records::{Buffers, RecordType};

    fn is_header(line: &[u8]) -> bool {
        let mut file = RecordWriter::new();
        file.record(RecordType::TEXT, line);
        let file = file.into_bytes();
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&file[..], &mut buffers);
        let record = reader.next_raw().unwrap().unwrap();
        could_be_header(&mut reader, &record)
    }

    // Each line was tried with Postfix 3.7.11.
    #[test]
    fn header_lines_are_recognized_as_in_postfix() {
        for line in [
            &b"a:"[..],
            b"a :",
            b"a\t :",
            b" x",
            b"\tx",
            b"--: x",
            b"\"a\": b",
            b"a;b: c",
        ] {
            assert!(is_header(line), "{line:?}");
        }
        for line in [
            &b""[..],
            b"a",
            b":",
            b": x",
            b"a b: c",
            b"a\xe9: x",
            b"a\x7f: x",
            b"a\0: x",
            b"\x0bx",
            b"From x: y",
            b"a\r: x",
        ] {
            assert!(!is_header(line), "{line:?}");
        }
        let long = [&vec![b'x'; 100_000][..], b":"].concat();
        assert!(is_header(&long));
    }
}
