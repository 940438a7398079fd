//! `spoolbox export`: writes messages to an archive on standard output and, with
//! `--trash`, moves them to the trash when the archive is complete.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::{BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;

use super::super::{Call, Fatal, instance, option_table, output};
use super::export_arguments::{ExportArguments, ExportTask, parse};
use super::tables::{export_help, export_options};
use super::{LOG_NAME, OpenSpool, STATUS, choose, end, fatal, messages, open_spool};
use crate::actions::rate_limit::RateLimit;
use crate::actions::report::{ActionObserver, Counters, LineSeverity, LogLine};
use crate::actions::{DeletionReport, Effects, NextAttempt, SpoolContext, WorkError};
use crate::journal::{BatchStart, Caller, Recorder};
use crate::listing;
use crate::logging::{Audience, LogEntry, Logger, Severity};
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::{Queue, Walk, master_status};
use crate::sys::dir::{FileKind, stat_open};
use crate::sys::process::raise_open_files;
use crate::text::to_printable;
use crate::transfer::{
    Export, ExportContext, ExportMode, ExportObserver, ExportReport, HeldMessages, MailSystemState,
    Purpose, StagingArea, TransferError,
};

/// The program name in messages.
const PROGRAM: &str = "spoolbox export";
/// The comment of the batch in the trash.
const COMMENT: &[u8] = b"spoolbox export";
/// The size of the buffer for writing, in bytes.
const BUFFER: usize = 256 << 10;

/// The applet's command line.
pub fn command() -> clap::Command {
    option_table::of_table(&export_options())
}

/// Runs export.
///
/// # Errors
///
/// The command line or main.cf is wrong, the caller is not root, or messages
/// cannot be exported. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let mut logger = instance::logger(call, PROGRAM, LOG_NAME);
    let mut arguments = parse(&call.arguments).map_err(|text| fatal(&mut logger, text))?;
    match arguments.task {
        ExportTask::Help => return output::print(&mut logger, &export_help()),
        ExportTask::Version => {
            return output::print(&mut logger, &super::super::front::version(PROGRAM));
        }
        ExportTask::Export => {}
    }
    if io::stdout().is_terminal() {
        let text = "standard output is a terminal: redirect it to a file, or to a command such as \
                    ssh HOST spoolbox import";
        return Err(fatal(&mut logger, text));
    }
    let stdout = output::stdout(&mut logger)?;
    let name = arguments.instance.as_deref();
    choose(call, name, &mut arguments.config_directory, &mut logger)?;
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let opened = open_spool(call, wanted, &mut logger)?;
    let selection = arguments.selection.as_mut();
    instance::set_reported_lifetimes(selection, &opened.config, &mut logger, STATUS)?;
    export(call, &arguments, &opened, stdout, &mut logger)
}

fn export(
    call: &Call,
    arguments: &ExportArguments,
    opened: &OpenSpool,
    stdout: File,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let rules = rules(opened, logger)?;
    let everything = Selection::default();
    let open_files = raise_open_files();
    let config = &opened.config;
    // If it is not known whether qmgr is running, it may be.
    let is_up = master_status::is_up(&opened.spool).unwrap_or(true);
    let context = ExportContext {
        spool: &opened.spool,
        queue_directory: &opened.queue_directory,
        host: &opened.host,
        postfix: config.postfix.version(),
        layout: &opened.layout,
        selection: arguments.selection.as_ref().unwrap_or(&everything),
        rules: &rules,
        mode: arguments.mode,
        mail_system: if is_up {
            MailSystemState::Up
        } else {
            MailSystemState::Down
        },
        interrupts: &opened.interrupts,
        open_files,
        workers: listing::workers_for(open_files, config.hash_queue_depth),
    };
    let directory = arguments.config_directory.as_deref();
    transfer((call, directory), context, stdout, logger)
}

