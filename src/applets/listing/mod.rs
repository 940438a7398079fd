//! Listings from the authorization to the last byte: `postqueue -p`, `postqueue
//! -j`, `mailq`, and everything that counts messages.

mod lister;
mod names;
mod request;
mod similar_senders;
mod sinks;
mod source;
mod whole;

use std::io::Write;

use super::Fatal;
use super::authorization::AccessRequest;
use super::output::{Target, output_failed, stdout};
use crate::listing::{CountPlan, ListingError, Output, Sink, SortSpec, Spill, Style};
use crate::logging::Logger;
use crate::spool::{Queue, QueueId};
use lister::Lister;
use sinks::ListingPrinter;
use source::Origin;

pub use lister::CountSummary;
pub use request::{ListingRequest, ListingSource, ProgressMode, Session};
pub use sinks::Collector;
pub use whole::{Edit, Whole};

/// Lists the queue. Returns the number of messages that match, up to the limit
/// of the request, even if the reader of the output has gone.
///
/// # Errors
///
/// The caller may not list the queue, it cannot be read, or the output cannot
/// be written. All were reported.
pub fn run_and_count(mut session: Session<'_>, request: &ListingRequest<'_>) -> Result<u64, Fatal> {
    let sort_spec = SortSpec {
        limit: request.sort_spec.and_then(|sort_spec| sort_spec.limit),
        ..SortSpec::default()
    };
    let limit = sort_spec.limit.and_then(|limit| limit.try_into().ok());
    let request = ListingRequest {
        sort_spec: Some(&sort_spec),
        ..*request
    };
    session.authorize(AccessRequest::View)?;
    let spill = Spill::default();
    let mut whole = Whole::new(stdout(session.logger)?, request.style, limit, &spill);
    let mut lister = Lister::new(session.reborrow(), &request, &spill);
    let origin = lister.choose_for_request()?;
    if let Err(error) = lister.list(origin, &mut whole)? {
        return match error {
            ListingError::Output(error) => {
                output_failed(lister.session.logger, &error).map(|()| whole.count())
            }
            error => Err(lister.failed(error)),
        };
    }
    let count = whole.count();
    match whole.finish() {
        Ok(count) => Ok(count),
        Err(error) => output_failed(session.logger, &error).map(|()| count),
    }
}

/// Lists the queue.
///
/// # Errors
///
/// Those of [`run_and_count`].
pub fn run(
    session: Session<'_>,
    request: &ListingRequest<'_>,
    target: Target<'_>,
) -> Result<(), Fatal> {
    match target {
        Target::Writer(writer) => run_into(session, request, |_| Ok(writer)),
        Target::Stdout => run_into(session, request, stdout),
    }
}

fn run_into<W: Write>(
    mut session: Session<'_>,
    request: &ListingRequest<'_>,
    open: impl FnOnce(&mut Logger) -> Result<W, Fatal>,
) -> Result<(), Fatal> {
    session.authorize(AccessRequest::View)?;
    let spill = Spill::default();
    let mut lister = Lister::new(session, request, &spill);
    let origin = lister.choose_for_request()?;
    let to = open(lister.session.logger)?;
    let progress = lister.progress(&origin);
    let output = Output::new(to, request.style);
    let mut printer = ListingPrinter::new(output, request.sort_spec, &spill, progress);
    let ended = lister.list(origin, &mut printer)?;
    lister.finish(ended, printer)
}

/// Lists the queue into `sink`.
///
/// # Errors
///
/// Those of [`run_and_count`].
pub fn into_sink(
    session: Session<'_>,
    request: &ListingRequest<'_>,
    sink: &mut impl Sink,
) -> Result<(), Fatal> {
    list_into(session, request, None, sink)
}

/// Lists those messages of the spool that are named and match, without walking
/// the queues. A daemon's listing cannot be restricted to names.
///
/// # Errors
///
/// Those of [`run_and_count`].
#[cfg(feature = "browse")]
pub fn named(
    session: Session<'_>,
    request: &ListingRequest<'_>,
    names: &[(Queue, QueueId)],
    sink: &mut impl Sink,
) -> Result<(), Fatal> {
    list_into(session, request, Some(names), sink)
}

fn list_into(
    mut session: Session<'_>,
    request: &ListingRequest<'_>,
    names: Option<&[(Queue, QueueId)]>,
    sink: &mut impl Sink,
) -> Result<(), Fatal> {
    session.authorize(AccessRequest::View)?;
    let spill = Spill::default();
    let mut lister = Lister::new(session, request, &spill);
    if let Some(names) = names {
        lister.restrict_to(names);
    }
    let origin = lister.choose_for_request()?;
    match lister.list(origin, sink)? {
        Ok(_) => Ok(()),
        Err(error) => Err(lister.failed(error)),
    }
}

/// Counts the queue; the style of the request is ignored.
///
/// # Errors
///
/// Those of [`run_and_count`].
pub fn count(
    mut session: Session<'_>,
    request: &ListingRequest<'_>,
    plan: &CountPlan,
) -> Result<CountSummary, Fatal> {
    session.authorize(AccessRequest::View)?;
    let request = &ListingRequest {
        style: Style::Counts(plan),
        ..*request
    };
    let spill = Spill::default();
    let mut lister = Lister::new(session, request, &spill);
    let origin = lister.choose_for_request()?;
    if matches!(origin, Origin::Spool) && names::are_enough(plan, request.selection) {
        return lister.count_names();
    }
    let mut collector = Collector::default();
    let ended = lister.list(origin, &mut collector)?;
    match ended {
        Ok(_) => Ok(CountSummary {
            totals: collector.totals,
            counts: collector.counts,
            names: None,
            errors: collector.errors,
            corrupt: lister.corrupt(),
        }),
        Err(error) => Err(lister.failed(error)),
    }
}
