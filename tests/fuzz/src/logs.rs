//! Any bytes as a log: why recipients wait, as the bounce daemons write it,
//! and the journal of acts, as we do.

use std::io::{BufRead, BufReader};

use spoolbox::journal::event::Event;
use spoolbox::journal::records::{JournalRecord, LINE_MAX};
use spoolbox::spool::Queue;
use spoolbox::spool::defer_log::{EntryBuffers, ReasonReader};
use spoolbox::spool::log_entry::Reason;
use spoolbox::text::Charset;

use super::assert_printable;

/// Reads any bytes as a defer log.
pub fn defer_log(input: &[u8]) {
    for charset in [Charset::Ascii, Charset::LooseUtf8, Charset::StrictUtf8] {
        let (whole, warnings) = entries(input, charset);
        let pieces = BufReader::with_capacity(3, input);
        assert_eq!(entries(pieces, charset), (whole.clone(), warnings));
        let lines = input.split(|&b| b == b'\n').count();
        assert!(whole.len().saturating_add(warnings) <= lines);
        for entry in &whole {
            assert_shown(entry, charset);
        }
        if charset == Charset::Ascii {
            assert_written_alike(&whole);
        }
    }
}

/// The entries, and how many lines were not understood.
fn entries(log: impl BufRead, charset: Charset) -> (Vec<Reason>, usize) {
    let mut buffers = EntryBuffers::default();
    let mut reader = ReasonReader::new(log, charset, &mut buffers);
    let (mut entries, mut warnings) = (Vec::new(), 0);
    loop {
        let next = reader.next(|text| {
            assert!(!text.is_empty());
            warnings += 1;
        });
        match next.expect("no disk can fail here") {
            Some(entry) => entries.push(entry.clone()),
            None => return (entries, warnings),
        }
    }
}

fn fields(entry: &Reason) -> [(&str, &Vec<u8>); 5] {
    [
        ("recipient", &entry.recipient),
        ("original_recipient", &entry.original_recipient),
        ("reason", &entry.reason),
        ("status", &entry.status),
        ("mta_mname", &entry.remote_host),
    ]
}

fn assert_shown(entry: &Reason, charset: Charset) {
    assert!(!entry.recipient.is_empty() && !entry.reason.is_empty());
    for (_, text) in fields(entry) {
        assert_printable(text);
        match charset {
            Charset::Ascii => assert!(text.is_ascii()),
            Charset::LooseUtf8 => {}
            Charset::StrictUtf8 | Charset::Safe => assert!(std::str::from_utf8(text).is_ok()),
        }
    }
}

/// What was read is written, and reads the same.
fn assert_written_alike(entries_read: &[Reason]) {
    let has_no_blank = |entry: &&Reason| {
        fields(entry)
            .iter()
            .all(|(_, text)| !text.starts_with(b" ") && !text.ends_with(b" "))
    };
    // A blank at the end of a line is no part of it.
    let kept: Vec<Reason> = entries_read.iter().filter(has_no_blank).cloned().collect();
    let mut log = Vec::new();
    for entry in &kept {
        for (name, value) in fields(entry) {
            log.extend([name.as_bytes(), b"=", value, b"\n"].concat());
        }
        log.push(b'\n');
    }
    assert_eq!(entries(&log[..], Charset::Ascii), (kept, 0));
}

/// Reads any bytes as lines of the journal.
pub fn journal(input: &[u8]) {
    let lines = input.split(|&b| b == b'\n');
    for line in lines.filter(|line| line.len() < LINE_MAX) {
        if let Some(line) = JournalRecord::parse(line) {
            assert_line(&line);
        }
        // Nobody guesses a sum: with the right one, more of them are read.
        let sum = format!(" sum={:016x}", sum(line));
        if let Some(line) = JournalRecord::parse(&[line, sum.as_bytes()].concat()) {
            assert_line(&line);
        }
    }
}

/// FNV-1a.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn assert_line(line: &JournalRecord) {
    if let Event::Act { entry, .. } = &line.event {
        assert!(entry.queue.holds_messages() || entry.queue == Queue::Corrupt);
        assert!(!entry.id.as_bytes().contains(&b'/'));
        assert_eq!(entry.mode & !0o777, 0);
    }
    let text = line.to_text();
    let Some((b'\n', text)) = text.split_last() else {
        panic!("a line without an end: {}", text.escape_ascii());
    };
    assert_printable(text);
    assert_eq!(JournalRecord::parse(text).as_ref(), Some(line));
}
