//! Any bytes as a queue file: read record by record, shown by postcat, listed
//! by postqueue, counted by qshape, looked for by a selection.
//!
//! The last byte of the input chooses options. It may stand after the end
//! record, so that any queue file is an input as it is.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::OwnedFd;

use spoolbox::queue_file::envelope::{Addresses, EnvelopeKind, EnvelopeReader};
use spoolbox::queue_file::message_text;
use spoolbox::queue_file::message_text::{Next, TextPiece};
use spoolbox::queue_file::records::writer::RecordWriter;
use spoolbox::queue_file::records::{Buffers, RecordReader, RecordType, StreamSource, TEXT_MAX};
use spoolbox::queue_file::render;
use spoolbox::queue_file::render::{Flag, OutputSink, Plan, RawFormat, StartPosition, TextBuffer};
use spoolbox::release::{Installed, Release};
use spoolbox::spool::message::Message;
use spoolbox::sys::source::{FileSource, Source};

use super::scratch;

mod listed;

const FLAGS: [Flag; 8] = [
    Flag::Envelope,
    Flag::Header,
    Flag::Body,
    Flag::FileName,
    Flag::Offset,
    Flag::Type,
    Flag::Raw,
    Flag::FileOrder,
];
/// Records after which a reader has seen enough: pointers lead back ten
/// thousand times.
const RECORDS_MAX: usize = 12_000;
/// Bytes after which who is shown a file has seen enough.
const SHOWN_MAX: usize = 1 << 20;
/// Bytes that a pipe takes while there is no reader.
const PIPE: usize = 32 * 1024;

/// Type and data of each record.
type Records = Vec<(RecordType, Vec<u8>)>;

/// Reads any bytes as a queue file: raw and cooked, from memory, a file and a
/// pipe, and shows it with every option.
pub fn records(input: &[u8]) {
    let raw = raw_records(input);
    assert_written_alike(&raw.0);
    assert_read_alike(input, &raw);
    let options = input.last().copied().unwrap_or(0);
    shown(input, options);
    // Each of them follows all pointers once more: one is enough at a time.
    match input.len() % 3 {
        0 => message_alone(input, RawFormat::Plain),
        1 => message_alone(input, RawFormat::Mbox),
        _ => as_json(input),
    }
}

/// The records in the order of the file, and what ended the reading.
fn raw_records(file: impl Source) -> (Records, Option<String>) {
    let mut buffers = Buffers::default();
    let mut reader = RecordReader::new(file, &mut buffers);
    let mut records = Vec::new();
    loop {
        let record = match reader.next_raw() {
            Ok(Some(record)) => record,
            Ok(None) => return (records, None),
            Err(error) => return (records, Some(error.to_string())),
        };
        assert_eq!(reader.position(), record.data + record.length);
        let data = reader.data(&record).to_vec();
        assert_eq!(data.len() as u64, record.length.min(TEXT_MAX as u64));
        let to_nul = data.split(|&b| b == 0).next().unwrap_or_default();
        assert_eq!(reader.text(&record), to_nul);
        let mut pieces = Vec::new();
        while pieces.len() < data.len() {
            let piece = reader.chunk(&record, pieces.len() as u64);
            assert!(!piece.is_empty(), "a record that is not there");
            pieces.extend_from_slice(piece);
        }
        assert_eq!(pieces, data);
        assert!(reader.chunk(&record, record.length).is_empty());
        records.push((record.kind, data));
    }
}

/// What was read is written, and reads the same.
fn assert_written_alike(records: &Records) {
    let mut file = RecordWriter::new();
    for (kind, data) in records {
        file.record(*kind, data);
    }
    let file = file.into_bytes();
    assert_eq!(raw_records(&file[..]), (records.clone(), None));
}

/// From wherever the bytes come, they are the same records.
fn assert_read_alike(input: &[u8], raw: &(Records, Option<String>)) {
    let cooked = cooked_records(input);
    scratch::with(|scratch| {
        let file = scratch.write("file", input);
        let size = input.len() as u64;
        let source = FileSource { file: &file, size };
        assert_eq!(&raw_records(&source), raw);
        assert_eq!(cooked_records(&source), cooked);
        // A reader that examined the file before it grew.
        let source = FileSource {
            file: &file,
            size: size / 2,
        };
        assert_eq!(&raw_records(&source), raw);
    });
    if input.len() <= PIPE {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(input).expect("room in the pipe");
        drop(writer);
        let source = StreamSource::new(File::from(OwnedFd::from(reader)));
        assert_eq!(&raw_records(&source), raw);
    }
}

/// The records as a reader of messages sees them, and what ended the reading.
fn cooked_records(file: impl Source) -> (Records, Option<String>) {
    let mut buffers = Buffers::default();
    let mut reader = RecordReader::new(file, &mut buffers);
    let mut records = Vec::new();
    let mut has_ended = false;
    while records.len() < RECORDS_MAX {
        match reader.next_cooked() {
            Ok(Some(record)) => {
                assert!(!has_ended, "a record after the end");
                assert_ne!(record.kind, RecordType::PADDING);
                assert_ne!(record.kind, RecordType::POINTER);
                has_ended = record.kind == RecordType::END;
                records.push((record.kind, reader.text(&record).to_vec()));
            }
            Ok(None) => return (records, None),
            Err(error) => return (records, Some(error.to_string())),
        }
    }
    (records, Some("enough".to_owned()))
}

