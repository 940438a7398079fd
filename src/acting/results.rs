//! What became of each message, as a line of JSON for other programs.

use serde_json::json;

use crate::spool::Queue;
use crate::spool::actions::Action;
use crate::spool::note::{Deed, Fact, Fate};
use crate::text::without_controls;

/// The line that tells of it, with its newline.
pub fn json_line(action: Action, fact: &Fact) -> String {
    let (result, before, after) = match fact.fate {
        Fate::Done(deed, queue) => (deed.words(), Some(queue), queue_after(deed, queue)),
        Fate::Unchanged(queue) => ("unchanged", Some(queue), Some(queue)),
        Fate::NotMoved(queue) => ("not moved", Some(queue), Some(queue)),
        Fate::NotFound => ("not found", None, None),
        Fate::Vanished => ("vanished", None, None),
        Fate::Invalid => ("invalid", None, None),
    };
    line(action, &fact.id, result, (before, after))
}

/// The same of something that would be done to a message in `queue`.
pub fn would_be_line(action: Action, id: &[u8], deed: Deed, queue: Queue) -> String {
    let result = format!("would be {}", deed.words());
    let queues = (Some(queue), queue_after(deed, queue));
    line(action, id, &result, queues)
}

fn line(
    action: Action,
    id: &[u8],
    result: &str,
    (before, after): (Option<Queue>, Option<Queue>),
) -> String {
    // A text that was given for an ID can hold anything.
    let id = json!(String::from_utf8_lossy(id));
    let queue = |queue: Option<Queue>| json!(queue.map(Queue::name));
    let line = format!(
        "{{\"id\": {id}, \"action\": \"{}\", \"result\": \"{result}\", \
         \"queue_before\": {}, \"queue_after\": {}}}\n",
        name(action),
        queue(before),
        queue(after)
    );
    without_controls(line)
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Delete => "delete",
        Action::Expire => "expire",
        Action::ExpireAndRelease => "expire and release",
        Action::Hold => "hold",
        Action::Release => "release",
        Action::Requeue => "requeue",
    }
}

fn queue_after(deed: Deed, before: Queue) -> Option<Queue> {
    match deed {
        Deed::Removed | Deed::Purged => None,
        Deed::Trashed => Some(Queue::Saved),
        Deed::Restored(queue) => Some(queue),
        Deed::Requeued => Some(Queue::Maildrop),
        Deed::Held => Some(Queue::Hold),
        Deed::Released => Some(Queue::Deferred),
        Deed::Expired => Some(before),
    }
}