/// Writes the archive and, if requested, moves the messages. `directory` is the
/// value of `-c`.
fn transfer(
    (call, directory): (&Call, Option<&OsStr>),
    context: ExportContext<'_>,
    stdout: File,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    if context.queues().is_empty() {
        let text = "the selection admits none of the queues that can be exported now: incoming, \
                    deferred and hold, and active while Postfix is not running";
        return Err(fatal(logger, text));
    }
    match context.mode {
        ExportMode::Copy => {
            let written =
                HeldMessages::new().and_then(|mut held| write(context, &mut held, stdout, logger));
            let report = written.map_err(|error| end(&error, context.interrupts, logger))?;
            report_copies(context, &report, logger)
        }
        ExportMode::Move => move_messages((call, directory), context, stdout, logger),
    }
}

/// Writes the archive, and moves the messages to the trash. `directory` is the
/// value of `-c`.
fn move_messages(
    (call, directory): (&Call, Option<&OsStr>),
    context: ExportContext<'_>,
    stdout: File,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let failed =
        |error: TransferError, logger: &mut Logger| end(&error, context.interrupts, logger);
    let lock = StagingArea::open(context.spool, Purpose::Export);
    let _lock = lock.map_err(|error| failed(error, logger))?;
    let no_limit = RateLimit::new(None, None);
    let mut held = HeldMessages::new().map_err(|error| failed(error, logger))?;
    // Before anything is moved, so that a trash that cannot be used is known.
    let trash = begin_batch(call, context, &no_limit);
    let trash = trash.map_err(|error| fatal(logger, error.message()))?;
    let report =
        write(context, &mut held, stdout, logger).map_err(|error| failed(error, logger))?;
    let mut counters = Counters::default();
    let mut observer = ExportReporter { logger };
    let effects = Effects {
        journal: Some(&trash),
        next_attempt: NextAttempt::Unchanged,
    };
    let removed = held.remove(context, effects, &mut observer, &mut counters);
    report_moved(&trash, counters, directory, logger);
    report_left(context, &report, logger);
    let left = removed.map_err(|error| not_moved(&error, context, logger))?;
    if left > 0 {
        logger.error(format!(
            "{} of the archive could not be moved to the trash: do not release them here if the \
             archive is imported",
            messages(left)
        ));
    }
    status(left.saturating_add(report.refused))
}

/// Begins the batch of the trash that takes the messages.
fn begin_batch<'a>(
    call: &Call,
    context: ExportContext<'a>,
    no_limit: &'a RateLimit,
) -> Result<Recorder<'a>, WorkError> {
    let field = SpoolContext {
        spool: context.spool,
        layout: context.layout,
        selected: &[],
        interrupts: context.interrupts,
        rate_limit: no_limit,
        effects: Effects::default(),
        recipients: None,
        open_files: context.open_files,
    };
    let start = BatchStart {
        who: Caller::of(call.caller.user),
        comment: Some(COMMENT),
        name: None,
        deletions: DeletionReport::Trashed,
    };
    Recorder::begin(field, start)
}

/// Ends the batch, and reports how many messages were moved, and how to undo it.
fn report_moved(
    trash: &Recorder<'_>,
    counters: Counters,
    directory: Option<&OsStr>,
    logger: &mut Logger,
) {
    logger.info(format!("Moved: {}", messages(counters.trashed)));
    if let Some(batch) = trash.finish() {
        let instance = directory.map_or(String::new(), |directory| {
            format!("-c {} ", to_printable(directory.as_encoded_bytes()))
        });
        logger.info(format!("undo, to hold: postsuper {instance}--undo={batch}"));
    }
}

/// Reports that the trash could not take the messages of a complete archive.
fn not_moved(error: &TransferError, context: ExportContext<'_>, logger: &mut Logger) -> Fatal {
    logger.error(
        "the archive is complete; what is left of its messages stays on hold: do not release them \
         here if the archive is imported",
    );
    end(error, context.interrupts, logger)
}

