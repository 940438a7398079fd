//! Reads arrival time, sender and recipients of a queue file as qshape does. It is
//! stricter than a listing: a file with an unexpected record is not counted at all.
//!
//! This module decides which records are accepted where; `candidate` decides which
//! files are read at all. Observed with qshape of Postfix 3.7.11.

use nix::sys::stat::FileStat;

use super::records::{Buffers, Record, RecordReader, RecordType};
use crate::spool::message::Message;
use crate::sys::source::Source;
use crate::text::{SHORT_TEXT_MAX, is_space, numbers, saturating_digits};

/// Largest number of bytes in a record's length; a fourth is an error here.
const LENGTH_BYTES_MAX: u64 = 3;
/// A type byte that ends the file: Perl evaluates the string "0" as false.
const FALSE: RecordType = RecordType(b'0');

/// Receives the addresses in a file, record by record; of very long addresses only
/// the end, which contains the domain. They count only if [`EnvelopeReader::read`]
/// then reports a message.
pub trait Addresses {
    /// Receives a sender; the last one counts.
    fn sender(&mut self, address: &[u8]);
    /// Receives a recipient.
    fn recipient(&mut self, address: &[u8]);
}

/// A file that is counted.
#[derive(Clone, Copy, Debug)]
pub struct CountedFile {
    /// Whether it is counted as a message.
    pub kind: EnvelopeKind,
    /// Arrival time in seconds since the epoch.
    pub arrival: f64,
    /// Size of the file in bytes.
    pub size: i64,
}

/// How a file is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// A message, with a sender and recipients.
    Message,
    /// A file that does not begin with a record with which a message can begin.
    /// Observed with Postfix 3.7.11: it is counted, without a sender or
    /// recipients, and with an arrival time of 0.
    File,
}

/// Reads one file after the other, reusing its buffers.
#[derive(Debug, Default)]
pub struct EnvelopeReader {
    buffers: Buffers,
}

impl EnvelopeReader {
    /// Reads an open file. Returns `None` if it is not counted.
    pub fn read(
        &mut self,
        message: &Message,
        addresses: &mut impl Addresses,
    ) -> Option<CountedFile> {
        let mut reader =
            RecordReader::new(message.source(), &mut self.buffers).passing_over_zeros();
        reader.limit_text(SHORT_TEXT_MAX);
        read(reader, &message.stat, addresses)
    }
}

/// Reads a file from its beginning to the end record.
fn read<S: Source>(
    reader: RecordReader<'_, S>,
    stat: &FileStat,
    addresses: &mut impl Addresses,
) -> Option<CountedFile> {
    let mut file = Envelope {
        reader,
        content_size: None,
        has_sender: false,
        has_recipient: false,
        addresses,
    };
    let time = file.begin(stat)?;
    let size = stat.st_size;
    let counts = |kind, arrival| CountedFile {
        kind,
        arrival,
        size,
    };
    if let Time::Unknown = time {
        return Some(counts(EnvelopeKind::File, 0.0));
    }
    while file.step()? == EnvelopeFlow::Record {}
    if !file.has_sender || !file.has_recipient {
        return None;
    }
    let arrival = match time {
        Time::Modified(seconds) => seconds as f64,
        Time::Recorded(seconds) => seconds,
        Time::Unknown => 0.0,
    };
    Some(counts(EnvelopeKind::Message, arrival))
}

/// The source of the arrival time.
enum Time {
    /// The modification time of the file, for mail from postdrop(1).
    Modified(i64),
    /// The time record after the size record, in seconds; 0 if its text does not
    /// begin with a number.
    Recorded(f64),
    /// None, because the file is not a message.
    Unknown,
}

#[derive(PartialEq, Eq)]
enum EnvelopeFlow {
    Record,
    End,
}

/// A file that is being read. Each step returns `None` if the file is not counted.
struct Envelope<'b, 'a, S, A> {
    reader: RecordReader<'b, S>,
    /// Bytes of message text, if the first record states them.
    content_size: Option<u64>,
    has_sender: bool,
    has_recipient: bool,
    addresses: &'a mut A,
}

