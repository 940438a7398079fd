//! postqueue: lists, flushes, counts and monitors the mail queue.
//!
//! `arguments` parses the command line and `listing` reads the queue; `count`
//! and `monitor` print counts.

pub mod arguments;
mod combination;
mod count;
mod hints;
mod instances;
mod mode;
mod monitor;
mod options;
mod output_file;
mod selected;
mod values;
mod view;

use super::borrowed::Connections;
use super::fatal::{STATUS_UNAVAILABLE, unavailable};
use super::listing::Session;
use super::{Call, Fatal, flush, instance, output};
use crate::cli;
use crate::config::Config;
use crate::logging::Logger;
use crate::sys::process::Trust;
use arguments::{Instances, PostqueueArguments, parse};
use mode::PostqueueMode;
use options::{PROGRAM, USAGE, help};

pub use instances::names as instance_names;

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
    let arguments = parse(call, &mut logger)?;
    match arguments.mode {
        Some(PostqueueMode::Help) => return output::print(&mut logger, &help()),
        Some(PostqueueMode::Version) => {
            return output::print(&mut logger, &super::front::version(PROGRAM));
        }
        _ => {}
    }
    match &arguments.output {
        None => work(call, arguments, &mut logger),
        Some(_) if call.caller.trust == Trust::BorrowedRights => {
            let text = "--output is not available to a set-gid program";
            Err(unavailable(&mut logger, text))
        }
        Some(file) => {
            let file = file.clone();
            monitor::replace(&file, &mut logger, |logger| work(call, arguments, logger))
        }
    }
}

/// Finds the instance, or all of them, and carries out the call there.
fn work(call: &Call, arguments: PostqueueArguments, logger: &mut Logger) -> Result<(), Fatal> {
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let mut config = instance::configure(call, wanted, PROGRAM, logger, STATUS_UNAVAILABLE)?;
    if arguments.instances == Instances::All {
        return instances::each(call, arguments, config, logger, on_instance);
    }
    if let Some(name) = &arguments.instance {
        config = instances::named(call, config, name, arguments.release, logger)?;
    }
    on_instance(call, &arguments, &config, logger)
}

/// Carries out the call for one instance.
fn on_instance(
    call: &Call,
    arguments: &PostqueueArguments,
    config: &Config,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    instance::import_environment(call, config, instance::Unlisted::Dropped, logger);
    let spool = instance::enter_queue_directory(config, logger, STATUS_UNAVAILABLE)?;
    let session = Session {
        call,
        config,
        spool: &spool,
        logger,
        connections: Connections::Last,
    };
    match &arguments.mode {
        Some(PostqueueMode::List(view)) => view::list(session, view, arguments),
        Some(PostqueueMode::Count(look, by)) => count::run(session, arguments, *look, *by),
        Some(PostqueueMode::Metrics) => monitor::metrics(session, arguments),
        Some(PostqueueMode::Check) => monitor::check(session, arguments),
        Some(PostqueueMode::FlushMatching) => selected::run(session, arguments),
        Some(PostqueueMode::Flush(wanted)) => {
            flush::run(call, wanted, config, &spool, session.logger)
        }
        _ => Err(unavailable(session.logger, USAGE)),
    }
}
