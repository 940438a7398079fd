//! mailq and sendmail -bp: the list mode of sendmail, which hands over to
//! postqueue.
//!
//! Accepts and refuses the same options as Postfix's sendmail in this mode,
//! with the same messages. Other modes are not supported.

mod arguments;
mod errors;
mod line;
mod table;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Call, Fatal, Inherited, instance, output, postqueue};
use crate::config::Unlisted;
use crate::logging::Logger;
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::rights;
use crate::sys::rights::RightsError;
use crate::sys::time;
use crate::text::to_printable;
use arguments::{SendmailArguments, SendmailMode};
use errors::{STATUS, fatal};
use line::CommandLine;
use table::options;

/// The name in the mail log, regardless of the name the program was called by.
const LOG_NAME: &str = "sendmail";
/// The exit status of a request that is not supported.
const STATUS_NOT_OURS: u8 = 69;

/// The command line of sendmail and mailq.
pub fn command() -> clap::Command {
    super::option_table::of_table(&options())
}

/// Runs mailq.
///
/// # Errors
///
/// As [`run_sendmail`].
pub fn run_mailq(call: &Call) -> Result<(), Fatal> {
    run(call, SendmailMode::List)
}

/// Runs sendmail's list and flush modes.
///
/// # Errors
///
/// The command line is wrong, or the queue can be neither listed nor flushed. It was
/// reported.
pub fn run_sendmail(call: &Call) -> Result<(), Fatal> {
    run(call, SendmailMode::Delivery)
}

fn run(call: &Call, mode: SendmailMode) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut logger = instance::logger(call, &program, LOG_NAME);
    let line = CommandLine::scan(call);
    if let Some(text) = line.explanation() {
        return output::print(&mut logger, &text);
    }
    // Postfix's sendmail is not set-gid and reads any file that its caller
    // names.
    let suspended = match call.caller.trust {
        Trust::OwnRights => None,
        Trust::BorrowedRights => Some(suspended(rights::suspend_borrowed_group(), &mut logger)?),
    };
    let mut own = call.clone();
    own.caller.trust = Trust::OwnRights;
    let handed_over = prepare(&own, &line, mode, &mut logger)?;
    if let Some(group) = suspended {
        self::suspended(group.resume(), &mut logger)?;
    }
    match handed_over {
        None => Ok(()),
        Some((arguments, inherited)) => {
            // Postfix runs postqueue in a process of its own, which reads TZ
            // anew.
            time::read_zone();
            postqueue::run(&Call {
                inherited,
                ..Call::new("postqueue", arguments, call.caller)
            })
        }
    }
}

fn suspended<T>(done: Result<T, RightsError>, logger: &mut Logger) -> Result<T, Fatal> {
    done.map_err(|error| fatal(logger, &error.to_string()))
}

/// Does what Postfix's sendmail does before postqueue takes over. Returns the
/// arguments of postqueue and the values it inherits; `None` if there is
/// nothing to do.
fn prepare(
    call: &Call,
    line: &CommandLine,
    mode: SendmailMode,
    logger: &mut Logger,
) -> Result<Option<(Vec<OsString>, Inherited)>, Fatal> {
    let program = call.base_name();
    let directory = line.configuration_directory(call, logger)?;
    let wanted = instance::InstanceChoice::at(directory.as_deref());
    let config = instance::configure(call, wanted, &program, logger, STATUS)?;
    look_into(&config.queue_directory, logger)?;
    instance::import_environment(call, &config, Unlisted::Kept, logger);
    let arguments = line.understand(&program, mode, config.postfix.release(), logger)?;
    let dialect = line.dialect();
    let selection = line.selection();
    if let (Some(option), true) = (selection.first(), arguments.mode != SendmailMode::List) {
        let option = to_printable(option.as_bytes());
        let name = option.split('=').next().unwrap_or_default();
        let text = format!("{name} can be used only to list the queue: mailq {name}");
        return Err(fatal(logger, &text));
    }
    let arguments = of_postqueue(arguments, logger)?;
    Ok(arguments.map(|mut arguments| {
        arguments.extend(selection);
        arguments.extend(dialect.map(|value| {
            let mut option = OsString::from("--dialect=");
            option.push(value);
            option
        }));
        (arguments, instance::leave(&config, directory))
    }))
}

/// Checks that the queue directory can be entered. Changes back afterwards,
/// since postqueue resolves relative paths too.
fn look_into(queue_directory: &Path, logger: &mut Logger) -> Result<(), Fatal> {
    let here = std::env::current_dir();
    std::env::set_current_dir(queue_directory).map_err(|cause| {
        let directory = to_printable(queue_directory.as_os_str().as_bytes());
        fatal(
            logger,
            &format!("chdir {directory}: {}", error_text(&cause)),
        )
    })?;
    // If it is impossible to change back, the process stays there, as Postfix's
    // does.
    let _ = here.and_then(std::env::set_current_dir);
    Ok(())
}

/// Returns the arguments of postqueue, which does the rest under its own name.
fn of_postqueue(
    arguments: SendmailArguments,
    logger: &mut Logger,
) -> Result<Option<Vec<OsString>>, Fatal> {
    let SendmailArguments {
        mode,
        flush_site,
        flush_id,
        ..
    } = arguments;
    Ok(Some(match (mode, flush_site, flush_id) {
        (SendmailMode::Nothing, _, _) => return Ok(None),
        (SendmailMode::List, _, _) => vec!["-p".into()],
        (SendmailMode::Flush, _, _) => vec!["-f".into()],
        (SendmailMode::Delivery, Some(site), _) => vec!["-s".into(), site],
        (SendmailMode::Delivery, None, Some(id)) => vec!["-i".into(), id],
        (SendmailMode::Delivery | SendmailMode::NotOurs, _, _) => {
            logger.fatal("this sendmail only lists and flushes the queue");
            return Err(Fatal::already_reported(STATUS_NOT_OURS));
        }
    }))
}
