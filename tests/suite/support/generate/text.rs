//! Addresses, reasons and other strings that a listing has to print.

use fastrand::Rng;

use super::{chance, pick};

const PLAIN: [&str; 8] = [
    "user@example.com",
    "info@dest.example",
    "a.b.c@sub.dest.example",
    "root",
    "x",
    "o'brien+tag@example.org",
    "very.long.local.part.that.fills.the.column@a.very.long.domain.name.example.com",
    "UPPER@EXAMPLE.COM",
];

/// Addresses that ask for quoting, or that only look as if.
const ODD: [&[u8]; 44] = [
    b"",
    b"@",
    b"@@",
    b"a@",
    b"@b",
    b".a@b",
    b"a.@b",
    b"a..b@c",
    b".",
    b"a b@c",
    b"a@b c",
    b" a@b",
    b"a@b ",
    b"\"a b\"@c",
    b"\"@c",
    b"a\"b@c",
    b"a\\b@c",
    b"a\\",
    b"a@b@c",
    b"a@b@",
    b"a(b)c@d",
    b"<a@b>",
    b"a,b@c",
    b"a;b:c@d",
    b"[1.2.3.4]",
    b"a@[1.2.3.4]",
    b"@relay:user@host",
    b"@a,@b:c@d",
    b"@a,@b:c d@e",
    b"@a@b:c@d",
    b"@a:@b:c@d",
    b"@a:",
    b"@a,b:c@d",
    b"@a b:c@d",
    b"a\tb@c",
    b"a\nb@c",
    b"a\rb@c",
    b"a\x7fb@c",
    b"a\x1b[31mb@c",
    b"a\x01\x02@c",
    b"cut\0off@here",
    b"\0",
    b"a%b!c@d",
    b"a@b\0c",
];

const NOT_ASCII: [&[u8]; 12] = [
    "j\u{fc}rgen@example.com".as_bytes(),
    "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.example".as_bytes(),
    "\u{1f600}@example.com".as_bytes(),
    "a\u{85}b\u{a0}c@d".as_bytes(),
    "a\u{2028}b@c".as_bytes(),
    b"latin1\xfc@example.com",
    b"\xc3@cut.example",
    b"over\xc0\xaflong@example.com",
    b"sur\xed\xa0\x80rogate@example.com",
    b"beyond\xf4\x90\x80\x80@example.com",
    b"five\xf8\x88\x80\x80\x80@example.com",
    b"\x80\xff\xfe@example.com",
];

const REASONS: [&[u8]; 14] = [
    b"connect to 127.0.0.1[127.0.0.1]:9: Connection refused",
    b"delivery temporarily suspended: connect to 127.0.0.1[127.0.0.1]:9: Connection refused",
    b"host mx.example[192.0.2.1] said: 450 4.7.1 try again (in reply to RCPT TO command)",
    b"",
    b"x",
    b" ",
    b"(already in parentheses)",
    b"with \"quotes\" and \\backslashes\\ and /slashes/",
    b"tab\there",
    b"bell\x07 and escape\x1b[31m",
    b"name=value=again",
    b"trailing blanks   ",
    "caf\u{e9} \u{1f600}".as_bytes(),
    b"bad \xff\xfe utf8 \xc3",
];

/// An address as a queue file holds it: unquoted, any bytes.
pub fn address(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(0..100) {
        0..55 => numbered(rng),
        55..65 => pick(rng, &PLAIN).as_bytes().to_vec(),
        65..82 => pick(rng, &ODD).to_vec(),
        82..93 => pick(rng, &NOT_ASCII).to_vec(),
        93..97 => any_bytes(rng, 40),
        _ => long_address(rng),
    }
}

/// A reason for a delay, of any size.
pub fn reason(rng: &mut Rng) -> Vec<u8> {
    let size = match rng.u32(0..100) {
        0..55 => return pick(rng, &REASONS).to_vec(),
        55..85 => rng.usize(60..=90),
        85..96 => rng.usize(1..400),
        96..99 => rng.usize(1_000..9_000),
        _ => rng.usize(60_000..120_000),
    };
    let words = b"the quick brown fox jumps over the lazy dog 0123456789 ";
    let start = rng.usize(0..words.len());
    words
        .iter()
        .cycle()
        .skip(start)
        .take(size)
        .copied()
        .collect()
}

/// Bytes without any order.
pub fn any_bytes(rng: &mut Rng, longest: usize) -> Vec<u8> {
    let length = rng.usize(0..=longest);
    (0..length).map(|_| rng.u8(..)).collect()
}

fn numbered(rng: &mut Rng) -> Vec<u8> {
    let (user, host) = (rng.u32(0..30), rng.u32(0..5));
    format!("r{user:02}@dest{host}.example").into_bytes()
}

fn long_address(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(100..3_000);
    let mut address = vec![b'l'; length];
    if chance(rng, 50) {
        address.extend_from_slice(b"@example.com");
    }
    address
}
