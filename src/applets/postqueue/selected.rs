//! `postqueue -i MATCH`: flushes each message that matches the selection, one
//! after the other, as `-i` does.
//!
//! The IDs are collected first, since the daemon must not be kept waiting by
//! the rate limit. A signal ends the work between two messages; the number of
//! flushed and remaining messages is reported then.

use std::time::Instant;

use super::super::authorization::AccessRequest;
use super::super::borrowed::Connections;
use super::super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::super::listing;
use super::super::listing::{ProgressMode, Session};
use super::super::progress::Progress;
use super::super::{Fatal, flush};
use super::arguments::PostqueueArguments;
use super::view::{clock, request};
use crate::listing::{
    Columns, Ending, ListingError, PartialResult, Sink, Style, Template, Terminator, Totals,
};
use crate::logging::Severity;
use crate::spool::QueueId;
use crate::sys::error_text::error_text;
use crate::sys::signals;
use crate::sys::signals::Interrupts;

/// Flushes the messages, or lists those that would be flushed.
pub(super) fn run(mut session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    if arguments.dry_run {
        return list_only(session, arguments);
    }
    session.authorize(AccessRequest::Flush)?;
    let template = Template::ids(Terminator::Newline, clock(arguments));
    let mut found = SelectedIds {
        ids: Vec::new(),
        limit: arguments.sort_spec.limit.unwrap_or(usize::MAX),
    };
    let mut request = request(arguments, Style::Lines(&template));
    request.sort_spec = None;
    let listing = Session {
        connections: Connections::MoreToCome,
        ..session.again()
    };
    listing::into_sink(listing, &request, &mut found)?;
    flush_all(session, arguments, &found.ids)
}

/// Flushes each message.
fn flush_all(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
    ids: &[QueueId],
) -> Result<(), Fatal> {
    let interrupts = Interrupts::watch().map_err(|error| {
        let text = format!("cannot watch signals: {}", error_text(&error));
        unavailable(session.logger, text)
    })?;
    let mut progress = if arguments.progress == ProgressMode::Progress && Progress::can_be_seen() {
        Progress::shown(u64::try_from(ids.len()).ok())
    } else {
        Progress::default()
    };
    let mut last: Option<Instant> = None;
    for (done, id) in (0u64..).zip(ids) {
        if let (Some(interval), Some(last)) = (arguments.interval, last) {
            // If waiting fails, the next message is flushed at once.
            let left = interval.saturating_sub(last.elapsed());
            let _ = interrupts.wait_during(left);
        }
        if let Some(signal) = interrupts.caught() {
            progress.clear();
            report(&mut session, "Flushed", done);
            let left = (ids.len() as u64).saturating_sub(done);
            return Err(stopped(&mut session, signal, left));
        }
        last = Some(Instant::now());
        let connections = Connections::MoreToCome;
        progress.aside(|| flush::one(id, session.config, connections, session.logger))?;
        progress.add(1);
    }
    progress.clear();
    report(&mut session, "Flushed", ids.len() as u64);
    Ok(())
}

/// Ends with the status that a shell reports for a program that a signal ended.
fn stopped(session: &mut Session<'_>, signal: i32, left: u64) -> Fatal {
    let s = if left == 1 { "" } else { "s" };
    let name = signals::name(signal);
    let text = format!("stopped by {name}: {left} message{s} left");
    session.logger.report(Severity::Warning, text);
    let status = u8::try_from(signal).ok().and_then(|s| s.checked_add(128));
    Fatal::already_reported(status.unwrap_or(STATUS_UNAVAILABLE))
}

fn list_only(mut session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    let columns = if session.config.enable_long_queue_ids {
        Columns::Long
    } else {
        Columns::Short
    };
    let request = request(arguments, Style::Text(columns, None));
    let count = listing::run_and_count(session.again(), &request)?;
    report(&mut session, "Would be flushed", count);
    Ok(())
}

fn report(session: &mut Session<'_>, what: &str, count: u64) {
    let s = if count == 1 { "" } else { "s" };
    let text = format!("{what}: {count} message{s}");
    session.logger.report(Severity::Info, text);
}

/// The IDs found so far.
struct SelectedIds {
    ids: Vec<QueueId>,
    limit: usize,
}

impl Sink for SelectedIds {
    /// A piece consists of whole lines, since each message ends with a line
    /// end.
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        for line in piece.split(|&b| b == b'\n') {
            if self.ids.len() >= self.limit {
                return Ok(Ending::Enough);
            }
            self.ids.extend(QueueId::parse(line));
        }
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, _: PartialResult) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}
