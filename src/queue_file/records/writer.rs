//! Writes queue files, record by record or a whole message at once.
//!
//! Used by the demo, the tests and the benchmark. The queue tools themselves do not
//! write message content.

use super::RecordType;

/// A queue file under construction, in memory.
#[derive(Clone, Debug, Default)]
pub struct RecordWriter {
    bytes: Vec<u8>,
}

impl RecordWriter {
    /// Creates an empty file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one record.
    pub fn record(&mut self, kind: RecordType, data: &[u8]) -> &mut Self {
        self.header(kind, data.len()).raw(data)
    }

    /// Appends bytes unchanged.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a type byte and a length without data, to create truncated files.
    pub fn header(&mut self, kind: RecordType, length: usize) -> &mut Self {
        self.bytes.push(kind.0);
        let mut rest = length;
        loop {
            let group = (rest & 0x7f) as u8;
            rest >>= 7;
            if rest == 0 {
                self.bytes.push(group);
                return self;
            }
            self.bytes.push(group | 0x80);
        }
    }

    /// Appends a pointer record to the file offset `target` (0: no jump).
    pub fn pointer(&mut self, target: usize) -> &mut Self {
        self.record(RecordType::POINTER, format!("{target:15}").as_bytes())
    }

    /// The offset of the next record.
    pub fn offset(&self) -> usize {
        self.bytes.len()
    }

    /// The finished file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
        }
    }
}

/// The segment that contains the recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientsIn {
    /// Before the content, as for mail with few recipients.
    Envelope,
    /// After the content, as for large lists and `sendmail -t`.
    Extracted,
}

/// A complete message as cleanup(8) writes it.
#[derive(Clone, Debug)]
pub struct QueueFile {
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// Envelope sender, unquoted; empty is the null sender.
    pub sender: Vec<u8>,
    /// Envelope recipients, unquoted.
    pub recipients: Vec<Vec<u8>>,
    /// The segment that contains the recipients.
    pub recipients_in: RecipientsIn,
    /// `name=value` attributes of the envelope.
    pub attributes: Vec<Vec<u8>>,
    /// The lines of the message, headers and body, without newlines.
    pub lines: Vec<Vec<u8>>,
}

impl QueueFile {
    /// Creates a message with one line for each element of `lines`.
    pub fn new(arrival: i64, sender: &str, recipients: &[&str], lines: &[&str]) -> Self {
        Self {
            arrival,
            sender: sender.into(),
            recipients: recipients.iter().map(|r| r.as_bytes().to_vec()).collect(),
            recipients_in: RecipientsIn::Envelope,
            attributes: vec![b"rewrite_context=local".to_vec()],
            lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect(),
        }
    }

    /// The contents of a queue file in a queue that cleanup(8) writes to.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = RecordWriter::new();
        file.record(RecordType::SIZE, &size_record(0, 0, 0));
        file.record(RecordType::TIME, format!("{} 0", self.arrival).as_bytes());
        for attribute in &self.attributes {
            file.record(RecordType::ATTRIBUTE, attribute);
        }
        file.record(RecordType::SENDER, &self.sender);
        if self.recipients_in == RecipientsIn::Envelope {
            self.write_recipients(&mut file);
        }
        file.pointer(0).record(RecordType::CONTENT, b"");
        let content_start = file.offset();
        for line in &self.lines {
            file.record(RecordType::TEXT, line);
        }
        let content_end = file.offset();
        file.record(RecordType::EXTRACTED, b"");
        if self.recipients_in == RecipientsIn::Extracted {
            self.write_recipients(&mut file);
        }
        file.record(RecordType::END, b"");
        let size = size_record(
            content_end.saturating_sub(content_start),
            content_start,
            self.recipients.len(),
        );
        // After the type byte and the length byte of the first record.
        file.overwrite(2, &size);
        file.into_bytes()
    }

    /// The contents of a queue file in maildrop as postdrop(1) writes it: without
    /// size and arrival time.
    pub fn to_maildrop_bytes(&self) -> Vec<u8> {
        let mut file = RecordWriter::new();
        for attribute in &self.attributes {
            file.record(RecordType::ATTRIBUTE, attribute);
        }
        file.record(RecordType::SENDER, &self.sender);
        self.write_recipients(&mut file);
        file.record(RecordType::CONTENT, b"");
        for line in &self.lines {
            file.record(RecordType::TEXT, line);
        }
        file.record(RecordType::EXTRACTED, b"")
            .record(RecordType::END, b"");
        file.into_bytes()
    }

    fn write_recipients(&self, file: &mut RecordWriter) {
        for recipient in &self.recipients {
            file.record(RecordType::ORIGINAL_RECIPIENT, recipient)
                .record(RecordType::RECIPIENT, recipient);
        }
    }
}

/// The data of a size record: six numbers of 15 columns, separated by blanks.
fn size_record(content: usize, offset: usize, recipients: usize) -> Vec<u8> {
    format!(
        "{content:15} {offset:15} {recipients:15} {:15} {content:15} {:15}",
        0, 0
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_little_endian_groups_of_seven_bits() {
        let mut file = RecordWriter::new();
        file.header(RecordType::TEXT, 0)
            .header(RecordType::TEXT, 127)
            .header(RecordType::TEXT, 128)
            .header(RecordType::TEXT, 20_000);
        assert_eq!(file.into_bytes(), b"N\0N\x7fN\x80\x01N\xa0\x9c\x01");
    }

    #[test]
    fn content_size_covers_the_records_between_the_markers() {
        let bytes = QueueFile::new(
            1,
            "a@example.com",
            &["b@example.com"],
            &["Subject: x", "", "y"],
        )
        .to_bytes();
        let field = |from: usize| -> usize {
            std::str::from_utf8(&bytes[from..from + 15])
                .unwrap()
                .trim()
                .parse()
                .unwrap()
        };
        let (size, offset) = (field(2), field(2 + 16));
        assert_eq!(&bytes[offset - 2..offset], b"M\0");
        assert_eq!(&bytes[offset + size..offset + size + 2], b"X\0");
    }
}
