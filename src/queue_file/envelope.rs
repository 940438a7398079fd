//! What qshape reads of a queue file: arrival time, sender and recipients.
//! Stricter than a listing: a file with an unexpected record does not count at
//! all.
//!
//! Owns which records are accepted where. Observed with qshape of Postfix
//! 3.7.11.

use std::io;

use nix::sys::stat::FileStat;

use super::records::{Buffers, Record, RecordReader, RecordType};
use crate::sys::dir::Dir;
use crate::sys::source::Source;
use crate::text::{SHORT_TEXT_MAX, is_space, numbers};

use crate::spool::message;
use crate::spool::message::Message;

/// Bytes in a record's length at most: a fourth is an error here.
const LENGTH_BYTES_MAX: u64 = 3;
/// The permissions of a message that counts, and which of them matter.
const MODE: (u32, u32) = (0o700, 0o733);
/// Letters and digits that a name must have at least.
const NAME_MIN: usize = 6;
/// A type byte that ends the reading: Perl takes "0" for false.
const FALSE: RecordType = RecordType(b'0');

/// Receives what a file says, record by record: of very long addresses the
/// end, where the domain is. Nothing of it counts unless the file turns out to
/// be a message.
pub trait Addresses {
    /// A sender; the last one counts.
    fn sender(&mut self, address: &[u8]);
    /// A recipient.
    fn recipient(&mut self, address: &[u8]);
}

/// A file that counts.
#[derive(Clone, Copy, Debug)]
pub struct CountRules {
    /// What it counts as.
    pub kind: EnvelopeKind,
    /// When it came, in seconds since the epoch.
    pub arrival: f64,
    /// Bytes of the file.
    pub size: i64,
}

/// What a file counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// A message, with a sender and recipients.
    Message,
    /// No more than a file: its first record is none that a message begins
    /// with. Observed: it counts, but has no sender, no recipient, and is as old
    /// as can be.
    File,
}

/// Whether a file of that name is looked at.
pub fn is_candidate(name: &[u8]) -> bool {
    // To Perl a line's end may come before the end of a text.
    let name = name.strip_suffix(b"\n").unwrap_or(name);
    name.len() >= NAME_MIN && name.iter().all(u8::is_ascii_alphanumeric)
}

/// Opens the file `name` in `dir`, once; `None` if it cannot count. An error
/// is that the process has run out of something: a count without the file
/// would be wrong.
pub fn open(dir: &Dir, name: &[u8]) -> io::Result<Option<Message>> {
    let (file, stat) = match message::open_any(dir, name) {
        Ok(opened) => opened,
        Err(cause) if message::is_exhaustion(&cause) => return Err(cause),
        // Gone, a link, or not ours to read: observed, no word of it.
        Err(_) => return Ok(None),
    };
    let counts = message::is_regular(&stat) && stat.st_mode & MODE.1 == MODE.0;
    Ok(counts.then_some(Message { file, stat }))
}

/// Reads one file after the other with the same buffers.
#[derive(Debug, Default)]
pub struct EnvelopeReader {
    buffers: Buffers,
}

impl EnvelopeReader {
    /// Reads an open file; `None` if it does not count.
    pub fn read(
        &mut self,
        message: &Message,
        addresses: &mut impl Addresses,
    ) -> Option<CountRules> {
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
) -> Option<CountRules> {
    let mut file = Envelope {
        reader,
        content_size: None,
        sender: SeenRecords::No,
        recipient: SeenRecords::No,
        addresses,
    };
    let time = file.begin(stat)?;
    let size = stat.st_size;
    let counts = |kind, arrival| CountRules {
        kind,
        arrival,
        size,
    };
    if let Time::Unknown = time {
        return Some(counts(EnvelopeKind::File, 0.0));
    }
    while file.step()? == Next::Record {}
    if file.sender == SeenRecords::No || file.recipient == SeenRecords::No {
        return None;
    }
    let arrival = match time {
        Time::Modified(seconds) => seconds as f64,
        Time::Recorded(seconds) => seconds,
        Time::Unknown => 0.0,
    };
    Some(counts(EnvelopeKind::Message, arrival))
}

/// Where the time comes from.
enum Time {
    /// A file from postdrop(1): from its inode.
    Modified(i64),
    /// From the record after the sizes, in seconds; a text that begins with
    /// no number is 0.
    Recorded(f64),
    /// From nowhere: the file is no message.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SeenRecords {
    No,
    Yes,
}

#[derive(PartialEq, Eq)]
enum Next {
    Record,
    End,
}

/// A file while it is read. `None` from any step: it does not count.
struct Envelope<'b, 'a, S, A> {
    reader: RecordReader<'b, S>,
    /// Bytes of message text, if the first record says so.
    content_size: Option<u64>,
    sender: SeenRecords,
    recipient: SeenRecords,
    addresses: &'a mut A,
}

impl<S: Source, A: Addresses> Envelope<'_, '_, S, A> {
    /// Reads the first records, which decide where the time comes from.
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
    fn step(&mut self) -> Option<Next> {
        let record = self.next()?;
        match record.kind {
            RecordType::SENDER => self.take_sender(&record),
            RecordType::RECIPIENT => {
                self.recipient = SeenRecords::Yes;
                self.addresses.recipient(self.reader.data_end(&record));
            }
            RecordType::POINTER => self.follow(&record)?,
            // Observed: by then somebody must have sent it.
            RecordType::CONTENT if self.sender == SeenRecords::No => return None,
            RecordType::CONTENT => self.skip_content()?,
            RecordType::END => return Some(Next::End),
            _ => {}
        }
        Some(Next::Record)
    }

