//! postqueue: lists and flushes the mail queue (spec pages 01, 05 and 08),
//! counts it and watches it (spec page 12).
//!
//! `arguments` reads the command line, `list` does the reading; what becomes
//! of counts is in `count` and `monitor`.

mod arguments;
mod count;
mod hints;
mod instances;
mod meant;
mod monitor;
mod options;
mod output_file;
mod values;

use std::io::Write;

use self::arguments::{Arguments, Instances, Mode, View, parse};
use self::options::help;
use super::borrowed::Connections;
use super::list::{self, Request, Session};
use super::{Call, Fatal, access, flush, instance};
use crate::config::Config;
use crate::diag::Diag;
use crate::listing::{
    Clock, Columns, DetailRules, Members, Style, Template, Terminator, TimeStyle,
};
use crate::sys::process::Trust;
use crate::sys::time;

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
pub fn read(call: &Call, diag: &mut Diag) -> Result<(), Fatal> {
    parse(call, diag).map(drop)
}

/// Runs postqueue.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let mut diag = instance::diag(call, PROGRAM, PROGRAM);
    let arguments = parse(call, &mut diag)?;
    match arguments.mode {
        Some(Mode::Help) => return print(&mut diag, &help()),
        Some(Mode::Version) => return print(&mut diag, &super::front::version(PROGRAM)),
        _ => {}
    }
    match &arguments.output {
        None => work(call, arguments, &mut diag),
        Some(_) if call.caller.trust == Trust::BorrowedRights => {
            let text = "--output is not available to a set-gid program";
            Err(told(&mut diag, text))
        }
        Some(file) => {
            let file = file.clone();
            monitor::replace(&file, call, arguments, &mut diag)
        }
    }
}

/// Finds the instance, or all of them, and does there what is asked for.
fn work(call: &Call, arguments: Arguments, diag: &mut Diag) -> Result<(), Fatal> {
    let wanted = instance::Wanted {
        directory: arguments.config_directory.as_deref(),
        release: arguments.release,
    };
    let mut config = instance::configure(call, wanted, PROGRAM, diag, STATUS)?;
    if arguments.instances == Instances::All {
        return instances::each(call, arguments, config, diag);
    }
    if let Some(name) = &arguments.instance {
        config = instances::named(call, config, name, arguments.release, diag)?;
    }
    on_instance(call, &arguments, &config, diag)
}

/// Does what is asked for on one instance.
fn on_instance(
    call: &Call,
    arguments: &Arguments,
    config: &Config,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    instance::import_environment(call, config, instance::Unlisted::Dropped, diag);
    let spool = instance::enter_queue_directory(config, diag, STATUS)?;
    let session = Session {
        call,
        config,
        spool: &spool,
        diag,
        connections: Connections::Last,
    };
    match &arguments.mode {
        Some(Mode::List(view)) => list(session, view, arguments),
        Some(Mode::Count(look, by)) => count::run(session, arguments, *look, *by),
        Some(Mode::Metrics) => monitor::metrics(session, arguments),
        Some(Mode::Check) => monitor::check(session, arguments),
        Some(Mode::FlushMeant) => meant::run(session, arguments),
        Some(Mode::Flush(wanted)) => flush::run(call, wanted, config, &spool, session.diag),
        _ => Err(told(session.diag, USAGE)),
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
            details = detail_rules(session.config, session.diag)?;
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
            template = self::format(format, clock, arguments, session.diag)?;
            Style::Lines(&template)
        }
    };
    list::run(session, &request(arguments, style))
}

/// What is wanted of a listing that looks like `style`.
fn request<'a>(arguments: &'a Arguments, style: Style<'a>) -> Request<'a> {
    Request {
        style,
        selection: arguments.selection.as_ref(),
        arrangement: Some(&arguments.arrangement).filter(|a| a.is_needed()),
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
    diag: &mut Diag,
) -> Result<Template, Fatal> {
    let terminator = match arguments.ends_with_nul {
        true => Terminator::Nul,
        false => Terminator::Nothing,
    };
    let template = Template::format(format, terminator, clock);
    template.map_err(|problem| told(diag, format!("bad value for --format: {format}: {problem}")))
}

fn detail_rules(config: &Config, diag: &mut Diag) -> Result<DetailRules, Fatal> {
    let lifetimes = access::warned(diag, |warnings| config.lifetimes(warnings))?;
    let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Ok(DetailRules {
        now: time::now(),
        lifetime: seconds(lifetimes.message),
        bounce_lifetime: seconds(lifetimes.bounce),
    })
}

/// Prints an explanation.
pub fn print(diag: &mut Diag, text: &str) -> Result<(), Fatal> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.or_else(|error| list::output_failed(diag, &error))
}

/// Ends postqueue with a message.
pub fn told(diag: &mut Diag, text: impl AsRef<[u8]>) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
