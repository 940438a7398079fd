//! Counts the messages of one instance, in a copy of this process: by the names in
//! its directories, as `postqueue --count` does, or with their bytes and ages.

use nix::sys::signal::Signal;

use super::super::super::{Call, Fatal, instances, listing};
use super::super::arguments::PROGRAM;
use super::super::background::problem;
use super::super::context::{BrowseContext, ChosenInstance, Route, Wanted};
use super::super::filter::ListFilter;
use super::super::opened::{configure, enter};
use super::report::{InstanceCounts, InstanceReport};
use crate::listing::{
    CountBy, CountPlan, Ending, Group, ListingError, PartialResult, Sink, Style, Totals,
};
use crate::logging::Logger;
use crate::spool::Queue;
use crate::sys::child;
use crate::sys::signals::Interrupts;

/// The columns of a message.
const COLUMNS: &str = "%{queue}\\t%{size}\\t%{arrival}";
/// The length of a line that is longer than any with these columns.
const LINE_MAX: usize = 200;

/// What is read to count messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedBy {
    /// The names in the directories, if the caller may read these.
    Names,
    /// The messages.
    Messages,
}

/// Counts the messages of an instance. The process ends with `parent`.
pub fn count(
    call: &Call,
    chosen: &ChosenInstance,
    by: CountedBy,
    interrupts: &Interrupts,
    parent: u32,
) -> InstanceReport {
    let mut logger = Logger::without_log(PROGRAM);
    logger.keep();
    let mut name = None;
    let counted = configure(call, chosen, &mut logger).and_then(|config| {
        name = Some(instances::name_of(&config));
        let opened = enter(call, config, &mut logger)?;
        // The signals that this process inherits are only recorded, and nobody
        // looks at the record here.
        if child::end_with(parent, Signal::SIGKILL).is_err() {
            return Ok(InstanceCounts::default());
        }
        let context = opened.context(call, interrupts, chosen.directory.as_deref());
        match (by, context.route) {
            (CountedBy::Names, Route::Spool) => names(&context, &mut logger),
            _ => messages(&context, &mut logger),
        }
    });
    let counts = counted.map_err(|_| problem(&mut logger));
    InstanceReport { name, counts }
}

/// Counts by names.
fn names(context: &BrowseContext<'_>, logger: &mut Logger) -> Result<InstanceCounts, Fatal> {
    let plan = CountPlan {
        by: vec![CountBy::Queue.into()],
        ..CountPlan::default()
    };
    let filter = ListFilter::default();
    let request = context.request(Style::Counts(&plan), &filter);
    let counted = listing::count(context.session(logger), &request, &plan)?;
    let mut counts = InstanceCounts::default();
    for (queue, count) in counted.names.into_iter().flatten() {
        counts.add(queue, count);
    }
    Ok(counts)
}

/// Counts with bytes and ages.
fn messages(context: &BrowseContext<'_>, logger: &mut Logger) -> Result<InstanceCounts, Fatal> {
    let mut sink = CountingSink::default();
    let filter = ListFilter::default();
    context.lines(COLUMNS, Wanted::matching(&filter), logger, &mut sink)?;
    Ok(sink.counts())
}

/// Adds up the messages of a listing.
#[derive(Debug, Default)]
struct CountingSink {
    counts: InstanceCounts,
    line: Vec<u8>,
}

impl CountingSink {
    fn counts(self) -> InstanceCounts {
        let mut counts = self.counts;
        // No message is no byte, which is known now.
        counts.measured = counts.measured.or(Some((0, i64::MAX)));
        counts
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        if let Some((queue, group)) = message(&line) {
            self.counts.measure(queue, &group);
        }
        self.line.clear();
    }
}

/// Reads a line with [`COLUMNS`].
fn message(line: &str) -> Option<(Queue, Group)> {
    let mut columns = line.split('\t');
    let queue = columns.next()?;
    let queue = Queue::LISTED.into_iter().find(|q| q.name() == queue)?;
    let bytes = columns.next()?.parse().unwrap_or(0);
    let arrival = columns.next()?.parse().unwrap_or(i64::MAX);
    Some((
        queue,
        Group {
            count: 1,
            bytes,
            oldest: arrival,
            newest: arrival,
        },
    ))
}

impl Sink for CountingSink {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        for byte in piece {
            match byte {
                b'\n' => self.end_line(),
                byte if self.line.len() < LINE_MAX => self.line.push(*byte),
                _ => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_added_up_from_pieces_of_lines() {
        let mut sink = CountingSink::default();
        for piece in ["hold\t10\t5", "00\nactive\t", "7\t400\n", "strange\t1\t1\n"] {
            assert!(sink.piece(piece.as_bytes()).is_ok());
        }
        let counts = sink.counts();
        assert_eq!(counts.queues, [0, 1, 0, 0, 1]);
        assert_eq!(counts.measured, Some((17, 400)));
    }
}