/// Postfixes whose files and listings differ.
const RELEASES: [&str; 4] = ["3.4.13", "3.7.11", "3.10.13", "3.12"];

/// Keeps what is printed, and has seen enough after a while.
#[derive(Default)]
struct Printed {
    text: Vec<u8>,
}

impl OutputSink for Printed {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(piece);
        match self.text.len() > SHOWN_MAX {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }

    fn warning(&mut self, text: &[u8]) {
        assert!(!text.is_empty());
    }
}

fn shown(file: &[u8], options: u8) {
    let mut plan = Plan::default();
    for (bit, flag) in FLAGS.into_iter().enumerate() {
        if options & (1 << bit) != 0 {
            plan.add(flag);
        }
    }
    let plan = plan.or_all_parts();
    let version = RELEASES[usize::from(options & 3)];
    let release = Release::parse(version).expect("a version");
    let postfix = Installed::of_release(release);
    let mut buffers = Buffers::default();
    let mut output = TextBuffer::new(Printed::default());
    let mut reader = RecordReader::new(file, &mut buffers);
    let _ = render::show(
        &mut reader,
        b"fuzz",
        plan,
        StartPosition::AtStart,
        &postfix,
        &mut output,
    );
    let mut output = TextBuffer::new(Printed::default());
    let mut reader = RecordReader::new(file, &mut buffers);
    // Anywhere, between records or not.
    let _ = reader.start_at(options.into());
    let _ = render::show(
        &mut reader,
        b"fuzz",
        plan,
        StartPosition::Within,
        &postfix,
        &mut output,
    );
}

/// Only an entry of a mailbox may look like the beginning of one.
fn message_alone(file: &[u8], form: RawFormat) {
    let mut buffers = Buffers::default();
    let mut output = TextBuffer::new(Printed::default());
    let mut reader = RecordReader::new(file, &mut buffers);
    let done = render::raw_message(&mut reader, b"fuzz", form, 0, &mut output);
    let _ = output.flush();
    let text = &output.sink().text;
    if done.is_err() || form == RawFormat::Plain || text.is_empty() {
        return;
    }
    let lines = text.split(|&b| b == b'\n');
    let begins = lines.filter(|line| line.starts_with(b"From ")).count();
    assert_eq!(begins, 1, "{}", text.escape_ascii());
    assert!(text.ends_with(b"\n"), "{}", text.escape_ascii());
}

fn as_json(file: &[u8]) {
    let mut buffers = Buffers::default();
    let mut output = TextBuffer::new(Printed::default());
    let mut reader = RecordReader::new(file, &mut buffers);
    let done = render::json(&mut reader, (b"fuzz", None), &mut output);
    if done.is_ok() && output.flush().is_ok() {
        let text = &output.sink().text;
        super::assert_json_lines(text);
        super::assert_harmless(text);
    }
}

/// Reads any bytes as a message that is listed, selected and counted.
pub fn listing(input: &[u8]) {
    let options = input.last().copied().unwrap_or(0);
    scratch::with(|scratch| {
        let message = scratch.message(input);
        let version = RELEASES[usize::from(options & 3)];
        let release = Release::parse(version).expect("a version");
        listed::listed_in_every_form(scratch, &message, release);
        listed::counted_in_every_form(scratch, &message, release);
        listed::selected_or_not(scratch, &message, release);
        counted(&message);
        text_of(&message);
    });
}

/// The addresses that qshape counts, as long as there are few.
#[derive(Default)]
struct Seen {
    senders: usize,
    recipients: usize,
}

impl Addresses for Seen {
    fn sender(&mut self, _: &[u8]) {
        self.senders += 1;
    }

    fn recipient(&mut self, _: &[u8]) {
        self.recipients += 1;
    }
}

fn counted(message: &Message) {
    let mut seen = Seen::default();
    let counts = EnvelopeReader::default().read(message, &mut seen);
    if counts.is_some_and(|counts| counts.kind == EnvelopeKind::Message) {
        assert!(seen.senders > 0 && seen.recipients > 0);
    }
}

fn text_of(message: &Message) {
    let mut pieces = 0;
    let mut in_body = false;
    message_text::read(message, &mut Buffers::default(), None, |piece| {
        pieces += 1;
        match piece {
            TextPiece::Header(name, value) => {
                assert!(!in_body, "a header in the body");
                assert!(!name.is_empty() && !name.contains(&b':'));
                assert!(!value.first().is_some_and(u8::is_ascii_whitespace));
            }
            TextPiece::Line(_) => in_body = true,
        }
        match pieces < RECORDS_MAX {
            true => Next::More,
            false => Next::Stop,
        }
    })
    .expect("a file that can be read");
}
