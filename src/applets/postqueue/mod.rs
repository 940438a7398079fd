//! postqueue: lists, flushes, counts and monitors the mail queue.
//!
//! `arguments` parses the command line and `listing` reads the queue; `count`,
//! `metrics` and `check` print counts, `several` those of all instances.

pub mod arguments;
mod check;
mod check_line;
mod combination;
mod count;
mod hints;
mod ids;
mod interruption;
mod metrics;
mod mode;
mod options;
mod output_file;
mod selected;
mod several;
mod values;
mod view;
mod wait;
mod watch;

use super::borrowed::Connections;
use super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::instances::{Asker, Instances};
use super::listing::Session;
use super::output::Target;
use super::{Call, Fatal, authorization, flush, instance, output};
use crate::cli;
use crate::config::Unlisted;
use crate::logging::Logger;
use crate::sys::process::Trust;
use arguments::{PostqueueArguments, parse};
use mode::PostqueueMode;
use options::{PROGRAM, USAGE, help};

/// Returns the long option of postqueue that `typed` names, or probably is a
/// misspelling of.
pub fn nearest_option(typed: &[u8]) -> Option<&'static str> {
    let options = options::options();
    let names: Vec<&'static str> = options.iter().filter_map(|option| option.long).collect();
    cli::nearest(typed, names.into_iter())
}

/// The applet's command line.
pub fn command() -> clap::Command {
    super::option_table::of_table(&options::options())
}

/// Runs postqueue.
///
/// # Errors
///
/// The command line or main.cf is wrong, the caller may not do this, or it
/// cannot be done. All were reported.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let mut logger = instance::logger(call, PROGRAM, PROGRAM);
    match start(call, &mut logger) {
        // The statuses up to 3 are those of a check with a result.
        Err(fatal) if fatal.status() > 3 && check::is_asked_for(call) => {
            Err(check::unknown(&logger))
        }
        ended => ended,
    }
}

fn start(call: &Call, logger: &mut Logger) -> Result<(), Fatal> {
    let arguments = parse(call, logger)?;
    match arguments.mode {
        Some(PostqueueMode::Help) => return output::print(logger, &help()),
        Some(PostqueueMode::Version) => {
            return output::print(logger, &super::front::version(PROGRAM));
        }
        _ => {}
    }
    match &arguments.output {
        None => work(call, arguments, logger),
        Some(_) if call.caller.trust == Trust::BorrowedRights => {
            let text = "--output is not available to a set-gid program";
            Err(unavailable(logger, text))
        }
        Some(file) => {
            let file = file.clone();
            metrics::replace(&file, logger, |logger| work(call, arguments, logger))
        }
    }
}

/// Finds the instance, or all of them, and carries out the call there.
fn work(call: &Call, mut arguments: PostqueueArguments, logger: &mut Logger) -> Result<(), Fatal> {
    let choice = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    match &arguments.instances {
        Instances::Default => {}
        Instances::Named(name) => {
            let mut asker = Asker {
                call,
                program: PROGRAM,
                logger,
                status: STATUS_UNAVAILABLE,
            };
            let instance = asker.named(choice, name)?;
            instance.store_in(&mut arguments.config_directory, &mut arguments.instance);
        }
        Instances::All => return several::run(call, arguments, logger, on_instance),
    }
    on_instance(call, &mut arguments, logger)
}

/// Carries out the call for one instance.
fn on_instance(
    call: &Call,
    arguments: &mut PostqueueArguments,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let choice = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let config = &instance::configure(call, choice, PROGRAM, logger, STATUS_UNAVAILABLE)?;
    authorization::warned(logger, |warnings| {
        instance::set_lifetimes(arguments.selection.as_mut(), config, warnings)
    })?;
    instance::import_environment(call, config, Unlisted::Dropped, logger);
    let spool = instance::enter_queue_directory(config, logger, STATUS_UNAVAILABLE)?;
    let session = Session {
        call,
        config,
        spool: &spool,
        logger,
        connections: Connections::Last,
    };
    match &arguments.mode {
        Some(PostqueueMode::List(_) | PostqueueMode::Count(..)) => match arguments.watch {
            Some(interval) => watch::run(session, arguments, interval),
            None => show(session, arguments, Target::Stdout),
        },
        Some(PostqueueMode::Metrics) => metrics::print(session, arguments),
        Some(PostqueueMode::Check) => check::run(session, arguments),
        Some(PostqueueMode::FlushMatching) => selected::run(session, arguments),
        Some(PostqueueMode::Flush(wanted)) if arguments.wait.is_some() => wait::run(
            session,
            arguments,
            wanted,
            arguments.wait.unwrap_or_default(),
        ),
        Some(PostqueueMode::Flush(wanted)) => {
            let connections = Connections::Last;
            flush::run(call, wanted, config, (&spool, connections), session.logger)
        }
        _ => Err(unavailable(session.logger, USAGE)),
    }
}

/// Lists or counts the queue, as requested.
fn show(
    session: Session<'_>,
    arguments: &PostqueueArguments,
    target: Target<'_>,
) -> Result<(), Fatal> {
    match &arguments.mode {
        Some(PostqueueMode::List(view)) => view::list(session, view, arguments, target),
        Some(PostqueueMode::Count(look, by)) => {
            count::run(session, arguments, *look, by.as_ref(), target)
        }
        _ => Err(unavailable(session.logger, USAGE)),
    }
}
