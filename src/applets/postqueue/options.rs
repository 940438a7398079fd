//! The options of postqueue, in the groups of `--help`, and the help text. The
//! same table feeds the scanner and the shell completions.

use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Value};
use crate::selection;

/// Postfix's name for the program, regardless of the name it was called by.
pub(super) const PROGRAM: &str = "postqueue";
/// The usage message of Postfix.
pub(super) const USAGE: &str =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

const N: Value = Value::Required("N");
const T: Value = Value::Required("T");

const LISTING: [Opt; 14] = [
    Opt::short('p', Value::None, "list the queue in the format of mailq"),
    Opt::short(
        'j',
        Value::None,
        "list the queue as JSON, one object per line",
    ),
    Opt::long(
        "detail",
        Value::None,
        "with -j, add more members to each object",
    ),
    Opt::long("oneline", Value::None, "list each message on one line"),
    Opt::long("ids", Value::None, "list only queue IDs"),
    Opt::long(
        "csv",
        Value::None,
        "list messages as comma-separated values",
    ),
    Opt::long(
        "format",
        Value::Required("FORMAT"),
        "list each message in this format, such as '%{id} %{age} %{sender}\\n'",
    ),
    Opt::long(
        "sort",
        Value::Required("KEY,..."),
        "sort the listing by one or more of the keys",
    )
    .list_of(&["id", "age", "size", "sender", "recipients", "queue"]),
    Opt::long(
        "reverse",
        Value::None,
        "with --sort, sort in descending order",
    ),
    Opt::long("limit", N, "list or flush at most N messages"),
    Opt::long(
        "time-style",
        Value::Required("STYLE"),
        "show times in this style",
    )
    .one_of(&["iso", "epoch", "relative"]),
    Opt::long(
        "null",
        Value::None,
        "with --ids, --oneline or --format, end each message with a NUL byte",
    ),
    Opt::long(
        "progress",
        Value::None,
        "show a progress bar on standard error if that is a terminal",
    ),
    Opt::long(
        "watch",
        Value::Optional("T"),
        "draw the listing or count again on the terminal every 2s, or every T, until q is typed",
    ),
];

/// The values of --count and --by.
const COUNTED_BY_WORDS: [&str; 15] = [
    "queue",
    "from",
    "from-domain",
    "to",
    "to-domain",
    "reason",
    "dsn",
    "remote-host",
    "client",
    "sasl-user",
    "hour",
    "due",
    "expires",
    "subject",
    "header:NAME",
];

const COUNTING: [Opt; 2] = [
    Opt::long(
        "count",
        Value::Optional("BY"),
        "print the number of messages, or a table of numbers by one or two of",
    )
    .list_of(&COUNTED_BY_WORDS),
    Opt::long(
        "top",
        N,
        "with --count=BY, --prometheus or --check, print at most N values; all prints all",
    ),
];

const DELIVERING: [Opt; 6] = [
    Opt::short(
        'f',
        Value::None,
        "flush the queue: try to deliver all mail now",
    ),
    Opt::short(
        'i',
        Value::Required("ID"),
        "try to deliver one message now or, if ID is MATCH, every message that matches the \
         selection",
    ),
    Opt::short(
        's',
        Value::Required("SITE"),
        "try to deliver all mail for SITE now",
    ),
    Opt::long(
        "rate",
        Value::Required("N/s"),
        "with -i MATCH, flush at most N messages per second (/m: minute, /h: hour)",
    ),
    Opt::long(
        "dry-run",
        Value::None,
        "with -i MATCH, list the messages without flushing them",
    ),
    Opt::long(
        "wait",
        Value::Optional("T"),
        "with -f, -i or -s, wait until the messages have left the queue or are deferred again, \
         at most T (60s), and print what became of each",
    ),
];