impl<S: Source, A: Addresses> Envelope<'_, '_, S, A> {
    /// Reads the first records, which determine the source of the arrival time.
    fn begin(&mut self, stat: &FileStat) -> Option<Time> {
        let Some(first) = self.next() else {
            return Some(Time::Unknown);
        };
        let mut record = first;
        match first.kind {
            RecordType::SIZE => {
                self.content_size = content_size(self.reader.data(&first));
                let time = self.expect(RecordType::TIME)?;
                let text = self.reader.data(&time);
                let word = text.split(|b| is_space(*b)).next().unwrap_or_default();
                let seconds = numbers::number(word).value;
                return (!text.is_empty()).then_some(Time::Recorded(seconds));
            }
            RecordType::FULL_NAME => record = self.expect(RecordType::SENDER)?,
            RecordType::SENDER => {}
            _ => return Some(Time::Unknown),
        }
        self.take_sender(&record);
        Some(Time::Modified(stat.st_mtime))
    }

    /// Reads one record of the envelope.
    fn step(&mut self) -> Option<EnvelopeFlow> {
        let record = self.next()?;
        match record.kind {
            RecordType::SENDER => self.take_sender(&record),
            RecordType::RECIPIENT => {
                self.has_recipient = true;
                self.addresses.recipient(self.reader.data_end(&record));
            }
            RecordType::POINTER => self.follow(&record)?,
            // Observed with Postfix 3.7.11: the sender has to precede the
            // content.
            RecordType::CONTENT if !self.has_sender => return None,
            RecordType::CONTENT => self.skip_content()?,
            RecordType::END => return Some(EnvelopeFlow::End),
            _ => {}
        }
        Some(EnvelopeFlow::Record)
    }

    fn take_sender(&mut self, record: &Record) {
        self.has_sender = true;
        self.addresses.sender(self.reader.data_end(record));
    }

    /// Skips the message text, either by its size or record by record.
    fn skip_content(&mut self) -> Option<()> {
        if let Some(size) = self.content_size {
            let end = self.reader.position().checked_add(size)?;
            self.reader.seek(end).ok()?;
            return self.expect(RecordType::EXTRACTED).map(drop);
        }
        loop {
            let record = self.next()?;
            match record.kind {
                RecordType::EXTRACTED => return Some(()),
                RecordType::TEXT | RecordType::UNTERMINATED_TEXT => {}
                RecordType::POINTER => self.follow(&record)?,
                _ => return None,
            }
        }
    }

    /// Follows a pointer record, unless its value is not a number above 0.
    fn follow(&mut self, record: &Record) -> Option<()> {
        let target = numbers::number(self.reader.data(record)).value;
        if target > 0.0 {
            // An offset too large for a file saturates, and the jump then fails.
            self.reader.jump(target as u64).ok()
        } else {
            Some(())
        }
    }

    fn expect(&mut self, kind: RecordType) -> Option<Record> {
        self.next().filter(|record| record.kind == kind)
    }

    /// Returns the next record, if it is one that is accepted.
    fn next(&mut self) -> Option<Record> {
        let at = self.reader.position();
        let record = match self.reader.next_raw() {
            Ok(record) => record?,
            Err(_) => self.last_record(at)?,
        };
        let length_bytes = record.data.saturating_sub(record.offset).saturating_sub(1);
        (record.kind != FALSE && length_bytes <= LENGTH_BYTES_MAX).then_some(record)
    }

    /// Returns the record at `at` if the end of the file truncates its length.
    /// Missing bytes count as zero, so the record either is empty or is rejected.
    fn last_record(&mut self, at: u64) -> Option<Record> {
        let kind = RecordType(self.reader.peek()?);
        let rest = Record {
            kind,
            offset: at,
            data: at.checked_add(1)?,
            length: LENGTH_BYTES_MAX,
        };
        let length = self.reader.chunk(&rest, 0);
        let cut_off = (length.len() as u64) < LENGTH_BYTES_MAX;
        let empty = length.iter().all(|&byte| byte == 0x80);
        let end = rest.data.checked_add(length.len() as u64)?;
        if !(cut_off && empty) {
            return None;
        }
        self.reader.start_at(end).ok()?;
        Some(Record {
            data: end,
            length: 0,
            ..rest
        })
    }
}

