//! Queue files for postcat: every record type, odd content, pointers,
//! wrong sizes, damage. One seed gives one file.

use fastrand::Rng;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::text::any_bytes;
use super::{chance, pick};

const LINES: [&[u8]; 14] = [
    b"subject: a message",
    b"",
    b" continued",
    b"\tcontinued",
    b"From: x@y",
    b"no header",
    b":",
    b"x\0y: z",
    b"name :value",
    b"caf\xc3\xa9: x",
    b"subject: \0 nul",
    b"tail\0",
    b"\x1b[2Jescape",
    b".",
];

const ATTRIBUTES: [&[u8]; 16] = [
    b"create_time=1700000000",
    b"a=b",
    b"abc",
    b"",
    b"=x",
    b" n = v ",
    b"n v=x",
    b"create_time =7",
    b"create_time\0=1",
    b"x=\0",
    b"\xc3\xa9=\x1b",
    b"n\n=\nv\n",
    b" abc ",
    b"client_name=localhost",
    b"encoding=8bit",
    b"abc\x1b\n",
];

const NUMBERS: [&[u8]; 12] = [
    b"",
    b"0",
    b"5",
    b"-5",
    b"  7 x",
    b"1700000000 5",
    b"x",
    b"1\x002",
    b"253402300800",
    b"-99999999999",
    b"+3",
    b"67767976233532799",
];

const SIZES: [&[u8]; 12] = [
    b"",
    b"5",
    b"x",
    b"0 0",
    b"7 0",
    b"-1 40",
    b"999999 5",
    b"9223372036854775807 9",
    b"-5 -5",
    b"5,6",
    b"\x0b5\t6",
    b"99999999999999999999 4",
];

const POINTERS: [&[u8]; 8] = [b"0", b"abc", b"", b"5\0", b"99999", b"-1", b" 7 ", b"12x"];

/// Types of the envelope, the usual ones more often.
const ENVELOPE: &[u8] = b"TSRRRRAAAAAAOoniVW<LIFDKK/w?>fcrePN\0\xff";

/// Bytes a pointer record takes.
const POINTER_SIZE: usize = 17;

/// Makes a file.
pub fn file(rng: &mut Rng) -> Vec<u8> {
    let mut file = match rng.u32(0..10) {
        0..7 => message(rng),
        7..9 => heap(rng),
        _ => {
            let first = pick(rng, b"MCTcFILSDRO/WVA>K<ion\0");
            [&[first][..], &any_bytes(rng, 80)].concat()
        }
    };
    if chance(rng, 35) {
        for _ in 0..rng.u32(1..4) {
            insert_pointer(rng, &mut file);
        }
    }
    if chance(rng, 20) {
        damage(rng, &mut file);
    }
    file
}

/// Segments in their order, most of the time with the sizes that are right.
fn message(rng: &mut Rng) -> Vec<u8> {
    let mut content = RecordWriter::new();
    for _ in 0..rng.u32(0..4) {
        content.record(RecordType::TEXT, b"header: line");
    }
    for _ in 0..rng.u32(0..9) {
        line(rng, &mut content);
    }
    if chance(rng, 20) {
        content.record(RecordType::PADDING, b"zz");
    }
    let content = content.into_bytes();
    let mut envelope = RecordWriter::new();
    for _ in 0..rng.u32(0..7) {
        envelope_record(rng, &mut envelope);
    }
    let envelope = envelope.into_bytes();
    let mut file = RecordWriter::new();
    sizes(rng, &mut file, envelope.len(), content.len());
    file.raw(&envelope);
    if chance(rng, 95) {
        file.record(RecordType::CONTENT, b"");
    }
    file.raw(&content);
    if chance(rng, 95) {
        file.record(RecordType::EXTRACTED, b"");
    }
    for _ in 0..rng.u32(0..4) {
        envelope_record(rng, &mut file);
    }
    if chance(rng, 90) {
        file.record(RecordType::END, b"");
    }
    if chance(rng, 25) {
        envelope_record(rng, &mut file);
    }
    file.into_bytes()
}

