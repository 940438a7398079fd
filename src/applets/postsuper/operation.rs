//! An operation of postsuper: repairs first, then the actions in order, then
//! the report.
//!
//! Defines this order and the final messages. Root's rights have been dropped
//! before.

use std::ffi::OsStr;
use std::io::BufWriter;
use std::os::unix::ffi::OsStrExt;

use super::super::progress::Progress;
use super::super::{Call, Fatal, flush, output};
use super::arguments::{Notify, PostsuperArguments};
use super::context::ActionContext;
use super::delivery::Delivery;
use super::errors::{STATUS, STATUS_STRICT};
use super::final_report;
use super::final_report::{counted, missing_ids};
use super::journal;
use super::journal::Task;
use super::journal_list;
use super::journal_list::{ListFormat, ListStyle, ListedActs};
use super::options::{ALL, MATCH, STDIN};
use super::reporter::{ReportState, Reporter};
use super::undone;
use super::undone::standard_input;
use crate::actions::bulk;
use crate::actions::by_selection;
use crate::actions::id_stream;
use crate::actions::interrupted_change::SelectedMessages;
use crate::actions::repair;
use crate::actions::repair::Changes;
use crate::actions::repair_rules;
use crate::actions::repair_rules::{Repair, WithoutInode};
use crate::actions::report::Counters;
use crate::actions::{Action, SpoolContext, WorkError};
use crate::config::Config;
use crate::journal::UndoRequest;
use crate::logging::{Logger, Severity};
use crate::queue_file::message_visitor::Rules;
use crate::release::Feature;
use crate::spool::id;
use crate::sys::signals;

/// Hint after an interruption.
const INCOMPLETE: &str = "OPERATION INCOMPLETE -- RERUN COMMAND TO FIX THE QUEUE FIRST";
/// Message after file names have changed.
const NAMES_CHANGED: &str = "QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS";
/// Message that explains why no action by queue ID is started after that.
const CHECK_IDS: &str = "CHECK YOUR QUEUE IDS AND RE-ISSUE THE COMMAND";

/// An operation and everything that it needs.
pub struct Operation<'a> {
    /// The command line.
    pub arguments: &'a PostsuperArguments,
    /// How the applet was called.
    pub call: &'a Call,
    /// The spool that is worked on.
    pub field: SpoolContext<'a>,
    /// The configuration.
    pub config: &'a Config,
    /// The rules for reading messages; `None` if no message is read.
    pub rules: Option<&'a Rules>,
    /// The logger for messages to the user.
    pub logger: &'a mut Logger,
    /// The numbers of messages acted on so far.
    pub counters: Counters,
    /// The repairs made so far.
    pub changes: Changes,
    /// The state that all reporters share.
    pub memory: ReportState,
    /// The progress bar.
    pub progress: Progress,
    /// The context for listing messages.
    pub context: ActionContext<'a>,
}

impl<'a> Operation<'a> {
    /// Carries out the whole operation.
    ///
    /// # Errors
    ///
    /// The work cannot be finished, which was reported.
    pub fn run(&mut self) -> Result<(), Fatal> {
        match &self.arguments.task {
            Some(Task::List) => return self.list_batches(),
            Some(Task::Show(batch)) => return self.show_acts(Some(batch), ListedActs::All),
            Some(Task::Undo(batch)) if self.arguments.options.dry_run => {
                return self.show_acts(batch.as_deref(), ListedActs::Undoable);
            }
            _ => {}
        }
        let done = self.work();
        self.progress.clear();
        match done {
            Ok(()) | Err(EarlyEnd::Work(WorkError::Enough)) => {}
            Err(error) => return Err(self.end(&error)),
        }
        self.report();
        self.notify();
        self.last_messages()
    }

    /// Reports errors that did not end the work.
    fn last_messages(&mut self) -> Result<(), Fatal> {
        if let Some(error) = self.memory.failed_output.take() {
            output::output_failed(self.logger, &error)
                .map_err(|_| Fatal::already_reported(STATUS))?;
        }
        let missing = self.memory.missing;
        if self.arguments.options.strict && missing > 0 {
            self.logger.warning(missing_ids(missing));
            Err(Fatal::already_reported(STATUS_STRICT))
        } else {
            Ok(())
        }
    }

