//! qshape: counts recipients or messages by domain and age.
//!
//! Connects the steps from the command line to the printed table: `arguments`
//! parses the command line, `place` finds the queues and drops rights,
//! `selected` does so for a selection, and `display` prints. The module
//! `qshape_report` counts.

pub mod arguments;
mod display;
mod errors;
mod instances;
mod messages;
mod numbers;
mod operands;
mod place;
mod selected;
mod table;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::{Call, Fatal, instance, option_table};
use crate::cli;
use crate::qshape_report::table::DomainTable;
use crate::qshape_report::{CountRequest, Logs, READERS_MAX, ScanRequest, scan_queues};
use crate::release::Release;
use crate::spool::Queue;
use crate::sys::dir::FileKind;
use crate::sys::{process, time};
use crate::worker_pool::limits::readers_for;
use arguments::{OutputFormat, QshapeArguments, QshapeMode, parse};
use display::{Display, Settings};
use errors::{POSTCONF, PROGRAM, STATUS, STATUS_FAILED, UsageError};
use messages::Messages;
use place::{QueueSource, find_place};
use table::{help, options};

/// The number of directories that are kept open on the way down a queue.
const DEPTH: u32 = 8;

/// The applet's command line.
pub fn command() -> clap::Command {
    let queues = clap::Arg::new("queue").num_args(0..);
    let queues = option_table::among(queues, Queue::LISTED.map(Queue::name));
    option_table::of_table(&options()).arg(queues)
}

/// Runs qshape.
///
/// # Errors
///
/// The command line is wrong, the messages cannot be counted, or the output
/// cannot be written. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    process::die_of_closed_pipes();
    let messages = Messages::of(call);
    let arguments = parse(call.arguments.clone());
    let arguments = arguments.map_err(|misuse| refuse(call, &messages, &misuse))?;
    match arguments.mode {
        QshapeMode::Help => return display::print(&help()),
        QshapeMode::Version => return display::print(&super::front::version(PROGRAM)),
        QshapeMode::Usage => {
            messages.usage(release(call));
            return Err(Fatal::already_reported(STATUS));
        }
        QshapeMode::Count => {}
    }
    instances::run(call, arguments, &messages, |arguments| {
        on_instance(call, arguments, &messages)
    })
}

/// Counts the messages of one instance, and prints the result.
fn on_instance(call: &Call, arguments: &QshapeArguments, messages: &Messages) -> Result<(), Fatal> {
    let place = match &arguments.selection {
        Some(selection) => {
            let refuse = |misuse: &UsageError| refuse(call, messages, misuse);
            selected::find_place(call, arguments, selection, messages, refuse)?
        }
        None => find_place(call, arguments, messages)?,
    };
    let settings = Settings::of(arguments);
    count(arguments, &settings, &place, messages)
}

/// Reports an invalid command line.
fn refuse(call: &Call, messages: &Messages, misuse: &UsageError) -> Fatal {
    messages.say(&misuse.0);
    messages.usage(release(call));
    Fatal::already_reported(STATUS)
}

/// The release whose usage message is printed.
fn release(call: &Call) -> Release {
    let outline = cli::outline(&options(), &call.arguments, &[]);
    let wanted = instance::InstanceChoice {
        directory: outline.directory.as_deref(),
        release: outline.release,
    };
    instance::release_of(call, wanted, POSTCONF)
}

/// Refuses operands that are neither directories nor regular files. The scan
/// would skip them, and zeros would look like an empty queue.
fn refuse_other_files(place: &QueueSource, messages: &Messages) -> Result<(), Fatal> {
    for queue in &place.queues {
        let found = place.base.stat(OsStr::from_bytes(queue));
        let kind = found.map(|stat| FileKind::of(&stat));
        if matches!(kind, Ok(FileKind::Link | FileKind::Other)) {
            messages.unread(queue, &Errno::ENOTDIR.into());
            return Err(Fatal::already_reported(STATUS_FAILED));
        }
    }
    Ok(())
}

/// Counts the messages and prints the result.
fn count(
    arguments: &QshapeArguments,
    settings: &Settings,
    place: &QueueSource,
    messages: &Messages,
) -> Result<(), Fatal> {
    let logs = place.layout.as_ref().map(|layout| Logs {
        spool: &place.base,
        layout,
    });
    let request = CountRequest {
        by: settings.by,
        ages: settings.ages,
        now: time::now() as f64,
        logs,
        queues: &place.queues,
        matching: place
            .selection_context
            .as_ref()
            .map(|selection_context| selection_context.matching(&place.base)),
    };
    let scan = ScanRequest {
        base: &place.base,
        readers: readers_for(READERS_MAX, process::raise_open_files(), DEPTH),
    };
    if arguments.form == OutputFormat::Own {
        refuse_other_files(place, messages)?;
    }
    let mut display = Display::new(settings, &arguments.numbers, messages);
    let mut table = DomainTable::new(arguments.parents);
    scan_queues(&request, &scan, &mut table, &mut display)?;
    display.finish(&table)
}
