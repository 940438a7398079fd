//! The lines at the end of a call of postsuper: how many messages were acted on,
//! by kind of action.

use super::arguments::PostsuperArguments;
use super::journal::{Deleted, Task};
use super::reporter::with_comment;
use crate::actions::Action;
use crate::actions::report::Counters;
use crate::config::Config;
use crate::logging::Logger;
use crate::release::Feature;

/// The words of a line, the actions that it is about, and the number of messages.
type ReportLine = (&'static str, &'static [Action], u64);

/// Prints one line for each requested kind of work.
pub(super) fn print(
    arguments: &PostsuperArguments,
    config: &Config,
    counters: Counters,
    logger: &mut Logger,
) {
    for (what, actions, count) in lines(counters, arguments.journal.deleted()) {
        let is_requested = arguments
            .actions
            .iter()
            .any(|(action, _)| actions.contains(action));
        // Before Postfix 3.5, an action on no message is not reported.
        let is_reported = count > 0 || config.postfix.has(Feature::ForcedExpire);
        if is_reported && is_requested {
            let comment = arguments.options.comment.as_deref();
            let text = counted(what, count);
            logger.info(with_comment(text.as_bytes(), comment));
        }
    }
    match arguments.task {
        Some(Task::Undo(_)) => logger.info(counted("Restored", counters.restored)),
        Some(Task::Purge(_)) => logger.info(counted("Purged", counters.purged)),
        _ => {}
    }
    if counters.renamed > 0 {
        let what = "Renamed to match inode number";
        logger.info(counted(what, counters.renamed));
    }
}

/// Returns the lines about actions, in Postfix's order.
fn lines(counters: Counters, deleted: Deleted) -> [ReportLine; 8] {
    use Action::{
        Bounce, Delete, DropRecipients, Expire, ExpireAndRelease, Hold, Postpone, Release, Requeue,
    };
    [
        ("Requeued", &[Requeue], counters.requeued),
        match deleted {
            Deleted::Gone => ("Deleted", &[Delete], counters.deleted),
            Deleted::InTrash => ("Moved to trash", &[Delete], counters.trashed),
        },
        (
            "Force-expired",
            &[Expire, ExpireAndRelease],
            counters.expired,
        ),
        ("Placed on hold", &[Hold], counters.held),
        (
            "Released from hold",
            &[Release, ExpireAndRelease],
            counters.released,
        ),
        ("Postponed", &[Postpone], counters.postponed),
        (
            "Recipients dropped",
            &[DropRecipients],
            counters.recipients_dropped,
        ),
        ("Returned to sender", &[Bounce], counters.returned),
    ]
}

/// The message of `--strict` about IDs that were not found.
pub(super) fn missing_ids(count: u64) -> String {
    format!("queue IDs that are invalid or not found: {count}")
}

/// A line of the report.
pub(super) fn counted(what: &str, count: u64) -> String {
    match count {
        1 => format!("{what}: 1 message"),
        _ => format!("{what}: {count} messages"),
    }
}
