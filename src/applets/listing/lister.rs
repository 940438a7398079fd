//! A listing from the choice of its source to its last byte, and how a failed
//! listing ends.

use std::cell::Cell;
use std::io;
use std::io::{BufReader, IsTerminal, Write};
use std::os::unix::net::UnixStream;

use super::super::fatal::unavailable;
use super::super::output::output_failed;
use super::super::progress::Progress;
use super::super::{Fatal, instance};
use super::names;
use super::request::{ListingRequest, ProgressMode, Session};
use super::similar_senders;
use super::sinks::{Collector, ListingPrinter, Logged};
use super::source;
use super::source::{MALFORMED, Origin, SHOWQ};
use crate::ipc::AttributeError;
use crate::ipc::showq::Showq;
use crate::listing;
use crate::listing::{
    Counts, DaemonRequest, Ending, Listing, ListingError, OutputOptions, Sink, Spill, Style, Totals,
};
use crate::logging::Severity;
use crate::queue_file::message_visitor::Rules;
use crate::queue_file::shown_address::shown_null;
use crate::selection::Selection;
use crate::spool::{Layout, Queue, QueueId};
use crate::sys::process::raise_open_files;
use crate::sys::time;
use crate::text::Charset;

/// The result of a count.
#[derive(Debug, Default)]
pub struct CountSummary {
    /// The totals of all messages that match.
    pub totals: Totals,
    /// The counts of the groups that the plan requests.
    pub counts: Counts,
    /// The number of messages in each queue if only file names were read;
    /// `counts` is empty then.
    pub names: Option<Vec<(Queue, u64)>>,
    /// The number of files and directories that could not be read.
    pub errors: u64,
    /// The number of damaged messages, which are in no listing; `None` if the spool
    /// was not read, or if there is a selection.
    pub corrupt: Option<u64>,
}

/// A listing and everything that it needs.
pub(super) struct Lister<'a> {
    pub(super) session: Session<'a>,
    request: &'a ListingRequest<'a>,
    /// The messages to look at; `None` for all.
    names: Option<&'a [(Queue, QueueId)]>,
    /// The number of messages that the daemon reported, if it was asked.
    reported: Option<u64>,
    /// Stores text that is too large for memory.
    spill: &'a Spill,
}

impl<'a> Lister<'a> {
    pub(super) fn new(
        session: Session<'a>,
        request: &'a ListingRequest<'a>,
        spill: &'a Spill,
    ) -> Self {
        Self {
            session,
            request,
            names: None,
            reported: None,
            spill,
        }
    }

    /// Restricts a listing of the spool to these messages; the queues are not
    /// walked.
    pub(super) fn restrict_to(&mut self, names: &'a [(Queue, QueueId)]) {
        self.names = Some(names);
    }