    /// Repairs, then acts, in the order of the options.
    fn work(&mut self) -> Result<(), EarlyEnd> {
        if let Some(task) = &self.arguments.task {
            return Ok(self.task(task)?);
        }
        if self.arguments.repairs() {
            self.repair()?;
        }
        if self.changes.names && self.arguments.names_messages() {
            return Err(EarlyEnd::NamesChanged);
        }
        for (action, argument) in &self.arguments.actions {
            self.act(*action, argument)?;
        }
        Ok(())
    }

    /// Carries out a request to the journal.
    fn task(&mut self, task: &Task) -> Result<(), WorkError> {
        let (field, call) = (self.field, self.call);
        let ids = undone::ids(self.arguments, field.interrupts)?;
        let only = undone::only(self.arguments, self.rules, &ids);
        let (counters, ended) = journal::run(task, field, call, only, &mut self.reporter(None));
        self.counters = counters;
        ended
    }

    fn list_format(&self) -> ListFormat {
        if self.arguments.options.results {
            ListFormat::Json
        } else {
            ListFormat::Table
        }
    }

    fn list_batches(&mut self) -> Result<(), Fatal> {
        let (field, format) = (self.field, self.list_format());
        let instance = self.arguments.instance.as_deref();
        match journal_list::list(field, format, instance, &mut self.reporter(None)) {
            Ok(text) => output::print(self.logger, &text),
            Err(error) => Err(self.end(&EarlyEnd::Work(error))),
        }
    }

    /// Lists the acts of a batch, or what an undo would do.
    fn show_acts(&mut self, batch: Option<&[u8]>, listed: ListedActs) -> Result<(), Fatal> {
        let field = self.field;
        let style = ListStyle {
            format: self.list_format(),
            listed,
            instance: self.arguments.instance.as_deref(),
        };
        let mut out = BufWriter::new(output::stdout(self.logger)?);
        let ids = match undone::ids(self.arguments, field.interrupts) {
            Ok(ids) => ids,
            Err(error) => return Err(self.end(&EarlyEnd::Work(error))),
        };
        let only = undone::only(self.arguments, self.rules, &ids);
        let request = UndoRequest { batch, only };
        let mut reporter = self.reporter(None);
        let shown = journal_list::show(field, request, style, &mut out, &mut reporter);
        let (count, written) = match shown {
            Ok(shown) => shown,
            Err(error) => return Err(self.end(&EarlyEnd::Work(error))),
        };
        if listed == ListedActs::Undoable {
            let text = counted("Would be restored", count);
            self.logger.report(Severity::Info, text);
        }
        written.or_else(|error| output::output_failed(self.logger, &error))
    }

