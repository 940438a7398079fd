//! postqueue: lists and flushes the mail queue (spec pages 01, 05 and 08),
//! counts it and watches it (spec page 12).
//!
//! `arguments` reads the command line, `listing` does the reading; what becomes
//! of counts is in `count` and `monitor`.

mod arguments;
mod count;
mod hints;
mod instances;
mod monitor;
mod options;
mod output_file;
mod selected;
mod values;

use std::io::Write;

use super::borrowed::Connections;
use super::listing;
use super::listing::{Request, Session};
use super::{Call, Fatal, authorization, flush, instance};
use crate::config::Config;
use crate::listing::{
    Clock, Columns, DetailRules, Members, Style, Template, Terminator, TimeStyle,
};
use crate::logging::Logger;
use crate::sys::process::Trust;
use crate::sys::time;
use arguments::{Arguments, Instances, Mode, View, parse};
use options::help;

/// Postfix's name for the program, whatever it was called as.
const PROGRAM: &str = "postqueue";
/// The status of every failure.
pub const STATUS: u8 = 69;
/// The usage message.
const USAGE: &str =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

/// Its command line.
pub fn command() -> clap::Command {
    super::completions::of_table(&options::options())
}

/// Reads its command line.
pub fn read(call: &Call, logger: &mut Logger) -> Result<(), Fatal> {
    parse(call, logger).map(drop)
}

/// Runs postqueue.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let mut logger = instance::logger(call, PROGRAM, PROGRAM);
    let arguments = parse(call, &mut logger)?;
    match arguments.mode {
        Some(Mode::Help) => return print(&mut logger, &help()),
        Some(Mode::Version) => return print(&mut logger, &super::front::version(PROGRAM)),
        _ => {}
    }
    match &arguments.output {
        None => work(call, arguments, &mut logger),
        Some(_) if call.caller.trust == Trust::BorrowedRights => {
            let text = "--output is not available to a set-gid program";
            Err(fatal(&mut logger, text))
        }
        Some(file) => {
            let file = file.clone();
            monitor::replace(&file, call, arguments, &mut logger)
        }
    }
}

/// Finds the instance, or all of them, and does there what is asked for.
fn work(call: &Call, arguments: Arguments, logger: &mut Logger) -> Result<(), Fatal> {
    let wanted = instance::InstanceChoice {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let mut config = instance::configure(call, wanted, PROGRAM, logger, STATUS)?;
    if arguments.instances == Instances::All {
        return instances::each(call, arguments, config, logger);
    }
    if let Some(name) = &arguments.instance {
        config = instances::named(call, config, name, arguments.release, logger)?;
    }
    on_instance(call, &arguments, &config, logger)
}

/// Does what is asked for on one instance.
fn on_instance(
    call: &Call,
    arguments: &Arguments,
    config: &Config,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    instance::import_environment(call, config, instance::Unlisted::Dropped, logger);
    let spool = instance::enter_queue_directory(config, logger, STATUS)?;
    let session = Session {
        call,
        config,
        spool: &spool,
        logger,
        connections: Connections::Last,
    };
    match &arguments.mode {
        Some(Mode::List(view)) => list(session, view, arguments),
        Some(Mode::Count(look, by)) => count::run(session, arguments, *look, *by),
        Some(Mode::Metrics) => monitor::metrics(session, arguments),
        Some(Mode::Check) => monitor::check(session, arguments),
        Some(Mode::FlushMatching) => selected::run(session, arguments),
        Some(Mode::Flush(wanted)) => flush::run(call, wanted, config, &spool, session.logger),
        _ => Err(fatal(session.logger, USAGE)),
    }
}

/// Lists messages.
fn list(session: Session<'_>, view: &View, arguments: &Arguments) -> Result<(), Fatal> {
    let clock = clock(arguments);
    let terminator = match arguments.ends_with_nul {
        true => Terminator::Nul,
        false => Terminator::Newline,
    };
    let (details, template);
    let style = match view {
        View::Text => {
            let columns = match session.config.enable_long_queue_ids {
                true => Columns::Long,
                false => Columns::Short,
            };
            Style::Text(columns, arguments.time_style.map(|_| clock))
        }
        View::Json => Style::Json(Members {
            instance: arguments.instance.as_deref(),
            ..Members::default()
        }),
        View::DetailedJson => {
            details = detail_rules(session.config, session.logger)?;
            Style::Json(Members {
                details: Some(&details),
                instance: arguments.instance.as_deref(),
            })
        }
        View::Oneline => {
            template = Template::oneline(terminator, clock);
            Style::Lines(&template)
        }
        View::Ids => {
            template = Template::ids(terminator, clock);
            Style::Lines(&template)
        }
        View::Csv => {
            template = Template::csv(clock);
            Style::Lines(&template)
        }
        View::Format(format) => {
            template = self::format(format, clock, arguments, session.logger)?;
            Style::Lines(&template)
        }
    };
    listing::run(session, &request(arguments, style))
}

/// What is wanted of a listing that looks like `style`.
fn request<'a>(arguments: &'a Arguments, style: Style<'a>) -> Request<'a> {
    Request {
        style,
        selection: arguments.selection.as_ref(),
        sort_spec: Some(&arguments.sort_spec).filter(|a| a.is_needed()),
        source: arguments.source,
        progress: arguments.progress,
    }
}

fn clock(arguments: &Arguments) -> Clock {
    Clock {
        style: arguments.time_style.unwrap_or(TimeStyle::Iso),
        now: time::now(),
    }
}

/// The template of `--format`, which says itself where a line ends.
fn format(
    format: &str,
    clock: Clock,
    arguments: &Arguments,
    logger: &mut Logger,
) -> Result<Template, Fatal> {
    let terminator = match arguments.ends_with_nul {
        true => Terminator::Nul,
        false => Terminator::Nothing,
    };
    let template = Template::format(format, terminator, clock);
    template.map_err(|problem| {
        fatal(
            logger,
            format!("bad value for --format: {format}: {problem}"),
        )
    })
}

fn detail_rules(config: &Config, logger: &mut Logger) -> Result<DetailRules, Fatal> {
    let lifetimes = authorization::warned(logger, |warnings| config.lifetimes(warnings))?;
    let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Ok(DetailRules {
        now: time::now(),
        lifetime: seconds(lifetimes.message),
        bounce_lifetime: seconds(lifetimes.bounce),
    })
}

/// Prints an explanation.
pub fn print(logger: &mut Logger, text: &str) -> Result<(), Fatal> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.or_else(|error| listing::output_failed(logger, &error))
}

/// Ends postqueue with a message.
pub fn fatal(logger: &mut Logger, text: impl AsRef<[u8]>) -> Fatal {
    logger.fatal(text);
    Fatal::already_reported(STATUS)
}
