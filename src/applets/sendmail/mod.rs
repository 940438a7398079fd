//! mailq and sendmail -bp: sendmail's list mode, which hands over to postqueue
//! (spec page 08, "Other names").
//!
//! Takes every option that sendmail takes in this mode, and complains of the
//! same ones in the same words. What else sendmail does is not ours.

mod line;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::instance::Unlisted;
use super::{Call, Fatal, Inherited, instance, postqueue};
use crate::cli::Operands;
use crate::logging::Logger;
use crate::sys::error_text::error_text;
use crate::sys::process::Trust;
use crate::sys::rights;
use crate::sys::rights::RightsError;
use crate::sys::time;
use crate::text::to_printable;
use line::{CommandLine, options};

/// What the mail log calls the program, whatever it was called as.
const LOG_NAME: &str = "sendmail";
/// The status of failures before postqueue takes over.
const STATUS: u8 = 75;
/// The status of a request for what is not ours.
const STATUS_NOT_OURS: u8 = 69;

/// What sendmail is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    List,
    Flush,
    /// Delivery, which is what sendmail does unless told otherwise.
    Delivery,
    NotOurs,
    /// Nothing: a daemon runs the queue at intervals anyway.
    Nothing,
}

/// What the options came to.
#[derive(Debug)]
struct Arguments {
    mode: Mode,
    /// `-t`: the recipients are in the message.
    reads_recipients: bool,
    /// The site of `-qR`.
    flush_site: Option<OsString>,
    /// The queue ID of `-qI`.
    flush_id: Option<OsString>,
}

/// Its command line, and that of mailq.
pub fn command() -> clap::Command {
    super::completions::of_table(&options())
}

/// Reads its command line, and that of mailq.
pub fn read(call: &Call, logger: &mut Logger) -> Result<(), Fatal> {
    let mode = match call.base_name().as_str() {
        "mailq" => Mode::List,
        _ => Mode::Delivery,
    };
    let line = CommandLine::scan(call);
    if line.explanation().is_none() {
        line.understand(&call.base_name(), mode, logger)?;
    }
    Ok(())
}

/// Runs mailq.
pub fn run_mailq(call: &Call) -> Result<(), Fatal> {
    run(call, Mode::List)
}

/// Runs sendmail, as far as it lists and flushes the queue.
pub fn run_sendmail(call: &Call) -> Result<(), Fatal> {
    run(call, Mode::Delivery)
}

fn run(call: &Call, mode: Mode) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut logger = instance::logger(call, &program, LOG_NAME);
    let line = CommandLine::scan(call);
    if let Some(text) = line.explanation() {
        return postqueue::print(&mut logger, &text);
    }
    // Postfix's sendmail is not set-gid, and reads what its caller names.
    let suspended = match call.caller.trust {
        Trust::OwnRights => None,
        Trust::BorrowedRights => Some(suspended(rights::suspend_borrowed_group(), &mut logger)?),
    };
    let mut own = call.clone();
    own.caller.trust = Trust::OwnRights;
    let handed_over = prepare(&own, &line, mode, &mut logger)?;
    if let Some(group) = suspended {
        self::suspended(group.resume(), &mut logger)?;
    }
    match handed_over {
        None => Ok(()),
        Some((arguments, inherited)) => {
            // As in a process of its own.
            time::read_zone();
            postqueue::run(&Call {
                inherited,
                ..Call::new("postqueue", arguments, call.caller)
            })
        }
    }
}

fn suspended<T>(done: Result<T, RightsError>, logger: &mut Logger) -> Result<T, Fatal> {
    done.map_err(|error| fatal(logger, &error.to_string()))
}

