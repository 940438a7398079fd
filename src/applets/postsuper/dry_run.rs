//! `--dry-run`: lists the messages that would be acted on, on standard output,
//! and prints their number on standard error. With `--results=json`, prints
//! what would happen to each message.
//!
//! Changes nothing and writes nothing to the mail log. Refuses what the real
//! call would refuse, and ends with the same status.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::super::Fatal;
use super::super::listing::{Edit, Whole};
use super::super::output;
use super::confirm;
use super::context::{ActionContext, ScanEnd};
use super::errors::{STATUS, STATUS_STRICT};
use super::final_report::{counted, missing_ids};
use super::forecast::Forecast;
use super::journal::Deleted;
use super::options::{ALL, MATCH, STDIN};
use super::recipient_admission::Refusals;
use super::undone::standard_input;
use crate::actions::executor::Executor;
use crate::actions::id_reader;
use crate::actions::id_reader::{IdConsumer, IdRequest};
use crate::actions::report::Outcome;
use crate::actions::spool_ops::SpoolOps;
use crate::actions::{Action, Effects, Warning, WorkError};
use crate::listing::{Columns, Formatter, ListingError, OutputOptions, SortSpec, Spill, Style};
use crate::logging::{Logger, Severity};
use crate::queue_file::message_reader::MessageReader;
use crate::queue_file::message_visitor::Rules;
use crate::queue_file::read_error::Location;
use crate::selection::Selection;
use crate::spool::message;
use crate::spool::message::{Message, NoMessage};
use crate::spool::{Queue, QueueId};
use crate::sys::process::raise_open_files;

/// Lists the messages that the call would act on.
///
/// # Errors
///
/// The messages cannot be listed, which was reported.
pub fn run(context: ActionContext<'_>, logger: &mut Logger) -> Result<(), Fatal> {
    let Some((action, _)) = context.arguments.actions.first() else {
        return Ok(());
    };
    let limit = confirm::ask_confirmation(context, logger)?;
    let mut rules = context.rules(logger)?;
    rules.charset = rules.charset.safe();
    let forecast = Forecast::new(*action, context.arguments.journal.deleted())
        .of_instance(context.arguments.instance.as_deref());
    let results = context.arguments.options.results;
    let (style, edit) = if results {
        let edit: Edit<'_> = Box::new(|line| forecast.json(&line));
        (Style::Lines(forecast.template()), Some(edit))
    } else {
        (Style::Text(Columns::of(context.config), None), None)
    };
    let stdout = match io::stdout().as_fd().try_clone_to_owned() {
        Ok(stdout) => File::from(stdout),
        Err(error) => return output_failed(logger, &error),
    };
    let spill = Spill::default();
    let whole = Whole::new(stdout, style, limit, &spill);
    let mut preview = DryRun {
        context,
        logger,
        rules: &rules,
        action: *action,
        style,
        spill: &spill,
        shown: whole.edited(edit).interrupted_by(context.interrupts),
        forecast: Some(&forecast).filter(|_| results),
        actor: Executor::new(
            SpoolOps::new(context.spool, context.layout, raise_open_files()),
            context.selected,
            Effects::default(),
        )
        .changing(context.recipient_request(&rules)),
        reporter: MessageReader::default(),
        acted: HashMap::new(),
        missing: 0,
        failed: None,
    };
    let done = preview.all();
    preview.finish(done)
}

/// The state of the dry run.
struct DryRun<'a> {
    context: ActionContext<'a>,
    logger: &'a mut Logger,
    rules: &'a Rules,
    action: Action,
    style: Style<'a>,
    spill: &'a Spill,
    shown: Whole<'a>,
    /// The forecast for each message, if that is printed instead of a listing.
    forecast: Option<&'a Forecast>,
    actor: Executor<'a>,
    reporter: MessageReader,
    /// The messages that were given by ID: a hash of the ID, and the queue that
    /// the message would be in now. A message that is given twice is acted on
    /// once.
    acted: HashMap<u64, Option<Queue>>,
    /// The number of IDs that are invalid or not found.
    missing: u64,
    /// The error that prevented writing the listing.
    failed: Option<io::Error>,
}