/// Records in no order.
fn heap(rng: &mut Rng) -> Vec<u8> {
    let mut file = RecordWriter::new();
    for _ in 0..rng.u32(0..14) {
        match rng.u32(0..12) {
            0 | 1 => line(rng, &mut file),
            2..6 => envelope_record(rng, &mut file),
            6 => drop(file.record(RecordType::CONTENT, b"")),
            7 => drop(file.record(RecordType::EXTRACTED, b"")),
            8 => drop(file.record(RecordType::END, b"")),
            9 => {
                let (size, offset) = (rng.u32(0..200), rng.u32(1..200));
                file.record(
                    RecordType::SIZE,
                    format!("{size:15} {offset:15}").as_bytes(),
                );
            }
            _ => {
                let data = any_bytes(rng, 30);
                file.record(RecordType(rng.u8(..)), &data);
            }
        }
    }
    file.into_bytes()
}

fn sizes(rng: &mut Rng, file: &mut RecordWriter, envelope: usize, content: usize) {
    // A size record of two numbers takes 2 + 31 bytes.
    let offset = 33 + envelope + 2;
    let text = |size: usize, offset: usize| format!("{size:15} {offset:15}");
    match rng.u32(0..100) {
        0..70 => file.record(RecordType::SIZE, text(content, offset).as_bytes()),
        70..80 => file,
        80..90 => {
            let (size, offset) = (rng.usize(0..content + 60), rng.usize(0..offset + 30));
            file.record(RecordType::SIZE, text(size, offset).as_bytes())
        }
        _ => {
            let odd = pick(rng, &SIZES);
            file.record(RecordType::SIZE, odd);
            file.record(RecordType::SIZE, text(content, offset).as_bytes())
        }
    };
}

fn line(rng: &mut Rng, file: &mut RecordWriter) {
    let kind = match rng.u32(0..5) {
        0 => RecordType::UNTERMINATED_TEXT,
        _ => RecordType::TEXT,
    };
    if chance(rng, 80) {
        file.record(kind, pick(rng, &LINES));
    } else {
        let length = pick(rng, &[1, 50, 127, 128, 200, 5_000, 140_000]);
        file.record(kind, &vec![b'w'; length]);
    }
}

fn envelope_record(rng: &mut Rng, file: &mut RecordWriter) {
    let kind = RecordType(pick(rng, ENVELOPE));
    match kind {
        RecordType::ATTRIBUTE => file.record(kind, pick(rng, &ATTRIBUTES)),
        RecordType::TIME | RecordType::WARNING_TIME => file.record(kind, pick(rng, &NUMBERS)),
        RecordType::PADDING => file.record(kind, &vec![0; rng.usize(0..30)]),
        _ if chance(rng, 20) => {
            let data = any_bytes(rng, 20);
            file.record(kind, &data)
        }
        _ => file.record(
            kind,
            pick(rng, &[&b"x@y"[..], b"", b"a\0b", b"\xff", b"\x1b[31m"]),
        ),
    };
}

/// The offsets of the records, as far as they can be read.
pub fn boundaries(file: &[u8]) -> Vec<usize> {
    let mut boundaries = vec![0];
    let mut at = 0;
    while at < file.len() {
        let mut length = 0usize;
        let mut shift = 0;
        at += 1;
        while let Some(byte) = file.get(at).filter(|_| shift < 28) {
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            at += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += length;
        if at <= file.len() {
            boundaries.push(at);
        }
    }
    boundaries
}

fn insert_pointer(rng: &mut Rng, file: &mut Vec<u8>) {
    let boundaries = boundaries(file);
    let at = pick(rng, &boundaries);
    let target = pick(rng, &boundaries);
    let mut pointer = RecordWriter::new();
    match rng.u32(0..5) {
        0 => pointer.pointer(target),
        1 => pointer.pointer(target + POINTER_SIZE),
        2 => pointer.pointer(at + POINTER_SIZE),
        3 => pointer.pointer(file.len() + POINTER_SIZE),
        _ => pointer.record(RecordType::POINTER, pick(rng, &POINTERS)),
    };
    file.splice(at..at, pointer.into_bytes());
}

fn damage(rng: &mut Rng, file: &mut Vec<u8>) {
    if file.is_empty() {
        return;
    }
    let at = rng.usize(0..file.len());
    match rng.u32(0..4) {
        0 => file.truncate(at),
        1 => file[at] ^= 1 << rng.u32(0..8),
        2 => drop(file.splice(at..at, any_bytes(rng, 9))),
        _ => {
            file.truncate(at);
            file.extend(b"N\xff\xff\xff\x7f too long");
        }
    }
}