/// What Postfix's sendmail does before postqueue takes over; returns the
/// arguments of postqueue, and what it inherits, if it is to do anything.
fn prepare(
    call: &Call,
    line: &CommandLine,
    mode: Mode,
    logger: &mut Logger,
) -> Result<Option<(Vec<OsString>, Inherited)>, Fatal> {
    let program = call.base_name();
    let directory = line.configuration_directory(call, logger)?;
    let wanted = instance::InstanceChoice::at(directory.as_deref());
    let config = instance::configure(call, wanted, LOG_NAME, logger, STATUS)?;
    look_into(&config.queue_directory, logger)?;
    instance::import_environment(call, &config, Unlisted::Kept, logger);
    let arguments = line.understand(&program, mode, logger)?;
    let dialect = line.dialect();
    let arguments = of_postqueue(arguments, logger)?;
    Ok(arguments.map(|mut arguments| {
        arguments.extend(dialect.map(|value| {
            let mut option = OsString::from("--dialect=");
            option.push(value);
            option
        }));
        (arguments, instance::leave(&config, directory))
    }))
}

/// Goes to the queue directory, and back: relative paths are postqueue's too.
fn look_into(queue_directory: &Path, logger: &mut Logger) -> Result<(), Fatal> {
    let here = std::env::current_dir();
    std::env::set_current_dir(queue_directory).map_err(|cause| {
        let directory = to_printable(queue_directory.as_os_str().as_bytes());
        fatal(
            logger,
            &format!("chdir {directory}: {}", error_text(&cause)),
        )
    })?;
    // Where there is no way back, it stays there, as Postfix's does.
    let _ = here.and_then(std::env::set_current_dir);
    Ok(())
}

/// Takes one option, or refuses it as sendmail does.
fn option(
    letter: char,
    value: &OsStr,
    arguments: &mut Arguments,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let value = value.as_bytes();
    match (letter, value) {
        ('b', [mode, ..]) => arguments.mode = self::mode(*mode, arguments.mode, logger)?,
        ('b', []) => return Err(unsupported('b', value, logger)),
        ('B', kind) if !is_body_type(kind) => {
            return Err(fatal(logger, "-B option needs 8BITMIME or 7BIT"));
        }
        ('I', _) => arguments.mode = Mode::NotOurs,
        ('N', notify) => warn_of_notify(notify, logger),
        ('n', _) => return Err(fatal(logger, "-n option not supported")),
        ('o', b"A") => return Err(fatal(logger, "-oA requires pathname")),
        ('R', kind) if !is_return(kind) => {
            logger.warning("bad -R option value -- ignored");
        }
        ('q', what) => queue_run(what, arguments, logger)?,
        ('t', _) => arguments.reads_recipients = true,
        ('X', _) => return Err(unsupported('X', value, logger)),
        _ => {}
    }
    Ok(())
}

/// What sendmail is to do after `-b` with this letter.
fn mode(letter: u8, before: Mode, logger: &mut Logger) -> Result<Mode, Fatal> {
    match letter {
        b'p' => Ok(Mode::List),
        b'm' => Ok(Mode::Delivery),
        // Says how to deliver, not that mail is to be delivered.
        b'v' => Ok(before),
        b'd' | b'h' | b'H' | b'i' | b'l' | b's' => Ok(Mode::NotOurs),
        other => Err(unsupported('b', &[other], logger)),
    }
}

/// `-q`, `-q30m`, `-qIid`, `-qRsite`.
fn queue_run(what: &[u8], arguments: &mut Arguments, logger: &mut Logger) -> Result<(), Fatal> {
    match what {
        [] => arguments.mode = Mode::Flush,
        [b'0'..=b'9', ..] => arguments.mode = Mode::Nothing,
        b"I" => return Err(fatal(logger, "specify: -qIqueueid")),
        b"R" => return Err(fatal(logger, "specify: -qRsitename")),
        [b'I', id @ ..] => arguments.flush_id = Some(OsStr::from_bytes(id).to_owned()),
        [b'R', site @ ..] => arguments.flush_site = Some(OsStr::from_bytes(site).to_owned()),
        [other, ..] => {
            let text = format!("-q{} is not implemented", to_printable(&[*other]));
            return Err(fatal(logger, &text));
        }
    }
    Ok(())
}