    fn take_sender(&mut self, record: &Record) {
        self.sender = SeenRecords::Yes;
        self.addresses.sender(self.reader.data_end(record));
    }

    /// Goes to the record after the message text: by its size, or record by
    /// record.
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

    /// Goes where a pointer leads; nowhere if that is not a number above 0.
    fn follow(&mut self, record: &Record) -> Option<()> {
        let target = numbers::number(self.reader.data(record)).value;
        if target > 0.0 {
            // An offset that no file has saturates, and is none.
            self.reader.jump(target as u64).ok()
        } else {
            Some(())
        }
    }

    fn expect(&mut self, kind: RecordType) -> Option<Record> {
        self.next().filter(|record| record.kind == kind)
    }

    /// The next record, if it is one that is accepted.
    fn next(&mut self) -> Option<Record> {
        let at = self.reader.position();
        let record = match self.reader.next_raw() {
            Ok(record) => record?,
            Err(_) => self.last_record(at)?,
        };
        let length_bytes = record.data.saturating_sub(record.offset).saturating_sub(1);
        (record.kind != FALSE && length_bytes <= LENGTH_BYTES_MAX).then_some(record)
    }

    /// A record at `at` whose length the end of the file cuts off: the bytes
    /// that are missing count as zero, so that it is empty or no record.
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

/// The first of at least three numbers in a size record.
fn content_size(text: &[u8]) -> Option<u64> {
    let mut rest = text;
    let mut first = None;
    for number in 0..3 {
        let blanks = rest.iter().take_while(|b| is_space(**b)).count();
        if number > 0 && blanks == 0 {
            return None;
        }
        let (_, digits) = rest.split_at(blanks);
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, after) = digits.split_at(count);
        if digits.is_empty() {
            return None;
        }
        first = first.or_else(|| Some(saturating(digits)));
        rest = after;
    }
    first
}

/// A number that is as large as it can be if it does not fit.
fn saturating(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number: u64, digit| {
        let digit = u64::from(digit & 0x0f);
        number.saturating_mul(10).saturating_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue_file::records::writer::RecordWriter;

    #[derive(Default)]
    struct Said(Vec<String>);

    impl Addresses for Said {
        fn sender(&mut self, address: &[u8]) {
            self.0.push(format!("S {}", address.escape_ascii()));
        }

        fn recipient(&mut self, address: &[u8]) {
            self.0.push(format!("R {}", address.escape_ascii()));
        }
    }

    /// What a file counts as, and its addresses.
    fn look(bytes: &[u8]) -> (Option<CountRules>, Said) {
        let mut said = Said::default();
        let mut stat = nix::sys::stat::stat("/").expect("a directory");
        stat.st_mtime = 1234;
        let mut buffers = Buffers::default();
        let reader = RecordReader::new(bytes, &mut buffers);
        let counts = read(reader, &stat, &mut said);
        (counts, said)
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
    fn a_message_counts_when_it_is_complete() {
        let good = file(&GOOD);
        assert!(look(&good).0.is_none(), "the end record is missing");
        let (counts, said) = look(&[&good[..], b"E"].concat());
        assert_eq!(
            counts.map(|c| (c.kind, c.arrival)),
            Some((EnvelopeKind::Message, 1.7e9))
        );
        assert_eq!(said.0, ["S s@x", "R r@y\\x00"]);
    }

    #[test]
    fn a_message_that_is_odd_anywhere_does_not_count() {
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
    fn dropped_mail_is_as_old_as_its_file() {
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
    fn what_is_no_message_is_a_file() {
        for bytes in [&b""[..], b"C\x09short", b"A\0S\x01sR\x01rE\0"] {
            let (counts, said) = look(bytes);
            assert_eq!(
                counts.map(|c| (c.kind, c.arrival)),
                Some((EnvelopeKind::File, 0.0))
            );
            assert!(said.0.is_empty());
        }
    }

    #[test]
    fn texts_that_are_no_numbers_count_as_zero() {
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
    fn pointers_that_lead_back_for_ever_come_to_an_end() {
        let mut circle = file(&[(b'S', "s"), (b'R', "r")]);
        let start = circle.len();
        circle.extend(file(&[(b'w', "x"), (b'p', &start.to_string())]));
        assert!(look(&circle).0.is_none());
    }

    #[test]
    fn names_of_candidates_are_letters_and_digits() {
        for (name, is_candidate_) in [
            (&b"ABCDEF"[..], true),
            (b"3A78999CD00", true),
            (b"ABCDEF\n", true),
            (b"ABCDE", false),
            (b"ABC_EF", false),
            (b"ABCDEF\n\n", false),
            (b"\xc3\xa9BCDEF", false),
        ] {
            assert_eq!(is_candidate(name), is_candidate_, "{name:?}");
        }
    }
}
