//! A listing from the first look at rights to the last byte: the work of
//! `postqueue -p`, `postqueue -j` and `mailq` (spec pages 05 and 11), and of
//! what counts messages.

mod names;
mod sinks;
mod source;
mod whole;

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::{BufReader, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use super::authorization;
use super::authorization::AccessRequest;
use super::borrowed::Connections;
use super::postqueue::fatal;
use super::progress::Progress;
use super::{Call, Fatal, instance};
use crate::config::Config;
use crate::ipc::AttributeError;
use crate::ipc::showq::Showq;
use crate::listing;
use crate::listing::{
    CountPlan, Counts, DaemonRequest, Ending, Listing, ListingError, Output, OutputOptions, Sink,
    SortSpec, Spill, Style, Totals,
};
use crate::logging::{Logger, Severity};
use crate::queue_file::message_reader::shown_null;
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::raise_open_files;
use crate::sys::time;
use crate::text::Charset;
pub use sinks::Collector;
use sinks::{ListingPrinter, Logged};
use source::Origin;
pub use whole::{Edit, Whole};

/// What a listing that cannot go on ends with, as Postfix's does.
const MALFORMED: &str = "malformed showq server response";
/// The service in whose name a direct listing logs.
const SHOWQ: &str = "showq";

/// What listing is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What it looks like.
    pub style: Style<'a>,
    /// Which messages are meant; all without one.
    pub selection: Option<&'a Selection>,
    /// Another order than that of the walk, or an end before the last.
    pub sort_spec: Option<&'a SortSpec>,
    /// Where it comes from.
    pub source: ListingSource,
    /// Whether a progress bar is wished.
    pub progress: ProgressMode,
}

/// Whether a progress bar is wished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressMode {
    /// No.
    #[default]
    Nothing,
    /// One is.
    Progress,
}

/// Where a listing comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingSource {
    /// The spool if the caller may read it, else the daemon.
    #[default]
    Auto,
    /// The spool.
    Spool,
    /// The daemon.
    Showq,
}

impl ListingSource {
    /// From the value of `--source`.
    pub fn parse(value: &OsString) -> Option<Self> {
        match value.to_str()? {
            "auto" => Some(Self::Auto),
            "spool" => Some(Self::Spool),
            "showq" => Some(Self::Showq),
            _ => None,
        }
    }
}

/// Who asks for a listing of which instance.
#[derive(Debug)]
pub struct Session<'a> {
    /// How the applet was called.
    pub call: &'a Call,
    /// The instance's configuration.
    pub config: &'a Config,
    /// Its queue directory.
    pub spool: &'a Dir,
    /// Where it is told.
    pub logger: &'a mut Logger,
    /// Whether sockets are needed after that of the listing.
    pub connections: Connections,
}

impl Session<'_> {
    /// The same, for a part of the work.
    pub fn again(&mut self) -> Session<'_> {
        Session {
            logger: &mut *self.logger,
            ..*self
        }
    }
}

/// Lists the queue, and says how many messages match, up to the limit of the
/// request: also if nobody reads the listing to its end.
pub fn run_and_count(mut session: Session<'_>, request: &Request<'_>) -> Result<u64, Fatal> {
    let sort_spec = SortSpec {
        limit: request.sort_spec.and_then(|sort_spec| sort_spec.limit),
        ..SortSpec::default()
    };
    let limit = sort_spec.limit.and_then(|limit| limit.try_into().ok());
    let request = Request {
        sort_spec: Some(&sort_spec),
        ..*request
    };
    authorization::authorize(
        session.call,
        AccessRequest::View,
        session.config,
        session.logger,
    )?;
    let spill = Spill::default();
    let mut whole = Whole::new(stdout(session.logger)?, request.style, limit, &spill);
    let mut lister = Lister::new(session.again(), &request, &spill);
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
pub fn run(session: Session<'_>, request: &Request<'_>) -> Result<(), Fatal> {
    authorization::authorize(
        session.call,
        AccessRequest::View,
        session.config,
        session.logger,
    )?;
    let spill = Spill::default();
    let mut lister = Lister::new(session, request, &spill);
    let origin = lister.choose_for_request()?;
    let stdout = stdout(lister.session.logger)?;
    let progress = lister.progress(&origin);
    let output = Output::new(stdout, request.style);
    let mut printer = ListingPrinter::new(output, request.sort_spec, &spill, progress);
    let ended = lister.list(origin, &mut printer)?;
    lister.finish(ended, printer)
}

/// Lists the queue into `sink`.
pub fn into_sink(
    session: Session<'_>,
    request: &Request<'_>,
    sink: &mut impl Sink,
) -> Result<(), Fatal> {
    authorization::authorize(
        session.call,
        AccessRequest::View,
        session.config,
        session.logger,
    )?;
    let spill = Spill::default();
    let mut lister = Lister::new(session, request, &spill);
    let origin = lister.choose_for_request()?;
    match lister.list(origin, sink)? {
        Ok(_) => Ok(()),
        Err(error) => Err(lister.failed(error)),
    }
}

/// What was counted.
#[derive(Debug, Default)]
pub struct CountSummary {
    /// All messages that are meant.
    pub totals: Totals,
    /// By what the plan asks for.
    pub counts: Counts,
    /// The messages in each queue, if nothing but names was read: then the
    /// rest is empty.
    pub names: Option<Vec<(Queue, u64)>>,
}

/// Counts the queue, whatever the request says it shall look like.
pub fn count(
    session: Session<'_>,
    request: &Request<'_>,
    plan: &CountPlan,
) -> Result<CountSummary, Fatal> {
    authorization::authorize(
        session.call,
        AccessRequest::View,
        session.config,
        session.logger,
    )?;
    let request = &Request {
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
        }),
        Err(error) => Err(lister.failed(error)),
    }
}

