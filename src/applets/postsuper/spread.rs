//! `--spread`: reads the times of arrival of the messages to be released, and
//! plans their next delivery attempts.

use super::super::Fatal;
use super::context::ActionContext;
use super::options::MATCH;
use crate::actions::{Action, Arrivals, Spread};
use crate::listing::{
    Clock, Ending, ListingError, PartialResult, Sink, Style, Template, TimeStyle, Totals,
};
use crate::logging::Logger;
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::QueueId;
use crate::sys::time::now;

/// Returns the plan if the next attempts are to be spread.
///
/// # Errors
///
/// The messages cannot be listed, which was reported.
pub fn plan(
    context: ActionContext<'_>,
    rules: Option<&Rules>,
    logger: &mut Logger,
) -> Result<Option<Spread>, Fatal> {
    let options = &context.arguments.options;
    let (Some(period), Some(rules)) = (options.spread, rules) else {
        return Ok(None);
    };
    let all = Selection::default();
    let is_match = |argument: &std::ffi::OsString| argument == MATCH;
    let selection = match context.arguments.actions.first() {
        Some((_, argument)) if is_match(argument) => options.selection.as_ref().unwrap_or(&all),
        _ => &all,
    };
    let clock = Clock {
        style: TimeStyle::Epoch,
        now: 0,
    };
    let template = Template::arrivals(clock);
    let mut sink = ArrivalSink::default();
    let look = Style::Lines(&template).into();
    let listed = context.list(Action::Release, (selection, rules), look, &mut sink, None);
    listed.map_err(|ended| context.end(&ended, logger))?;
    Ok(Some(Spread::new(now(), period, sink.arrivals)))
}

/// Collects IDs and times of arrival from the lines of a listing.
#[derive(Default)]
struct ArrivalSink {
    arrivals: Arrivals,
    /// The beginning of a line whose end is in the next piece.
    begun: Vec<u8>,
}

impl ArrivalSink {
    fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let mut columns = text.split_whitespace();
        let mut next = || columns.next();
        if let (Some(id), Some(seconds), Some(microseconds)) = (next(), next(), next())
            && let Some(id) = QueueId::parse(id.as_bytes())
            && let Ok(seconds) = seconds.parse()
            && let Ok(microseconds) = microseconds.parse()
        {
            self.arrivals.add(&id, (seconds, microseconds));
        }
    }
}

impl Sink for ArrivalSink {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(line);
            if line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.begun);
                self.line(&line);
            }
        }
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, _: PartialResult) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}
