//! The work of one call of postsuper in one instance, from main.cf to the end of
//! the batch in the journal.

use nix::sys::signal::Signal;

use super::super::fatal::watch_signals;
use super::super::mail_owner::{admit_to, drop_rights, drop_rights_but_log};
use super::super::progress::Progress;
use super::super::{Call, Fatal, instance};
use super::arguments::PostsuperArguments;
use super::context::ActionContext;
use super::errors::{PROGRAM, STATUS, fatal};
use super::operation::Operation;
use super::reporter::ReportState;
use super::{confirm, dry_run, journal, old_order, spread};
use crate::actions::rate_limit::RateLimit;
use crate::actions::repair::Changes;
use crate::actions::report::Counters;
use crate::actions::{ActJournal, Effects, NextAttempt, Selected, SpoolContext, Spread};
use crate::config::{Config, Unlisted};
use crate::journal::Recorder;
use crate::logging::Logger;
use crate::queue_file::message_visitor::Rules;
use crate::release::Feature;
use crate::spool::Layout;
use crate::sys::child;
use crate::sys::error_text::error_text;
use crate::sys::process::raise_open_files;
use crate::sys::signals::Interrupts;
use crate::sys::time;

/// The pass over an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstancePass {
    /// The number of messages that match is printed, for the limit of all
    /// instances together.
    Count,
    /// The whole work of the call.
    Work,
}

/// Works on one instance.
pub(super) fn work(
    call: &Call,
    arguments: &mut PostsuperArguments,
    pass: InstancePass,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let config = configure(call, arguments, logger)?;
    let spool = instance::enter_queue_directory(&config, logger, STATUS)?;
    admit_to(call, &config, logger)?;
    if arguments.options.dry_run || pass == InstancePass::Count {
        drop_rights(call, &config, logger)?
    } else {
        drop_rights_but_log(call, &config, logger)?
    }
    let interrupts = watch_ends(arguments.parent, logger)?;
    let layout = Layout::of(&config);
    let selected = arguments.selected();
    // All queues are checked before the first one is changed.
    for queue in selected.iter().map(Selected::queue) {
        queue.map_err(|error| fatal(logger, error.message()))?;
    }
    let context = ActionContext {
        arguments,
        config: &config,
        spool: &spool,
        layout: &layout,
        selected: &selected,
        interrupts: &interrupts,
        input: None,
    };
    if pass == InstancePass::Count {
        confirm::print_count(context, logger)
    } else if arguments.options.dry_run && !arguments.journal.undoes() {
        time::read_zone();
        dry_run::run(context, logger)
    } else {
        operate(context, call, logger)
    }
}

/// Reads main.cf, and adapts the command line to it.
fn configure(
    call: &Call,
    arguments: &mut PostsuperArguments,
    logger: &mut Logger,
) -> Result<Config, Fatal> {
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = instance::configure(call, wanted, PROGRAM, logger, STATUS)?;
    instance::import_environment(call, &config, Unlisted::Kept, logger);
    let group = config.check_setgid_group();
    group.map_err(|error| fatal(logger, error.to_string()))?;
    if !config.postfix.has(Feature::ForcedExpire) {
        old_order::arrange(&mut arguments.actions, logger);
    }
    set_lifetimes(arguments, &config, logger)?;
    Ok(config)
}

/// Watches the signals that end the work early, and the process that started this
/// one for one of several instances.
fn watch_ends(parent: Option<u32>, logger: &mut Logger) -> Result<Interrupts, Fatal> {
    let interrupts = watch_signals(STATUS, logger)?;
    if let Some(parent) = parent {
        let bound = child::end_with(parent, Signal::SIGTERM);
        bound.map_err(|error| fatal(logger, format!("cannot go on: {}", error_text(&error))))?;
    }
    Ok(interrupts)
}

