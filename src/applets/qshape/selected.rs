//! `qshape --from …`: counts only the messages that match the selection.
//!
//! Finds the queues of the instance, since a selection refers to them and to
//! their logs, and reads all of main.cf, which determines how messages are
//! read.

use super::super::{Call, Fatal, instance};
use super::arguments::QshapeArguments;
use super::errors::{PROGRAM, STATUS_FAILED, UsageError};
use super::messages::Messages;
use super::operands::own_queue;
use super::place::{QueueSource, SelectionContext, drop_rights, enter, queues};
use crate::config::Config;
use crate::logging::Logger;
use crate::selection::Selection;
use crate::spool::{Layout, Queue};

/// Finds the queues, gives up root's rights, and changes to the queue
/// directory.
pub(super) fn find_place(
    call: &Call,
    arguments: &QshapeArguments,
    selection: &Selection,
    messages: &Messages,
    refuse: impl FnOnce(&UsageError) -> Fatal,
) -> Result<QueueSource, Fatal> {
    let mut logger = Logger::without_log(&call.program.to_string_lossy());
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = instance::configure(call, wanted, PROGRAM, &mut logger, STATUS_FAILED)?;
    let paths = queues(arguments);
    let own = |path: &Vec<u8>| own_queue(path, &config.queue_directory);
    let own_queues: Result<Vec<Queue>, UsageError> = paths.iter().map(own).collect();
    let own_queues = own_queues.map_err(|misuse| refuse(&misuse))?;
    warn_if_nothing_is_left(selection, &own_queues, messages);
    drop_rights(call, || Ok(config.mail_owner.clone()), messages)?;
    let selection = with_lifetimes(selection, &config, &mut logger)?;
    let rules = instance::reported_rules(&config, &mut logger, STATUS_FAILED)?;
    let layout = Layout::of(&config);
    Ok(QueueSource {
        base: enter(&config.queue_directory, messages)?,
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

/// Returns the selection with the times that messages stay in the queue.
fn with_lifetimes(
    selection: &Selection,
    config: &Config,
    logger: &mut Logger,
) -> Result<Selection, Fatal> {
    let mut selection = selection.clone();
    instance::set_reported_lifetimes(Some(&mut selection), config, logger, STATUS_FAILED)?;
    Ok(selection)
}

/// Warns if the selection excludes all queues: the empty table would look as if
/// there were no mail.
fn warn_if_nothing_is_left(selection: &Selection, queues: &[Queue], messages: &Messages) {
    if !queues.iter().any(|queue| selection.admits_queue(*queue)) {
        let names: Vec<&str> = queues.iter().map(|queue| queue.name()).collect();
        let names = names.join(", ");
        let text = format!("the selection excludes all of {names}: choose other queues");
        messages.say(text.as_bytes());
    }
}