    fn look(&self) -> OutputOptions<'a> {
        OutputOptions {
            style: self.request.style,
            sort_spec: self.request.sort_spec,
            spill: Some(self.spill),
            text_form: self.request.text_form,
        }
    }

    /// Chooses the source, and refuses a request that the source cannot serve.
    pub(super) fn choose_for_request(&mut self) -> Result<Origin, Fatal> {
        let origin = source::choose(&mut self.session, self.request.source)?;
        let option = self.request.selection.and_then(Selection::needs_spool);
        let unknown = match option {
            Some(option) => Some(format!("--{option}")),
            None => self.request.style.needs_spool(),
        };
        match (&origin, unknown) {
            (Origin::Showq(_), Some(unknown)) => {
                let text = format!(
                    "{unknown} needs the queue files, which only root and the mail owner may \
                     read: the showq daemon does not tell"
                );
                Err(self.fatal(&text))
            }
            _ => {
                // From here on, times are in the time zone that
                // import_environment sets.
                time::read_zone();
                Ok(origin)
            }
        }
    }

    /// Returns a progress bar, which is hidden unless it is requested and would
    /// not interrupt a listing on the same terminal.
    pub(super) fn progress(&self, origin: &Origin) -> Progress {
        let is_seen = self.request.progress == ProgressMode::Progress
            && Progress::can_be_seen()
            && !io::stdout().is_terminal();
        let selection = self.request.selection;
        let is_counted = matches!(origin, Origin::Spool)
            && selection.is_none_or(Selection::needs_names_only)
            && self.request.sort_spec.is_none_or(|a| a.limit.is_none());
        match (is_seen, is_counted) {
            (false, _) => Progress::default(),
            (true, false) => Progress::shown(None),
            (true, true) => {
                let layout = Layout::of(self.session.config);
                let counted = names::count(self.session.spool, &layout, selection);
                let total = |queues: Vec<(Queue, u64)>| queues.iter().map(|(_, n)| n).sum();
                Progress::shown(counted.ok().map(total))
            }
        }
    }

    /// Lists into `sink` from this source.
    pub(super) fn list(
        &mut self,
        origin: Origin,
        sink: &mut impl Sink,
    ) -> Result<Result<Ending, ListingError>, Fatal> {
        match origin {
            Origin::Spool => self.list_spool(sink),
            Origin::Showq(stream) => self.list_showq(stream, sink),
        }
    }

    fn list_spool(&mut self, sink: &mut impl Sink) -> Result<Result<Ending, ListingError>, Fatal> {
        let layout = Layout::of(self.session.config);
        let rules = self.rules()?;
        let listing = Listing {
            spool: self.session.spool,
            layout: &layout,
            rules: &rules,
            look: self.look(),
            queues: &Selection::searched(self.request.selection),
            selection: self.request.selection,
            admission: None,
            names: self.names,
            workers: listing::workers_for(raise_open_files(), self.session.config.hash_queue_depth),
        };
        let logger = &mut *self.session.logger;
        Ok(listing::list_spool(&listing, &mut Logged { sink, logger }))
    }

    fn list_showq(
        &mut self,
        stream: BufReader<UnixStream>,
        sink: &mut impl Sink,
    ) -> Result<Result<Ending, ListingError>, Fatal> {
        let null_shown = match self.request.selection {
            Some(_) => shown_null(&self.rules()?),
            None => Vec::new(),
        };
        let seen = Cell::new(0);
        let request = DaemonRequest {
            seen: &seen,
            look: self.look(),
            selection: self.request.selection,
            null_shown: &null_shown,
        };
        let charset = if !self.session.config.smtputf8_enable {
            Charset::Ascii
        } else if self.request.style.is_of_postfix() {
            Charset::LooseUtf8
        } else {
            Charset::Safe
        };
        let socket = source::socket(self.session.config).display().to_string();
        let mut showq = Showq::new(stream, &socket, charset);
        match showq.greeting(&self.session.config.postfix) {
            Ok(fault) => self.warn(fault.as_ref()),
            Err(error) => return Ok(Err(error.into())),
        }
        let logger = &mut *self.session.logger;
        let ended = listing::list_daemon(showq, &request, &mut Logged { sink, logger });
        self.reported = Some(seen.get());
        Ok(ended)
    }

    /// Warns of a malformed answer of the daemon.
    fn warn(&mut self, fault: Option<&AttributeError>) {
        if let Some(warning) = fault.and_then(AttributeError::warning) {
            self.session.logger.warning(warning);
        }
    }

    /// Counts names by reading directories only.
    pub(super) fn count_names(&mut self) -> Result<CountSummary, Fatal> {
        let layout = Layout::of(self.session.config);
        let counted = names::count(self.session.spool, &layout, self.request.selection);
        let mut names = counted.map_err(|error| self.failed(error.into()))?;
        let messages = names.iter().map(|(_, count)| count).sum();
        // Damaged messages are not in a listing, so they do not add to its total.
        let corrupt = self.corrupt();
        let damaged = corrupt.filter(|corrupt| *corrupt > 0);
        names.extend(damaged.map(|count| (Queue::Corrupt, count)));
        Ok(CountSummary {
            totals: Totals { messages, bytes: 0 },
            counts: Counts::default(),
            names: Some(names),
            errors: 0,
            corrupt,
        })
    }

    /// The number of damaged messages, see [`CountSummary::corrupt`].
    pub(super) fn corrupt(&self) -> Option<u64> {
        let layout = Layout::of(self.session.config);
        let is_counted = self.request.selection.is_none() && self.reported.is_none();
        is_counted.then(|| names::count_corrupt(self.session.spool, &layout))
    }

    /// Writes the sorted messages and the footer, or reports why there is no
    /// footer.
    pub(super) fn finish(
        mut self,
        ended: Result<Ending, ListingError>,
        printer: ListingPrinter<'_, impl Write>,
    ) -> Result<(), Fatal> {
        let finished = match ended {
            Ok(Ending::ReaderGone) => return Ok(()),
            Ok(Ending::Complete | Ending::Enough) => printer.finish(),
            Err(error) => Err(error),
        };
        match finished {
            Ok(totals) => {
                if totals.messages == 0 {
                    self.explain_nothing();
                }
                Ok(())
            }
            Err(ListingError::Output(error)) => output_failed(self.session.logger, &error),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Reports that no message matches the selection, since the output looks
    /// like that of an empty queue. In formats for programs, this is reported
    /// only on a terminal.
    fn explain_nothing(&mut self) {
        let limit = self.request.sort_spec.and_then(|order| order.limit);
        if self.request.selection.is_none() || limit == Some(0) {
            return;
        }
        let s = |count| if count == 1 { "" } else { "s" };
        let text = match self.count_all() {
            Some(0) => return,
            Some(count) => format!(
                "no message matches the selection, of {count} message{} in the queue",
                s(count)
            ),
            None => "no message matches the selection".to_owned(),
        };
        match self.request.style {
            Style::Text(..) => self.session.logger.report(Severity::Info, text),
            _ => self.session.logger.hint(text),
        }
        // Another scan is for people only; a daemon's listing is not repeated.
        if self.reported.is_none() && io::stderr().is_terminal() {
            self.suggest_senders();
        }
    }

    /// Names senders that are similar to that of `--from`.
    fn suggest_senders(&mut self) {
        let Some(selection) = self.request.selection else {
            return;
        };
        let Some(similar) = selection.with_similar_senders() else {
            return;
        };
        let plan = similar_senders::plan();
        let request = ListingRequest {
            style: Style::Counts(&plan),
            selection: Some(&similar),
            sort_spec: None,
            ..*self.request
        };
        let mut collector = Collector::default();
        let mut lister = Lister::new(self.session.reborrow(), &request, self.spill);
        if let Ok(Ok(_)) = lister.list(Origin::Spool, &mut collector)
            && let Some(hint) = similar_senders::hint(collector.counts, selection)
        {
            self.session.logger.hint(hint);
        }
    }

    /// The number of all messages, regardless of the selection; `None` if it
    /// cannot be determined.
    fn count_all(&self) -> Option<u64> {
        self.reported.or_else(|| {
            let layout = Layout::of(self.session.config);
            let counted = names::count(self.session.spool, &layout, None).ok()?;
            Some(counted.iter().map(|(_, count)| count).sum())
        })
    }

    /// Reports why a listing ended early.
    pub(super) fn failed(&mut self, error: ListingError) -> Fatal {
        match error {
            error @ ListingError::Sort(_) => self.fatal(&error.to_string()),
            ListingError::Daemon(error) => {
                self.warn(Some(&error));
                self.fatal(MALFORMED)
            }
            error => self.showq_failed(&error.to_string()),
        }
    }

    /// The rules for reading messages. In Postfix, showq reads these
    /// parameters, so their errors are logged as showq's.
    fn rules(&mut self) -> Result<Rules, Fatal> {
        let mut warnings = Vec::new();
        let config = self.session.config;
        let rules = instance::rules(config, &mut warnings);
        for warning in warnings {
            self.session
                .logger
                .log_as(SHOWQ, Severity::Warning, warning);
        }
        let mut rules = rules.map_err(|error| self.showq_failed(&error.to_string()))?;
        if !self.request.style.is_of_postfix() {
            rules.charset = rules.charset.safe();
        }
        Ok(rules)
    }

    /// Ends a listing as the failure of a showq process would: in Postfix's
    /// formats, the cause is only logged. In other formats, the cause is
    /// reported.
    fn showq_failed(&mut self, text: &str) -> Fatal {
        match self.request.style {
            Style::Text(..) | Style::Json(_) => {
                self.session.logger.log_as(SHOWQ, Severity::Fatal, text);
                self.fatal(MALFORMED)
            }
            Style::Lines(_) | Style::Counts(_) => self.fatal(text),
        }
    }

    fn fatal(&mut self, text: &str) -> Fatal {
        unavailable(self.session.logger, text)
    }
}
