//! The journal: every act on a message that is recorded is undone, to the very
//! bytes, modes and times; acts that are recorded without being asked for look
//! like Postfix's.

mod acts;
mod always;
mod attempts;
mod lists;

use super::put;
use super::trash::{exact, fails, succeeds};
use crate::support::instance::Instance;
use crate::support::spool::Placed;

/// Messages in the queues from which an undo can bring everything back.
fn fill(instance: &Instance) -> Vec<Placed> {
    ["deferred", "deferred", "incoming", "hold", "hold"]
        .into_iter()
        .zip(1..)
        .map(|(queue, number)| put(instance, queue, number * 0x11_111))
        .collect()
}

/// The queue in which a message is.
fn queue_of(instance: &Instance, placed: &Placed) -> String {
    let id = placed.id();
    let found = exact(instance).into_keys().find(|path| {
        let is_log = ["defer", "bounce", "trace"].map(|log| path.starts_with(log));
        path.ends_with(&id) && !is_log.contains(&true)
    });
    let path = found.unwrap_or_else(|| panic!("{id} is gone"));
    super::queue_of(&path)
}
