//! Checks that a file is a complete queue file, as cleanup(8) writes it: every
//! record that a message needs, in order, up to the end record.
//!
//! For copies of messages: a file that is cut short or is something else must
//! not get into a queue.

use std::io;

use thiserror::Error;

use super::records::{Buffers, RecordError, RecordReader, RecordType};
use crate::sys::error_text::error_text;
use crate::sys::source::Source;
use crate::text::{SHORT_TEXT_MAX, digits};

/// The arrival time and sender of a complete queue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFileFacts {
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// The microseconds of the arrival time.
    pub microseconds: u32,
    /// Envelope sender, unquoted; of a very long one only the beginning.
    pub sender: Vec<u8>,
}

/// The reason why a file is not a complete queue file.
#[derive(Debug, Error)]
pub enum IntegrityError {
    /// A record cannot be read.
    #[error("no complete queue file: {0}")]
    Record(#[from] RecordError),
    /// The file does not begin with a size record.
    #[error("no queue file: it does not begin with a size record")]
    NoSize,
    /// A record is missing, or is not where it belongs.
    #[error("no complete queue file: the record {0} is missing")]
    Missing(&'static str),
    /// The arrival time is not a number of seconds.
    #[error("no queue file: its arrival time cannot be read")]
    NoTime,
    /// The file cannot be read.
    #[error("{}", error_text(.0))]
    Read(#[from] io::Error),
}

/// The records that every message has, in this order. Others are between them.
const MILESTONES: [RecordType; 5] = [
    RecordType::TIME,
    RecordType::SENDER,
    RecordType::CONTENT,
    RecordType::EXTRACTED,
    RecordType::END,
];

/// Reads a file to its end record.
///
/// # Errors
///
/// The file is not a complete queue file, or cannot be read.
pub fn check(source: impl Source, buffers: &mut Buffers) -> Result<QueueFileFacts, IntegrityError> {
    let mut reader = RecordReader::new(source, buffers).passing_over_zeros();
    reader.limit_text(SHORT_TEXT_MAX);
    let first = reader.next_raw()?;
    if first.is_none_or(|record| record.kind != RecordType::SIZE) {
        return match reader.take_failure() {
            Some(cause) => Err(cause.into()),
            None => Err(IntegrityError::NoSize),
        };
    }
    let mut facts = QueueFileFacts {
        arrival: 0,
        microseconds: 0,
        sender: Vec::new(),
    };
    let mut awaited = MILESTONES.into_iter().peekable();
    while let Some(next) = awaited.peek().copied() {
        let Some(record) = reader.next_cooked()? else {
            return match reader.take_failure() {
                Some(cause) => Err(cause.into()),
                None => Err(IntegrityError::Missing(next.name())),
            };
        };
        if record.kind != next {
            // A later milestone means that this one is missing.
            if MILESTONES.contains(&record.kind) && is_after(record.kind, next) {
                return Err(IntegrityError::Missing(next.name()));
            }
            continue;
        }
        match next {
            RecordType::TIME => {
                (facts.arrival, facts.microseconds) =
                    arrival_time(reader.text(&record)).ok_or(IntegrityError::NoTime)?;
            }
            RecordType::SENDER => facts.sender = reader.text(&record).to_vec(),
            _ => {}
        }
        awaited.next();
    }
    match reader.take_failure() {
        Some(cause) => Err(cause.into()),
        None => Ok(facts),
    }
}

fn is_after(kind: RecordType, other: RecordType) -> bool {
    let place = |wanted| MILESTONES.iter().position(|kind| *kind == wanted);
    place(kind) > place(other)
}

/// Parses the text of a time record: seconds and, if there are any, microseconds.
pub(super) fn arrival_time(text: &[u8]) -> Option<(i64, u32)> {
    let mut words = text.split(|&byte| byte == b' ').filter(|w| !w.is_empty());
    let seconds = digits(words.next()?)?;
    let microseconds = words.next().map_or(Some(0), digits)?;
    (words.next().is_none() && microseconds < 1_000_000).then_some((seconds, microseconds))
}

#[cfg(test)]
mod tests {
    use super::super::records::writer::QueueFile;
    use super::*;

    fn checked(bytes: &[u8]) -> Result<QueueFileFacts, IntegrityError> {
        check(bytes, &mut Buffers::default())
    }

    fn sample() -> Vec<u8> {
        QueueFile::new(1_700_000_000, "a@b.example", &["c@d.example"], &["", "x"]).to_bytes()
    }

    #[test]
    fn a_complete_file_yields_its_arrival_time_and_sender() {
        let facts = checked(&sample()).unwrap();
        assert_eq!(facts.arrival, 1_700_000_000);
        assert_eq!(facts.sender, b"a@b.example");
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_not_complete() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert!(checked(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn other_files_are_refused() {
        let maildrop = QueueFile::new(1, "a", &["b"], &["x"]).to_maildrop_bytes();
        for bytes in [&b""[..], b"\0\0", b"C\0", b"#!/bin/sh\n", &maildrop] {
            assert!(checked(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
