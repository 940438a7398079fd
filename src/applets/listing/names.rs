//! Counting by file names alone: only directories are read, so that a queue of
//! a million messages can be counted every second.

use crate::listing::{CountBy, CountPlan};
use crate::selection::Selection;
use crate::spool::{Layout, Queue, Walk, WalkError, id};
use crate::sys::dir::Dir;

/// Whether file names are sufficient for a plan.
pub(super) fn are_enough(plan: &CountPlan, selection: Option<&Selection>) -> bool {
    plan.ages_at.is_none()
        && plan
            .by
            .iter()
            .all(|by| by.single() == Some(&CountBy::Queue))
        && !plan.needs_sizes
        && selection.is_none_or(Selection::needs_names_only)
}

/// Counts the names in each queue that can be messages, in the order of a
/// listing.
pub(super) fn count(
    spool: &Dir,
    layout: &Layout,
    selection: Option<&Selection>,
) -> Result<Vec<(Queue, u64)>, WalkError> {
    let queues = Selection::searched(selection);
    let mut counts = Vec::with_capacity(queues.len());
    for queue in queues {
        let count = if selection.is_none_or(|s| s.admits_queue(queue)) {
            count_queue(spool, layout, queue, selection)?
        } else {
            0
        };
        counts.push((queue, count));
    }
    Ok(counts)
}

/// Counts the damaged messages that qmgr(8) has set aside. 0 if the directory
/// cannot be read: listings do not depend on it.
pub(super) fn count_corrupt(spool: &Dir, layout: &Layout) -> u64 {
    count_queue(spool, layout, Queue::Corrupt, None).unwrap_or(0)
}

fn count_queue(
    spool: &Dir,
    layout: &Layout,
    queue: Queue,
    selection: Option<&Selection>,
) -> Result<u64, WalkError> {
    let mut walk = Walk::new(spool, queue)?;
    let queue_name = queue.name().as_bytes();
    let mut count = 0u64;
    while let Some(found) = walk.next_name()? {
        let name = found.name;
        let matches = id::is_valid(name)
            && layout.is_home(queue, &found.place.path, name)
            && selection.is_none_or(|s| s.admits_name(queue_name, name));
        count = count.saturating_add(matches.into());
    }
    Ok(count)
}
