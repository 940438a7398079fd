//! postqueue: lists and flushes the mail queue (spec pages 01, 05 and 08).

use std::ffi::OsString;
use std::io::Write;

use super::flush::{self, Wanted};
use super::{Call, Fatal, instance};
use crate::cli::{self, Opt, Scanned, Scanner, Value};
use crate::config::Config;
use crate::diag::Diag;
use crate::listing::{Columns, Style};
use crate::spool::report::Dialect;

use super::list::{self, Request, Source};

/// Postfix's name for the program, whatever it was called as.
const PROGRAM: &str = "postqueue";
/// The status of every failure.
pub const STATUS: u8 = 69;
/// The usage message.
const USAGE: &str =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

const OPTIONS: [Opt; 11] = [
    Opt::short('c', Value::Required("DIR"), "read DIR/main.cf"),
    Opt::short('f', Value::None, "try to deliver all mail now"),
    Opt::short('i', Value::Required("ID"), "deliver one message now"),
    Opt::short('j', Value::None, "list the queue, one JSON object a line"),
    Opt::short('p', Value::None, "list the queue as mailq does"),
    Opt::short(
        's',
        Value::Required("SITE"),
        "deliver the mail that waits for SITE now",
    ),
    Opt::short('v', Value::None, "accepted for compatibility"),
    Opt::long(
        "source",
        Value::Required("WHERE"),
        "read from spool or showq; auto (default) chooses",
    ),
    Opt::long(
        "dialect",
        Value::Required("VERSION"),
        "look like Postfix 3.7 or 3.11 (default: as installed)",
    ),
    cli::HELP,
    cli::VERSION,
];

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    List(Look),
    Flush(Wanted),
    Help,
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Text,
    Json,
}

/// The command line, understood.
#[derive(Debug, Default)]
struct Arguments {
    config_directory: Option<OsString>,
    mode: Option<Mode>,
    source: Source,
    dialect: Option<Dialect>,
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
    let directory = arguments.config_directory.as_deref();
    let config = instance::configure(call, directory, PROGRAM, &mut diag, STATUS)?;
    let spool = instance::enter_queue_directory(&config, &mut diag, STATUS)?;
    match arguments.mode {
        Some(Mode::List(look)) => {
            let request = Request {
                style: style(look, &config),
                source: arguments.source,
                dialect: arguments.dialect,
            };
            list::run(call, &request, &config, spool, &mut diag)
        }
        Some(Mode::Flush(wanted)) => flush::run(call, &wanted, &config, &spool, &mut diag),
        _ => Err(usage(&mut diag)),
    }
}

/// Reads the command line. What contradicts itself is an error before
/// main.cf is read; that nothing was asked for is one only afterwards.
fn parse(call: &Call, diag: &mut Diag) -> Result<Arguments, Fatal> {
    let mut arguments = Arguments::default();
    let mut scanner = Scanner::new(&OPTIONS, call.arguments.clone());
    for scanned in scanner.by_ref() {
        let scanned = scanned.map_err(|error| {
            diag.option_error(PROGRAM.as_bytes(), &error.message());
            usage(diag)
        })?;
        take(scanned, &mut arguments).map_err(|problem| match problem {
            Problem::Contradiction => usage(diag),
            Problem::BadValue(text) => told(diag, &text),
        })?;
    }
    match scanner.operands().is_empty() {
        true => Ok(arguments),
        false => Err(usage(diag)),
    }
}

/// What can be wrong with an option that is one.
enum Problem {
    Contradiction,
    BadValue(String),
}

fn take(option: Scanned, arguments: &mut Arguments) -> Result<(), Problem> {
    let mode = match option {
        Scanned::Short('c', value) => {
            arguments.config_directory = Some(value);
            return Ok(());
        }
        Scanned::Short('f', _) => Mode::Flush(Wanted::All),
        Scanned::Short('i', id) => Mode::Flush(Wanted::One(id)),
        Scanned::Short('s', site) => Mode::Flush(Wanted::Site(site)),
        Scanned::Short('j', _) => Mode::List(Look::Json),
        Scanned::Short('p', _) => Mode::List(Look::Text),
        Scanned::Long("source", value) => {
            arguments.source = Source::parse(&value).ok_or_else(|| bad("source", &value))?;
            return Ok(());
        }
        Scanned::Long("dialect", value) => {
            let dialect = parse_dialect(&value).ok_or_else(|| bad("dialect", &value))?;
            arguments.dialect = Some(dialect);
            return Ok(());
        }
        Scanned::Long("help", _) => Mode::Help,
        Scanned::Long("version", _) => Mode::Version,
        Scanned::Short(_, _) | Scanned::Long(_, _) => return Ok(()),
    };
    match (&arguments.mode, mode) {
        // Help and version win over whatever else was asked for.
        (Some(Mode::Help | Mode::Version), _) => {}
        (None, mode) | (_, mode @ (Mode::Help | Mode::Version)) => arguments.mode = Some(mode),
        _ => return Err(Problem::Contradiction),
    }
    Ok(())
}

fn bad(option: &str, value: &OsString) -> Problem {
    Problem::BadValue(format!("bad value for --{option}: {}", value.display()))
}

fn parse_dialect(value: &OsString) -> Option<Dialect> {
    match value.to_str()? {
        "3.7" => Some(Dialect::V3_7),
        "3.11" => Some(Dialect::V3_11),
        _ => None,
    }
}

fn style(look: Look, config: &Config) -> Style {
    match look {
        Look::Json => Style::Json,
        Look::Text if config.enable_long_queue_ids => Style::Text(Columns::Long),
        Look::Text => Style::Text(Columns::Short),
    }
}

fn help() -> String {
    let about =
        "Lists the mail queue, or has mail in it delivered now, as Postfix's postqueue does.";
    let usage = "postqueue [option]... -p | -j | -f | -i ID | -s SITE";
    cli::help(usage, about, &OPTIONS)
}

/// Prints an explanation.
pub fn print(diag: &mut Diag, text: &str) -> Result<(), Fatal> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.or_else(|error| list::output_failed(diag, &error))
}

fn usage(diag: &mut Diag) -> Fatal {
    told(diag, USAGE)
}

/// Ends postqueue with a message.
pub fn told(diag: &mut Diag, text: impl AsRef<[u8]>) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
