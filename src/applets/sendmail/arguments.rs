//! The effect of sendmail's options, and the options that Postfix's sendmail
//! refuses, with the same messages.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::super::Fatal;
use super::errors::fatal;
use crate::cli::Operands;
use crate::logging::Logger;
use crate::release::{Feature, Release};
use crate::text::to_printable;

/// The requested operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendmailMode {
    List,
    Flush,
    /// Delivering a message, the default of sendmail.
    Delivery,
    NotOurs,
    /// Doing nothing, since Postfix does not keep the state of hosts.
    Nothing,
}

/// The combined options.
#[derive(Debug)]
pub(super) struct SendmailArguments {
    pub(super) mode: SendmailMode,
    /// The release of Postfix to behave as.
    pub(super) release: Release,
    /// `-t`: the recipients are in the message.
    pub(super) reads_recipients: bool,
    /// `-q30m`: nothing is done, whatever the mode, and no operand is refused,
    /// since the queue manager scans the queue at intervals anyway.
    pub(super) asks_for_intervals: bool,
    /// The site of `-qR`.
    pub(super) flush_site: Option<OsString>,
    /// The queue ID of `-qI`.
    pub(super) flush_id: Option<OsString>,
}

/// Applies one option, or refuses it as sendmail does.
pub(super) fn option(
    letter: char,
    value: &OsStr,
    arguments: &mut SendmailArguments,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let value = value.as_bytes();
    match (letter, value) {
        ('b', [mode, ..]) => arguments.mode = self::mode(*mode, arguments.mode, logger)?,
        ('b', []) => return Err(unsupported('b', value, logger)),
        ('B', kind) if !is_body_type(kind) => {
            return Err(fatal(logger, "-B option needs 8BITMIME or 7BIT"));
        }
        ('I', _) => arguments.mode = SendmailMode::NotOurs,
        ('N', notify) => warn_of_notify(notify, arguments.release, logger),
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

/// Returns the mode after `-b` with this letter.
fn mode(letter: u8, before: SendmailMode, logger: &mut Logger) -> Result<SendmailMode, Fatal> {
    match letter {
        b'p' => Ok(SendmailMode::List),
        b'm' => Ok(SendmailMode::Delivery),
        // Affects how mail is delivered, but not whether.
        b'v' => Ok(before),
        // List or clear the state of hosts.
        b'h' | b'H' => Ok(SendmailMode::Nothing),
        b'd' | b'i' | b'l' | b's' => Ok(SendmailMode::NotOurs),
        other => Err(unsupported('b', &[other], logger)),
    }
}

/// Applies `-q`, `-q30m`, `-qIid` or `-qRsite`.
fn queue_run(
    what: &[u8],
    arguments: &mut SendmailArguments,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    match what {
        [] => arguments.mode = SendmailMode::Flush,
        [b'0'..=b'9', ..] => arguments.asks_for_intervals = true,
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

/// Whether the value is valid for DSN's RET: the part of a message that is
/// returned.
fn is_return(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"full") || value.eq_ignore_ascii_case(b"hdrs")
}

/// Warns of an unknown value for DSN's NOTIFY, as Postfix's sendmail does.
fn warn_of_notify(value: &[u8], release: Release, logger: &mut Logger) {
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
        let shown = if release.has(Feature::NotifyWarningHasValue) {
            format!(": '{value}'")
        } else {
            String::new()
        };
        logger.warning(format!("bad -N option value{shown} -- ignored"));
    }
}

/// Refuses options that cannot be combined.
pub(super) fn check(
    arguments: &SendmailArguments,
    operands: &Operands,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let operands_refused = match (arguments.mode, one_refused(arguments)) {
        (SendmailMode::Delivery, _) => match (&arguments.flush_site, &arguments.flush_id) {
            (Some(_), _) => Some("flush site"),
            (None, Some(_)) => Some("flush queue_id"),
            (None, None) => None,
        },
        (_, Some(option)) => {
            let text = format!("{option} can be used only in delivery mode");
            return Err(fatal(logger, &text));
        }
        (SendmailMode::List, None) => Some("display queue mode"),
        (SendmailMode::Flush, None) => Some("flush queue mode"),
        (SendmailMode::NotOurs | SendmailMode::Nothing, None) => None,
    };
    let (Some(what), false) = (operands_refused, arguments.asks_for_intervals) else {
        return Ok(());
    };
    match operands.clone().without_options("an operand") {
        Ok(operands) if operands.is_empty() => Ok(()),
        // Names an option of ours, since no message of sendmail's does.
        Err(error) if error.is_long() => Err(fatal(logger, &error.to_string())),
        _ => Err(fatal(logger, &format!("{what} requires no recipient"))),
    }
}

/// Returns the first option that applies to the delivery of mail only.
fn one_refused(arguments: &SendmailArguments) -> Option<&'static str> {
    if arguments.reads_recipients {
        Some("-t")
    } else if arguments.flush_site.is_some() {
        Some("-qR")
    } else {
        arguments.flush_id.as_ref().map(|_| "-qI")
    }
}

fn unsupported(letter: char, value: &[u8], logger: &mut Logger) -> Fatal {
    let start = value.get(..1).unwrap_or_default();
    fatal(
        logger,
        &format!("unsupported: -{letter}{}", to_printable(start)),
    )
}
