//! The options of sendmail and mailq, in the groups of `--help`, and the help
//! text. Most of them do not affect a listing; those have no explanation.

use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Value};
use crate::selection;

const MAIN: [Opt; 5] = [
    Opt::short('C', Value::Required("DIR"), "read DIR/main.cf"),
    Opt::short(
        'b',
        Value::Required("MODE"),
        "list the queue if MODE is p; other modes are not supported",
    ),
    Opt::short(
        'q',
        Value::Required("WHAT"),
        "try to deliver mail now: with -q alone all mail, with -qRSITE the mail for SITE, with \
         -qIID the message with this queue ID",
    ),
    cli::VERBOSE,
    cli::DIALECT,
];

/// Options of sendmail that do not affect a listing, and those that Postfix's
/// sendmail refuses: `-X`, `-n`, `-t`, `-I`.
const COMPATIBLE: [Opt; 24] = [
    Opt::short('A', Value::Required("X"), ""),
    Opt::short('B', Value::Required("TYPE"), ""),
    Opt::short('F', Value::Required("NAME"), ""),
    Opt::short('G', Value::None, ""),
    Opt::short('I', Value::None, ""),
    Opt::short('L', Value::Required("LABEL"), ""),
    Opt::short('N', Value::Required("DSN"), ""),
    Opt::short('O', Value::Required("X=Y"), ""),
    Opt::short('R', Value::Required("RETURN"), ""),
    Opt::short('U', Value::None, ""),
    Opt::short('V', Value::Required("ID"), ""),
    Opt::short('X', Value::Required("FILE"), ""),
    Opt::short('c', Value::None, ""),
    Opt::short('e', Value::Required("MODE"), ""),
    Opt::short('f', Value::Required("SENDER"), ""),
    Opt::short('h', Value::Required("HOPS"), ""),
    Opt::short('i', Value::None, ""),
    Opt::short('m', Value::None, ""),
    Opt::short('n', Value::None, ""),
    Opt::short('o', Value::Required("OPTION"), ""),
    Opt::short('p', Value::Required("PROTOCOL"), ""),
    Opt::short('r', Value::Required("SENDER"), ""),
    Opt::short('t', Value::None, ""),
    Opt::short('x', Value::None, ""),
];

const OTHER: [Opt; 2] = [cli::HELP, cli::VERSION];

/// Examples of common commands.
const EXAMPLES: [(&str, &str); 5] = [
    ("mailq", "List the queue."),
    (
        "mailq | tail -n 1",
        "Print the size of the queue and the number of messages.",
    ),
    (
        "mailq -C /etc/postfix-out",
        "List the queue of another instance.",
    ),
    (
        "mailq --from '<>' --older 1d",
        "List the messages of the null sender that arrived more than a day ago.",
    ),
    ("sendmail -q", "Try to deliver all mail now."),
];

/// The options in groups.
fn groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new("Listing and delivering", &MAIN),
        selection::group(),
        OptionGroup::new("Other options", &OTHER),
        OptionGroup::new(
            "Options that have no effect here, or that are refused as by sendmail",
            &COMPATIBLE,
        ),
    ]
}

/// All options, in the order of `--help`.
pub(super) fn options() -> Vec<Opt> {
    cli::options_of(groups())
}

/// The text of `--help`.
pub(super) fn help() -> String {
    let page = HelpPage {
        usage: &[
            "mailq [-C DIR] [SELECTION]...",
            "sendmail -bp | -q | -qRSITE | -qIID",
        ],
        about: &[
            "Lists the mail queue, or the messages that match a selection. It replaces \
             Postfix's mailq. To list the queue in another order or format, use postqueue.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}
