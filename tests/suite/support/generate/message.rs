//! Queue files: as cleanup(8) writes them, with odd fields, and broken.

use fastrand::Rng;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::suspect::{Comparability, comparability};
use super::text::{address, any_bytes};
use super::{Input, chance, pick};

/// A queue file to be written.
pub struct Draft {
    pub content: Vec<u8>,
    /// Its recipients, for the logs.
    pub recipients: Vec<Vec<u8>>,
}

const ODD_SIZES: [&[u8]; 13] = [
    b"",
    b" ",
    b"abc",
    b"12x",
    b"-5",
    b"+5",
    b"0x10",
    b"1.5",
    b"12 34",
    b" \t 7",
    b"12\0 34",
    b"9999999999",
    b"7 a size record with more text than fits into the hundred bytes that a warning shows of it, so cut",
];

/// No file can be that long: moving there from the content record fails, and
/// that ends the listing. Not compared: what Postfix prints then depends on
/// how full a buffer was.
const BEYOND_ANY_FILE: [&[u8]; 3] = [
    b"9223372036854775807",
    b"9223372036854775808",
    b"99999999999999999999",
];

const ODD_TIMES: [&[u8]; 17] = [
    b"0 0",
    b"",
    b"abc",
    b" 1700000000 5",
    b"1700000000",
    b"1700000000abc",
    b"1 0",
    b"-5 0",
    b"-86400 0",
    b"-2208988800 0",
    b"2147483648 0",
    b"4294967296 0",
    b"32503680000 0",
    b"253402300799 0",
    b"253402300800 0",
    b"3093527980800 0",
    b"1700000000\x001",
];

/// Makes a message for `queue`.
pub fn draft(rng: &mut Rng, queue: &str, recipients: usize, input: Input) -> Draft {
    loop {
        let recipients: Vec<_> = (0..recipients).map(|_| address(rng)).collect();
        let mut content = match queue {
            "maildrop" => maildrop_file(rng, &recipients),
            _ => queue_file(rng, &recipients, input),
        };
        if chance(rng, 15) {
            damage(rng, &mut content);
        }
        if input == Input::Any || comparability(&content) == Comparability::Comparable {
            return Draft {
                content,
                recipients,
            };
        }
    }
}

fn maildrop_file(rng: &mut Rng, recipients: &[Vec<u8>]) -> Vec<u8> {
    let mut file = RecordWriter::new();
    if chance(rng, 20) {
        write_times(rng, &mut file);
    }
    file.record(RecordType::ATTRIBUTE, b"rewrite_context=local");
    write_sender(rng, &mut file);
    write_recipients(rng, &mut file, recipients);
    file.record(RecordType::CONTENT, b"");
    write_content(rng, &mut file);
    file.record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    file.into_bytes()
}

fn queue_file(rng: &mut Rng, recipients: &[Vec<u8>], input: Input) -> Vec<u8> {
    // The size stands before what it measures: write the rest first.
    let mut content = RecordWriter::new();
    write_content(rng, &mut content);
    let content = content.into_bytes();
    let split = match rng.u32(0..4) {
        0 => 0,
        1 => rng.usize(0..=recipients.len()),
        _ => recipients.len(),
    };
    let (before, after) = recipients.split_at(split);
    let mut file = RecordWriter::new();
    write_sizes(rng, &mut file, content.len(), input);
    write_times(rng, &mut file);
    write_attributes(rng, &mut file);
    write_sender(rng, &mut file);
    write_attributes(rng, &mut file);
    write_recipients(rng, &mut file, before);
    file.pointer(0);
    file.record(RecordType::CONTENT, b"");
    file.raw(&content);
    file.record(RecordType::EXTRACTED, b"");
    write_recipients(rng, &mut file, after);
    write_end(rng, file)
}

/// The end record, or a jump over it into records after it.
fn write_end(rng: &mut Rng, mut file: RecordWriter) -> Vec<u8> {
    if !chance(rng, 8) {
        file.record(RecordType::END, b"");
        return file.into_bytes();
    }
    let pointer_at = file.offset();
    // A pointer record takes 17 bytes, an end record 2.
    let heap = pointer_at + 17 + 2;
    let target = match rng.u32(0..5) {
        // Back into itself, or past the end.
        0 => pointer_at,
        1 => heap + 10_000,
        _ => heap,
    };
    file.pointer(target).record(RecordType::END, b"");
    let late = address(rng);
    file.record(RecordType::RECIPIENT, &late);
    if chance(rng, 50) {
        file.pointer(pointer_at + 17);
    }
    file.into_bytes()
}

fn write_sizes(rng: &mut Rng, file: &mut RecordWriter, content: usize, input: Input) {
    let good = |size: usize| format!("{size:15} {:15} {:15} {:15} {size:15}", 0, 1, 0);
    let wrong = rng.usize(0..content * 2 + 300);
    match rng.u32(0..100) {
        0..66 => {
            file.record(RecordType::SIZE, good(content).as_bytes());
        }
        66..72 => {}
        72..80 => {
            file.record(RecordType::SIZE, good(wrong).as_bytes());
        }
        80..86 => {
            let odd = pick(rng, &ODD_SIZES);
            file.record(RecordType::SIZE, odd);
            file.record(RecordType::SIZE, good(content).as_bytes());
        }
        86..92 => {
            file.record(RecordType::SIZE, good(content).as_bytes());
            file.record(RecordType::SIZE, good(wrong).as_bytes());
        }
        92 if input == Input::Any => {
            let beyond = pick(rng, &BEYOND_ANY_FILE);
            file.record(RecordType::SIZE, beyond);
        }
        92..94 => {
            // Wider than its column.
            let wide = pick(rng, &["99999999", "123456789", "1234567890123"]);
            file.record(RecordType::SIZE, wide.as_bytes());
        }
        _ => {
            let odd = pick(rng, &ODD_SIZES);
            file.record(RecordType::SIZE, odd);
        }
    }
}