/// Writes the archive. If that fails before its end, the messages that were put
/// on hold go back to their queues.
fn write(
    context: ExportContext<'_>,
    held: &mut HeldMessages,
    stdout: File,
    logger: &mut Logger,
) -> Result<ExportReport, TransferError> {
    let mut observer = ExportReporter { logger };
    let output = BufWriter::with_capacity(BUFFER, stdout);
    let copied = Export::begin(context, output).and_then(|mut export| {
        export.copy_all(held, &mut observer)?;
        export.settle(|output| sync(output.get_ref()))?;
        Ok(export)
    });
    let export = match copied {
        Ok(export) => export,
        Err(error) => {
            held.put_back(context, &mut observer)?;
            return Err(error);
        }
    };
    let ended = export.end().and_then(|(mut output, report)| {
        let flushed = output.flush().and_then(|()| sync(output.get_ref()));
        flushed.map(|()| report).map_err(TransferError::Write)
    });
    if ended.is_err() && context.mode == ExportMode::Move {
        observer.logger.error(
            "the end of the archive could not be written: its messages stay on hold; release them \
             with postsuper -H only if the archive is not imported",
        );
    }
    ended
}

/// Waits until the archive is on disk, if it is a file.
fn sync(output: &File) -> io::Result<()> {
    match FileKind::of(&stat_open(output.as_fd())?) {
        FileKind::File => output.sync_all(),
        _ => Ok(()),
    }
}

fn report_copies(
    context: ExportContext<'_>,
    report: &ExportReport,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let count = messages(report.exported);
    logger.info(format!("Copied: {count}"));
    if report.exported > 0 && context.mail_system == MailSystemState::Up {
        logger.hint("copies: what is not on hold is also delivered here; --trash moves messages");
    }
    report_left(context, report, logger);
    status(report.refused)
}

/// Reports the messages that are not in the archive.
fn report_left(context: ExportContext<'_>, report: &ExportReport, logger: &mut Logger) {
    let left = report.left.saturating_add(report.changed);
    if left > 0 {
        logger.warning(format!(
            "{} left the queue or changed meanwhile: not exported",
            messages(left)
        ));
    }
    for queue in context.queues_left() {
        let count = names_in(context, queue);
        if count > 0 {
            let why = match queue {
                Queue::Active => "being delivered; repeat this command, or stop Postfix before",
                _ => "not yet accepted by Postfix",
            };
            logger.warning(format!(
                "{} in {queue}: not exported: {why}",
                messages(count)
            ));
        }
    }
}

/// Returns the number of files in a queue; 0 if it cannot be read.
fn names_in(context: ExportContext<'_>, queue: Queue) -> u64 {
    let mut count = 0u64;
    if let Ok(mut walk) = Walk::new(context.spool, queue) {
        while let Ok(Some(_)) = walk.next_name() {
            count = count.saturating_add(1);
        }
    }
    count
}

fn status(failures: u64) -> Result<(), Fatal> {
    match failures {
        0 => Ok(()),
        _ => Err(Fatal::already_reported(STATUS)),
    }
}

fn rules(opened: &OpenSpool, logger: &mut Logger) -> Result<Rules, Fatal> {
    Ok(Rules {
        stop: Some(opened.interrupts.flag()),
        ..instance::reported_rules(&opened.config, logger, STATUS)?
    })
}

/// Reports to standard error and the mail log.
struct ExportReporter<'a> {
    logger: &'a mut Logger,
}

impl ExportObserver for ExportReporter<'_> {
    fn warning(&mut self, text: &[u8]) {
        self.logger.warning(text);
    }
}

impl ActionObserver for ExportReporter<'_> {
    fn lines(&mut self, lines: &[LogLine]) {
        let entry = |line: &LogLine| {
            let severity = match line.severity {
                LineSeverity::Done => Severity::Info,
                LineSeverity::Warning => Severity::Warning,
                LineSeverity::Quiet => return None,
            };
            Some(LogEntry {
                severity,
                text: line.text.clone(),
                audience: Audience::Everybody,
            })
        };
        self.logger.send_all(lines.iter().filter_map(entry));
    }

    fn pause(&mut self) {}
}
