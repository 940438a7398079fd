//! The options of postsuper, in the groups of `--help`, and the help text. The
//! same table feeds the scanner and the shell completions.

use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Value};
use crate::selection;

const ID: Value = Value::Required("ID");
const N: Value = Value::Required("N");

const ACTIONS: [Opt; 7] = [
    Opt::short('d', ID, "delete messages"),
    Opt::short('h', ID, "place messages on hold"),
    Opt::short('H', ID, "release messages from hold"),
    Opt::short('r', ID, "requeue messages"),
    Opt::short('e', ID, "force messages to expire"),
    Opt::short(
        'f',
        ID,
        "force messages to expire, and release them from hold",
    ),
    Opt::long(
        "postpone",
        ID,
        "with --until T, put off the next delivery attempt of deferred messages",
    ),
];

/// How actions are tried, limited, confirmed and reported.
pub const ACTION_OPTIONS: [Opt; 13] = [
    Opt::long(
        "dry-run",
        Value::None,
        "list the messages of an action without changing them",
    ),
    Opt::long(
        "interactive",
        Value::None,
        "show the number of messages, and ask for confirmation",
    ),
    Opt::long("limit", N, "stop after N messages"),
    Opt::long("max", N, "do nothing if there are more than N messages"),
    Opt::long(
        "rate",
        Value::Required("N/s"),
        "with -H, -f, -r or --bounce, act on at most N messages per second (/m: minute, /h: hour)",
    ),
    Opt::long(
        "until",
        Value::Required("T"),
        "with --postpone, the time of the next attempt: 2h from now, or 2026-12-01T08:00",
    ),
    Opt::long(
        "spread",
        Value::Required("T"),
        "with -H, spread the next attempts evenly over T, such as 30m, in the order of arrival",
    ),
    Opt::long(
        "comment",
        Value::Required("TEXT"),
        "append TEXT to each report on standard error and in the mail log",
    ),
    Opt::long(
        "strict",
        Value::None,
        "exit with status 100 if a queue ID is invalid or not found",
    ),
    Opt::long(
        "null",
        Value::None,
        "read queue IDs from standard input that end with NUL bytes",
    ),
    Opt::long(
        "results",
        Value::Required("FORMAT"),
        "print one JSON object per message",
    )
    .one_of(&["json"]),
    Opt::long(
        "quiet",
        Value::None,
        "report only the summary, not each message",
    ),
    Opt::long(
        "progress",
        Value::None,
        "show a progress bar on standard error if that is a terminal",
    ),
];

/// Changes to the recipients of messages.
pub const RECIPIENT_OPTIONS: [Opt; 3] = [
    Opt::long(
        "drop-recipient",
        Value::Required("P"),
        "take the recipients that match P out of the message ID, which follows; at least one \
         recipient must be left",
    ),
    Opt::long(
        "reason-text",
        Value::Required("TEXT"),
        "with --bounce, the text that the sender gets",
    ),
    Opt::long(
        "status-code",
        Value::Required("CODE"),
        "with --bounce, the enhanced status code, 5.x.x (default: 5.7.1)",
    ),
];

const BOUNCE: Opt = Opt::long(
    "bounce",
    ID,
    "return messages to their senders, with a reason of one's own",
);

const NOTIFY: Opt = Opt::long(
    "notify",
    Value::None,
    "notify the queue manager and pickup after -H, -f, -r or --bounce has moved messages",
);

const JOURNAL: [Opt; 8] = [
    Opt::long(
        "journal",
        Value::None,
        "record the actions in the journal, so that they can be undone",
    ),
    Opt::long(
        "batch",
        Value::Required("NAME"),
        "do the same under a name, such as ticket-4711",
    ),
    Opt::long(
        "trash",
        Value::None,
        "with -d, move messages to the trash instead of deleting them, and record that",
    ),
    Opt::long(
        "undo",
        Value::Optional("BATCH"),
        "undo the last recorded call, or BATCH; only the given queue IDs, - or selection",
    ),
    Opt::long(
        "journal-list",
        Value::None,
        "list the batches in the journal",
    ),
    Opt::long(
        "journal-show",
        Value::Required("BATCH"),
        "list the messages of BATCH",
    ),
    Opt::long("trash-list", Value::None, "another name for --journal-list"),
    Opt::long(
        "trash-purge",
        Value::None,
        "with --older T, permanently delete batches that are older than T",
    ),
];

const REPAIR: [Opt; 3] = [
    Opt::short('p', Value::None, "remove old incomplete files"),
    Opt::short(
        's',
        Value::None,
        "check and repair the structure of the queues",
    ),
    Opt::short('S', Value::None, "do the same, with redundant repairs"),
];

const OTHER: [Opt; 3] = [cli::VERBOSE, cli::HELP, cli::VERSION];

/// Examples of common commands.
const EXAMPLES: [(&str, &str); 5] = [
    (
        "postsuper -d MATCH --from 'x@spam.example' --dry-run",
        "List the messages of a sender that would be deleted.",
    ),
    (
        "postsuper --trash -d MATCH --from 'x@spam.example'",
        "Move these messages to the trash; postsuper --undo restores them.",
    ),
    (
        "postsuper -h ALL incoming",
        "Place every message in the incoming queue on hold.",
    ),
    (
        "postsuper -H ALL --notify --rate 10/s",
        "Release all messages on hold, ten per second, and deliver them.",
    ),
    (
        "postqueue --ids --older 5d | postsuper -d -",
        "Delete the messages whose queue IDs are read from standard input.",
    ),
];

/// The options in groups.
fn groups() -> Vec<OptionGroup> {
    let recipients = [&[BOUNCE], &RECIPIENT_OPTIONS[..]].concat();
    let how = [&ACTION_OPTIONS[..], &[NOTIFY]].concat();
    vec![
        OptionGroup::new("Acting on messages", &ACTIONS),
        OptionGroup::new("Acting on recipients", &recipients),
        OptionGroup::new("Options of actions", &how),
        OptionGroup::new("Journal and trash", &JOURNAL),
        selection::group(),
        OptionGroup::new("Repairing the queues", &REPAIR),
        OptionGroup::new("Choosing the instance", &cli::INSTANCE),
        OptionGroup::new("Other options", &OTHER),
    ]
}

/// All options, in the order of `--help`.
pub fn options() -> Vec<Opt> {
    cli::options_of(groups())
}

/// The text of `--help`.
pub fn help() -> String {
    let page = HelpPage {
        usage: &[
            "postsuper [OPTION]... -d|-h|-H|-r|-e|-f ID [QUEUE]...",
            "postsuper [OPTION]... --drop-recipient=P ID [QUEUE]...",
            "postsuper [OPTION]... --bounce=ID --reason-text TEXT [QUEUE]...",
            "postsuper [OPTION]... --postpone=ID --until=T",
            "postsuper [OPTION]... --undo[=BATCH] [ID]...",
            "postsuper [OPTION]... --journal-list|--journal-show=BATCH|--trash-purge",
            "postsuper [OPTION]... [-psS] [QUEUE]...",
        ],
        about: &[
            "Acts on messages in the mail queue, and repairs the queues. It replaces Postfix's \
             postsuper.",
            "ID is a queue ID, ALL for every message, - for queue IDs from standard input, \
             one per line, or MATCH for every message that matches the selection.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}
