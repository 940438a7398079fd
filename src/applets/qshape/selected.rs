//! `qshape --from …`: counts only the messages that a selection means.
//!
//! Owns what that takes beside the counting: queues that are the instance's
//! own, for a selection speaks of them and of the logs that lie beside them,
//! and all of main.cf, for it says what a listing would show.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::{Call, Fatal, instance};
use super::arguments::{Arguments, Misuse, misuse};
use super::messages::Messages;
use super::{PROGRAM, Place, STATUS_FAILED, drop_rights, enter, queues, refuse};
use crate::config::Config;
use crate::logging::Logger;
use crate::qshape_report::{Logs, ReportSelection};
use crate::queue_file::message_visitor::Rules;
use crate::selection::Selection;
use crate::spool::{Layout, Queue};
use crate::sys::dir::Dir;
use crate::text::to_printable;

/// What judges messages.
pub(super) struct SelectionContext<'a> {
    selection: &'a Selection,
    rules: Rules,
    /// Where their logs belong.
    layout: Layout,
    /// The queues that were asked for, in the same order.
    queues: Vec<Queue>,
}

impl SelectionContext<'_> {
    /// The messages that are meant in a queue directory.
    pub(super) fn matching<'a>(&'a self, spool: &'a Dir) -> ReportSelection<'a> {
        let layout = &self.layout;
        ReportSelection {
            selection: self.selection,
            rules: &self.rules,
            logs: Logs { spool, layout },
            queues: &self.queues,
        }
    }
}

/// Refuses operands that can be no queue of any instance.
pub(super) fn check_operands(operands: &[OsString]) -> Result<(), Misuse> {
    for operand in operands.iter().map(|operand| operand.as_bytes()) {
        if !operand.starts_with(b"/") && queue_named(operand).is_none() {
            return Err(no_queue(operand));
        }
    }
    Ok(())
}

/// Finds the queues, gives up root's rights, and goes to the queue directory.
pub(super) fn find_place<'a>(
    call: &Call,
    arguments: &Arguments,
    selection: &'a Selection,
    words: &Messages,
) -> Result<Place<'a>, Fatal> {
    let mut logger = Logger::without_log(&call.program.to_string_lossy());
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = instance::configure(call, wanted, PROGRAM, &mut logger, STATUS_FAILED)?;
    let paths = queues(arguments);
    let own = |path: &Vec<u8>| own_queue(path, &config.queue_directory);
    let own_queues: Result<Vec<Queue>, Misuse> = paths.iter().map(own).collect();
    let own_queues = own_queues.map_err(|misuse| refuse(call, words, &misuse))?;
    warn_if_nothing_is_left(selection, &own_queues, words);
    drop_rights(call, || Ok(config.mail_owner.clone()), words)?;
    let rules = rules(&config, &mut logger)?;
    let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
    Ok(Place {
        base: enter(&config.queue_directory, words)?,
        queues: paths,
        layout: Some(layout.clone()),
        selection_context: Some(SelectionContext {
            selection,
            rules,
            layout,
            queues: own_queues,
        }),
    })
}

/// The queue of the instance that an operand names.
fn own_queue(operand: &[u8], queue_directory: &Path) -> Result<Queue, Misuse> {
    let is_path_of = |queue: &Queue| {
        let path = queue_directory.join(queue.name());
        path.as_os_str() == OsStr::from_bytes(operand)
    };
    let by_path = || Queue::LISTED.into_iter().find(is_path_of);
    let queue = queue_named(operand).or_else(by_path);
    queue.ok_or_else(|| no_queue(operand))
}

fn queue_named(name: &[u8]) -> Option<Queue> {
    let is_it = |queue: &Queue| queue.name().as_bytes() == name;
    Queue::LISTED.into_iter().find(is_it)
}

fn no_queue(operand: &[u8]) -> Misuse {
    let names = Queue::LISTED.map(Queue::name).join(", ");
    let operand = to_printable(operand);
    misuse(&format!(
        "{operand} is no queue of the instance: with a selection name {names}, and \
         another instance with -c DIR"
    ))
}

/// An empty table of queues that the selection rules out looks as if there
/// were no mail.
fn warn_if_nothing_is_left(selection: &Selection, queues: &[Queue], words: &Messages) {
    if !queues.iter().any(|queue| selection.admits_queue(*queue)) {
        let names: Vec<&str> = queues.iter().map(|queue| queue.name()).collect();
        let names = names.join(", ");
        let text = format!("the selection leaves nothing of {names}: name other queues");
        words.say(text.as_bytes());
    }
}

fn rules(config: &Config, logger: &mut Logger) -> Result<Rules, Fatal> {
    let mut warnings = Vec::new();
    let rules = instance::rules(config, &mut warnings);
    for warning in warnings {
        logger.warning(warning);
    }
    rules.map_err(|error| {
        logger.fatal(error.to_string());
        Fatal::already_reported(STATUS_FAILED)
    })
}