/// Sets the times that messages stay in the queue in a selection that depends on
/// them.
pub(super) fn set_lifetimes(
    arguments: &mut PostsuperArguments,
    config: &Config,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let selection = arguments.options.selection.as_mut();
    instance::set_reported_lifetimes(selection, config, logger, STATUS)
}

/// Asks for confirmation if requested, then acts.
pub(super) fn operate(
    context: ActionContext<'_>,
    call: &Call,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let options = &context.arguments.options;
    let rules = rules(context, logger)?;
    let limit = confirm::ask_confirmation(context, logger)?;
    let spread = spread::plan(context, rules.as_ref(), logger)?;
    let rate_limit = RateLimit::new(limit, options.interval);
    let field = spool_context(context, rules.as_ref(), &rate_limit);
    let recorder = begin_recording(context, field, call, logger)?;
    let journal = recorder
        .as_ref()
        .map(|recorder| recorder as &dyn ActJournal);
    let effects = Effects {
        journal,
        next_attempt: next_attempt(spread.as_ref(), options.until),
    };
    let mut operation = Operation {
        arguments: context.arguments,
        call,
        field: SpoolContext { effects, ..field },
        config: context.config,
        rules: rules.as_ref(),
        logger,
        counters: Counters::default(),
        changes: Changes::default(),
        memory: ReportState::default(),
        progress: progress(context),
        context,
    };
    let ended = operation.run();
    drop(operation);
    let acted = limit.zip(rate_limit.left());
    let acted = acted.map_or(0, |(limit, left)| limit.saturating_sub(left));
    context.arguments.acted.set(acted);
    if let Some(recorder) = &recorder {
        let arguments = context.arguments;
        let directory = arguments.config_directory.as_deref();
        journal::finish(recorder, &arguments.journal, directory, logger);
    }
    ended
}

/// Returns when released or postponed messages are tried again.
fn next_attempt(spread: Option<&Spread>, until: Option<i64>) -> NextAttempt<'_> {
    match (spread, until) {
        (Some(spread), _) => NextAttempt::Spread(spread),
        (None, Some(until)) => NextAttempt::At(until),
        (None, None) => NextAttempt::Unchanged,
    }
}

/// Returns what the actions depend on, without effects besides the changes.
fn spool_context<'a>(
    context: ActionContext<'a>,
    rules: Option<&'a Rules>,
    rate_limit: &'a RateLimit,
) -> SpoolContext<'a> {
    SpoolContext {
        spool: context.spool,
        layout: context.layout,
        selected: context.selected,
        interrupts: context.interrupts,
        rate_limit,
        effects: Effects::default(),
        recipients: rules.and_then(|rules| context.recipient_request(rules)),
        open_files: raise_open_files(),
    }
}

/// Returns a progress bar, which is hidden unless it is requested and visible.
fn progress(context: ActionContext<'_>) -> Progress {
    if context.arguments.options.progress && Progress::can_be_seen() {
        Progress::shown(context.names())
    } else {
        Progress::default()
    }
}

/// Returns the rules for reading messages, if any has to be read.
fn rules(context: ActionContext<'_>, logger: &mut Logger) -> Result<Option<Rules>, Fatal> {
    let options = &context.arguments.options;
    let reads = options.selection.is_some() || options.recipients.is_some();
    if reads || options.one_by_one() {
        context.rules(logger).map(Some)
    } else {
        Ok(None)
    }
}

/// Begins a batch in the journal, if the acts of the call are recorded.
fn begin_recording<'a>(
    context: ActionContext<'a>,
    field: SpoolContext<'a>,
    call: &Call,
    logger: &mut Logger,
) -> Result<Option<Recorder<'a>>, Fatal> {
    let arguments = context.arguments;
    if arguments.actions.is_empty() {
        return Ok(None);
    }
    let comment = arguments.options.comment.as_deref().map(str::as_bytes);
    let begun = journal::begin(&arguments.journal, field, call, comment);
    begun.map_err(|error| fatal(logger, error.message()))
}