const MONITORING: [Opt; 8] = [
    Opt::long(
        "check",
        Value::None,
        "act as a monitoring plugin: print one line and exit with status 0 (OK), 1 (warning), \
         2 (critical) or 3 (unknown)",
    ),
    Opt::long(
        "warn",
        N,
        "with --check, warn if there are more than N messages",
    ),
    Opt::long(
        "crit",
        N,
        "with --check, be critical if there are more than N messages",
    ),
    Opt::long(
        "warn-age",
        T,
        "with --check, warn if a message is older than T, such as 90m or 3d",
    ),
    Opt::long(
        "crit-age",
        T,
        "with --check, be critical if a message is older than T",
    ),
    Opt::long(
        "by",
        Value::Required("BY"),
        "with --check, compare the number of messages of each value with --warn and --crit, by",
    )
    .list_of(&COUNTED_BY_WORDS),
    Opt::long(
        "prometheus",
        Value::None,
        "print metrics in the text format of Prometheus",
    ),
    Opt::long(
        "output",
        Value::Required("FILE"),
        "with --prometheus, write to FILE, which is replaced by a rename",
    ),
];

const INSTANCE: [Opt; 5] = [
    cli::CONFIG_DIRECTORY,
    cli::INSTANCE_NAME,
    cli::ALL_INSTANCES,
    Opt::long(
        "source",
        Value::Required("WHERE"),
        "read the listing from the spool or from the showq daemon; auto is the default",
    )
    .one_of(&["auto", "spool", "showq"]),
    cli::DIALECT,
];

const OTHER: [Opt; 3] = [cli::VERBOSE, cli::HELP, cli::VERSION];

/// Examples of common commands.
const EXAMPLES: [(&str, &str); 5] = [
    (
        "postqueue -p --older 1d --sort age --reverse",
        "List messages that arrived more than a day ago, the oldest first.",
    ),
    (
        "postqueue --count=reason --top 10",
        "Count recipients by the reason why they are deferred.",
    ),
    (
        "postqueue -j --queue deferred | jq -r .queue_id",
        "Print the queue IDs of deferred messages from the JSON listing.",
    ),
    (
        "postqueue -i MATCH --to-domain example.com --rate 10/s",
        "Try to deliver all mail for a domain now, ten messages per second.",
    ),
    (
        "postqueue --check --warn 500 --crit 2000 --crit-age 1d",
        "Check the queue as a monitoring plugin.",
    ),
];

/// The options in groups.
fn groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new("Listing", &LISTING),
        OptionGroup::new("Counting", &COUNTING),
        OptionGroup::new("Delivering", &DELIVERING),
        OptionGroup::new("Monitoring", &MONITORING),
        selection::group(),
        OptionGroup::new("Choosing the instance", &INSTANCE),
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
            "postqueue [OPTION]... -p | -j | --ids | --oneline | --csv | --format=F",
            "postqueue [OPTION]... --count[=BY] | --check | --prometheus",
            "postqueue [OPTION]... -f | -i ID | -s SITE",
        ],
        about: &[
            "Lists, counts, monitors and flushes the mail queue. It replaces Postfix's postqueue.",
            selection::NOTE,
        ],
        groups: &groups(),
        examples: &EXAMPLES,
    };
    page.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Choices;
    use crate::listing::{COUNTED_BY, SortKey, TimeStyle};

    /// The words that the table lists as values of an option.
    fn words(name: &str) -> &'static [&'static str] {
        let option = options().into_iter().find(|o| o.long == Some(name));
        match option.unwrap().choices {
            Choices::OneOf(words) | Choices::ListOf(words) => words,
            Choices::Any => &[],
        }
    }

    #[test]
    fn the_listed_values_are_those_that_are_understood() {
        let names: Vec<&str> = COUNTED_BY.iter().map(|(name, _)| *name).collect();
        assert_eq!(words("count"), names);
        assert!(words("sort").iter().all(|w| SortKey::parse(w).is_some()));
        let styles = words("time-style");
        assert!(styles.iter().all(|w| TimeStyle::parse(w).is_some()));
        assert_eq!(styles.len(), 3);
    }
}