fn write_times(rng: &mut Rng, file: &mut RecordWriter) {
    let usual = format!(
        "{} {}",
        rng.u32(1_600_000_000..1_800_000_000),
        rng.u32(0..1_000_000)
    );
    match rng.u32(0..100) {
        0..75 => {
            file.record(RecordType::TIME, usual.as_bytes());
        }
        75..79 => {}
        79..88 => {
            let odd = pick(rng, &ODD_TIMES);
            file.record(RecordType::TIME, odd);
        }
        _ => {
            for _ in 0..rng.usize(2..4) {
                let odd = pick(rng, &ODD_TIMES);
                file.record(RecordType::TIME, odd);
            }
            file.record(RecordType::TIME, usual.as_bytes());
        }
    }
}

fn write_attributes(rng: &mut Rng, file: &mut RecordWriter) {
    for _ in 0..rng.usize(0..4) {
        match rng.u32(0..10) {
            0 => file.record(RecordType::WARNING_TIME, b"     1700000000"),
            1 => file.record(RecordType::FULL_NAME, b"Full Name"),
            2 => file.record(RecordType::PADDING, &[0; 40]),
            3 => {
                // An unknown type, but none that has a meaning here.
                let unknown = RecordType(pick(rng, b"?!Zz\x00\xff\n "));
                let data = any_bytes(rng, 60);
                file.record(unknown, &data)
            }
            4 => file.record(RecordType(b'c'), b"1700000000"),
            _ => file.record(RecordType::ATTRIBUTE, b"client_name=localhost"),
        };
    }
}

fn write_sender(rng: &mut Rng, file: &mut RecordWriter) {
    let sender = if chance(rng, 10) {
        Vec::new()
    } else {
        address(rng)
    };
    file.record(RecordType::SENDER, &sender);
}

fn write_recipients(rng: &mut Rng, file: &mut RecordWriter, recipients: &[Vec<u8>]) {
    for recipient in recipients {
        if chance(rng, 6) {
            file.record(RecordType::DSN_ORIGINAL_RECIPIENT, b"rfc822;o@example.com");
            file.record(RecordType::DSN_NOTIFY, b"1");
        }
        if chance(rng, 50) {
            let original = if chance(rng, 80) {
                recipient.clone()
            } else {
                address(rng)
            };
            file.record(RecordType::ORIGINAL_RECIPIENT, &original);
        }
        let kind = match rng.u32(0..100) {
            0..90 => RecordType::RECIPIENT,
            90..95 => RecordType::DONE_RECIPIENT,
            95..98 => RecordType(b'K'),
            _ => RecordType::CANCELED_RECIPIENT,
        };
        file.record(kind, recipient);
    }
}

fn write_content(rng: &mut Rng, file: &mut RecordWriter) {
    let lines = match rng.u32(0..20) {
        0 => 0,
        1 => rng.usize(500..3_000),
        _ => rng.usize(1..30),
    };
    file.record(RecordType::TEXT, b"subject: a message");
    for number in 0..lines {
        let text = format!("line {number} of the content, as long as most lines of a mail are");
        let kind = if chance(rng, 10) {
            RecordType::UNTERMINATED_TEXT
        } else {
            RecordType::TEXT
        };
        file.record(kind, text.as_bytes());
    }
}

/// Breaks a file in one way or another.
fn damage(rng: &mut Rng, content: &mut Vec<u8>) {
    let at = rng.usize(0..=content.len());
    match rng.u32(0..9) {
        0 | 1 => content.truncate(at),
        2 => content.truncate(rng.usize(0..60).min(content.len())),
        3 => {
            for _ in 0..rng.usize(1..6) {
                let place = rng.usize(0..content.len().max(1));
                if let Some(byte) = content.get_mut(place) {
                    *byte ^= 1 << rng.u32(0..8);
                }
            }
        }
        4 => insert(content, at, &vec![0; rng.usize(1..20)]),
        5 => insert(content, at, &any_bytes(rng, 30)),
        6 => {
            // A length far beyond the end of the file.
            let mut header = RecordWriter::new();
            header.header(RecordType::TEXT, rng.usize(1_000..200_000_000));
            insert(content, at, &header.into_bytes());
        }
        7 => {
            let mut pointer = RecordWriter::new();
            let bad = pick(
                rng,
                &[
                    &b"abc"[..],
                    b"-1",
                    b"",
                    b"12x",
                    b"99999999999999999999",
                    b" 7 ",
                ],
            );
            pointer.record(RecordType::POINTER, bad);
            insert(content, at, &pointer.into_bytes());
        }
        _ => {
            let mut pointer = RecordWriter::new();
            pointer.pointer(rng.usize(0..content.len() + 50));
            insert(content, at, &pointer.into_bytes());
        }
    }
}

fn insert(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    content.splice(at..at, bytes.iter().copied());
}
