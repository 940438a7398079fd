//! Reads the records of a queue file as a reader of messages sees them: pointers are
//! followed, padding is skipped, and the file ends after the end record.

use super::error::RecordError;
use super::pointer;
use super::reader::RecordReader;
use super::record::{Record, RecordType};
use crate::sys::source::Source;
use crate::text::trim_space_start;

impl<S: Source> RecordReader<'_, S> {
    /// Returns the next record as a reader of messages sees it: pointers are
    /// followed, padding is skipped, and the file ends after the end record.
    ///
    /// # Errors
    ///
    /// As [`RecordReader::next_raw`]; or a pointer cannot be followed.
    pub fn next_cooked(&mut self) -> Result<Option<Record>, RecordError> {
        while let Some(record) = self.next_raw()? {
            match record.kind {
                RecordType::POINTER => self.follow(&record)?,
                RecordType::PADDING => {}
                RecordType::END => {
                    self.end()?;
                    return Ok(Some(record));
                }
                _ => return Ok(Some(record)),
            }
        }
        Ok(None)
    }

    /// Follows a pointer record.
    ///
    /// # Errors
    ///
    /// It has no offset, or one that cannot be followed.
    pub fn follow(&mut self, record: &Record) -> Result<(), RecordError> {
        let text = self.text(record);
        let Some(target) = pointer::parse(text) else {
            return Err(RecordError::PointerValue(trim_space_start(text).to_vec()));
        };
        match target {
            0 => Ok(()),
            target => self.jump(target),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader::tests::records_of;
    use super::super::window::Buffers;
    use super::super::writer::RecordWriter;
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<(u8, Vec<u8>)>, Option<String>) {
        records_of(bytes, |reader| reader.next_cooked())
    }

    fn ends_with(bytes: &[u8], error: &str) {
        assert_eq!(read(bytes).1.as_deref(), Some(error));
    }

    #[test]
    fn pointers_are_followed_and_padding_is_hidden() {
        let mut file = RecordWriter::new();
        file.record(RecordType::PADDING, b"....")
            .pointer(6 + 17 + 3);
        file.record(RecordType::RECIPIENT, b"a")
            .record(RecordType::RECIPIENT, b"b");
        assert_eq!(read(&file.into_bytes()).0, [(b'R', b"b".to_vec())]);
    }

    #[test]
    fn a_pointer_loop_ends() {
        ends_with(b"R\x01ap\x010p\x013", "too many reverse jump records");
        ends_with(b"p\x03abc", "malformed pointer record value: abc");
    }

    #[test]
    fn backward_pointers_limit_how_often_a_file_is_read() {
        let mut file = RecordWriter::new();
        for _ in 0..100_000 {
            file.record(RecordType::RECIPIENT, b"recipient@example.com");
        }
        file.pointer(23);
        let records = read(&file.into_bytes());
        assert_eq!(records.1.as_deref(), Some("too many reverse jump records"));
        assert!((200_000..300_000).contains(&records.0.len()));
    }

    #[test]
    fn starting_again_resets_the_limit_on_jumps() {
        let file = b"p\x013p\x010R\x01a";
        let mut buffers = Buffers::default();
        let mut reader = RecordReader::new(&file[..], &mut buffers);
        for _ in 0..20_000 {
            reader.start_at(0).expect("a start");
            assert_eq!(
                reader.next_cooked().expect("a record").map(|r| r.offset),
                Some(6)
            );
        }
    }

    #[test]
    fn nothing_is_read_after_the_end_record() {
        assert_eq!(read(b"E\0R\x01a").0, [(b'E', Vec::new())]);
    }
}
