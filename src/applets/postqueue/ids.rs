//! Collects the queue IDs of messages that match a selection, before they are
//! flushed.

use super::super::Fatal;
use super::super::borrowed::Connections;
use super::super::listing;
use super::super::listing::{ListingRequest, Session};
use super::arguments::PostqueueArguments;
use super::view::{clock, request};
use crate::listing::{
    Ending, ListingError, PartialResult, Sink, Style, Template, Terminator, Totals,
};
use crate::selection::Selection;
use crate::spool::QueueId;

/// Returns the IDs of the messages that match, up to the limit of the call.
pub(super) fn ids_of(
    session: Session<'_>,
    arguments: &PostqueueArguments,
    selection: Option<&Selection>,
) -> Result<Vec<QueueId>, Fatal> {
    let template = Template::ids(Terminator::Newline, clock(arguments));
    let mut found = SelectedIds {
        ids: Vec::new(),
        limit: arguments.sort_spec.limit.unwrap_or(usize::MAX),
    };
    let request = ListingRequest {
        selection,
        sort_spec: None,
        ..request(arguments, Style::Lines(&template))
    };
    let listing = Session {
        connections: Connections::MoreToCome,
        ..session
    };
    listing::into_sink(listing, &request, &mut found)?;
    Ok(found.ids)
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
