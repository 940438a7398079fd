//! postsuper: deletes, holds, releases, requeues and expires messages, and
//! repairs the queues.
//!
//! Checks the caller, and changes root's rights to the mail owner's.
//! `arguments` parses the command line, `operation` carries it out, and `journal`
//! handles the options of the journal and the trash.

pub mod arguments;
mod confirm;
mod context;
mod corrupt;
mod delivery;
mod dry_run;
mod errors;
mod forecast;
mod instances;
mod journal;
mod journal_list;
mod old_order;
mod operation;
mod options;
mod recipient_options;
mod reporter;
mod spread;
mod table;
mod undone;

#[cfg(feature = "browse")]
use std::fs::File;

use clap::{Arg, Command};

#[cfg(feature = "browse")]
use super::mail_owner::is_admitted;
use super::mail_owner::{NOT_ROOT, SET_UID, admit_to, drop_rights, drop_rights_but_log};
use super::progress::Progress;
use super::{Call, Fatal, instance, option_table, output};
use crate::actions::rate_limit::RateLimit;
use crate::actions::recipient_change::RecipientRequest;
use crate::actions::repair::Changes;
use crate::actions::report::Counters;
use crate::actions::{ActJournal, Effects, NextAttempt, Selected, SpoolContext};
use crate::config::Config;
use crate::logging::Logger;
use crate::release::Feature;
use crate::spool::{Layout, Queue};
use crate::sys::child;
#[cfg(feature = "browse")]
use crate::sys::dir::Dir;
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::process::raise_open_files;
use crate::sys::signals::Interrupts;
use crate::sys::time;

use arguments::{CommandLineError, PostsuperArguments, PostsuperMode, scan, selected, usage};
use context::ActionContext;
use errors::{PROGRAM, STATUS, fatal};
use operation::Operation;
use reporter::ReportState;
use table::help;

/// The applet's command line.
pub fn command() -> Command {
    let queues = Arg::new("queue").num_args(0..);
    let ids = [options::ALL, options::MATCH, options::STDIN];
    option_table::of_table(&table::options())
        .mut_args(|argument| match argument.get_value_names() {
            Some([name]) if *name == "ID" => option_table::among(argument, ids),
            _ => argument,
        })
        .arg(option_table::among(
            queues,
            Queue::REPAIRED.map(Queue::name),
        ))
}

/// Runs postsuper.
///
/// # Errors
///
/// The command line or main.cf is wrong, the caller is not root, or the work
/// cannot be done. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut logger = instance::logger(call, &program, &program);
    let arguments = match parse_and_admit(call, &program, &mut logger)? {
        Admitted::Explanation(text) => return output::print(&mut logger, &text),
        Admitted::Work(arguments) => arguments,
    };
    instances::run(call, arguments, &mut logger, work)
}

/// What is done for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InstancePass {
    /// The number of messages that match is printed, for the limit of all
    /// instances together.
    Count,
    /// The whole work of the call.
    Work,
}

/// Works on one instance.
fn work(
    call: &Call,
    arguments: &mut PostsuperArguments,
    pass: InstancePass,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = instance::configure(call, wanted, PROGRAM, logger, STATUS)?;
    instance::import_environment(call, &config, instance::Unlisted::Kept, logger);
    let group = config.check_setgid_group();
    group.map_err(|error| fatal(logger, error.to_string()))?;
    if !config.postfix.has(Feature::ForcedExpire) {
        old_order::arrange(&mut arguments.actions, logger);
    }
    set_lifetimes(arguments, &config, logger)?;
    let spool = instance::enter_queue_directory(&config, logger, STATUS)?;
    admit_to(call, &config, logger)?;
    if arguments.options.dry_run || pass == InstancePass::Count {
        drop_rights(call, &config, logger)?
    } else {
        drop_rights_but_log(call, &config, logger)?
    }
    let interrupts = Interrupts::watch()
        .map_err(|error| fatal(logger, format!("cannot watch signals: {error}")))?;
    if let Some(parent) = arguments.parent {
        let bound = child::end_with(parent);
        bound.map_err(|error| fatal(logger, format!("cannot go on: {}", error_text(&error))))?;
    }
    let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
    // After --undo, operands are queue IDs.
    let operands = match arguments.task {
        Some(_) => &[],
        None => &arguments.operands[..],
    };
    let selected = selected(operands, arguments.options.selection.as_ref());
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

/// Sets the times that messages stay in the queue in a selection that depends on
/// them.
fn set_lifetimes(
    arguments: &mut PostsuperArguments,
    config: &Config,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let mut warnings = Vec::new();
    let selection = arguments.options.selection.as_mut();
    let done = instance::set_lifetimes(selection, config, &mut warnings);
    for warning in warnings {
        logger.warning(warning);
    }
    done.map_err(|error| fatal(logger, error.to_string()))
}

/// What another applet provides for a command line of postsuper.
#[cfg(feature = "browse")]
#[derive(Clone, Copy, Debug)]
pub struct Workplace<'a> {
    /// The instance's configuration.
    pub config: &'a Config,
    /// The queue directory.
    pub spool: &'a Dir,
    /// The signals that end the work early.
    pub interrupts: &'a Interrupts,
    /// The queue IDs for `-`.
    pub input: Option<&'a File>,
}

