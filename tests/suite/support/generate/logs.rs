//! Defer and bounce logs, well-formed and not.

use fastrand::Rng;

use super::text::{any_bytes, reason};
use super::{chance, pick};

/// Lines that no log should have.
const MALFORMED: [&[u8]; 16] = [
    b"no equals sign",
    b"unknown_name=value",
    b"=value without a name",
    b"<unclosed@example.com: reason",
    b"<a@b>",
    b"<a@b>:",
    b"<a@b>reason",
    b"<>: reason",
    b"<a>b@c>: two brackets",
    b" <blank@before.example>: reason",
    b"recipient",
    b"recipient=",
    b"reason =  blanks around  ",
    b"---- a line of dashes that is longer than thirty bytes",
    b"\xff\xfe\x01 not text",
    b"recipient=nul\0inside",
];

const ATTRIBUTES: [&[u8]; 9] = [
    b"original_recipient=o@example.com",
    b"dsn_orig_rcpt=rfc822;o@example.com",
    b"dsn_notify=never",
    b"offset=521",
    b"status=4.4.1",
    b"action=delayed",
    b"diag_type=smtp",
    b"diag_text=450 try again",
    b"mta_mname=mx.example",
];

/// A log for a message with these recipients.
pub fn text(rng: &mut Rng, recipients: &[Vec<u8>]) -> Vec<u8> {
    match rng.u32(0..100) {
        0..3 => return Vec::new(),
        3..6 => return any_bytes(rng, 300),
        6..8 => return vec![b'\n'; rng.usize(1..5)],
        _ => {}
    }
    let mut log = Vec::new();
    let shared = reason(rng);
    for recipient in recipients {
        if chance(rng, 75) {
            let why = if chance(rng, 70) {
                shared.clone()
            } else {
                reason(rng)
            };
            entry(rng, &mut log, recipient, &why);
        }
    }
    if chance(rng, 20) {
        let why = reason(rng);
        entry(rng, &mut log, b"only@in-the-log.example", &why);
    }
    if chance(rng, 12) {
        // The last entry without its blank line, or cut off in a line.
        let cut = rng.usize(1..6).min(log.len());
        log.truncate(log.len() - cut);
    }
    log
}

fn entry(rng: &mut Rng, log: &mut Vec<u8>, recipient: &[u8], reason: &[u8]) {
    let old_style = chance(rng, 40);
    let new_style = !old_style || chance(rng, 60);
    if old_style {
        line(log, &[b"<", recipient, b">: ", reason].concat());
    }
    if new_style {
        if !chance(rng, 4) {
            line(log, &[b"recipient=", recipient].concat());
        }
        for attribute in ATTRIBUTES {
            if chance(rng, 40) {
                line(log, attribute);
            }
        }
        if !chance(rng, 5) {
            line(log, &[b"reason=", reason].concat());
        }
    }
    if chance(rng, 6) {
        let bad = pick(rng, &MALFORMED);
        line(log, bad);
    }
    let blanks = if chance(rng, 5) { rng.usize(0..4) } else { 1 };
    log.resize(log.len() + blanks, b'\n');
}

fn line(log: &mut Vec<u8>, text: &[u8]) {
    log.extend_from_slice(text);
    log.push(b'\n');
}
