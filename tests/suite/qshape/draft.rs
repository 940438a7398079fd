//! Queue files for qshape: of any age, to all kinds of domains, with records
//! in every order, pointers, and cut short.

use std::time::{SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use crate::support::generate::{chance, pick};

const DOMAINS: [&[u8]; 34] = [
    b"example.com",
    b"example.com",
    b"Example.COM",
    b"a.example.com",
    b"b.example.com",
    b"c.example.com",
    b"d.example.com",
    b"e.example.com",
    b"x.a.example.com",
    b"y.a.example.com",
    b"x.y.z.a.example.com",
    b"org",
    b"a.org",
    b"five5",
    b"total",
    b"a.very.long.domain.name.that.fills.more.than.its.column.example.com",
    b"b.very.long.domain.name.that.fills.more.than.its.column.example.com",
    b"",
    b".",
    b"..",
    b"...",
    b".dot.example",
    b"dot.example.",
    b"..dot.example..",
    b"...dot.example...",
    b"dot....example",
    b"dots.....",
    b"[192.0.2.1]",
    b"caf\xc3\xa9.example",
    b"\xff\x80.example",
    b"esc\x1b[31m.example",
    b"nul\0byte.example",
    b"line\nend.example.org",
    b"b l a n k",
];

const LOCAL_PARTS: [&[u8]; 8] = [b"a", b"A", b"x@y", b"\"q@r\"", b"", b"l\ne", b"@", b"."];

/// Texts where numbers are expected.
pub const NO_NUMBERS: [&[u8]; 18] = [
    b"",
    b" ",
    b"x",
    b"0",
    b"-1",
    b"+5",
    b"1e1",
    b"0x10",
    b"3x",
    b" 7",
    b"7 ",
    b"1_0",
    b".",
    b".5",
    b"nan",
    b"1\x001",
    b"\xe9\x80\x1b",
    b"0 but true",
];

pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("a time")
}

pub fn address(rng: &mut Rng) -> Vec<u8> {
    if chance(rng, 4) {
        return pick(rng, &DOMAINS).to_vec();
    }
    let (local, domain) = match chance(rng, 80) {
        true => (LOCAL_PARTS[0], pick(rng, &DOMAINS[..16])),
        false => (pick(rng, &LOCAL_PARTS), pick(rng, &DOMAINS)),
    };
    [local, b"@", domain].concat()
}

/// An age in seconds, as many young as old.
pub fn age(rng: &mut Rng) -> i64 {
    let doubled = rng.u32(0..22);
    rng.i64(-3..1 << doubled.max(2))
}

/// A queue file, good or not.
pub fn file(rng: &mut Rng) -> Vec<u8> {
    let mut file = RecordWriter::new();
    let content = content(rng);
    let in_order = chance(rng, 85);
    match rng.u32(0..100) {
        0..80 => {
            file.record(RecordType::SIZE, &size(rng, content.len()))
                .record(RecordType::TIME, &time(rng));
        }
        80..90 => {
            if chance(rng, 50) {
                file.record(RecordType::FULL_NAME, b"Full Name");
            }
            file.record(RecordType::SENDER, &address(rng));
        }
        _ => odd_record(rng, &mut file),
    }
    if in_order {
        file.record(RecordType::SENDER, &address(rng));
    }
    recipients(rng, &mut file);
    if !in_order {
        (0..rng.u32(0..6)).for_each(|_| odd_record(rng, &mut file));
    }
    file.record(RecordType::CONTENT, b"").raw(&content);
    file.record(RecordType::EXTRACTED, b"");
    if chance(rng, 20) {
        recipients(rng, &mut file);
    }
    file.record(RecordType::END, b"");
    let mut bytes = file.into_bytes();
    match rng.u32(0..100) {
        0..4 => bytes.truncate(rng.usize(0..=bytes.len())),
        4..8 => {
            let at = rng.usize(0..bytes.len());
            bytes[at] = rng.u8(..);
        }
        8 => bytes.pop().map_or((), drop),
        _ => {}
    }
    bytes
}

fn recipients(rng: &mut Rng, file: &mut RecordWriter) {
    let count = pick(rng, &[0, 1, 1, 1, 1, 1, 2, 3, 8, 60]);
    for _ in 0..count {
        if chance(rng, 10) {
            file.record(RecordType::ORIGINAL_RECIPIENT, &address(rng));
        }
        file.record(RecordType::RECIPIENT, &address(rng));
    }
}

fn content(rng: &mut Rng) -> Vec<u8> {
    let mut content = RecordWriter::new();
    for _ in 0..rng.u32(0..5) {
        content.record(RecordType::TEXT, b"a line");
    }
    if chance(rng, 4) {
        odd_record(rng, &mut content);
    }
    content.into_bytes()
}

fn size(rng: &mut Rng, size: usize) -> Vec<u8> {
    match rng.u32(0..100) {
        0..85 => format!("{size:15} {:15} {:15}", 0, 1).into_bytes(),
        85..90 => format!("{size} 0").into_bytes(),
        90..95 => format!("{} 0 0", rng.usize(0..200)).into_bytes(),
        _ => pick(rng, &NO_NUMBERS).to_vec(),
    }
}

fn time(rng: &mut Rng) -> Vec<u8> {
    let time = now() - age(rng);
    match rng.u32(0..100) {
        0..90 => format!("{time} {}", rng.u32(0..1_000_000)).into_bytes(),
        90..93 => format!("{time}.5x").into_bytes(),
        93..96 => rng.i64(0..9_000_000_000).to_string().into_bytes(),
        _ => pick(rng, &NO_NUMBERS).to_vec(),
    }
}

fn odd_record(rng: &mut Rng, file: &mut RecordWriter) {
    let here = file.offset();
    match rng.u32(0..10) {
        // Forward only: the original goes round for ever.
        0 => drop(file.pointer(here + 17 + rng.usize(0..40))),
        1 => drop(file.record(RecordType::POINTER, b"0")),
        2 => drop(file.record(RecordType::POINTER, pick(rng, &[b"x", b" ", b"-", b"\xff"]))),
        3 => drop(file.record(RecordType::TIME, &time(rng))),
        4 => drop(file.record(RecordType::SENDER, &address(rng))),
        5 => drop(file.record(RecordType::EXTRACTED, b"")),
        6 => drop(file.record(RecordType::PADDING, b"....")),
        7 => drop(file.record(RecordType(rng.u8(..)), b"zz")),
        8 => drop(file.header(RecordType::ATTRIBUTE, pick(rng, &[5, 20_000, 2_097_152]))),
        _ => drop(file.record(RecordType::ATTRIBUTE, b"a=b")),
    }
}
