//! `postcat -q MATCH`: shows the messages that match the selection.
//!
//! Finds them with a listing, in parallel and in the order of the queues, and
//! shows one after the other.

use super::super::{Fatal, instance};
use super::errors::STATUS;
use super::printer::{Damaged, IdSearch, OperandRun};
use crate::config::Config;
use crate::listing;
use crate::listing::{
    Clock, Ending, Listing, ListingError, OutputOptions, PartialResult, Sink, SortSpec, Sorter,
    Spill, Style, Template, Terminator, TimeStyle, Totals,
};
use crate::queue_file::message_visitor::Rules;
use crate::queue_file::read_error::{Location, ReadError};
use crate::selection::{Matcher, Selection};
use crate::spool::Queue;
use crate::spool::message;
use crate::spool::message::NoMessage;
use crate::sys::process::raise_open_files;

/// The format of a line of the listing: the path of a message.
const FORMAT: &str = "%{path}";

/// Shows all messages that match.
pub(super) fn run(
    mut printer: OperandRun,
    search: &IdSearch,
    (selection, sort_spec): (&Selection, &SortSpec),
    config: &Config,
) -> Result<(), Fatal> {
    let mut selection = selection.clone();
    let rules = rules(&mut printer, config, &mut selection)?;
    let selection = &selection;
    let clock = Clock {
        style: TimeStyle::Epoch,
        now: 0,
    };
    let template = Template::format(FORMAT, Terminator::Nul, clock);
    let template = template.map_err(|text| printer.fatal(text.as_bytes()))?;
    let spill = Spill::default();
    let listing = Listing {
        spool: &search.spool,
        layout: &search.layout,
        rules: &rules,
        look: OutputOptions {
            style: Style::Lines(&template),
            sort_spec: (!sort_spec.keys.is_empty()).then_some(sort_spec),
            spill: Some(&spill),
            ..Style::Lines(&template).into()
        },
        queues: &Selection::searched(Some(selection)),
        selection: Some(selection),
        admission: None,
        names: None,
        workers: listing::workers_for(raise_open_files(), config.hash_queue_depth),
    };
    printer.damaged = Damaged::Counts(0);
    let mut shown = MatchPrinter {
        matcher: Matcher::new(selection, &rules),
        printer,
        search,
        sorter: (!sort_spec.keys.is_empty()).then(|| Sorter::new(sort_spec, &spill)),
        count: 0,
        limit: sort_spec.limit.unwrap_or(usize::MAX),
        end: None,
    };
    let ended = listing::list_spool(&listing, &mut shown).and_then(|_| shown.show_sorted());
    conclude(shown, ended)
}

/// Reports how the run ended, and that nothing was shown.
fn conclude(mut shown: MatchPrinter<'_>, ended: Result<(), ListingError>) -> Result<(), Fatal> {
    match (shown.end, ended) {
        (Some(fatal), _) => return Err(fatal),
        (None, Ok(())) => {}
        (None, Err(error)) => return Err(shown.printer.fatal(error.to_string().as_bytes())),
    }
    if shown.count == 0 {
        let of = shown.printer.instance.as_ref();
        let of = of.map_or_else(String::new, |instance| format!(" of {instance}"));
        let text = format!("no message in the queue{of} matches the selection");
        let logger = &mut shown.printer.output.sink().logger;
        logger.warning(text);
    }
    let damaged = shown.printer.damaged;
    shown.printer.finish()?;
    match damaged {
        Damaged::Counts(1..) => Err(Fatal::already_reported(STATUS)),
        _ => Ok(()),
    }
}

/// The rules for reading messages. Sets what the selection depends on in main.cf.
fn rules(
    printer: &mut OperandRun,
    config: &Config,
    selection: &mut Selection,
) -> Result<Rules, Fatal> {
    let logger = &mut printer.output.sink().logger;
    let rules = instance::reported_rules(config, logger, STATUS)?;
    instance::set_reported_lifetimes(Some(selection), config, logger, STATUS)?;
    Ok(rules)
}

/// The sink that shows the messages of a listing.
struct MatchPrinter<'a> {
    matcher: Matcher<'a>,
    printer: OperandRun,
    search: &'a IdSearch,
    /// Collects the paths, if messages are shown sorted.
    sorter: Option<Sorter<'a>>,
    count: usize,
    limit: usize,
    /// The failure that ended the run.
    end: Option<Fatal>,
}

impl MatchPrinter<'_> {
    /// Shows the message at a path if the file still exists and is still the
    /// same message.
    fn show(&mut self, path: &[u8]) -> Result<(), Fatal> {
        let text = String::from_utf8_lossy(path);
        let mut parts = path.split(|&b| b == b'/');
        let queue = parts.next().and_then(Queue::of_directory);
        let (Some(queue), Some(id)) = (queue, parts.next_back()) else {
            return Ok(());
        };
        let at = Location {
            spool: &self.search.spool,
            layout: &self.search.layout,
            queue,
            id,
            path: &text,
        };
        let message = match message::open(at.spool, path, queue, &text) {
            Ok(message) => message,
            // The message was delivered or moved in the meantime.
            Err(NoMessage::NotThere) => return Ok(()),
            Err(error) if error.is_exhaustion() => {
                return Err(self.printer.fatal(error.to_string().as_bytes()));
            }
            Err(error) => return self.printer.warn(error.to_string().as_bytes()),
        };
        match self.matcher.matches(&message, &at) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error @ ReadError::Exhausted { .. }) => {
                return Err(self.printer.fatal(error.to_string().as_bytes()));
            }
            Err(error) => return self.printer.warn(error.to_string().as_bytes()),
        }
        self.count = self.count.saturating_add(1);
        self.printer.print_named(message.file, path, id)
    }

    /// Shows the messages at these paths, up to the limit.
    fn show_all(&mut self, paths: &[u8]) -> Ending {
        for path in paths.split(|&b| b == 0).filter(|path| !path.is_empty()) {
            if self.count >= self.limit {
                return Ending::Enough;
            }
            if let Err(fatal) = self.show(path) {
                self.end = Some(fatal);
                return Ending::Enough;
            }
        }
        Ending::Complete
    }

    /// Shows the messages that were collected to be sorted.
    fn show_sorted(&mut self) -> Result<(), ListingError> {
        let Some(sorter) = self.sorter.take() else {
            return Ok(());
        };
        for entry in sorter.finish().map_err(ListingError::Sort)? {
            let entry = entry.map_err(ListingError::Sort)?;
            if self.show_all(&entry.text) != Ending::Complete {
                break;
            }
        }
        Ok(())
    }
}

impl Sink for MatchPrinter<'_> {
    /// A piece consists of whole lines, since each message ends with a line
    /// end.
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        Ok(self.show_all(piece))
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, partial: PartialResult) -> Result<Ending, ListingError> {
        if let (PartialResult::Entries(entries), Some(sorter)) = (partial, &mut self.sorter) {
            sorter.add(entries).map_err(ListingError::Sort)?;
        }
        Ok(Ending::Complete)
    }

    // Problems of files that are not shown are not reported.
    fn warning(&mut self, _: &[u8]) {}
}