fn is_body_type(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"7BIT") || value.eq_ignore_ascii_case(b"8BITMIME")
}

/// What of a message is returned: DSN's RET.
fn is_return(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"full") || value.eq_ignore_ascii_case(b"hdrs")
}

/// What sendmail says of a DSN NOTIFY value that it does not know.
fn warn_of_notify(value: &[u8], logger: &mut Logger) {
    const KNOWN: [&str; 4] = ["never", "success", "failure", "delay"];
    let is_known = |word: &&[u8]| {
        KNOWN
            .iter()
            .any(|k| word.eq_ignore_ascii_case(k.as_bytes()))
    };
    let unknown = value.split(|&b| b == b',').find(|word| !is_known(word));
    if let Some(word) = unknown {
        let (word, value) = (to_printable(word), to_printable(value));
        logger.warning(format!(
            "unknown DSN NOTIFY command value \"{word}\" in \"{value}\""
        ));
        logger.warning("bad -N option value -- ignored");
    }
}

/// Refuses what does not go together.
fn check(arguments: &Arguments, operands: &Operands, logger: &mut Logger) -> Result<(), Fatal> {
    let operands_refused = match (arguments.mode, one_refused(arguments)) {
        (Mode::Nothing, _) => return Ok(()),
        (Mode::Delivery, _) => match (&arguments.flush_site, &arguments.flush_id) {
            (Some(_), _) => Some("flush site"),
            (None, Some(_)) => Some("flush queue_id"),
            (None, None) => None,
        },
        (_, Some(option)) => {
            let text = format!("{option} can be used only in delivery mode");
            return Err(fatal(logger, &text));
        }
        (Mode::List, None) => Some("display queue mode"),
        (Mode::Flush, None) => Some("flush queue mode"),
        (Mode::NotOurs, None) => None,
    };
    let Some(what) = operands_refused else {
        return Ok(());
    };
    match operands.clone().without_options("an operand") {
        Ok(operands) if operands.is_empty() => Ok(()),
        // An option of ours, as no message of sendmail's names it.
        Err(error) if error.is_long() => Err(fatal(logger, &error.to_string())),
        _ => Err(fatal(logger, &format!("{what} requires no recipient"))),
    }
}

/// The first option that goes with the delivery of mail only.
fn one_refused(arguments: &Arguments) -> Option<&'static str> {
    if arguments.reads_recipients {
        Some("-t")
    } else if arguments.flush_site.is_some() {
        Some("-qR")
    } else {
        arguments.flush_id.as_ref().map(|_| "-qI")
    }
}

/// The arguments of postqueue, which does the rest in its own name.
fn of_postqueue(arguments: Arguments, logger: &mut Logger) -> Result<Option<Vec<OsString>>, Fatal> {
    let Arguments {
        mode,
        flush_site,
        flush_id,
        ..
    } = arguments;
    Ok(Some(match (mode, flush_site, flush_id) {
        (Mode::Nothing, _, _) => return Ok(None),
        (Mode::List, _, _) => vec!["-p".into()],
        (Mode::Flush, _, _) => vec!["-f".into()],
        (Mode::Delivery, Some(site), _) => vec!["-s".into(), site],
        (Mode::Delivery, None, Some(id)) => vec!["-i".into(), id],
        (Mode::Delivery | Mode::NotOurs, _, _) => {
            logger.fatal("this sendmail only lists and flushes the queue");
            return Err(Fatal::already_reported(STATUS_NOT_OURS));
        }
    }))
}

fn unsupported(letter: char, value: &[u8], logger: &mut Logger) -> Fatal {
    let start = value.get(..1).unwrap_or_default();
    fatal(
        logger,
        &format!("unsupported: -{letter}{}", to_printable(start)),
    )
}

fn fatal(logger: &mut Logger, text: &str) -> Fatal {
    logger.fatal(text);
    Fatal::already_reported(STATUS)
}
