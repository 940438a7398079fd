//! `postqueue -i MATCH`: has each message delivered now that a selection
//! means, one after the other, as `-i` does.
//!
//! The IDs are gathered first: a daemon that lists must not be kept waiting
//! by a rate.

use std::thread::sleep;
use std::time::Instant;

use super::arguments::Arguments;
use super::{clock, request};
use crate::applets::access::{self, Deed};
use crate::applets::borrowed::Connections;
use crate::applets::list::{self, Session};
use crate::applets::{Fatal, flush};
use crate::diag::Severity;
use crate::listing::{
    Columns, Ending, Gathered, ListingError, Sink, Style, Template, Terminator, Totals,
};
use crate::spool::QueueId;

/// Flushes them, or lists what would be flushed.
pub(super) fn run(mut session: Session<'_>, arguments: &Arguments) -> Result<(), Fatal> {
    if arguments.dry_run {
        return list_only(session, arguments);
    }
    access::authorize(session.call, Deed::Flush, session.config, session.diag)?;
    let template = Template::ids(Terminator::Newline, clock(arguments));
    let mut found = Found {
        ids: Vec::new(),
        limit: arguments.arrangement.limit.unwrap_or(usize::MAX),
    };
    let mut request = request(arguments, Style::Lines(&template));
    request.arrangement = None;
    let listing = Session {
        connections: Connections::MoreToCome,
        ..session.again()
    };
    list::into_sink(listing, &request, &mut found)?;
    let mut last: Option<Instant> = None;
    for id in &found.ids {
        if let (Some(interval), Some(last)) = (arguments.interval, last) {
            sleep(interval.saturating_sub(last.elapsed()));
        }
        last = Some(Instant::now());
        flush::one(id, session.config, Connections::MoreToCome, session.diag)?;
    }
    report(&mut session, "Flushed", found.ids.len() as u64);
    Ok(())
}

fn list_only(mut session: Session<'_>, arguments: &Arguments) -> Result<(), Fatal> {
    let columns = match session.config.enable_long_queue_ids {
        true => Columns::Long,
        false => Columns::Short,
    };
    let request = request(arguments, Style::Text(columns, None));
    let totals = list::run_and_count(session.again(), &request)?;
    report(&mut session, "Would be flushed", totals.messages);
    Ok(())
}

fn report(session: &mut Session<'_>, what: &str, count: u64) {
    let s = if count == 1 { "" } else { "s" };
    let text = format!("{what}: {count} message{s}");
    session.diag.tell(Severity::Info, text);
}

/// The IDs that were found.
struct Found {
    ids: Vec<QueueId>,
    limit: usize,
}

impl Sink for Found {
    /// Lines are whole in each piece: a message writes its own at its end.
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

    fn gathered(&mut self, _: Gathered) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}
