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
        "count sender domains instead of recipient domains",
    ),
    Opt::long("by", Value::Required("WHAT"), "count by").one_of(&[
        "domain",
        "recipient",
        "sender",
        "reason",
        "queue",
        "size",
    ]),
    Opt::short('p', Value::None, "count parent domains too"),
    Opt::short(
        'm',
        COUNT,
        "with -p, require this number of subdomains below a parent domain (default 5)",
    ),
    Opt::long("top", Value::Required("N"), "show only the N largest rows"),
];

const COLUMNS: [Opt; 3] = [
    Opt::short('b', COUNT, "use this number of age buckets (default 10)"),
    Opt::short(
        't',
        Value::Required("MINUTES"),
        "set the age limit of the first bucket (default 5)",
    ),
    Opt::short(
        'l',
        Value::None,
        "make age limits multiples of the first instead of doubling",
    ),
];

const OUTPUT: [Opt; 5] = [
    Opt::long("json", Value::None, "print the table as a JSON object"),
    Opt::long("chart", Value::None, "draw a bar for each row"),
    Opt::short(
        'w',
        Value::Required("COLUMNS"),
        "set the width of the output if more than 80",
    ),
    Opt::short(
        'n',
        COUNT,
        "on a terminal, show this number of rows (default 20)",
    ),
    Opt::short(
        'N',
        COUNT,
        "on a terminal, show intermediate results every COUNT messages (default 1000)",
    ),
];

const OTHER: [Opt; 3] = [
    Opt::short(
        'h',
        Value::None,
        "print the usage message of Postfix, and exit with an error",
    ),
    cli::HELP,
    cli::VERSION,
];

/// Examples of common commands.
const EXAMPLES: [(&str, &str); 5] = [
    (
        "qshape",
        "Count recipients in incoming and active by domain and age.",
    ),
    (
        "qshape -s hold",
        "Count messages in the hold queue by sender domain and age.",
    ),
    (
        "qshape -b 10 -t 60 deferred",
        "Count recipients in deferred, with one hour as the first age limit.",
    ),
    (
        "qshape --by reason --top 10 deferred",
        "Show the ten most common reasons why mail is deferred.",
    ),
    (
        "qshape --chart --from-domain example.com deferred",
        "Draw a chart of the deferred mail of one sender domain.",
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
            "Counts queued mail by domain and age. It replaces Postfix's qshape. Without a \
             QUEUE, it counts incoming and active.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}
