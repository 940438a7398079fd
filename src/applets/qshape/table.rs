//! The options of qshape, in the groups of `--help`, and the help text. The
//! same table feeds the scanner and the shell completions.

use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Value};
use crate::selection;

const COUNT: Value = Value::Required("COUNT");

const ROWS: [Opt; 5] = [
    Opt::short(
        's',
        Value::None,
        "count sender domains, not recipient domains",
    ),
    Opt::long("by", Value::Required("WHAT"), "count by").one_of(&[
        "domain",
        "recipient",
        "sender",
        "reason",
        "queue",
        "size",
    ]),
    Opt::short('p', Value::None, "count parent domains, too"),
    Opt::short(
        'm',
        COUNT,
        "with -p: subdomains that a parent needs (default 5)",
    ),
    Opt::long("top", Value::Required("N"), "show only the N largest rows"),
];

const COLUMNS: [Opt; 3] = [
    Opt::short('b', COUNT, "number of age buckets (default 10)"),
    Opt::short(
        't',
        Value::Required("MINUTES"),
        "age limit of the first bucket (default 5)",
    ),
    Opt::short(
        'l',
        Value::None,
        "age limits are multiples of the first, not doubled",
    ),
];

const OUTPUT: [Opt; 5] = [
    Opt::long("json", Value::None, "print the table as a JSON object"),
    Opt::long("chart", Value::None, "draw a bar for each row"),
    Opt::short(
        'w',
        Value::Required("COLUMNS"),
        "width of the output, if above 80",
    ),
    Opt::short(
        'n',
        COUNT,
        "on a terminal: number of rows that are shown (default 20)",
    ),
    Opt::short(
        'N',
        COUNT,
        "on a terminal: show results every COUNT messages (default 1000)",
    ),
];

const OTHER: [Opt; 3] = [
    Opt::short('h', Value::None, "print Postfix's usage message and fail"),
    cli::HELP,
    cli::VERSION,
];

/// Examples of common commands.
const EXAMPLES: [(&str, &str); 5] = [
    (
        "qshape",
        "Count the incoming and active queues by recipient domain and age.",
    ),
    (
        "qshape -s hold",
        "Count the hold queue by sender domain and age.",
    ),
    (
        "qshape -b 10 -t 60 deferred",
        "Count the deferred queue with a first age limit of an hour.",
    ),
    (
        "qshape --by reason --top 10 deferred",
        "Show the ten most frequent reasons why mail is deferred.",
    ),
    (
        "qshape --chart --from-domain example.com deferred",
        "Draw the deferred mail of one sender domain.",
    ),
];

/// The options in groups.
fn groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new("Rows", &ROWS),
        OptionGroup::new("Columns", &COLUMNS),
        OptionGroup::new("Output", &OUTPUT),
        selection::group(),
        OptionGroup::new("Choosing the instance", &cli::INSTANCE),
        OptionGroup::new("Other options", &OTHER),
    ]
}

/// All options, in the order of `--help`.
pub fn options() -> Vec<Opt> {
    cli::options_of(groups())
}

/// The text of `--help`.
pub(super) fn help() -> String {
    let page = HelpPage {
        usage: &["qshape [OPTION]... [QUEUE]..."],
        about: &[
            "Counts queued mail by domain and age, as Postfix's qshape does. Without a \
             QUEUE it counts incoming and active.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}