impl DryRun<'_> {
    fn all(&mut self) -> Result<(), ScanEnd> {
        for (_, argument) in &self.context.arguments.actions {
            if self.shown.is_full() {
                break;
            }
            if argument == STDIN {
                let interrupts = self.context.interrupts;
                let separator = self.context.arguments.options.separator;
                standard_input()
                    .and_then(|input| id_reader::read_ids((&input, separator), interrupts, self))
                    .map_err(ScanEnd::Work)?;
            } else if argument == ALL || argument == MATCH {
                self.matching(self.context.arguments.options.selection_of(argument))?;
            } else {
                let asked = IdRequest::parse(argument.as_bytes());
                self.take(asked).map_err(ScanEnd::Work)?;
            }
        }
        Ok(())
    }

    fn matching(&mut self, selection: &Selection) -> Result<(), ScanEnd> {
        let sort_spec = SortSpec::default();
        let look = OutputOptions {
            style: self.style,
            sort_spec: Some(&sort_spec),
            spill: Some(self.spill),
            ..self.style.into()
        };
        let mut refusals = match self.forecast {
            Some(_) => Refusals::kept(self.logger),
            None => Refusals::warned(self.logger),
        };
        let matching = (selection, self.rules);
        let (context, action) = (self.context, self.action);
        let refused = Some(&mut refusals);
        context.list(action, matching, look, &mut self.shown, refused)?;
        for (queue, id) in refusals.into_left() {
            let left = self.not_done(id.as_bytes(), Outcome::Unchanged(queue));
            left.map_err(ScanEnd::Work)?;
        }
        Ok(())
    }

    /// Lists the message with this ID, if the action would find it.
    fn id(&mut self, id: &QueueId) -> Result<(), WorkError> {
        let mut hasher = DefaultHasher::new();
        id.as_bytes().hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(after) = self.acted.get(&hash) {
            let outcome = after.map_or(Outcome::NotFound, Outcome::Unchanged);
            return self.not_done(id.as_bytes(), outcome);
        }
        for selected in self.context.selected {
            let queue = selected.queue()?;
            if self.action.looks_into(queue) && self.try_in(queue, id)? {
                self.note_acted(hash, queue);
                return Ok(());
            }
        }
        if self.actor.is_left_on_hold(id) && self.try_in(Queue::Hold, id)? {
            self.note_acted(hash, Queue::Hold);
            return Ok(());
        }
        let there = self.actor.find_unchanged(self.action, id);
        let outcome = there.map_or(Outcome::NotFound, Outcome::Unchanged);
        self.not_done(id.as_bytes(), outcome)
    }

    /// Records that a message of this queue was given by ID.
    fn note_acted(&mut self, hash: u64, queue: Queue) {
        let deleted = self.context.arguments.journal.deleted();
        let after = Forecast::new(self.action, deleted).queue_after(queue);
        self.acted.insert(hash, after);
    }

    /// Records an ID that would not be acted on.
    fn not_done(&mut self, id: &[u8], outcome: Outcome) -> Result<(), WorkError> {
        if matches!(outcome, Outcome::NotFound | Outcome::Invalid) {
            self.missing = self.missing.saturating_add(1);
        }
        match self.forecast {
            Some(forecast) => {
                let line = forecast.not_done(id, outcome);
                let written = self.shown.text(line.as_bytes());
                self.written(written)
            }
            None => Ok(()),
        }
    }

    /// Ends the work if standard output cannot be written.
    fn written(&mut self, written: io::Result<()>) -> Result<(), WorkError> {
        written.map_err(|error| {
            self.failed = Some(error);
            WorkError::Enough
        })
    }

    /// Lists the message if it is in this queue. Returns whether it is.
    fn try_in(&mut self, queue: Queue, id: &QueueId) -> Result<bool, WorkError> {
        let path = self.context.layout.path(queue, id.as_bytes());
        let name = path.to_string_lossy().into_owned();
        let dir = self.context.spool;
        let message = match message::open(dir, path.as_bytes(), queue, &name) {
            Ok(message) => message,
            Err(NoMessage::NotThere) => return Ok(false),
            Err(error) if error.is_exhaustion() => return Err(error.into()),
            Err(error) => {
                let text = error.to_string();
                self.logger.report(Severity::Warning, text);
                return Ok(false);
            }
        };
        let changes = match self.action {
            Action::DropRecipients | Action::Bounce => {
                self.changes_recipients(id, &message, queue, &name)
            }
            Action::Expire => !message.is_expired(),
            Action::ExpireAndRelease => !message.is_expired() || queue == Queue::Hold,
            _ => true,
        };
        if !changes {
            self.not_done(id.as_bytes(), Outcome::Unchanged(queue))?;
            return Ok(true);
        }
        let at = Location {
            spool: dir,
            layout: self.context.layout,
            queue,
            id: id.as_bytes(),
            path: &name,
        };
        let mut form = Formatter::new(self.style.into());
        self.reporter.report(&message, &at, self.rules, &mut form)?;
        let totals = form.take_totals();
        let written = self.shown.message(std::mem::take(form.out()), totals);
        self.written(written).map(|()| true)
    }

    /// Whether the recipients of a message would be changed. Reports why not, if there
    /// is something wrong with it.
    fn changes_recipients(
        &mut self,
        id: &QueueId,
        message: &Message,
        queue: Queue,
        path: &str,
    ) -> bool {
        match self.actor.would_change(id, message, queue) {
            Ok(changes) => changes,
            Err(why) => {
                let path = path.to_owned();
                let warning = Warning::Recipients { path, why };
                self.logger.report(Severity::Warning, warning.message());
                false
            }
        }
    }

    /// Ends the listing and prints the number of messages.
    fn finish(self, done: Result<(), ScanEnd>) -> Result<(), Fatal> {
        let (context, logger) = (self.context, self.logger);
        if let Some(error) = self.failed {
            return output_failed(logger, &error);
        }
        match done {
            Ok(()) | Err(ScanEnd::Work(WorkError::Enough)) => {}
            Err(ScanEnd::Listing(ListingError::Output(error))) => {
                return output_failed(logger, &error);
            }
            Err(ended) => return Err(context.end(&ended, logger)),
        }
        let count = match self.shown.finish() {
            Ok(count) => count,
            Err(error) => return output_failed(logger, &error),
        };
        context.arguments.acted.set(count);
        let deleted = context.arguments.journal.deleted();
        logger.report(
            Severity::Info,
            counted(would_be(self.action, deleted), count),
        );
        if context.arguments.options.strict && self.missing > 0 {
            logger.report(Severity::Warning, missing_ids(self.missing));
            Err(Fatal::already_reported(STATUS_STRICT))
        } else {
            Ok(())
        }
    }
}