/// One listing and all it needs.
struct Lister<'a> {
    session: Session<'a>,
    request: &'a Request<'a>,
    /// How many messages the daemon reported, if it was asked.
    reported: Option<u64>,
    /// Where text goes that is too much for the memory.
    spill: &'a Spill,
}

impl<'a> Lister<'a> {
    fn new(session: Session<'a>, request: &'a Request<'a>, spill: &'a Spill) -> Self {
        Self {
            session,
            request,
            reported: None,
            spill,
        }
    }

    fn look(&self) -> OutputOptions<'a> {
        OutputOptions {
            style: self.request.style,
            sort_spec: self.request.sort_spec,
            spill: Some(self.spill),
        }
    }

    /// Chooses the source, and refuses what it cannot tell.
    fn choose_for_request(&mut self) -> Result<Origin, Fatal> {
        let origin = self.choose()?;
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
                // From here on in the zone that import_environment names.
                time::read_zone();
                Ok(origin)
            }
        }
    }

    /// A progress bar, if it is wished and can be seen: a listing on the same
    /// terminal would be torn apart by it.
    fn progress(&self, origin: &Origin) -> Progress {
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
                let config = self.session.config;
                let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
                let counted = names::count(self.session.spool, &layout, selection);
                let total = |queues: Vec<(Queue, u64)>| queues.iter().map(|(_, n)| n).sum();
                Progress::shown(counted.ok().map(total))
            }
        }
    }

    /// Lists into `sink`, from wherever the messages come.
    fn list(
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
        let config = self.session.config;
        let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
        let rules = self.rules()?;
        let listing = Listing {
            spool: self.session.spool,
            layout: &layout,
            rules: &rules,
            look: self.look(),
            queues: &Queue::LISTED,
            selection: self.request.selection,
            workers: listing::workers_for(raise_open_files(), config.hash_queue_depth),
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
        let charset = match self.session.config.smtputf8_enable {
            true if !self.request.style.is_postfixs() => Charset::Safe,
            true => Charset::LooseUtf8,
            false => Charset::Ascii,
        };
        let socket = self.socket().display().to_string();
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

    /// Warns of what a daemon said.
    fn warn(&mut self, fault: Option<&AttributeError>) {
        if let Some(warning) = fault.and_then(AttributeError::warning) {
            self.session.logger.warning(warning);
        }
    }

    /// Counts names, reading directories only.
    fn count_names(&mut self) -> Result<CountSummary, Fatal> {
        let config = self.session.config;
        let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
        let counted = names::count(self.session.spool, &layout, self.request.selection);
        let names = counted.map_err(|error| self.failed(error.into()))?;
        let messages = names.iter().map(|(_, count)| count).sum();
        Ok(CountSummary {
            totals: Totals { messages, bytes: 0 },
            counts: Counts::default(),
            names: Some(names),
        })
    }

    /// Writes what waited for its place and the footer, or says why there is
    /// none.
    fn finish(
        mut self,
        ended: Result<Ending, ListingError>,
        printer: ListingPrinter<'_>,
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

    /// Says that it is the selection that leaves nothing: what is printed is
    /// what an empty queue looks like. Programs that read a form of ours know
    /// what nothing means; for them this is for terminals only.
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
    }

    /// How many messages there are, whatever matches.
    fn count_all(&self) -> Option<u64> {
        self.reported.or_else(|| {
            let config = self.session.config;
            let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
            let counted = names::count(self.session.spool, &layout, None).ok()?;
            Some(counted.iter().map(|(_, count)| count).sum())
        })
    }

    /// Says why a listing broke off.
    fn failed(&mut self, error: ListingError) -> Fatal {
        match error {
            error @ ListingError::Sort(_) => self.fatal(&error.to_string()),
            ListingError::Daemon(error) => {
                self.warn(Some(&error));
                self.fatal(MALFORMED)
            }
            error => self.showq_failed(&error.to_string()),
        }
    }

    /// What counts in a listing. Its parameters are showq's in Postfix, and
    /// so are their faults.
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
        if !self.request.style.is_postfixs() {
            rules.charset = rules.charset.safe();
        }
        Ok(rules)
    }

    /// Ends a listing of Postfix's kind as showq's end would: its words are in
    /// the log only. What Postfix does not have says what is wrong.
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
        fatal(self.session.logger, text)
    }
}

/// Says that standard output cannot be written; a reader that has gone is no
/// error.
pub fn output_failed(logger: &mut Logger, error: &io::Error) -> Result<(), Fatal> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    let text = format!("output write error: {}", error_text(error));
    Err(fatal(logger, &text))
}

/// Standard output without the buffer that looks for newlines: what is
/// written here comes in large pieces.
fn stdout(logger: &mut Logger) -> Result<File, Fatal> {
    let copy = io::stdout().as_fd().try_clone_to_owned();
    copy.map(File::from).map_err(|error| {
        fatal(
            logger,
            format!("output write error: {}", error_text(&error)),
        )
    })
}
