//! The table of the selection options, which every applet includes. `builder`
//! parses them.

use crate::cli::{Opt, OptionGroup, Value};

const P: Value = Value::Required("P");
const D: Value = Value::Required("DOMAIN");

const T: Value = Value::Required("T");

/// The selection options except `--raw`, `--not` and `--or`.
pub(super) const OPTIONS: [Opt; 20] = [
    Opt::long("from", P, "select messages whose sender matches P"),
    Opt::long(
        "from-domain",
        D,
        "select messages whose sender is in DOMAIN, or below it with .DOMAIN",
    ),
    Opt::long("to", P, "select messages with a recipient that matches P"),
    Opt::long(
        "to-domain",
        D,
        "select messages with a recipient in DOMAIN, or below it with .DOMAIN",
    ),
    Opt::long("all-to", P, "select messages whose recipients all match P"),
    Opt::long(
        "reason",
        P,
        "select messages with a recipient that is deferred for a reason that matches P",
    ),
    Opt::long(
        "older",
        T,
        "select messages that arrived before T, such as 90m, 1h30m, 3d or 2026-11-23T13:00",
    ),
    Opt::long("newer", T, "select messages that arrived at T or later"),
    Opt::long(
        "due",
        T,
        "select deferred messages whose next delivery attempt is within T, such as 10m, or before a date",
    ),
    Opt::long(
        "expires",
        T,
        "select messages that are returned within T if they cannot be delivered",
    ),
    Opt::long(
        "size",
        Value::Required("N"),
        "select messages of at least (+10M) or at most (-4k) N bytes",
    ),
    Opt::long(
        "rcpt-count",
        Value::Required("N"),
        "select messages with at least (+50) or at most (-5) N pending recipients",
    ),
    Opt::long(
        "queue",
        Value::Required("Q,..."),
        "select messages in one or more of the queues",
    )
    .list_of(&QUEUES),
    Opt::long(
        "status",
        Value::Required("S,..."),
        "select messages that the listing marks as",
    )
    .list_of(&STATUSES),
    Opt::long("id", P, "select messages whose queue ID matches P"),
    Opt::long(
        "subject",
        P,
        "select messages whose Subject header matches P",
    ),
    Opt::long(
        "header",
        Value::Required("NAME: P"),
        "select messages with a header NAME whose value matches P",
    ),
    Opt::long(
        "body",
        P,
        "select messages with a line of the body that matches P",
    ),
    Opt::long(
        "sasl-user",
        P,
        "select messages whose submitter has a login name that matches P",
    ),
    Opt::long(
        "client",
        P,
        "select messages from a client whose name or address matches P, or whose address is in the network P, such as 192.0.2.0/24",
    ),
];

/// Joins the groups of options before and after it.
const OR: Opt = Opt::long(
    "or",
    Value::None,
    "select messages that match the options before it or those after it",
);
/// Compares text as it is in the file.
const RAW: Opt = Opt::long(
    "raw",
    Value::None,
    "compare and show headers and bodies as they are in the file, without decoding them",
);
/// Negates the option after it.
const NOT: Opt = Opt::long("not", Value::None, "negate the next selection option");

/// The values of `--queue`.
const QUEUES: [&str; 6] = [
    "maildrop", "active", "incoming", "deferred", "hold", "corrupt",
];
/// The values of `--status`.
const STATUSES: [&str; 3] = ["active", "hold", "expire"];

/// The options of a selection as a group of an applet's table.
pub fn group() -> OptionGroup {
    OptionGroup::new(
        "Selecting messages",
        &[&OPTIONS[..], &[RAW, NOT, OR]].concat(),
    )
}

/// The paragraph of `--help` on how values match and how options combine.
pub const NOTE: &str = "Selection: P is a text, a glob if it contains * or ?, or a regular \
    expression after re:. The null sender is <>. A message must match all selection options; of \
    an option that is given more than once, it must match at least one value. --or separates \
    groups of options, of which it must match one.";