impl IdConsumer for DryRun<'_> {
    fn take(&mut self, asked: IdRequest) -> Result<(), WorkError> {
        if self.shown.is_full() {
            return Err(WorkError::Enough);
        }
        match asked {
            IdRequest::Id(id) => self.id(&id),
            IdRequest::NoId(text) => {
                let warning = Warning::InvalidId(text.clone());
                self.logger.report(Severity::Warning, warning.message());
                self.not_done(&text, Outcome::Invalid)
            }
            IdRequest::CutAtNul(line) => {
                let warning = Warning::CutAtNul(line);
                self.logger.report(Severity::Warning, warning.message());
                Ok(())
            }
        }
    }

    fn pause(&mut self) -> Result<(), WorkError> {
        Ok(())
    }
}

/// Ends with postsuper's failure status, unless the reader has gone.
fn output_failed(logger: &mut Logger, error: &io::Error) -> Result<(), Fatal> {
    output::output_failed(logger, error).map_err(|_| Fatal::already_reported(STATUS))
}

/// The text for what would happen to messages.
fn would_be(action: Action, deleted: Deleted) -> &'static str {
    match action {
        Action::Delete if deleted == Deleted::InTrash => "Would be moved to trash",
        Action::Delete => "Would be deleted",
        Action::Expire => "Would be force-expired",
        Action::ExpireAndRelease => "Would be force-expired or released from hold",
        Action::Hold => "Would be placed on hold",
        Action::Release => "Would be released from hold",
        Action::Requeue => "Would be requeued",
        Action::Postpone => "Would be postponed",
        Action::DropRecipients => "Would have recipients dropped",
        Action::Bounce => "Would be returned to sender",
    }
}
