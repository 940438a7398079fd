//! Where the header ends: which lines could belong to one.

use crate::record::{Reader, Record, Source};

/// Whether a line could be part of a message header: a name of printable
/// ASCII characters, blanks, a colon; or, to continue one, a blank first.
///
/// Looks at no more of the line than it has to, however long that is.
pub(super) fn could_be_header<S: Source>(reader: &mut Reader<'_, S>, record: &Record) -> bool {
    let mut at = 0;
    let mut part = Part::Start;
    loop {
        let chunk = reader.chunk(record, at);
        if chunk.is_empty() {
            return false;
        }
        for &byte in chunk {
            part = match (part, byte) {
                (Part::Start, b' ' | b'\t') => return true,
                (Part::Name | Part::Blanks, b':') => return true,
                (Part::Name | Part::Blanks, b' ' | b'\t') => Part::Blanks,
                (Part::Start | Part::Name, b'!'..=b'9' | b';'..=b'~') => Part::Name,
                _ => return false,
            };
        }
        at = at.saturating_add(chunk.len() as u64);
    }
}

/// How far a header line was read.
#[derive(Clone, Copy)]
enum Part {
    Start,
    Name,
    Blanks,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::writer::RecordWriter;
    use crate::record::{Buffers, RecordType};

    fn is_header(line: &[u8]) -> bool {
        let mut file = RecordWriter::new();
        file.record(RecordType::TEXT, line);
        let file = file.into_bytes();
        let mut buffers = Buffers::default();
        let mut reader = Reader::new(&file[..], &mut buffers);
        let record = reader.next_raw().unwrap().unwrap();
        could_be_header(&mut reader, &record)
    }

    // Each as Postfix 3.7.11 took it.
    #[test]
    fn headers_are_those_of_postfix() {
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
