//! `spoolbox import`: reads an archive from standard input and moves its
//! messages into the queues.

use std::fs::File;
use std::io;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use super::super::{Call, Fatal, instance, option_table, output};
use super::import_arguments::{ImportTask, parse};
use super::tables::{import_help, import_options};
use super::{LOG_NAME, OpenSpool, STATUS, choose, end, fatal, messages, open_spool};
use crate::logging::Logger;
use crate::spool::id::IdStyle;
use crate::spool::{master_status, trigger};
use crate::sys::process::raise_open_files;
use crate::transfer::{
    Destination, Import, ImportContext, ImportObserver, ImportReport, TransferError,
};

/// The program name in messages.
const PROGRAM: &str = "spoolbox import";
/// How to complete an import.
const REPEAT: &str = "repeat the command, with this or another archive, to complete it";

/// The applet's command line.
pub fn command() -> clap::Command {
    option_table::of_table(&import_options())
}

/// Runs import.
///
/// # Errors
///
/// The command line or main.cf is wrong, the caller is not root, or messages
/// cannot be imported. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let mut logger = instance::logger(call, PROGRAM, LOG_NAME);
    let mut arguments = parse(&call.arguments).map_err(|text| fatal(&mut logger, text))?;
    match arguments.task {
        ImportTask::Help => return output::print(&mut logger, &import_help()),
        ImportTask::Version => {
            return output::print(&mut logger, &super::super::front::version(PROGRAM));
        }
        ImportTask::Import => {}
    }
    if io::stdin().is_terminal() {
        let text = "standard input is a terminal: redirect it from an archive of spoolbox export";
        return Err(fatal(&mut logger, text));
    }
    let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let stdin =
        stdin.map_err(|error| fatal(&mut logger, format!("read standard input: {error}")))?;
    let name = arguments.instance.as_deref();
    choose(call, name, &mut arguments.config_directory, &mut logger)?;
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let opened = open_spool(call, wanted, &mut logger)?;
    import(&opened, arguments.destination, stdin, &mut logger)
}

fn import(
    opened: &OpenSpool,
    destination: Destination,
    stdin: File,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let context = ImportContext {
        spool: &opened.spool,
        queue_directory: &opened.queue_directory,
        host: &opened.host,
        layout: &opened.layout,
        style: if opened.config.enable_long_queue_ids {
            IdStyle::Long
        } else {
            IdStyle::Short
        },
        destination,
        interrupts: &opened.interrupts,
        open_files: raise_open_files(),
    };
    read_archive(opened, context, stdin, logger)
}

/// Imports, and reports the result.
fn read_archive(
    opened: &OpenSpool,
    context: ImportContext<'_>,
    stdin: File,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let mut report = ImportReport::default();
    let mut observer = ImportReporter { logger };
    let done =
        Import::new(context).and_then(|import| import.run(stdin, &mut report, &mut observer));
    let logger = observer.logger;
    wake_qmgr(opened, &report);
    if done.is_ok() || report != ImportReport::default() {
        summarize(&report, logger);
    }
    done.map_err(|error| failed(&error, &report, opened, logger))?;
    match report
        .completed
        .blocked
        .saturating_add(report.published.blocked)
    {
        0 => Ok(()),
        blocked => {
            let count = messages(blocked);
            logger.error(format!("{count} not moved into the queues yet: {REPEAT}"));
            Err(Fatal::already_reported(STATUS))
        }
    }
}

/// Reports the numbers of messages.
fn summarize(report: &ImportReport, logger: &mut Logger) {
    let (completed, staged) = (report.completed.published, report.staged);
    if completed > 0 {
        let count = messages(completed);
        logger.info(format!("Completed an earlier import: {count}"));
    }
    if staged.known > 0 {
        let count = messages(staged.known);
        logger.info(format!("Already imported, or still here: {count}"));
    }
    if staged.changed > 0 {
        let count = messages(staged.changed);
        logger.warning(format!(
            "{count} changed while they were exported, and are not in the archive"
        ));
    }
    logger.info(format!(
        "Imported: {}",
        messages(report.published.published)
    ));
}

fn failed(
    error: &TransferError,
    report: &ImportReport,
    opened: &OpenSpool,
    logger: &mut Logger,
) -> Fatal {
    let fatal = end(error, &opened.interrupts, logger);
    if report.staged.staged > report.published.published {
        logger.info(format!("the archive has been read completely: {REPEAT}"));
    }
    fatal
}

/// Wakes qmgr(8), so that it takes up what came into incoming. If that fails,
/// it finds the messages in its next scan.
fn wake_qmgr(opened: &OpenSpool, report: &ImportReport) {
    let moved = [report.completed.published, report.published.published];
    if moved == [0, 0] || !master_status::is_up(&opened.spool).unwrap_or(false) {
        return;
    }
    let (config, spool) = (&opened.config, &opened.spool);
    let name = &config.queue_service_name;
    let limit = config.trigger_timeout;
    if let Ok(sent) = trigger::send_trigger(spool, name, trigger::SCAN, limit) {
        trigger::wait_until_taken(vec![sent]);
    }
}

/// Reports to standard error and the mail log.
struct ImportReporter<'a> {
    logger: &'a mut Logger,
}

impl ImportObserver for ImportReporter<'_> {
    fn info(&mut self, text: String) {
        self.logger.info(text);
    }

    fn warning(&mut self, text: String) {
        self.logger.warning(text);
    }
}
