//! The options of export and import, in the groups of `--help`, and the help
//! texts. The same tables feed the scanner and the shell completions.

use crate::cli;
use crate::cli::{HelpPage, Opt, OptionGroup, Value};
use crate::selection;

const MOVING: [Opt; 1] = [Opt::long(
    "trash",
    Value::None,
    "move the messages: put them on hold, copy them, and when the archive is complete move them \
     to the trash, from which postsuper --undo restores them to hold",
)];

const PLACING: [Opt; 1] = [Opt::long(
    "hold",
    Value::None,
    "leave all imported messages on hold",
)];

const INSTANCE: [Opt; 3] = [cli::CONFIG_DIRECTORY, cli::INSTANCE_NAME, cli::DIALECT];

const OTHER: [Opt; 2] = [cli::HELP, cli::VERSION];

/// Examples of common commands.
const EXPORT_EXAMPLES: [(&str, &str); 4] = [
    (
        "spoolbox export --trash > queue.tar",
        "Move the whole queue to an archive.",
    ),
    (
        "spoolbox export --trash --to-domain example.com > example.tar",
        "Move the mail for one domain to an archive.",
    ),
    (
        "spoolbox export --queue hold > hold.tar",
        "Copy the messages on hold.",
    ),
    (
        "tar -xOf queue.tar --wildcards '*/message.json'",
        "Show the description of each message in an archive.",
    ),
];

/// Examples of common commands.
const IMPORT_EXAMPLES: [(&str, &str); 3] = [
    (
        "spoolbox import < queue.tar",
        "Read the messages of an archive into the queues they came from.",
    ),
    (
        "spoolbox import --hold < queue.tar",
        "Read them into the hold queue, to look at them first.",
    ),
    (
        "spoolbox import -c /etc/postfix-out < queue.tar",
        "Read them into the queues of another instance.",
    ),
];

/// The options of export in groups.
fn export_groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new("Moving", &MOVING),
        selection::group(),
        OptionGroup::new("Choosing the instance", &INSTANCE),
        OptionGroup::new("Other options", &OTHER),
    ]
}

/// The options of import in groups.
fn import_groups() -> Vec<OptionGroup> {
    vec![
        OptionGroup::new("Importing", &PLACING),
        OptionGroup::new("Choosing the instance", &INSTANCE),
        OptionGroup::new("Other options", &OTHER),
    ]
}

/// All options of export, in the order of `--help`.
pub(super) fn export_options() -> Vec<Opt> {
    cli::options_of(export_groups())
}

/// All options of import, in the order of `--help`.
pub(super) fn import_options() -> Vec<Opt> {
    cli::options_of(import_groups())
}

/// The text of `spoolbox export --help`.
pub(super) fn export_help() -> String {
    let page = HelpPage {
        usage: &["spoolbox export [--trash] [SELECTION]... > FILE"],
        about: &[
            "Writes messages with their logs, times and modes to standard output, as a tar archive \
             that spoolbox import reads on another host. Without a selection, all messages in \
             incoming, deferred and hold are exported, and those in active if Postfix is not \
             running.",
            "Without --trash the messages stay in the queue, and are delivered here too.",
            selection::NOTE,
        ],
        groups: &export_groups(),
        examples: &EXPORT_EXAMPLES,
    };
    page.text()
}

/// The text of `spoolbox import --help`.
pub(super) fn import_help() -> String {
    let page = HelpPage {
        usage: &["spoolbox import [--hold] < FILE"],
        about: &[
            "Reads an archive of spoolbox export from standard input, and moves its messages into \
             the queues when all of it has been read and checked. Each message gets a new queue \
             ID; its arrival time, its next delivery attempt and its expiry stay the same. A \
             message that was imported before is left out, so the command can be repeated.",
            "The archive decides what is delivered and how: import only what comes from a trusted \
             host.",
        ],
        groups: &import_groups(),
        examples: &IMPORT_EXAMPLES,
    };
    page.text()
}
