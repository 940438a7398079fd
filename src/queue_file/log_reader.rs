//! Reads the logs of one message: the recipients in them and the reasons why they
//! are waiting. Observed with Postfix 3.7.11.
//!
//! A log that is missing or may not be read is passed over; a malformed one is
//! reported once. Remembers the recipients, so that the queue file does not add
//! them again.

use std::ffi::OsStr;
use std::io;
use std::io::BufRead;

use nix::errno::Errno;

use super::duplicate_filter::DuplicateFilter;
use super::log_directory::LogDirectory;
use super::message_visitor::{LogClass, LogFacts, MessageVisitor, ReadLevel, Recipient, Rules};
use super::read_error::{Location, ReadError};
use crate::release::Feature;
use crate::spool::message::is_exhaustion;
use crate::spool::{LogBuffers, Queue, ReasonReader, defer_log};
use crate::sys::dir::{FileKind, stat_open};
use crate::sys::error_text::is_any;
use crate::text::to_printable;

/// Reads the logs of one message after the other, reusing its buffers.
#[derive(Debug, Default)]
pub(super) struct LogReader {
    buffers: LogBuffers,
    directory: LogDirectory,
    /// The recipients that the logs of the current message name.
    logged: DuplicateFilter,
}

impl LogReader {
    /// Forgets the recipients of the message before.
    pub(super) fn forget(&mut self) {
        self.logged.clear();
    }

    /// Returns whether a log that was read names this recipient. Recipients above
    /// the limit of the rules are not remembered.
    pub(super) fn has_named(&self, address: &[u8]) -> bool {
        self.logged.contains(address)
    }

    /// Frees memory that a long line has taken.
    pub(super) fn shrink(&mut self) {
        self.buffers.shrink();
    }

    /// Passes on the recipients in one of the logs of the message at `at`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Exhausted`] if the log cannot be opened for lack of descriptors
    /// or memory; [`ReadError::Unread`] if it cannot be opened or read for another
    /// reason.
    pub(super) fn read(
        &mut self,
        at: &Location<'_>,
        (log, class): (Queue, LogClass),
        rules: &Rules,
        report: &mut impl MessageVisitor,
    ) -> Result<(), ReadError> {
        let path = at.layout.path(log, at.id);
        let opened = self.directory.open(at.spool, &path);
        let (stat, file) = match opened.and_then(|file| Ok((stat_open(&file)?, file))) {
            Ok(opened) => opened,
            Err(cause) if is_exhaustion(&cause) => {
                let path = path.to_string_lossy().into_owned();
                return Err(ReadError::Exhausted { path, cause });
            }
            // A log that does not exist or is not readable is not reported.
            Err(cause) if is_missing(&cause) => return Ok(()),
            Err(cause) => return Err(unread("open", log, at, cause)),
        };
        match FileKind::of(&stat) {
            FileKind::File => {
                let size = u64::try_from(stat.st_size).unwrap_or(0);
                let entries = ReasonReader::open(file, size, rules.charset, &mut self.buffers);
                let observer = LogObserver {
                    path: &path,
                    warned: false,
                    report,
                };
                read_entries(entries, observer, class, rules, &mut self.logged)
                    .map_err(|cause| unread("close", log, at, cause))
            }
            FileKind::Directory => {
                let text = format!("close {log} {}: Is a directory", to_printable(at.id));
                report.warning(text.into_bytes());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Passes on the recipients of a log, and adds them to `logged`. After a read
/// error, the entries before it still count.
fn read_entries<R: BufRead>(
    mut log: ReasonReader<'_, R>,
    mut observer: LogObserver<'_, impl MessageVisitor>,
    class: LogClass,
    rules: &Rules,
    logged: &mut DuplicateFilter,
) -> io::Result<()> {
    // After a read error, the entries before it still count.
    while let Some(entry) = log.next_observed(&mut observer)? {
        let report = &mut *observer.report;
        if report.wanted() == ReadLevel::Nothing || rules.is_stopped() {
            break;
        }
        report.recipient(&Recipient {
            address: &entry.recipient,
            original: rules
                .has(Feature::OriginalRecipient)
                .then_some(&entry.original_recipient),
            reason: Some((&entry.reason, class)),
            facts: LogFacts {
                status: &entry.status,
                remote_host: &entry.remote_host,
            },
        });
        logged.remember(&entry.recipient, rules.duplicate_limit);
    }
    Ok(())
}

/// The error for a log that cannot be opened or read, in Postfix's words.
fn unread(call: &str, log: Queue, at: &Location<'_>, cause: io::Error) -> ReadError {
    let what = format!("{call} {log} {}", to_printable(at.id));
    ReadError::Unread { what, cause }
}

/// Passes on a warning about the first malformed line of a log, and drops the
/// others: a log of nothing but malformed lines would fill the mail log.
struct LogObserver<'a, R> {
    path: &'a OsStr,
    warned: bool,
    report: &'a mut R,
}

impl<R: MessageVisitor> defer_log::Observer for LogObserver<'_, R> {
    fn malformed(&mut self, text: Vec<u8>) {
        if !self.warned {
            self.warned = true;
            let path = self.path.to_string_lossy();
            let parts = [path.as_bytes(), b": ", &text];
            self.report.warning(parts.concat());
        }
    }

    fn long_line_max(&self) -> usize {
        self.report.long_text_max()
    }
}

/// Whether a file does not exist, must not be read, or is a symbolic link, which is not
/// followed.
fn is_missing(cause: &io::Error) -> bool {
    const MISSING: [Errno; 4] = [Errno::ENOENT, Errno::EACCES, Errno::ELOOP, Errno::ENOTDIR];
    is_any(cause, &MISSING)
}
