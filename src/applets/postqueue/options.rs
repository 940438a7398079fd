//! The options of postqueue, and what `--help` says of them.

use crate::cli;
use crate::cli::{Opt, Value};
use crate::selection;

/// Postfix's name for the program, whatever it was called as.
pub(super) const PROGRAM: &str = "postqueue";
/// The usage message.
pub(super) const USAGE: &str =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

/// Postfix's own options.
const POSTFIX: [Opt; 7] = [
    Opt::short('c', Value::Required("DIR"), "read DIR/main.cf"),
    Opt::short('f', Value::None, "try to deliver all mail now"),
    Opt::short(
        'i',
        Value::Required("ID"),
        "deliver one message now, or what a selection means: -i MATCH",
    ),
    Opt::short('j', Value::None, "list the queue, one JSON object a line"),
    Opt::short('p', Value::None, "list the queue as mailq does"),
    Opt::short(
        's',
        Value::Required("SITE"),
        "deliver the mail that waits for SITE now",
    ),
    Opt::short('v', Value::None, "accepted for compatibility"),
];

/// Ours.
const OURS: [Opt; 28] = [
    Opt::long(
        "source",
        Value::Required("WHERE"),
        "read from spool or showq; auto (default) chooses",
    ),
    cli::DIALECT,
    Opt::long("oneline", Value::None, "list one line per message"),
    Opt::long("ids", Value::None, "list queue IDs only"),
    Opt::long("csv", Value::None, "list as comma-separated values"),
    Opt::long(
        "format",
        Value::Required("FORMAT"),
        "list as FORMAT says: '%{id}\\t%{age}\\t%{sender}\\n'",
    ),
    Opt::long(
        "count",
        Value::Optional("BY"),
        "count messages, by queue, from, to, reason, hour ...",
    ),
    Opt::long(
        "top",
        Value::Required("N"),
        "only the N commonest of a count",
    ),
    Opt::long(
        "sort",
        Value::Required("KEY,..."),
        "by id, age, size, sender, recipients, queue",
    ),
    Opt::long("reverse", Value::None, "sort the other way round"),
    Opt::long(
        "limit",
        Value::Required("N"),
        "list, or flush, the first N messages only",
    ),
    Opt::long(
        "rate",
        Value::Required("N/s"),
        "-i MATCH: at most N per second (or /m, /h)",
    ),
    Opt::long(
        "dry-run",
        Value::None,
        "-i MATCH: list what would be flushed",
    ),
    Opt::long(
        "progress",
        Value::None,
        "a progress bar on standard error, if it is a terminal",
    ),
    Opt::long(
        "null",
        Value::None,
        "end each message with a NUL byte (--ids, --oneline, --format)",
    ),
    Opt::long(
        "time-style",
        Value::Required("STYLE"),
        "show times as iso, epoch or relative",
    ),
    Opt::long(
        "detail",
        Value::None,
        "with -j: more members at the end of each object",
    ),
    Opt::long(
        "prometheus",
        Value::None,
        "print metrics in Prometheus' text format",
    ),
    Opt::long(
        "output",
        Value::Required("FILE"),
        "with --prometheus: replace FILE, by rename",
    ),
    Opt::long(
        "check",
        Value::None,
        "monitoring plugin: one line, status 0 to 3",
    ),
    Opt::long(
        "warn",
        Value::Required("N"),
        "--check: warn above N messages",
    ),
    Opt::long(
        "crit",
        Value::Required("N"),
        "--check: critical above N messages",
    ),
    Opt::long(
        "warn-age",
        Value::Required("T"),
        "--check: warn if a message is older than T",
    ),
    Opt::long(
        "crit-age",
        Value::Required("T"),
        "--check: critical if a message is older than T",
    ),
    Opt::long(
        "instance",
        Value::Required("NAME"),
        "the instance of that name; - is the one without a name",
    ),
    Opt::long(
        "all-instances",
        Value::None,
        "all of multi_instance_directories, one after the other",
    ),
    cli::HELP,
    cli::VERSION,
];

/// All of them, in the order of `--help`.
pub(super) fn options() -> Vec<Opt> {
    let (ours, explanations) = OURS.split_at(OURS.len().saturating_sub(2));
    [
        &POSTFIX,
        ours,
        &selection::OPTIONS,
        &[selection::NOT],
        explanations,
    ]
    .concat()
}

/// The text of `--help`.
pub(super) fn help() -> String {
    let about = format!(
        "Lists the mail queue, as Postfix's postqueue does, or counts and watches it.\n\n{}",
        selection::NOTE
    );
    cli::help(
        "postqueue [option]... -p | -j | --count[=BY] | ...",
        &about,
        &options(),
    )
}
