//! The options of postcat, in the groups of `--help`, and the help text. The
//! same table feeds the scanner and the shell completions.

use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Value};
use crate::selection;

const FINDING: [Opt; 1] = [Opt::short(
    'q',
    Value::None,
    "treat operands as queue IDs, or the operand MATCH as every message that matches the selection",
)];

const MATCHES: [Opt; 3] = [
    Opt::long(
        "sort",
        Value::Required("KEY,..."),
        "with -q MATCH, show the messages sorted by one or more of the keys",
    )
    .list_of(&["id", "age", "size", "sender", "recipients", "queue"]),
    Opt::long(
        "reverse",
        Value::None,
        "with --sort, sort in descending order",
    ),
    Opt::long(
        "limit",
        Value::Required("N"),
        "with -q MATCH, show at most N messages",
    ),
];

const PARTS: [Opt; 3] = [
    Opt::short('e', Value::None, "show the envelope"),
    Opt::short('h', Value::None, "show the message header"),
    Opt::short('b', Value::None, "show the body"),
];

const OUTPUT: [Opt; 3] = [
    Opt::long(
        "raw-message",
        Value::None,
        "write only the message, as it would be sent",
    ),
    Opt::long("mbox", Value::None, "write each message as an mbox entry"),
    Opt::long(
        "json",
        Value::None,
        "describe each message as a JSON object",
    ),
];

const RECORDS: [Opt; 6] = [
    Opt::short(
        'v',
        Value::None,
        "show all records, including pointers and padding",
    ),
    Opt::short('d', Value::None, "show the type of each record as a number"),
    Opt::short(
        'f',
        Value::None,
        "show the name of the file with each record",
    ),
    Opt::short('o', Value::None, "show the offset of each record"),
    Opt::short('r', Value::None, "with -v, do not follow pointer records"),
    Opt::short(
        's',
        Value::Required("OFFSET"),
        "start at OFFSET in the file",
    ),
];

const OTHER: [Opt; 2] = [cli::HELP, cli::VERSION];

/// Examples of common commands.
const EXAMPLES: [(&str, &str); 5] = [
    ("postcat -q 4F2vDb1Kcmz1", "Show a message by its queue ID."),
    (
        "postcat -qh 4F2vDb1Kcmz1",
        "Show only the header of a message.",
    ),
    (
        "postcat -q --raw-message 4F2vDb1Kcmz1 > message.eml",
        "Save a message as it would be sent.",
    ),
    (
        "postcat -q --mbox MATCH --from alice@example.com > alice.mbox",
        "Save all queued messages of a sender in an mbox file.",
    ),
    (
        "postcat -q --json MATCH --queue hold | jq .sender",
        "Print the senders of all messages on hold.",
    ),
];

/// The options in groups.
fn groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new("Finding messages", &FINDING),
        OptionGroup::new("Order of messages", &MATCHES),
        OptionGroup::new("Parts of a message", &PARTS),
        OptionGroup::new("Output", &OUTPUT),
        OptionGroup::new("Records", &RECORDS),
        selection::group(),
        OptionGroup::new("Choosing the instance", &cli::INSTANCE),
        OptionGroup::new("Other options", &OTHER),
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
            "postcat [OPTION]... [FILE]...",
            "postcat [OPTION]... -q ID...",
            "postcat [OPTION]... -q MATCH SELECTION...",
        ],
        about: &[
            "Shows the contents of queue files. It replaces Postfix's postcat. Without a FILE, it \
             reads standard input.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}
