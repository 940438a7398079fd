//! Changes real files: bytes at random, and the records of queue files, without regard
//! to their meaning. One seed gives one file.

use fastrand::Rng;
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::contents::boundaries;
use super::text::any_bytes;
use super::{chance, pick};

/// Longest file that is made, so that no case takes long.
const LENGTH_MAX: usize = 8 * 1024;
/// Bytes that mean something somewhere.
const TELLING: &[u8] = b"\0\n\r \t\x7f\x80\xff\xc3\x1b$={}%*?:\\\"'-@<>/#09azAZCTSRAMNXEpLwOD";
/// Numbers that are limits somewhere.
const NUMBERS: [&[u8]; 12] = [
    b"0",
    b"-1",
    b"1",
    b"",
    b" ",
    b"127",
    b"128",
    b"4294967296",
    b"2147483648",
    b"9223372036854775807",
    b"9223372036854775808",
    b"99999999999999999999",
];
/// Record types, the usual ones more often.
const TYPES: &[u8] = b"CTSRRRAAAMNNXEppLwODK/onirVWF>f<cIeP\0\xff";

/// Changes any file a few times.
pub fn file(rng: &mut Rng, files: &[Vec<u8>]) -> Vec<u8> {
    let mut file = one_of(rng, files).to_vec();
    for _ in 0..rng.u32(1..6) {
        change_bytes(rng, &mut file, files);
    }
    file.truncate(LENGTH_MAX);
    file
}

/// Changes a queue file a few times: its records, its bytes, or both.
pub fn queue_file(rng: &mut Rng, files: &[Vec<u8>]) -> Vec<u8> {
    let mut file = one_of(rng, files).to_vec();
    for _ in 0..rng.u32(1..5) {
        match chance(rng, 70) {
            true => change_records(rng, &mut file, files),
            false => change_bytes(rng, &mut file, files),
        }
    }
    file.truncate(LENGTH_MAX);
    file
}

fn one_of<'f>(rng: &mut Rng, files: &'f [Vec<u8>]) -> &'f [u8] {
    let index = rng.usize(0..files.len());
    files.get(index).expect("an index in range")
}

/// A place in a file, its end included.
fn place(rng: &mut Rng, file: &[u8]) -> usize {
    rng.usize(0..=file.len())
}

/// A short range of a file.
fn range(rng: &mut Rng, file: &[u8]) -> std::ops::Range<usize> {
    let start = place(rng, file);
    let length = match chance(rng, 70) {
        true => rng.usize(0..12),
        false => rng.usize(0..400),
    };
    start..(start + length).min(file.len())
}

fn change_bytes(rng: &mut Rng, file: &mut Vec<u8>, files: &[Vec<u8>]) {
    let at = place(rng, file);
    match rng.u32(0..10) {
        0 | 1 => {
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << rng.u32(0..8);
            }
        }
        2 | 3 => {
            if let Some(byte) = file.get_mut(at) {
                *byte = pick(rng, TELLING);
            }
        }
        4 => drop(file.drain(range(rng, file))),
        5 => {
            let again = file.get(range(rng, file)).unwrap_or_default().to_vec();
            file.splice(at..at, again);
        }
        6 => {
            let bytes = any_bytes(rng, 16);
            file.splice(at..at, bytes);
        }
        7 => {
            let other = one_of(rng, files);
            let piece = other.get(range(rng, other)).unwrap_or_default().to_vec();
            file.splice(at..at, piece);
        }
        8 => change_number(rng, file, at),
        _ if chance(rng, 20) => file.truncate(at),
        _ => file.insert(at, pick(rng, TELLING)),
    }
}

/// Puts another number in the place of the next one after `at`.
fn change_number(rng: &mut Rng, file: &mut Vec<u8>, at: usize) {
    let after = file.get(at..).unwrap_or_default();
    let Some(start) = after.iter().position(u8::is_ascii_digit) else {
        return;
    };
    let digits = after.get(start..).unwrap_or_default();
    let length = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let start = at + start;
    let number = pick(rng, &NUMBERS);
    file.splice(start..start + length, number.iter().copied());
}

/// The bytes of a record that begins at one of the boundaries.
fn record(rng: &mut Rng, file: &[u8]) -> std::ops::Range<usize> {
    let boundaries = boundaries(file);
    let index = rng.usize(0..boundaries.len());
    let start = boundaries.get(index).copied().unwrap_or(0);
    let end = boundaries.get(index + 1).copied().unwrap_or(start);
    start..end.max(start).min(file.len())
}

fn change_records(rng: &mut Rng, file: &mut Vec<u8>, files: &[Vec<u8>]) {
    let this = record(rng, file);
    let at = this.start;
    match rng.u32(0..11) {
        0 => drop(file.drain(this)),
        1 => {
            let again = file.get(this).unwrap_or_default().to_vec();
            file.splice(at..at, again);
        }
        2 => {
            let moved: Vec<u8> = file.drain(this).collect();
            let to = record(rng, file).start;
            file.splice(to..to, moved);
        }
        3 | 4 => {
            if let Some(kind) = file.get_mut(at) {
                *kind = pick(rng, TYPES);
            }
        }
        5 => change_length(rng, file, at),
        6 | 7 => {
            let other = one_of(rng, files);
            let piece = other.get(record(rng, other)).unwrap_or_default().to_vec();
            file.splice(at..at, piece);
        }
        8 => {
            let boundaries = boundaries(file);
            let target = pick(rng, &boundaries) + pick(rng, &[0, 0, 17, 17, 1]);
            let mut pointer = RecordWriter::new();
            pointer.pointer(target);
            file.splice(at..at, pointer.into_bytes());
        }
        9 => {
            let mut new = RecordWriter::new();
            let data = match chance(rng, 50) {
                true => pick(rng, &NUMBERS).to_vec(),
                false => any_bytes(rng, 24),
            };
            new.record(RecordType(pick(rng, TYPES)), &data);
            file.splice(at..at, new.into_bytes());
        }
        _ => file.truncate(at),
    }
}

/// Changes how long a record says that it is.
fn change_length(rng: &mut Rng, file: &mut Vec<u8>, at: usize) {
    let lengths: [&[u8]; 8] = [
        b"\0",
        b"\x01",
        b"\x7f",
        b"\x80\x01",
        b"\x80\x80\x80\x00",
        b"\xff\xff\xff\x7f",
        b"\x85\x00",
        b"\x83\x80\x00",
    ];
    let new = pick(rng, &lengths);
    if let Some(length) = file.get(at + 1).copied() {
        match chance(rng, 50) {
            true => drop(file.splice(at + 1..at + 2, new.iter().copied())),
            false => {
                let changed = length.wrapping_add(pick(rng, &[1, 2, 0xff, 0x80]));
                file.splice(at + 1..at + 2, [changed]);
            }
        }
    }
}