/// The first number of a size record, if there are at least three.
fn content_size(text: &[u8]) -> Option<u64> {
    let mut rest = text;
    let mut first = None;
    for index in 0..3 {
        let blanks = rest.iter().take_while(|b| is_space(**b)).count();
        if index > 0 && blanks == 0 {
            return None;
        }
        let (_, digits) = rest.split_at(blanks);
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, after) = digits.split_at(count);
        let number = saturating_digits(digits)?;
        first = first.or(Some(number));
        rest = after;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue_file::records::writer::RecordWriter;

    #[derive(Default)]
    struct ReceivedAddresses(Vec<String>);

    impl Addresses for ReceivedAddresses {
        fn sender(&mut self, address: &[u8]) {
            self.0.push(format!("S {}", address.escape_ascii()));
        }

        fn recipient(&mut self, address: &[u8]) {
            self.0.push(format!("R {}", address.escape_ascii()));
        }
    }

    /// Reads a file: how it is counted, and its addresses.
    fn look(bytes: &[u8]) -> (Option<CountedFile>, ReceivedAddresses) {
        let mut received = ReceivedAddresses::default();
        let mut stat = nix::sys::stat::stat("/").expect("a directory");
        stat.st_mtime = 1234;
        let mut buffers = Buffers::default();
        let reader = RecordReader::new(bytes, &mut buffers);
        let counts = read(reader, &stat, &mut received);
        (counts, received)
    }

    fn file(records: &[(u8, &str)]) -> Vec<u8> {
        let mut file = RecordWriter::new();
        for (kind, text) in records {
            file.record(RecordType(*kind), text.as_bytes());
        }
        file.into_bytes()
    }

    const GOOD: [(u8, &str); 8] = [
        (b'C', "4 0 1"),
        (b'T', "1700000000 5"),
        (b'A', "a=b"),
        (b'S', "s@x"),
        (b'M', ""),
        (b'N', "ab"),
        (b'X', ""),
        (b'R', "r@y\0"),
    ];

    #[test]
    fn a_message_counts_only_if_it_is_complete() {
        let good = file(&GOOD);
        assert!(look(&good).0.is_none(), "the end record is missing");
        let (counts, received) = look(&[&good[..], b"E"].concat());
        assert_eq!(
            counts.map(|c| (c.kind, c.arrival)),
            Some((EnvelopeKind::Message, 1.7e9))
        );
        assert_eq!(received.0, ["S s@x", "R r@y\\x00"]);
    }

    #[test]
    fn a_message_with_an_unexpected_record_does_not_count() {
        for (place, record) in [
            (0, (b'C', "5 0 1")),
            (1, (b'A', "")),
            (1, (b'T', "")),
            (2, (b'0', "")),
            (3, (b'A', "no sender")),
            (7, (b'A', "no recipient")),
        ] {
            let mut records = GOOD.to_vec();
            records[place] = record;
            records.push((b'E', ""));
            assert!(look(&file(&records)).0.is_none(), "{place}");
        }
        let long = [&file(&GOOD)[..], b"A\x80\x80\x80\x01", b"E\0"].concat();
        assert!(look(&long).0.is_none(), "four length bytes");
    }

    #[test]
    fn mail_from_postdrop_has_the_time_of_its_file() {
        let records = [(b'F', "name"), (b'S', "s"), (b'R', "r"), (b'E', "")];
        let arrival = |records| look(&file(records)).0.map(|counts| counts.arrival);
        assert_eq!(arrival(&records), Some(1234.0));
        assert_eq!(arrival(&records[1..]), Some(1234.0));
        assert_eq!(
            arrival(&[records[0], records[2], records[1], records[3]]),
            None
        );
    }

    #[test]
    fn a_file_that_is_not_a_message_is_counted_as_a_file() {
        for bytes in [&b""[..], b"C\x09short", b"A\0S\x01sR\x01rE\0"] {
            let (counts, received) = look(bytes);
            assert_eq!(
                counts.map(|c| (c.kind, c.arrival)),
                Some((EnvelopeKind::File, 0.0))
            );
            assert!(received.0.is_empty());
        }
    }

    #[test]
    fn texts_that_are_not_numbers_count_as_zero() {
        let records = [
            (b'C', ""),
            (b'T', "x 5"),
            (b'S', "s"),
            (b'R', "r"),
            (b'p', "y"),
            (b'E', ""),
        ];
        let (counts, _) = look(&file(&records));
        assert_eq!(counts.map(|c| c.arrival), Some(0.0));
    }

    #[test]
    fn endless_pointer_loops_are_detected() {
        let mut circle = file(&[(b'S', "s"), (b'R', "r")]);
        let start = circle.len();
        circle.extend(file(&[(b'w', "x"), (b'p', &start.to_string())]));
        assert!(look(&circle).0.is_none());
    }
}
