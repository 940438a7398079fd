//! `postqueue -i MATCH`: flushes each message that matches the selection, one
//! after the other, as `-i` does.
//!
//! The IDs are collected first, since the daemon must not be kept waiting by
//! the rate limit. A signal ends the work between two messages; the number of
//! flushed and remaining messages is reported then.

use std::time::Instant;

use super::super::authorization::AccessRequest;
use super::super::borrowed::Connections;
use super::super::listing;
use super::super::listing::{ProgressMode, Session};
use super::super::progress::Progress;
use super::super::{Fatal, flush};
use super::arguments::PostqueueArguments;
use super::ids::ids_of;
use super::interruption::{stopped, watch};
use super::view::request;
use super::wait::{FlushScope, Follower};
use crate::listing::{Columns, Style};
use crate::logging::Severity;
use crate::spool::QueueId;
use crate::sys::signals::Interrupts;

/// Flushes the messages, or lists those that would be flushed.
pub(super) fn run(mut session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    if arguments.dry_run {
        return list_only(session, arguments);
    }
    session.authorize(AccessRequest::Flush)?;
    let ids = ids_of(session.reborrow(), arguments, arguments.selection.as_ref())?;
    let interrupts = watch(&mut session, arguments.parent)?;
    let Some(limit) = arguments.wait else {
        return flush_all(session, arguments, &ids, &interrupts);
    };
    let follower = Follower::new(&mut session, arguments, ids.clone(), FlushScope::Request)?;
    flush_all(session.reborrow(), arguments, &ids, &interrupts)?;
    follower.follow(session, &interrupts, limit)
}

/// Flushes each message.
fn flush_all(
    mut session: Session<'_>,
    arguments: &PostqueueArguments,
    ids: &[QueueId],
    interrupts: &Interrupts,
) -> Result<(), Fatal> {
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

fn list_only(mut session: Session<'_>, arguments: &PostqueueArguments) -> Result<(), Fatal> {
    let columns = Columns::of(session.config);
    let request = request(arguments, Style::Text(columns, None));
    let count = listing::run_and_count(session.reborrow(), &request)?;
    report(&mut session, "Would be flushed", count);
    Ok(())
}

fn report(session: &mut Session<'_>, what: &str, count: u64) {
    let s = if count == 1 { "" } else { "s" };
    let text = format!("{what}: {count} message{s}");
    session.logger.report(Severity::Info, text);
}