/// Carries out the actions of a command line for another applet, which has the
/// mail owner's rights from [`take_rights`].
///
/// # Errors
///
/// The command line is wrong, or the work cannot be finished. Both were
/// reported.
#[cfg(feature = "browse")]
pub fn perform(call: &Call, place: Workplace<'_>, logger: &mut Logger) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut arguments = scan(call).map_err(|misuse| complain(misuse, call, &program, logger))?;
    if let Some(wrong) = &arguments.wrong {
        return Err(fatal(logger, wrong));
    }
    let config = place.config;
    set_lifetimes(&mut arguments, config, logger)?;
    let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
    let operands = match arguments.task {
        Some(_) => &[],
        None => &arguments.operands[..],
    };
    let selected = selected(operands, arguments.options.selection.as_ref());
    let context = ActionContext {
        arguments: &arguments,
        config,
        spool: place.spool,
        layout: &layout,
        selected: &selected,
        interrupts: place.interrupts,
        input: place.input,
    };
    operate(context, call, logger)
}

/// Whether the caller may act on messages of the instance whose queue directory
/// is the current directory: root, and the mail owner.
#[cfg(feature = "browse")]
pub fn may_act(call: &Call, config: &Config) -> bool {
    call.caller.trust == Trust::OwnRights && is_admitted(call, config)
}

/// Becomes the mail owner for the rest of the process, keeping the log file.
///
/// # Errors
///
/// The rights cannot be changed, which was reported.
#[cfg(feature = "browse")]
pub fn take_rights(call: &Call, config: &Config, logger: &mut Logger) -> Result<(), Fatal> {
    drop_rights_but_log(call, config, logger)
}

/// Asks for confirmation if requested, then acts.
fn operate(context: ActionContext<'_>, call: &Call, logger: &mut Logger) -> Result<(), Fatal> {
    let options = &context.arguments.options;
    let reads = options.selection.is_some() || options.recipients.is_some();
    let rules = if reads || options.one_by_one() {
        Some(context.rules(logger)?)
    } else {
        None
    };
    let limit = confirm::ask_confirmation(context, logger)?;
    let spread = spread::plan(context, rules.as_ref(), logger)?;
    let next_attempt = match (&spread, options.until) {
        (Some(spread), _) => NextAttempt::Spread(spread),
        (None, Some(until)) => NextAttempt::At(until),
        (None, None) => NextAttempt::Unchanged,
    };
    let rate_limit = RateLimit::new(limit, options.interval);
    let field = SpoolContext {
        spool: context.spool,
        layout: context.layout,
        selected: context.selected,
        interrupts: context.interrupts,
        rate_limit: &rate_limit,
        effects: Effects::default(),
        recipients: options
            .recipients
            .as_ref()
            .zip(rules.as_ref())
            .map(|(change, rules)| RecipientRequest { change, rules }),
        open_files: raise_open_files(),
    };
    let comment = options.comment.as_deref().map(str::as_bytes);
    let recorder = if context.arguments.actions.is_empty() {
        None
    } else {
        journal::begin(&context.arguments.journal, field, call, comment)
            .map_err(|error| fatal(logger, error.message()))?
    };
    let mut operation = Operation {
        arguments: context.arguments,
        call,
        field: SpoolContext {
            effects: Effects {
                journal: recorder
                    .as_ref()
                    .map(|recorder| recorder as &dyn ActJournal),
                next_attempt,
            },
            ..field
        },
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
    if let Some(recorder) = &recorder {
        let arguments = context.arguments;
        let directory = arguments.config_directory.as_deref();
        journal::finish(recorder, &arguments.journal, directory, logger);
    }
    ended
}

/// Returns a progress bar, which is hidden unless it is requested and visible.
fn progress(context: ActionContext<'_>) -> Progress {
    if context.arguments.options.progress && Progress::can_be_seen() {
        Progress::shown(context.names())
    } else {
        Progress::default()
    }
}

/// The result of admitting a caller.
enum Admitted {
    Explanation(String),
    Work(Box<PostsuperArguments>),
}

/// Refuses callers that are not permitted, before their options are checked;
/// then parses the options.
fn parse_and_admit(call: &Call, program: &str, logger: &mut Logger) -> Result<Admitted, Fatal> {
    // Help and version are available to every user.
    let scanned = scan(call);
    if let Ok(arguments) = &scanned
        && let Some(text) = explanation(arguments.mode)
    {
        return Ok(Admitted::Explanation(text));
    }
    if call.caller.trust == Trust::BorrowedRights {
        return Err(fatal(logger, SET_UID));
    }
    let arguments = if call.caller.user.is_root() {
        scanned.map_err(|misuse| complain(misuse, call, program, logger))?
    } else {
        // The mail owner is admitted by option -c. If the options cannot be
        // parsed, the caller is refused without a message about them.
        scanned.map_err(|_| fatal(logger, NOT_ROOT))?
    };
    let is_admitted = call.caller.user.is_root() || arguments.config_directory.is_some();
    if let (Some(wrong), true) = (&arguments.wrong, is_admitted) {
        return Err(fatal(logger, wrong));
    }
    if is_admitted {
        corrupt::check(&arguments).map_err(|text| fatal(logger, text))?;
        Ok(Admitted::Work(Box::new(arguments)))
    } else {
        Err(fatal(logger, NOT_ROOT))
    }
}

/// Returns the text that is printed instead of acting.
fn explanation(mode: PostsuperMode) -> Option<String> {
    match mode {
        PostsuperMode::Help => Some(help()),
        PostsuperMode::Version => Some(super::front::version(PROGRAM)),
        PostsuperMode::Work => None,
    }
}

fn complain(misuse: CommandLineError, call: &Call, program: &str, logger: &mut Logger) -> Fatal {
    match misuse {
        CommandLineError::Option(message) => {
            logger.option_error(program.as_bytes(), &message);
            fatal(logger, usage(call, program))
        }
        CommandLineError::RelativePath => fatal(logger, "-c requires absolute pathname"),
        CommandLineError::Contradiction(text) => fatal(logger, text),
    }
}