    fn reporter(&mut self, action: Option<Action>) -> Reporter<'_> {
        Reporter::new(
            self.logger,
            &self.arguments.options,
            &mut self.memory,
            action,
            &self.progress,
        )
    }

    fn repair(&mut self) -> Result<(), WorkError> {
        let repair = Repair {
            purge: self.arguments.purge,
            unfinished_max: if self.config.postfix.has(Feature::ForcedExpire) {
                repair_rules::UNFINISHED_MAX
            } else {
                repair_rules::UNFINISHED_MAX_BEFORE_3_5
            },
            structure: self.arguments.structure,
            style: if self.config.enable_long_queue_ids {
                id::IdStyle::Long
            } else {
                id::IdStyle::Short
            },
            without_inode: if self.config.postfix.has(Feature::FiveCharacterNameIsBogus) {
                WithoutInode::Bogus
            } else {
                WithoutInode::Renamed
            },
        };
        let field = self.field;
        let (counters, changes, ended) = repair::run(field, repair, &mut self.reporter(None));
        self.counters += counters;
        self.changes = changes;
        ended
    }

    fn act(&mut self, action: Action, argument: &OsStr) -> Result<(), WorkError> {
        let (counters, ended) = self.perform(action, argument)?;
        self.counters += counters;
        match (ended, self.field.interrupts.caught()) {
            // Reaching the limit interrupts the waits of other workers, although
            // there was no signal.
            (Err(WorkError::Interrupted), None) if self.field.rate_limit.is_enough() => {
                Err(WorkError::Enough)
            }
            (Ok(()), Some(_)) => Err(WorkError::Interrupted),
            (ended, _) => ended,
        }
    }

    /// Performs an action on a message, those on standard input, those that match
    /// or all. Returns the numbers of messages acted on, and how it ended.
    fn perform(
        &mut self,
        action: Action,
        argument: &OsStr,
    ) -> Result<(Counters, Result<(), WorkError>), WorkError> {
        let field = self.field;
        let matching = self.matching(action, argument);
        let delivery = Delivery {
            config: self.config,
            spool: field.spool,
        };
        let arguments = self.arguments;
        let delivery = Some(delivery).filter(|_| arguments.delivers_each());
        let input = self.context.input;
        let mut reporter = self
            .reporter(Some(action))
            .delivering(delivery)
            .of_instance(arguments.instance.as_deref());
        Ok(if let Some(matching) = matching {
            by_selection::run(field, action, matching, &mut reporter)
        } else if argument == STDIN {
            let input = match input {
                Some(input) => input.try_clone().map_err(WorkError::Input)?,
                None => standard_input()?,
            };
            let input = (input, arguments.options.separator);
            id_stream::run(field, action, input, &mut reporter)
        } else if argument == ALL {
            bulk::run(field, action, &mut reporter)
        } else {
            id_stream::one(field, action, argument.as_bytes(), &mut reporter)
        })
    }

    /// Returns the messages to select, if they are examined one by one.
    fn matching(&self, action: Action, argument: &OsStr) -> Option<SelectedMessages<'a>> {
        let options = &self.arguments.options;
        let is_matched = argument == MATCH
            || (argument == ALL && (options.one_by_one() || action.is_one_by_one()));
        let rules = self.rules.filter(|_| is_matched)?;
        Some(SelectedMessages {
            selection: options.selection_of(argument),
            rules,
        })
    }

    /// Prints the final messages of an operation that ended early.
    fn end(&mut self, end: &EarlyEnd) -> Fatal {
        let status = match end {
            EarlyEnd::NamesChanged => {
                self.logger.error(NAMES_CHANGED);
                self.logger.fatal(CHECK_IDS);
                STATUS
            }
            EarlyEnd::Work(WorkError::Interrupted) => {
                if self.arguments.is_extended() {
                    self.report_interrupted();
                }
                let signal = self.field.interrupts.caught();
                signal.and_then(|s| u8::try_from(s).ok()).unwrap_or(STATUS)
            }
            EarlyEnd::Work(error) => {
                self.logger.fatal(error.message());
                STATUS
            }
        };
        if self.changes != Changes::default() {
            self.logger.warning(INCOMPLETE);
        }
        Fatal::already_reported(status)
    }

    /// Prints one line for each requested kind of work.
    fn report(&mut self) {
        final_report::print(self.arguments, self.config, self.counters, self.logger);
        if self.changes.names {
            self.logger.warning(NAMES_CHANGED);
        }
    }

    /// Reports what was done before a signal and what is left. Only for calls
    /// with options that Postfix does not have, since Postfix prints nothing.
    fn report_interrupted(&mut self) {
        self.report();
        let Some(signal) = self.field.interrupts.caught() else {
            return;
        };
        let left = match self.messages_left() {
            Some(1) => "1 message is left as it was".to_owned(),
            Some(count) => format!("{count} messages are left as they were"),
            None => "the rest is unchanged".to_owned(),
        };
        let name = signals::name(signal);
        let text = format!("stopped by {name}: {left}; the same command goes on from here");
        self.logger.warning(text);
    }

    /// The number of messages that were not acted on; `None` if counting them
    /// would take as long as the work.
    fn messages_left(&self) -> Option<u64> {
        let [(action, argument)] = &self.arguments.actions[..] else {
            return None;
        };
        if self.arguments.options.counts_first() {
            self.field.rate_limit.left()
        } else if argument == ALL && *action != Action::Expire {
            self.context.names_left(*action)
        } else {
            None
        }
    }

    /// Wakes the daemons that handle moved messages.
    fn notify(&mut self) {
        let counters = &self.counters;
        let moved = counters.released > 0 || counters.requeued > 0 || counters.returned > 0;
        let is_done = self.arguments.delivers_each();
        if self.arguments.notify == Notify::No || is_done || !moved {
            return;
        }
        for error in flush::wake_any(self.config, self.field.spool) {
            self.logger.warning(error.to_string());
        }
    }
}

/// Why an operation ended early.
enum EarlyEnd {
    Work(WorkError),
    NamesChanged,
}

impl From<WorkError> for EarlyEnd {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}
